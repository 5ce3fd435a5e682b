"""What of a run is compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional

from .run import Run


@dataclass(frozen=True)
class Measure:
    name: str
    value: Callable[[Run], float]
    format: str
    """Of one value, with its unit."""


COST = Measure("CPU", lambda run: run.cpu_us, "{:.2f} µs")
# Of the server's CPU time, which is what a saturated core serves. By the clock it would be what the tool can do, where that is less.
RATE = Measure("events/s", lambda run: 1e6 * run.events / (run.cpu_us * run.operations), "{:,.0f} events/s")
WIRE = Measure("bytes on the wire", lambda run: run.wire_bytes / run.operations, "{:,.0f} bytes")


@dataclass(frozen=True)
class Bound:
    measure: Measure
    at_most: Optional[float] = None
    """Times the reference's."""
    at_least: Optional[float] = None
    """Times the peer's."""
    over: tuple[str, ...] = ()
    """The peers that `at_least` is about."""
    by_median: bool = False
    """The median is held against it, not the interval's end."""
