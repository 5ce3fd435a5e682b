"""The suite's cases: their order, and which of them a person means."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

# Counted in release 25.10.1. Held here, as a suite that was installed or read wrongly must not pass by asking for less.
CASES_COUNT = 517
QUICK_CASES_COUNT = 301
# Compression: its 216 cases send up to a thousand messages each and take nine tenths of the time.
SLOW_SECTIONS = ("12", "13")


class NoSuchCase(Exception):
    """A pattern that names no case."""


def place(case: str) -> tuple[int, ...]:
    """Where a case stands: 9.1.10 comes behind 9.1.9."""
    return tuple(int(part) for part in case.split("."))


def section(case: str) -> str:
    return case.partition(".")[0]


@dataclass(frozen=True)
class Suite:
    cases: Sequence[str]
    titles: dict[str, str]
    versions: dict[str, str]

    @staticmethod
    def read(path: Path) -> Suite:
        """What suite_facts.py wrote."""
        facts = json.loads(path.read_text())
        suite = Suite(sorted(facts["cases"], key=place), facts["sections"], facts["versions"])
        if len(suite.cases) != CASES_COUNT or len(suite.select([], quick=True)) != QUICK_CASES_COUNT:
            raise AssertionError(f"the suite has {len(suite.cases)} cases, and not {CASES_COUNT}: is it whole?")
        return suite

    def select(self, patterns: Iterable[str], quick: bool) -> list[str]:
        """The cases named (`12.1.1`), matched (`6.*`) or within what is named (`7.1`); all where nothing is. `quick`: no slow ones."""
        chosen = set(self.cases)
        wanted = list(patterns)
        if wanted:
            chosen = set()
            for pattern in wanted:
                named = [case for case in self.cases if fnmatchcase(case, pattern) or case.startswith(pattern + ".")]
                if not named:
                    raise NoSuchCase(f"There is no case {pattern}")
                chosen.update(named)
        if quick:
            chosen = {case for case in chosen if section(case) not in SLOW_SECTIONS}
        if not chosen:
            raise NoSuchCase("Without the slow sections nothing is left of the cases named")
        return sorted(chosen, key=place)
