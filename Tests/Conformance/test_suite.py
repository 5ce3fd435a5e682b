from __future__ import annotations

import json
from pathlib import Path

import pytest

from suite import CASES_COUNT, QUICK_CASES_COUNT, NoSuchCase, Suite

SMALL = Suite(["1.1.1", "2.9", "2.10", "6.4.1", "12.1.1", "13.1.1"], {}, {})


@pytest.mark.parametrize(
    "patterns,expected",
    [
        ([], list(SMALL.cases)),
        (["*"], list(SMALL.cases)),
        (["2.10", "2.9"], ["2.9", "2.10"]),
        (["2"], ["2.9", "2.10"]),
        (["2.*", "2.9"], ["2.9", "2.10"]),
        (["1"], ["1.1.1"]),
        (["1.*"], ["1.1.1"]),
        (["6.4"], ["6.4.1"]),
    ],
)
def test_cases_are_named_matched_or_within_what_is_named(patterns: list[str], expected: list[str]) -> None:
    assert SMALL.select(patterns, quick=False) == expected


@pytest.mark.parametrize("pattern", ["3", "3.*", "1.1.1.1", "2.1", "", "all"])
def test_what_names_no_case_is_refused_also_among_others(pattern: str) -> None:
    with pytest.raises(NoSuchCase, match="There is no case"):
        SMALL.select(["1.1.1", pattern], quick=False)


def test_quick_leaves_out_compression() -> None:
    assert SMALL.select([], quick=True) == ["1.1.1", "2.9", "2.10", "6.4.1"]
    assert SMALL.select(["12", "6"], quick=True) == ["6.4.1"]
    with pytest.raises(NoSuchCase, match="nothing is left"):
        SMALL.select(["12", "13"], quick=True)


def test_a_suite_is_read_in_order_and_refused_when_a_case_is_gone(tmp_path: Path) -> None:
    facts = tmp_path / "suite.json"
    cases = [f"1.{number}" for number in range(QUICK_CASES_COUNT)] + [f"12.{number}" for number in range(CASES_COUNT - QUICK_CASES_COUNT)]
    facts.write_text(json.dumps({"cases": sorted(cases), "sections": {}, "versions": {}}))
    assert Suite.read(facts).cases == cases
    for fewer in (cases[1:], cases[:-1], cases[1:] + ["12.9999"]):
        facts.write_text(json.dumps({"cases": fewer, "sections": {}, "versions": {}}))
        with pytest.raises(AssertionError, match="is it whole"):
            Suite.read(facts)
