from __future__ import annotations

import pytest

from bench import document
from bench.__main__ import DOCUMENT
from bench.outcome import Grade, Line, Outcome, Verdict

BLOCK = document.block(
    [Outcome("lone", [Line("lone events", "floor", "4.50 µs")], [Verdict(Grade.PASS, "lone: 1.04"), Verdict(Grade.FAIL, "lost one")])],
    {"CPU": "one of a kind, 2 cores"},
    "performance.svg",
)


def test_the_block_has_facts_table_verdicts_and_picture() -> None:
    lines = BLOCK.splitlines()
    assert "| CPU | one of a kind, 2 cores |" in lines
    assert any(line.startswith("| lone events | floor | 4.50 µs |") for line in lines)
    assert "- PASS  lone: 1.04" in lines and "- FAIL  lost one" in lines
    assert lines[-1].endswith("(performance.svg)")


def test_without_curves_there_is_no_picture() -> None:
    assert "![" not in document.block([], {}, "")


def test_only_what_is_between_the_markers_is_replaced() -> None:
    once = document.replaced(f"before\n{document.BEGIN}\nold\n{document.END}\nafter\n", "new")
    assert once == f"before\n{document.BEGIN}\n\nnew\n\n{document.END}\nafter\n"
    assert document.replaced(once, "new") == once


@pytest.mark.parametrize(
    "text", ["", document.BEGIN, f"{document.END} {document.BEGIN}", f"{document.BEGIN} {document.END} {document.BEGIN} {document.END}"])
def test_a_document_without_its_one_place_is_not_written(text: str) -> None:
    with pytest.raises(ValueError, match="no one place"):
        document.replaced(text, "new")


def test_ours_has_its_place() -> None:
    assert "new figures" in document.replaced(DOCUMENT.read_text(), "new figures")
