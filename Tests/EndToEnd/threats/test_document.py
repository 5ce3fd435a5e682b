"""docs/THREATS.md is held against the suite: each test it names is there, and each test of the suite is named."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMED = set(re.findall(r"`(test_\w+)`", (HERE.parents[2] / "docs/THREATS.md").read_text()))

OWN = {"test_document.py", "test_harness.py"}
"""Tests of the tests."""


def names_in(*paths: Path) -> set[str]:
    return {name for path in paths for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.M)}


def test_every_test_that_the_document_names_is_there() -> None:
    assert len(NAMED) > 100
    assert not NAMED - names_in(*HERE.parent.rglob("test_*.py"))


def test_every_test_of_the_suite_is_named_in_the_document() -> None:
    assert not names_in(*(path for path in HERE.glob("test_*.py") if path.name not in OWN)) - NAMED
