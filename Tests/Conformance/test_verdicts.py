from __future__ import annotations

import json
from pathlib import Path

import pytest

import verdicts
from allowances import ALLOWANCES
from verdicts import Verdict


@pytest.mark.parametrize(
    "behaviour,close,grade",
    [
        ("OK", "OK", "OK"),
        ("OK", "INFORMATIONAL", "INFORMATIONAL"),
        ("INFORMATIONAL", "NON-STRICT", "NON-STRICT"),
        ("NON-STRICT", "OK", "NON-STRICT"),
        ("FAILED", "OK", "FAILED"),
        ("OK", "FAILED", "FAILED"),
        ("UNIMPLEMENTED", "OK", "FAILED"),
        ("OK", "WRONG CODE", "FAILED"),
        ("OK", "UNCLEAN", "FAILED"),
        ("INFORMATIONAL", "FAILED BY CLIENT", "FAILED"),
        ("MISSING", "MISSING", "FAILED"),
        ("ok", "OK", "FAILED"),
    ],
)
def test_the_worse_of_two_verdicts_counts_and_an_unknown_one_is_a_failure(behaviour: str, close: str, grade: str) -> None:
    assert Verdict("1.1", behaviour, close, "").grade == grade


def test_less_than_plain_ok_is_accepted_only_where_a_reason_is_written_down() -> None:
    allowed, other = next(iter(ALLOWANCES)), "1.1.1"
    for word in ("INFORMATIONAL", "NON-STRICT"):
        assert not Verdict(allowed, word, word, "").fault
        assert "allowances" in Verdict(other, word, "OK", "").fault
        assert "allowances" in Verdict(other, "OK", word, "").fault
    assert not Verdict(other, "OK", "OK", "").fault


def test_no_reason_excuses_a_failure() -> None:
    for case in ALLOWANCES:
        assert Verdict(case, "FAILED", "OK", "").fault
        assert verdicts.missing(case).fault


def write(reports: Path, cases: dict[str, tuple[str, str]]) -> None:
    """An index as the suite writes it, each case's report beside it."""
    index = {}
    for case, (behaviour, close) in cases.items():
        name = f"agent_case_{case.replace('.', '_')}.json"
        index[case] = {"behavior": behaviour, "behaviorClose": close, "remoteCloseCode": 1000, "reportfile": name}
        (reports / name).write_text(json.dumps({"result": "as expected", "resultClose": "clean"}))
    (reports / "index.json").write_text(json.dumps({"agent": index}))


def test_each_case_asked_for_has_a_verdict_whatever_was_reported(tmp_path: Path) -> None:
    write(tmp_path, {"1.1": ("OK", "OK"), "1.2": ("OK", "FAILED"), "9.9": ("FAILED", "FAILED")})
    read = verdicts.read(tmp_path, ["1.1", "1.2", "1.3"])
    assert [(verdict.case, verdict.grade, verdict.is_missing) for verdict in read] == [
        ("1.1", "OK", False),
        ("1.2", "FAILED", False),
        ("1.3", "FAILED", True),
    ]
    assert read[0].details == "as expected clean"


def test_without_an_index_or_with_an_empty_one_every_case_is_missing(tmp_path: Path) -> None:
    assert all(verdict.is_missing for verdict in verdicts.read(tmp_path, ["1.1", "1.2"]))
    (tmp_path / "index.json").write_text("{}")
    assert all(verdict.is_missing for verdict in verdicts.read(tmp_path, ["1.1", "1.2"]))


def test_an_entry_without_its_report_is_missing(tmp_path: Path) -> None:
    write(tmp_path, {"1.1": ("OK", "OK")})
    (tmp_path / "agent_case_1_1.json").unlink()
    assert verdicts.read(tmp_path, ["1.1"])[0].is_missing
