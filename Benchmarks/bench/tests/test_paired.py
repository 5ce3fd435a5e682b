from __future__ import annotations

from dataclasses import replace
from typing import Optional

import pytest

from bench import paired
from bench.measure import COST, RATE, WIRE, Bound
from bench.outcome import Grade, Outcome
from bench.pairs import Comparison, Pair, Pairs
from bench.recipes import GATEWAY, peer
from bench.run import Run
from bench.scenarios import Paired
from bench.side import Side

from .runs import LOAD, QUIET, comparison, run


class Here:
    """Of a session, what outcomes are made with."""

    def tell(self, text: str) -> None: ...


def outcome(scenario: Paired, ours: Pairs, *peers: Pairs, failures: Optional[dict[str, str]] = None) -> Outcome:
    return paired._outcome(scenario, Here(), [ours, *peers], failures or {})  # type: ignore[arg-type]


def pairs(ratios: list[float], reference: Run = QUIET) -> Pairs:
    measured = [Pair(reference, replace(reference, cpu_us=reference.cpu_us * ratio, busy_us=10.0)) for ratio in ratios]
    return Pairs(comparison(len(ratios)), measured)


LONE = Paired("lone", "lone events", LOAD, bounds=(Bound(COST, at_most=1.10),))
# The upper end of 15 is the 12th: whether it is beyond the bound, while the median is not, decides.
BELOW = [1.0] * 8 + [1.05] * 4 + [1.3] * 3
BEYOND = [1.0] * 8 + [1.05] * 3 + [1.11] + [1.3] * 3
# The lower end is the 4th.
ABOVE = [1.0] * 3 + [1.11] * 5 + [1.2] * 7


@pytest.mark.parametrize("ratios, grade", [(BELOW, Grade.PASS), (BEYOND, Grade.UNDECIDED), (ABOVE, Grade.FAIL)])
def test_the_whole_interval_is_held_against_the_bound(ratios: list[float], grade: Grade) -> None:
    [verdict] = outcome(LONE, pairs(ratios)).verdicts
    assert verdict.grade is grade
    assert "lone events: 1." in verdict.text and "at most 1.10" in verdict.text


def test_where_the_median_is_held_against_it_the_interval_may_be_beyond() -> None:
    scenario = replace(LONE, bounds=(Bound(COST, at_most=1.10, by_median=True),))
    assert outcome(scenario, pairs(BEYOND)).verdicts[0].grade is Grade.PASS


@pytest.mark.parametrize("count, grade", [(5, Grade.SKIP), (6, Grade.PASS)])
def test_of_too_few_pairs_nothing_is_concluded(count: int, grade: Grade) -> None:
    assert outcome(LONE, pairs([1.0] * count)).verdicts[0].grade is grade


def test_each_bound_has_its_own_measure() -> None:
    scenario = replace(LONE, bounds=(Bound(COST, at_most=1.10), Bound(WIRE, at_most=0.45)))
    assert [verdict.grade for verdict in outcome(scenario, pairs([1.0] * 15)).verdicts] == [Grade.PASS, Grade.FAIL]


def test_the_table_has_costs_ratio_and_busy_time_of_each_server() -> None:
    of_peer = Pairs(Comparison(Side(comparison(1).reference.server, LOAD), Side(peer("nchan"), LOAD), 1, 0), [Pair(QUIET, run(8.0))])
    floor, gateway, nchan, nats = outcome(LONE, pairs([1.5] * 15), of_peer, failures={"nats": "lost one"}).lines
    assert (floor.what, floor.server, floor.figure, floor.user, floor.ratio) == ("lone events", "floor", "4.00 µs", "0.50", "")
    assert (gateway.figure, gateway.ratio, gateway.busy, gateway.runs) == ("6.00 µs", "1.50 (1.50 to 1.50)", "2.00", "15")
    assert (nchan.server, nchan.figure, nchan.ratio) == ("nchan", "8.00 µs", "2.00 (2.00 to 2.00*)")
    assert (nats.server, nats.figure) == ("nats", "failed")


def test_pairs_that_were_disturbed_are_told_of() -> None:
    measured = Pairs(comparison(2), [Pair(run(), run()), Pair(run(others=0.5), run())])
    assert outcome(LONE, measured).lines[1].runs == "2 (1 disturbed)"


@pytest.mark.parametrize("disturbed, told", [(3, ""), (4, " (4 of 6 pairs disturbed)"), (6, " (6 of 6 pairs disturbed)")])
def test_a_verdict_that_rests_on_disturbed_pairs_says_so(disturbed: int, told: str) -> None:
    measured = [Pair(run(others=0.5 if index < disturbed else 0.0), run()) for index in range(6)]
    [verdict] = outcome(LONE, Pairs(comparison(6), measured)).verdicts
    assert verdict.text.endswith(f"at most 1.10{told}")


PUBLISH = Paired(
    "publish", "publishing", LOAD, measure=RATE, bounds=(Bound(RATE, at_least=3.0, over=("nchan", "fastapi")),), peers=("nchan", "fastapi"))


def of_rate(events_per_s: float) -> Run:
    """Of the server's CPU time, however long it took by the clock."""
    return replace(QUIET, operations=1000, events=1000, seconds=1, cpu_us=1e6 / events_per_s)


def rates(server: str, theirs: float, ours: list[float]) -> Pairs:
    """At so many events a second."""
    rated = [Pair(of_rate(theirs), of_rate(rate)) for rate in ours]
    return Pairs(Comparison(Side(peer(server), LOAD), Side(GATEWAY, LOAD), len(ours), 0), rated)


def test_every_named_peer_must_be_slower_by_the_bound_in_every_pair_of_a_few() -> None:
    nchan, fastapi = rates("nchan", 1000, [3000, 3100, 9000]), rates("fastapi", 1000, [2900, 9000, 9000])
    verdicts = outcome(PUBLISH, pairs([1.0] * 7), nchan, fastapi).verdicts
    assert [verdict.grade for verdict in verdicts] == [Grade.PASS, Grade.FAIL]
    assert "nchan's events/s: 3.10 (3.00 to 9.00*)" in verdicts[0].text


def test_a_peer_that_is_not_there_is_neither_passed_nor_failed() -> None:
    verdicts = outcome(PUBLISH, pairs([1.0] * 7), rates("nchan", 1000, [9000] * 3)).verdicts
    assert [verdict.grade for verdict in verdicts] == [Grade.PASS, Grade.SKIP]
    assert "Benchmarks/peers/setup" in verdicts[1].text
