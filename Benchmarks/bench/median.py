"""The median of a few measurements, and how far to trust it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Median:
    """With an interval that needs no assumption about the values but that they are independent.

    Each value is below the true median with a probability of one half, so the number of those below is binomial, and the k-th least and
    k-th greatest value hold the true median between them with 1 - 2 P(Bin(n, ½) < k). Of 15 values these are the 4th and the 12th.
    """

    value: float
    low: float
    high: float
    confidence: float
    """At least 0.95 with 6 values and more; of fewer, low is the least and high the greatest, and this is what they are worth."""
    count: int

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f}{'' if self.confidence >= CONFIDENCE else '*'})"


def median_of(values: Sequence[float]) -> Median:
    ordered = sorted(values)
    k = rank(len(ordered))
    return Median(statistics.median(ordered), ordered[k - 1], ordered[-k], confidence(len(ordered), k), len(ordered))


def rank(count: int) -> int:
    """The k of the narrowest interval that is confident enough; 1 where none is."""
    enough = [k for k in range(1, count // 2 + 1) if confidence(count, k) >= CONFIDENCE]
    return enough[-1] if enough else 1


def confidence(count: int, k: int) -> float:
    beyond: float = sum(math.comb(count, below) for below in range(k)) / 2.0**count
    return max(0.0, 1 - 2 * beyond)
