from __future__ import annotations

from bench import table
from bench.outcome import Line, Outcome

OUTCOMES = [
    Outcome(
        "lone",
        [
            Line("lone events", "floor", "4.50 µs", "0.10"),
            Line("", "gateway", "14.75 µs", "0.20", "1.05 (1.01 to 1.09)", "1.04", "15"),
        ],
    ),
    Outcome("scale", [Line("connections: 10", "floor", "9.00 µs"), Line("    30", "floor", "8.00 µs")]),
]


def test_titles_have_lines_of_their_own_and_figures_are_below_each_other() -> None:
    assert table.text(OUTCOMES).splitlines() == [
        "  server       each  user, µs   × reference (95 %)  busy ×  pairs",
        "",
        "lone events",
        "  floor     4.50 µs      0.10",
        "  gateway  14.75 µs      0.20  1.05 (1.01 to 1.09)    1.04     15",
        "",
        "connections: 10",
        "  floor     9.00 µs",
        "    30",
        "  floor     8.00 µs",
    ]


def test_markdown_has_a_row_a_line_and_as_many_cells_in_each() -> None:
    lines = table.markdown(OUTCOMES).splitlines()
    assert len(lines) == 2 + 4
    assert {line.count("|") for line in lines} == {8}
    assert lines[3] == "|  | gateway | 14.75 µs | 0.20 | 1.05 (1.01 to 1.09) | 1.04 | 15 |"
    assert lines[5].startswith("| 30 | floor |")
