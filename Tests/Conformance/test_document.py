"""docs/CONFORMANCE.md names tests. They must be there, or the document says that something is held by nothing."""

from __future__ import annotations

import re
from pathlib import Path

import summary

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENT = (REPOSITORY / "docs/CONFORMANCE.md").read_text()


def tables() -> list[list[str]]:
    """The cells of every row of the tables of rules."""
    _, _, rules = DOCUMENT.partition(summary.END)
    rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in rules.splitlines() if line.startswith("|")]
    return [row for row in rows if not set(row[0]) <= set("-|") and row[-1] != "held by"]


def named() -> list[tuple[str, str]]:
    """Every file and test named."""
    entries = [entry.partition(": ") for row in tables() for entry in row[-1].split("<br>")]
    return [(file, test) for file, _, test in entries]


def names_in(path: Path) -> set[str]:
    text = path.read_text()
    return set(re.findall(r"func `([^`]+)`", text) if path.suffix == ".swift" else re.findall(r"^(?:async )?def (test_\w+)", text, re.M))


FILES = {path.name.removesuffix(".swift"): path for path in (REPOSITORY / "Tests").rglob("*") if path.suffix in (".swift", ".py")}


def test_every_rule_is_held_by_a_test_that_is_there() -> None:
    assert len(tables()) > 40
    lost = [f"{file}: {test}" for file, test in named() if file != "Autobahn" and (file not in FILES or test not in names_in(FILES[file]))]
    assert not lost


def test_no_rule_is_held_by_the_suite_alone() -> None:
    """It runs where Python 2.7 is, and that is not everywhere."""
    for row in tables():
        assert any(not entry.startswith("Autobahn: ") for entry in row[-1].split("<br>")), row


def test_every_violation_is_there_once() -> None:
    source = (REPOSITORY / "Sources/WebSocket/ProtocolViolation.swift").read_text()
    _, _, names = source.partition("package var name: String")
    violations = re.findall(r'case \.\w+: "([a-z0-9_]+)"', names.partition("package var message")[0])
    assert len(violations) == len(re.findall(r"^    case \w+", source.partition("}")[0], re.M)) > 0
    assert {violation: DOCUMENT.count(f"`{violation}`") for violation in violations} == dict.fromkeys(violations, 1)


def test_every_reason_for_a_refused_handshake_is_there_once() -> None:
    source = (REPOSITORY / "Sources/WebSocket/HandshakeRejection.swift").read_text()
    rejections = re.findall(r"^    case (\w+)$", source.partition("extension ")[0], re.M)
    assert rejections
    assert {rejection: DOCUMENT.count(f"`{rejection}`") for rejection in rejections} == dict.fromkeys(rejections, 1)
