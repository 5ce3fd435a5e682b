from __future__ import annotations

import pytest

from bench.failure import MeasuringFailed, PeerFailed
from bench.pairs import Comparison, interleaved
from bench.recipes import FLOOR, GATEWAY, peer
from bench.run import Run
from bench.side import Side

from .runs import LOAD, comparison, run


def test_who_begins_takes_turns() -> None:
    order: list[str] = []

    def measure(side: Side) -> Run:
        order.append(side.server.name)
        return run()

    interleaved([comparison(3)], measure)
    assert order == ["floor", "gateway", "gateway", "floor", "floor", "gateway"]


def test_comparisons_take_turns_until_each_has_its_pairs() -> None:
    order: list[str] = []

    def measure(side: Side) -> Run:
        order.append(side.server.name)
        return run()

    of_peer = Comparison(Side(FLOOR, LOAD), Side(peer("nchan"), LOAD), 1, 0)
    gateways, peers = interleaved([comparison(2), of_peer], measure)
    assert order == ["floor", "gateway", "floor", "nchan", "gateway", "floor"]
    assert (len(gateways.counted), len(peers.counted)) == (2, 1)


def test_a_pair_keeps_what_belongs_together_whoever_began() -> None:
    costs = iter([4.0, 5.0, 6.0, 3.0])
    [pairs] = interleaved([comparison(2)], lambda side: run(next(costs)))
    assert [(pair.reference.cpu_us, pair.subject.cpu_us) for pair in pairs.counted] == [(4.0, 5.0), (3.0, 6.0)]


@pytest.mark.parametrize("disturbed", [run(9.0, others=0.2), run(9.0, queued=0.05)])
def test_a_disturbed_pair_is_measured_again_and_does_not_count(disturbed: Run) -> None:
    runs = iter([run(), disturbed, run(), run(), run(), run()])
    [pairs] = interleaved([comparison(2, repeats_max=2)], lambda side: next(runs))
    assert len(pairs.measured) == 3
    assert (len(pairs.counted), pairs.disturbed) == (2, 0)
    assert all(pair.subject.cpu_us == 4.0 for pair in pairs.counted)


def test_where_repeats_end_the_least_disturbed_count_and_are_told_of() -> None:
    others = iter([0.9, 0.0, 0.2, 0.0, 0.0, 0.0, 0.5, 0.0])
    [pairs] = interleaved([comparison(2, repeats_max=2)], lambda side: run(others=next(others)))
    assert sorted(pair.reference.others + pair.subject.others for pair in pairs.counted) == [0.0, 0.2]
    assert pairs.disturbed == 1


def test_what_a_pair_tells_does_not_decide_whether_it_counts() -> None:
    costs = iter([4.0, 400.0] * 4)
    [pairs] = interleaved([comparison(2, repeats_max=2)], lambda side: run(next(costs)))
    assert len(pairs.measured) == 2


def test_a_peer_that_fails_leaves_and_the_others_go_on() -> None:
    def measure(side: Side) -> Run:
        if side.server.name == "nats":
            raise PeerFailed("lost three")
        return run()

    of_peer = Comparison(Side(FLOOR, LOAD), Side(peer("nats"), LOAD), 3, 3)
    ours, peers = interleaved([comparison(3), of_peer], measure)
    assert (len(ours.counted), len(peers.measured), peers.failure) == (3, 0, "lost three")


@pytest.mark.parametrize("server", [FLOOR, GATEWAY])
def test_what_fails_of_ours_is_the_end(server: object) -> None:
    def measure(side: Side) -> Run:
        if side.server is server:
            raise MeasuringFailed("lost one")
        return run()

    with pytest.raises(MeasuringFailed, match="lost one"):
        interleaved([comparison(3)], measure)
