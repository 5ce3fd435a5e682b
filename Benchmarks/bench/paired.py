"""Pairs of a reference and a subject, and of either and each peer."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from statistics import median
from typing import Optional

from .failure import MeasuringFailed, PeerFailed
from .measure import COST, RATE, Bound, Measure
from .median import CONFIDENCE, Median, median_of
from .outcome import Grade, Line, Outcome, Point, Verdict, judged
from .pairs import Comparison, Pairs, interleaved
from .recipes import Recipe, peer
from .run import Run
from .scenarios import Paired
from .server import Server
from .session import Session
from .side import Side


def measure(scenario: Paired, session: Session) -> Outcome:
    ours, peers = _comparison(scenario, session), _peer_sides(scenario, session)
    with session.servers([scenario.reference, scenario.subject]) as servers, contextlib.ExitStack() as stack:
        session.warm_up([ours.reference, ours.subject], servers)
        started, failures = dict(servers), {}
        for side in peers:
            try:
                started.update(stack.enter_context(session.servers([side.server])))
                session.warm_up([side], started)
            except MeasuringFailed as failed:
                failures[side.server.name] = str(failed)
        able = [side for side in peers if side.server.name not in failures]
        comparisons = [ours, *(_peer_comparison(scenario, session, side) for side in able)]
        all_pairs = interleaved(comparisons, lambda side: _run(side, started, scenario, session))
    return _outcome(scenario, session, all_pairs, failures)


def point(outcome_pairs: Pairs, x: float) -> Point:
    """Of a curve: the medians of both sides."""
    counted = outcome_pairs.counted
    return Point(x, median(pair.reference.cpu_us for pair in counted), median(pair.subject.cpu_us for pair in counted))


def lines(what: str, measure: Measure, pairs: Pairs) -> list[Line]:
    """The reference's, and the subject's with its ratio."""
    references, subjects = _runs(pairs)
    return [
        Line(what, pairs.comparison.reference.name, _figure(measure, references), _user(measure, references)),
        _subject_line(measure, pairs, pairs.comparison.subject.name, subjects, ratios(measure, pairs)),
    ]


def ratios(measure: Measure, pairs: Pairs) -> Median:
    """The subject's, over the reference's beside it."""
    return median_of([measure.value(pair.subject) / measure.value(pair.reference) for pair in pairs.counted])


def _comparison(scenario: Paired, session: Session) -> Comparison:
    count = session.pairs or scenario.pairs.of(session.is_quick) or scenario.pairs.full
    subject = Side(scenario.subject, scenario.subject_work or scenario.work, scenario.subject_label)
    return Comparison(Side(scenario.reference, scenario.work), subject, count, session.repeats_max(count))


def _peer_sides(scenario: Paired, session: Session) -> list[Side]:
    if scenario.peer_pairs.of(session.is_quick) == 0:
        return []
    names = [name for name in scenario.peers if name in session.peers]
    held_against = {name for bound in scenario.bounds for name in bound.over}
    if session.is_quick and held_against:
        names = [name for name in names if name in held_against]
    # Who was only named in the environment takes part in whatever a peer of ours does.
    names += [name for name in session.peers if scenario.peers and name in session.guests]
    return [Side(peer(name), scenario.work.scaled(scenario.peer_share)) for name in names]


def _peer_comparison(scenario: Paired, session: Session, side: Side) -> Comparison:
    """A cost is compared with the floor's; a rate is what the gateway's is held against."""
    count = scenario.peer_pairs.of(session.is_quick)
    if scenario.measure is RATE:
        return Comparison(side, Side(scenario.subject, scenario.work), count, session.repeats_max(count))
    return Comparison(Side(scenario.reference, scenario.work), side, count, session.repeats_max(count))


def _run(side: Side, servers: dict[Recipe, Server], scenario: Paired, session: Session) -> Run:
    try:
        run = session.run(side, servers)
    except MeasuringFailed as failed:
        if side.server.name in session.peers:
            raise PeerFailed(str(failed)) from None
        raise
    disturbed = f"   disturbed: others {run.others:.0%}, queued {run.queued:.1%}" if run.disturbance > 1 else ""
    session.tell(f"    {side.name:24}{scenario.measure.format.format(scenario.measure.value(run)):>20}{disturbed}")
    return run


def _outcome(scenario: Paired, session: Session, all_pairs: Sequence[Pairs], failures: dict[str, str]) -> Outcome:
    ours, *others = all_pairs
    outcome = Outcome(scenario.name, lines(scenario.title, scenario.measure, ours))
    by_peer: dict[str, Pairs] = {}
    for pairs in others:
        is_rate = scenario.measure is RATE
        name = (pairs.comparison.reference if is_rate else pairs.comparison.subject).server.name
        if pairs.failure is not None or not pairs.measured:
            failures[name] = pairs.failure or "nothing was measured"
            continue
        by_peer[name] = pairs
        references, subjects = _runs(pairs)
        if is_rate:
            # As for all other lines: this server over the floor; here by way of the gateway, which is beside both.
            gateway, ratio = ratios(scenario.measure, ours), ratios(scenario.measure, pairs)
            outcome.lines.append(
                Line("", name, _figure(scenario.measure, references), "", f"{gateway.value / ratio.value:.2f}", "", _count(pairs)))
        else:
            outcome.lines.append(_subject_line(scenario.measure, pairs, name, subjects, ratios(scenario.measure, pairs)))
    for name, reason in failures.items():
        session.tell(f"    {name} failed: {reason}")
        outcome.lines.append(Line("", name, "failed"))
    outcome.verdicts = [verdict for bound in scenario.bounds for verdict in _verdicts(scenario, bound, ours, by_peer, failures)]
    return outcome


def _verdicts(
    scenario: Paired, bound: Bound, ours: Pairs, by_peer: dict[str, Pairs], failures: dict[str, str]
) -> list[Verdict]:
    if bound.at_most is not None:
        ratio = ratios(bound.measure, ours)
        which = ours.comparison.reference.name + ("" if bound.measure is COST else f"'s {bound.measure.name}")
        held = "median" if bound.by_median else "interval"
        text = f"{scenario.title}: {ratio} × {which}, {held} at most {bound.at_most:.2f}{_doubt(ours)}"
        if ratio.confidence < CONFIDENCE:
            return [Verdict(Grade.SKIP, f"{text}: too few pairs to say")]
        if bound.by_median:
            return [judged(ratio.value <= bound.at_most, text)]
        if ratio.low <= bound.at_most < ratio.high:
            return [Verdict(Grade.UNDECIDED, text)]
        return [judged(ratio.high <= bound.at_most, text)]
    assert bound.at_least is not None
    verdicts = []
    for name in bound.over:
        text = f"{scenario.title}: at least {bound.at_least:.0f} × {name}'s {bound.measure.name}"
        if name not in by_peer:
            why = failures.get(name, "Benchmarks/peers/setup makes it available")
            verdicts.append(Verdict(Grade.SKIP, f"{text}: not measured; {why}"))
            continue
        ratio = ratios(bound.measure, by_peer[name])
        verdicts.append(judged(ratio.low >= bound.at_least, f"{text}: {ratio}{_doubt(by_peer[name])}"))
    return verdicts


def _doubt(pairs: Pairs) -> str:
    """Where it rests on disturbed pairs for the most part."""
    return f" ({pairs.disturbed} of {len(pairs.counted)} pairs disturbed)" if 2 * pairs.disturbed > len(pairs.counted) else ""


def _runs(pairs: Pairs) -> tuple[list[Run], list[Run]]:
    return [pair.reference for pair in pairs.counted], [pair.subject for pair in pairs.counted]


def _figure(measure: Measure, runs: Sequence[Run]) -> str:
    return measure.format.format(median(map(measure.value, runs)))


def _user(measure: Measure, runs: Sequence[Run]) -> str:
    """Of all runs together: one alone has only a few ticks of 10 ms."""
    if measure is not COST:
        return ""
    return f"{sum(run.user_us * run.operations for run in runs) / sum(run.operations for run in runs):.2f}"


def _subject_line(measure: Measure, pairs: Pairs, name: str, subjects: Sequence[Run], ratio: Median) -> Line:
    return Line("", name, _figure(measure, subjects), _user(measure, subjects), str(ratio), _busy(measure, pairs), _count(pairs))


def _busy(measure: Measure, pairs: Pairs) -> str:
    both = [(pair.reference.busy_us, pair.subject.busy_us) for pair in pairs.counted]
    known: list[Optional[float]] = [subject / reference for reference, subject in both if reference and subject is not None]
    return f"{median(filter(None, known)):.2f}" if measure is COST and any(known) else ""


def _count(pairs: Pairs) -> str:
    return f"{len(pairs.counted)}" + (f" ({pairs.disturbed} disturbed)" if pairs.disturbed else "")
