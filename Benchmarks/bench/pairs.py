"""Measurements in pairs: the machine drifts by 40 % within minutes, and hits both of a pair.

What is compared takes turns within one run, and who begins takes turns too. A pair in which somebody else used the machine, or in which the
tool was kept from reading, is measured again, as often as there are pairs at the most; whether it is, does not depend on what it told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Optional

from .failure import PeerFailed
from .run import Run
from .side import Side


@dataclass(frozen=True)
class Pair:
    reference: Run
    subject: Run

    @property
    def disturbance(self) -> float:
        return max(self.reference.disturbance, self.subject.disturbance)


@dataclass(frozen=True)
class Comparison:
    reference: Side
    subject: Side
    count: int
    """Pairs that are wanted."""
    repeats_max: int
    """Pairs that may be measured again."""


@dataclass
class Pairs:
    """Of one comparison."""

    comparison: Comparison
    measured: list[Pair] = field(default_factory=list)
    failure: Optional[str] = None
    """Why a peer is no longer part of this."""

    @property
    def are_enough(self) -> bool:
        wanted = self.comparison.count
        return self.failure is not None or len(self.undisturbed) >= wanted or len(self.measured) >= wanted + self.comparison.repeats_max

    @property
    def undisturbed(self) -> list[Pair]:
        return [pair for pair in self.measured if pair.disturbance <= 1]

    @property
    def counted(self) -> list[Pair]:
        """The least disturbed ones, as many as are wanted; all that count as undisturbed are equal, and the first of them are taken."""
        by_disturbance = sorted(self.measured, key=lambda pair: max(1.0, pair.disturbance))
        return by_disturbance[: self.comparison.count]

    @property
    def disturbed(self) -> int:
        """How many of those that count are not to be trusted."""
        return sum(pair.disturbance > 1 for pair in self.counted)


def interleaved(comparisons: Sequence[Comparison], measure: Callable[[Side], Run]) -> list[Pairs]:
    """A pair of each comparison in turn, until each has enough."""
    all_pairs = [Pairs(comparison) for comparison in comparisons]
    turn = 0
    while not all(pairs.are_enough for pairs in all_pairs):
        for pairs in all_pairs:
            if pairs.are_enough:
                continue
            try:
                pairs.measured.append(_pair(pairs.comparison, measure, reference_first=turn % 2 == 0))
            except PeerFailed as failed:
                pairs.failure = str(failed)
        turn += 1
    return all_pairs


def _pair(comparison: Comparison, measure: Callable[[Side], Run], reference_first: bool) -> Pair:
    if reference_first:
        reference = measure(comparison.reference)
        return Pair(reference, measure(comparison.subject))
    subject = measure(comparison.subject)
    return Pair(measure(comparison.reference), subject)
