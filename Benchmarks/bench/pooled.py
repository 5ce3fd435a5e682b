"""Latencies at a fixed rate: rounds in turns, added up."""

from __future__ import annotations

from collections.abc import Sequence

from .latency import percentile_ms, pooled
from .outcome import Line, Outcome, judged
from .pairs import Comparison, interleaved
from .run import Run
from .scenarios import Pooled
from .session import Session
from .side import Side


def measure(scenario: Pooled, session: Session) -> Outcome:
    count = scenario.rounds.of(session.is_quick) or scenario.rounds.full
    sides = [Side(recipe, scenario.work) for recipe in (scenario.reference, scenario.subject)]

    with session.servers([side.server for side in sides]) as servers:

        def run(side: Side) -> Run:
            measured = session.run(side, servers)
            session.tell(f"    {side.server.name:24}{_figure([measured])}")
            return measured

        session.warm_up(sides, servers)
        [pairs] = interleaved([Comparison(sides[0], sides[1], count, session.repeats_max(count))], run)

    references, subjects = [pair.reference for pair in pairs.counted], [pair.subject for pair in pairs.counted]
    ratio = _p99(subjects) / _p99(references)
    rounds = f"{len(subjects)}" + (f" ({pairs.disturbed} disturbed)" if pairs.disturbed else "")
    return Outcome(
        scenario.name,
        [
            Line(scenario.title, sides[0].server.name, _figure(references)),
            Line("", sides[1].server.name, _figure(subjects), "", f"{ratio:.2f} of p99", "", rounds),
        ],
        [judged(ratio <= scenario.p99_at_most, f"{scenario.title}: p99 {ratio:.2f} × floor, at most {scenario.p99_at_most}")],
    )


def _p99(runs: Sequence[Run]) -> float:
    return percentile_ms(pooled(runs), 0.99)


def _figure(runs: Sequence[Run]) -> str:
    return f"p50 {percentile_ms(pooled(runs), 0.5):.2f}, p99 {_p99(runs):.2f} ms"
