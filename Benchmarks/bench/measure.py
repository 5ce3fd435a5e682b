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
RATE = Measure("events/s", lambda run: run.events / run.seconds, "{:,.0f} events/s")
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
