"""The results in docs/PERFORMANCE.md, between markers; the rest of it is written by people."""

from __future__ import annotations

from collections.abc import Sequence

from . import table
from .outcome import Outcome

BEGIN = "<!-- bench: begin -->"
END = "<!-- bench: end -->"


def block(outcomes: Sequence[Outcome], facts: dict[str, str], plot: str) -> str:
    """`plot` is the picture's file beside the document; empty where there is none."""
    lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts.items())]
    lines += ["", table.markdown(outcomes), ""]
    lines += [f"- {verdict}" for outcome in outcomes for verdict in outcome.verdicts]
    if plot:
        lines += ["", f"![CPU time for each delivery, over connections and over sessions, gateway and floor]({plot})"]
    return "\n".join(lines)


def replaced(document: str, text: str) -> str:
    """The document with `text` between its markers. Raises ValueError where they are not there once each, in order."""
    if document.count(BEGIN) != 1 or document.count(END) != 1 or document.index(BEGIN) > document.index(END):
        raise ValueError(f"the document has no one place for the results: {BEGIN} and {END}")
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"
