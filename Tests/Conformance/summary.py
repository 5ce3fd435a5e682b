"""The result for people: on the terminal, and in docs/CONFORMANCE.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from allowances import ALLOWANCES
from suite import Suite, section
from verdicts import GRADES, Verdict

BEGIN = "<!-- The next lines are written by scripts/conformance: begin -->"
END = "<!-- The lines before are written by scripts/conformance: end -->"


@dataclass(frozen=True)
class Row:
    title: str
    counts: Counter[str]

    @property
    def cells(self) -> list[str]:
        return [self.title, *(str(self.counts[grade]) for grade in GRADES), str(sum(self.counts.values()))]


HEADER = ["section", *GRADES, "cases"]


def rows(suite: Suite, verdicts: Sequence[Verdict]) -> list[Row]:
    """One a section, in their order, and one for all."""
    sections: dict[str, Counter[str]] = {}
    for verdict in verdicts:
        sections.setdefault(section(verdict.case), Counter())[verdict.grade] += 1
    table = [Row(f"{number} {suite.titles.get(number, '')}".strip(), counts) for number, counts in sections.items()]
    return [*table, Row("all", Counter(verdict.grade for verdict in verdicts))]


def text(suite: Suite, verdicts: Sequence[Verdict]) -> str:
    """A table with every case that is not plain OK below it."""
    table = [HEADER, *(row.cells for row in rows(suite, verdicts))]
    lines = [f"{cells[0]:<46}" + "".join(f"{cell:>15}" for cell in cells[1:]) for cells in table]
    allowed = [f"  {verdict}" for verdict in verdicts if verdict.grade != "OK" and not verdict.fault]
    faults = [f"  {verdict} [{verdict.fault}]" for verdict in verdicts if verdict.fault and not verdict.is_missing]
    missing = [verdict.case for verdict in verdicts if verdict.is_missing]
    if allowed:
        lines += ["", "allowed, for the reasons in Tests/Conformance/allowances.py:", *allowed]
    if faults:
        lines += ["", "not accepted:", *faults]
    if missing:
        lines += ["", f"asked for, but the suite reports nothing of {len(missing)}: {' '.join(missing)}"]
    return "\n".join(lines)


def markdown(suite: Suite, verdicts: Sequence[Verdict], run: str) -> str:
    """`run` says what ran, when and how long."""
    versions = ", ".join(f"{name} {version}" for name, version in suite.versions.items())
    lines = [f"{run}.", f"{versions}.", "", f"| {' | '.join(HEADER)} |", "|---|" + "--:|" * (len(HEADER) - 1)]
    lines += [f"| {' | '.join(row.cells)} |" for row in rows(suite, verdicts)]
    lines += ["", "A case has two verdicts, on its behaviour and on its close; the worse one counts. Not plain OK:", ""]
    lines += ["| case | verdict | why it is allowed |", "|---|---|---|"]
    for verdict in verdicts:
        if verdict.grade != "OK":
            words = verdict.behaviour if verdict.behaviour == verdict.close else f"{verdict.behaviour}, close {verdict.close}"
            lines.append(f"| {verdict.case} | {words} | {ALLOWANCES.get(verdict.case) or 'It is not.'} |")
    return "\n".join(lines)


def replaced(document: str, block: str) -> str:
    """The document with `block` between its markers."""
    if document.count(BEGIN) != 1 or document.count(END) != 1 or document.index(BEGIN) > document.index(END):
        raise AssertionError("the document has no one place for the summary: its markers are gone")
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{block}\n\n{END}{after}"
