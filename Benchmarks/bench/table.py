"""The table, on a terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from .outcome import Line, Outcome

HEADINGS = ["", "server", "each", "user, µs", "× reference (95 %)", "busy ×", "pairs"]
# From here on figures, which are set to the right.
_FIGURES_FROM = 2


def cells(line: Line) -> list[str]:
    return [line.what, line.server, line.figure, line.user, line.ratio, line.busy, line.runs]


def text(outcomes: Sequence[Outcome]) -> str:
    """A scenario's title has a line of its own, else it would make all lines long."""
    rows = [cells(line) for outcome in outcomes for line in outcome.lines]
    shown = [HEADINGS, *rows]
    widths = [max(len(row[column]) for row in shown) for column in range(1, len(HEADINGS))]
    lines = [_aligned(HEADINGS[1:], widths)]
    for row in rows:
        if row[0]:
            lines += ["", row[0]] if not row[0].startswith(" ") else [row[0]]
        lines.append(_aligned(row[1:], widths))
    return "\n".join(lines)


def markdown(outcomes: Sequence[Outcome]) -> str:
    lines = [f"| {' | '.join(HEADINGS)} |", "|---|---|" + "--:|" * (len(HEADINGS) - _FIGURES_FROM)]
    lines += [f"| {' | '.join(cell.strip() for cell in cells(line))} |" for outcome in outcomes for line in outcome.lines]
    return "\n".join(lines)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *figures = (cell.ljust(width) if index == 0 else cell.rjust(width) for index, (cell, width) in enumerate(zip(row, widths)))
    return "  ".join(["", first, *figures]).rstrip()
