from __future__ import annotations

import pytest

import summary
import verdicts
from allowances import ALLOWANCES
from suite import Suite
from verdicts import Verdict

SUITE = Suite(["1.1", "7.1.6", "9.1", "9.2"], {"1": "Framing", "7": "Close Handling", "9": "Limits"}, {"AutobahnTestSuite": "25.10.1"})
VERDICTS = [
    Verdict("1.1", "OK", "OK", "fine"),
    Verdict("7.1.6", "INFORMATIONAL", "INFORMATIONAL", "looked on"),
    Verdict("9.1", "OK", "WRONG CODE", "1000 was expected"),
    verdicts.missing("9.2"),
]


def test_every_section_and_all_of_them_are_counted() -> None:
    assert [row.cells for row in summary.rows(SUITE, VERDICTS)] == [
        ["1 Framing", "1", "0", "0", "0", "1"],
        ["7 Close Handling", "0", "1", "0", "0", "1"],
        ["9 Limits", "0", "0", "0", "2", "2"],
        ["all", "1", "1", "0", "2", "4"],
    ]


def test_the_terminal_is_told_of_each_case_that_is_not_plain_ok() -> None:
    text = summary.text(SUITE, VERDICTS)
    assert "7.1.6: INFORMATIONAL, close INFORMATIONAL: looked on\n" in text
    assert "9.1: OK, close WRONG CODE: 1000 was expected [failed]" in text
    assert text.endswith("the suite reports nothing of 1: 9.2")
    assert "1.1:" not in text


def test_the_document_says_why_a_case_may_be_less_and_that_another_may_not() -> None:
    lines = summary.markdown(SUITE, VERDICTS, "2026-01-01: what ran").splitlines()
    assert lines[:2] == ["2026-01-01: what ran.", "AutobahnTestSuite 25.10.1."]
    assert "| all | 1 | 1 | 0 | 2 | 4 |" in lines
    assert f"| 7.1.6 | INFORMATIONAL | {ALLOWANCES['7.1.6']} |" in lines
    assert "| 9.1 | OK, close WRONG CODE | It is not. |" in lines


def test_the_block_is_replaced_and_nothing_around_it() -> None:
    document = f"before\n{summary.BEGIN}\nold\n{summary.END}\nafter\n"
    once = summary.replaced(document, "new")
    assert once == f"before\n{summary.BEGIN}\n\nnew\n\n{summary.END}\nafter\n"
    assert summary.replaced(once, "new") == once


@pytest.mark.parametrize(
    "document", ["", summary.BEGIN, summary.END, summary.END + summary.BEGIN, (summary.BEGIN + summary.END) * 2], ids=range(5)
)
def test_a_document_without_one_place_for_the_block_is_left_alone(document: str) -> None:
    with pytest.raises(AssertionError, match="markers"):
        summary.replaced(document, "new")
