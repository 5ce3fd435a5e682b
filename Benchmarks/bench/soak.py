"""One long run: nothing is lost, and memory does not grow."""

from __future__ import annotations

import threading
from statistics import median

from .outcome import Line, Outcome, judged
from .scenarios import Soak
from .server import Server
from .session import WARM_UP_SHARE, Session
from .side import Side

LOOK_SECONDS = 1.0
WARM_UP_SECONDS = 3


def measure(scenario: Soak, session: Session) -> Outcome:
    side = Side(scenario.server, scenario.work(session.soak_minutes))
    title = scenario.title(session.soak_minutes)
    with session.servers([side.server]) as servers:
        session.warm_up([Side(side.server, side.work.scaled(WARM_UP_SECONDS / 60 / session.soak_minutes / WARM_UP_SHARE))], servers)
        looks = _Looks(servers[side.server])
        try:
            run = session.run(side, servers)
        finally:
            looks.end()
    before, after = early_and_late(looks.bytes)
    grown = after - before
    return Outcome(
        scenario.name,
        [Line(title, side.server.name, f"{run.cpu_us:.2f} µs", f"{run.user_us:.2f}", runs="1")],
        [
            judged(
                grown <= scenario.growth_bytes_max,
                f"{title}: {run.operations:,} deliveries, memory {before / 1e6:.1f} MB, later {after / 1e6:.1f} MB; "
                f"may grow by {scenario.growth_bytes_max / 1e6:.1f} MB",
            )
        ],
    )


def early_and_late(looks: list[int]) -> tuple[float, float]:
    """Medians of the second tenth and of the last: in the first one connections open, and buffers find their size."""
    tenth = max(1, len(looks) // 10)
    return median(looks[tenth : 2 * tenth] or looks[:1]), median(looks[-tenth:])


class _Looks:
    """At the server's memory, every second."""

    def __init__(self, server: Server) -> None:
        self.bytes: list[int] = [server.anonymous_bytes]
        self._server = server
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.bytes.append(self._server.anonymous_bytes)
