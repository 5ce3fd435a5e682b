"""The command as scripts/conformance calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import summary
from suite import CASES_COUNT, QUICK_CASES_COUNT

COMMAND = Path(__file__).with_name("conformance.py")
CASES = [f"1.{number}" for number in range(QUICK_CASES_COUNT)] + [f"12.{number}" for number in range(CASES_COUNT - QUICK_CASES_COUNT)]
EMPTY_DOCUMENT = f"{summary.BEGIN}\n{summary.END}\n"


class Run:
    """A run's folder, with the suite's facts and the document beside it."""

    def __init__(self, folder: Path) -> None:
        self.reports = folder / "reports"
        self.reports.mkdir()
        self.suite = folder / "suite.json"
        self.suite.write_text(json.dumps({"cases": CASES, "sections": {"1": "Framing"}, "versions": {}}))
        self.document = folder / "document.md"
        self.document.write_text(EMPTY_DOCUMENT)

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(COMMAND), "--suite", str(self.suite), "--reports", str(self.reports), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=30)

    def plan(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.call("plan", "--address", "127.0.0.1:9", *arguments)

    def judge(self) -> int:
        return self.call("judge", "--document", str(self.document), "--run", "2026-01-01: what ran").returncode

    @property
    def asked(self) -> list[str]:
        cases: list[str] = json.loads((self.reports / "specification.json").read_text())["cases"]
        return cases

    def report(self, cases: Sequence[str], failed: Sequence[str] = ()) -> None:
        (self.reports / "report.json").write_text("{}")
        verdicts = {case: "FAILED" if case in failed else "OK" for case in cases}
        index = {case: {"behavior": verdict, "behaviorClose": "OK", "reportfile": "report.json"} for case, verdict in verdicts.items()}
        (self.reports / "index.json").write_text(json.dumps({"agent": index}))

    @property
    def is_written_down(self) -> bool:
        return self.document.read_text() != EMPTY_DOCUMENT


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.mark.parametrize(
    "arguments,count",
    [([], CASES_COUNT), (["--quick"], QUICK_CASES_COUNT), (["12.*"], CASES_COUNT - QUICK_CASES_COUNT), (["1.7", "12.7"], 2)],
)
def test_the_suite_is_asked_for_each_case_by_name(run: Run, arguments: list[str], count: int) -> None:
    assert run.plan(*arguments).stdout == f"{count}\n"
    assert len(run.asked) == count
    assert set(run.asked) <= set(CASES)


def test_a_case_that_is_none_is_64_and_nothing_is_asked_for(run: Run) -> None:
    result = run.plan("1.7", "99.1")
    assert (result.returncode, result.stderr) == (64, "There is no case 99.1\n")
    assert not (run.reports / "specification.json").exists()


def test_a_whole_run_that_is_fine_is_0_and_written_down(run: Run) -> None:
    run.plan()
    run.report(CASES)
    assert run.judge() == 0
    assert f"| all | {CASES_COUNT} | 0 | 0 | 0 | {CASES_COUNT} |" in run.document.read_text()


def test_a_failure_of_a_whole_run_is_1_and_written_down_too(run: Run) -> None:
    run.plan()
    run.report(CASES, failed=["12.3"])
    assert run.judge() == 1
    assert f"| all | {CASES_COUNT - 1} | 0 | 0 | 1 | {CASES_COUNT} |" in run.document.read_text()


def test_a_case_that_did_not_run_is_1_and_the_document_stays(run: Run) -> None:
    run.plan()
    run.report(CASES[:-1])
    assert run.judge() == 1
    assert not run.is_written_down


def test_a_part_that_is_fine_is_0_and_the_document_stays(run: Run) -> None:
    run.plan("--quick")
    run.report(CASES)
    assert run.judge() == 0
    assert not run.is_written_down
