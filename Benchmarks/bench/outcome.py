"""What a scenario ended with: lines for the table, verdicts on its bounds, points for the plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum


class Grade(Enum):
    PASS = "PASS"
    FAIL = "FAIL"
    UNDECIDED = "UNDECIDED"
    """The interval holds the bound: more pairs, or a quieter machine, would tell."""
    SKIP = "SKIP"
    """What is needed is not installed, or there are too few pairs: nothing is said about the bound."""


@dataclass(frozen=True)
class Verdict:
    grade: Grade
    text: str

    def __str__(self) -> str:
        return f"{self.grade.value}  {self.text}"


def judged(is_kept: bool, text: str) -> Verdict:
    return Verdict(Grade.PASS if is_kept else Grade.FAIL, text)


@dataclass(frozen=True)
class Line:
    """Of the table; texts, as they are shown."""

    what: str
    server: str
    figure: str
    user: str = ""
    ratio: str = ""
    busy: str = ""
    runs: str = ""


@dataclass(frozen=True)
class Point:
    """Of a curve: microseconds over something that was varied."""

    x: float
    floor_us: float
    gateway_us: float


@dataclass
class Outcome:
    name: str
    lines: list[Line] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)

    @staticmethod
    def failed(name: str, title: str, reason: str) -> Outcome:
        return Outcome(name, [], [Verdict(Grade.FAIL, f"{title}: {reason}")])


def have_failed(outcomes: Sequence[Outcome]) -> bool:
    return any(verdict.grade in (Grade.FAIL, Grade.UNDECIDED) for outcome in outcomes for verdict in outcome.verdicts)
