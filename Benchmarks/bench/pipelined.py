"""The pipeliner: one engine's events on one connection, many of them without an answer, over HTTP or over the engine link."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from .cores import Cores, pinned
from .failure import MeasuringFailed
from .programs import Programs
from .run import Run, report_of
from .server import Server
from .usage import Usage

RUN_SECONDS_MAX = 70


@dataclass(frozen=True)
class Pipelined:
    """Every answer is checked, and every event on every connection: in order, each once."""

    over: Literal["http", "link"]
    events: int
    """Of all sessions together, which take turns."""
    sessions: int = 1
    """Of one connection each."""
    window: int = 256
    """Events without an answer."""

    def command(self, server: Server, name: str, programs: Programs) -> list[str]:
        control, listen = (address.rpartition(":")[2] for address in (server.control, server.listen))
        protocol = {"http": "gateway", "link": "link"}[self.over]
        words = [str(programs.pipeliner), protocol, control, listen, name, "1", str(self.window), "1", str(self.events)]
        return [*words, f"sessions={self.sessions}"]

    def run(self, server: Server, name: str, programs: Programs, cores: Cores) -> Run:
        before = Usage.read(server.pids)
        told = report_of(pinned([cores.of_tool], self.command(server, name, programs)), RUN_SECONDS_MAX)
        after = Usage.read(server.pids)
        if after.server_seconds <= before.server_seconds:
            raise MeasuringFailed(f"{server.name} used no time")
        # As `load` has it. The pipeliner says nothing of deliveries that waited: a session's one connection is read all the time.
        return Run.of_probe(
            {
                "operations": self.events,
                "seconds": told["delivered_seconds"],
                "server_cpu_s": after.server_seconds - before.server_seconds,
                "server_user_s": after.user_seconds - before.user_seconds,
                "machine_busy_s": after.busy_seconds - before.busy_seconds,
                "tool_cpu_s": told["cpu_seconds"],
            },
            events=self.events,
        )

    def scaled(self, factor: float) -> Pipelined:
        return replace(self, events=max(self.sessions, round(self.events * factor)))
