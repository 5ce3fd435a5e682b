"""What other clients feel of an attack: their latency, measured by `websocket-gateway load` without the attack and with it, in turns."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from gateway import Gateway, run
from storm import STORMS, storm
from waiting import SANITIZED

CLIENTS = 20
EVENTS_PER_SECOND = 250
EVENTS = 300
# Under a sanitizer the attacks are made, and their speed says nothing: the tool that measures has one, too.
PAIRS_MAX = 1 if SANITIZED else 4

RATIO_MAX = 3.0
FLOOR_MS = 15.0
"""Below it a p99 is the scheduler's: four processes on two cores, without any attack, have one of 3 to 7 ms and at times 14."""

CEILING_MS = 3 * FLOOR_MS
"""Above it no p99 is fine, however busy this machine seems to be: a pause while the quiet side is measured must excuse nothing."""


def measured(gateway: Gateway) -> dict[str, Any]:
    """The report of a load that publishes by the clock, whether or not answers come: who is made to wait does not publish less for it."""
    ended = run(
        "load", "--connect", gateway.listen, "--control", gateway.control, "--connections", str(CLIENTS), "--rate", str(EVENTS_PER_SECOND),
        "--events", str(EVENTS), "--in-flight", "512", "--session-prefix", "measured", "--duration", "30", "--json", seconds=40,
    )  # fmt: skip
    assert ended.returncode == 0, (ended.stdout, ended.stderr)
    report: dict[str, Any] = json.loads(ended.stdout)
    assert report["delivered"] == CLIENTS * EVENTS and report["lost"] == report["duplicated"] == report["out_of_order"] == 0, report
    return report


def p99(gateway: Gateway) -> float:
    return measured(gateway)["latency_ms"]["p99"]


class Comparison:
    """p99 in milliseconds without and with the attack, in turns, so that what else this machine does meets both.

    The best of each counts: a busy neighbour only ever makes a figure worse, and an attack that harms does so each time.
    """

    def __init__(self, gateway: Gateway, attack: Callable[[], AbstractContextManager[None]], pairs_max: int) -> None:
        self.pairs: list[tuple[float, float]] = []
        while len(self.pairs) < pairs_max and not self.is_unmoved:
            without = p99(gateway)
            with attack():
                self.pairs.append((without, p99(gateway)))
        print(self)

    @property
    def is_unmoved(self) -> bool:
        if not self.pairs:
            return False
        without, under_attack = (min(side) for side in zip(*self.pairs))
        return under_attack <= min(max(FLOOR_MS, RATIO_MAX * without), CEILING_MS)

    def __str__(self) -> str:
        return "p99 in ms, without and under attack: " + ", ".join(f"{without:.1f} and {under:.1f}" for without, under in self.pairs)


# Where bombs may go off, each keeps a worker busy for as long as 64 MiB take.
LIMITS = {"bombs": [pytest.mark.limit("--max-message-bytes")]}


@pytest.mark.parametrize("attack", [pytest.param(name, marks=LIMITS.get(name, ())) for name in STORMS if name != "nothing"])
@pytest.mark.plain("its storms speak no TLS")
def test_the_p99_of_other_clients_does_not_move_under(siege, attack: str) -> None:
    the_siege = siege()
    the_siege.memory_bytes_max = 16 << 20
    gateway: Gateway = the_siege.gateway
    seen = Comparison(gateway, lambda: storm(attack, gateway.address), PAIRS_MAX)
    assert SANITIZED or seen.is_unmoved, str(seen)


STANDSTILL_SECONDS = 0.1


@contextmanager
def standing_still(gateway: Gateway) -> Iterator[None]:
    """The gateway does nothing for a third of the time."""
    is_over = threading.Event()

    def stop_and_go() -> None:
        while not is_over.wait(2 * STANDSTILL_SECONDS):
            os.kill(gateway.pid, signal.SIGSTOP)
            is_over.wait(STANDSTILL_SECONDS)
            os.kill(gateway.pid, signal.SIGCONT)

    thread = threading.Thread(target=stop_and_go)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@pytest.mark.skipif(bool(SANITIZED), reason="SANITIZED: speed is not judged")
@pytest.mark.plain("its storms speak no TLS")
def test_a_gateway_that_stands_still_now_and_then_is_noticed(siege) -> None:
    """The measure can fail: this is what an attack does that keeps a worker busy for so long at a time."""
    gateway: Gateway = siege().gateway
    seen = Comparison(gateway, lambda: standing_still(gateway), 2)
    assert len(seen.pairs) == 2 and not seen.is_unmoved, str(seen)
