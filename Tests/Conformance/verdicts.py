"""What the suite said about each case, and whether that will do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allowances import ALLOWANCES

# From best to worst. Whatever else the suite says (UNIMPLEMENTED, WRONG CODE, UNCLEAN, FAILED BY CLIENT, or a word of a later release)
# counts as FAILED.
GRADES = ("OK", "INFORMATIONAL", "NON-STRICT", "FAILED")


# Our word for a case that was asked for and that the suite says nothing about.
MISSING = "MISSING"


def grade(word: str) -> str:
    return word if word in GRADES else "FAILED"


@dataclass(frozen=True)
class Verdict:
    case: str
    behaviour: str
    """What came back, as against what should."""
    close: str
    """How the connection ended."""
    details: str

    @property
    def grade(self) -> str:
        """The worse of the two."""
        return max(grade(self.behaviour), grade(self.close), key=GRADES.index)

    @property
    def is_missing(self) -> bool:
        return self.behaviour == MISSING

    @property
    def fault(self) -> str:
        """Why it is not accepted; empty where it is."""
        if self.grade == "FAILED":
            return "failed"
        if self.grade != "OK" and self.case not in ALLOWANCES:
            return "not plain OK, and Tests/Conformance/allowances.py says no reason"
        return ""

    def __str__(self) -> str:
        return f"{self.case}: {self.behaviour}, close {self.close}: {self.details}"


def missing(case: str) -> Verdict:
    return Verdict(case, MISSING, MISSING, "the suite reports nothing of it")


def read(reports: Path, asked: Sequence[str]) -> list[Verdict]:
    """A verdict for each case that was asked for, from the suite's index; without an index all are missing."""
    index_path = reports / "index.json"
    agents: dict[str, dict[str, Any]] = json.loads(index_path.read_text()) if index_path.exists() else {}
    found: dict[str, Any] = {}
    for cases in agents.values():
        found.update(cases)
    return [_verdict(reports, case, found[case]) if case in found else missing(case) for case in asked]


def _verdict(reports: Path, case: str, entry: dict[str, Any]) -> Verdict:
    report_path = reports / entry["reportfile"]
    if not report_path.exists():
        return missing(case)
    report = json.loads(report_path.read_text())
    return Verdict(case, entry["behavior"], entry["behaviorClose"], f"{report.get('result')} {report.get('resultClose')}")
