"""Thousands of random histories against a model of the gateway: nothing comes twice, nothing overtakes."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from fake_gateway import REFUSED, answer
from websocket_gateway import GatewayUnavailable
from websocket_gateway.pipeline import EVERY_SESSION, Pipeline, Request

NAME_BYTES = 4
SESSIONS = "ab"
OK = answer(200, {})
BUSY = answer(503, REFUSED, "Retry-After: 0")
FAILED = answer(503, {"error": {"code": "STORE_FAILED", "details": {"outcome": "unknown"}}}, "Retry-After: 0")
CLOSING = answer(200, {}, "Connection: close")


@dataclass
class Dangers:
    """What happens in a history, as chances."""

    refuses: float = 0.2
    fails: float = 0
    """The gateway's store, until the gateway is started again."""
    has_no_key: float = 0
    goes_to_all: float = 0
    ends_session: float = 0
    is_read_late: float = 0
    """What a connection still carried when it was lost."""
    retry_for: float = 2


@dataclass
class Link:
    """One connection, seen from the gateway."""

    to_gateway: bytes = b""
    to_client: bytes = b""
    closing: bool = False
    refused: list[tuple[int, bytes]] = field(default_factory=list)
    """What was refused, and how much was answered with it."""
    answered: int = 0


class Network:
    """A gateway, the connection to it, and those that were lost."""

    def __init__(self, chance: random.Random, dangers: Dangers, requests: dict[bytes, Request]) -> None:
        self._chance = chance
        self._dangers = dangers
        self._requests = requests
        self._link = Link()
        self._lost: list[Link] = []
        self._known: set[tuple[str, bytes]] = set()
        self._commits_before_failing: int | None = None
        self._has_failed = False
        """The first commit that failed may be a broadcast's second: from there on nothing is committed."""
        self.stands = False
        self.published: list[tuple[str, bytes]] = []
        self.refused_unheard: set[bytes] = set()

    def open(self) -> None:
        self.stands = True
        self._link = Link()

    def take(self, data: bytes) -> None:
        self._link.to_gateway += data

    def work(self) -> None:
        """The gateway processes one whole request of one connection, if there is one."""
        link = self._chance.choice([self._link, self._link, *self._lost])
        if len(link.to_gateway) < NAME_BYTES or link.closing:
            return
        name, link.to_gateway = link.to_gateway[:NAME_BYTES], link.to_gateway[NAME_BYTES:]
        reply = self._answer_to(name)
        link.closing = reply == CLOSING
        link.to_client += reply
        link.answered += len(reply)
        if reply == BUSY:
            if link in self._lost:
                self.refused_unheard.add(name)
            else:
                link.refused.append((link.answered, name))

    def _answer_to(self, name: bytes) -> bytes:
        dice = self._chance.random()
        if dice < self._dangers.refuses:
            return BUSY
        if self._commits_before_failing is None and self._chance.random() < self._dangers.fails:
            self._commits_before_failing = self._chance.randint(0, 5)
        if self._commits_before_failing is not None:
            if self._commits_before_failing > 0:
                self._publish(name)
                self._commits_before_failing -= 1
            elif not self._has_failed:
                self._has_failed = True
                if self._requests[name].order == EVERY_SESSION:
                    self._publish(name, in_part=True)
            return FAILED
        self._publish(name)
        return CLOSING if dice > 0.95 else OK

    def _publish(self, name: bytes, in_part: bool = False) -> None:
        request = self._requests[name]
        order = request.order or ""
        if request.forgets_keys:
            self._known = {(session, key) for session, key in self._known if session != order}
            return
        if request.keyed and (order, name) in self._known:
            return
        for session in (SESSIONS if order == EVERY_SESSION else order)[: 1 if in_part else None]:
            if not request.keyed or (session, name) not in self._known:
                self.published.append((session, name))
            if request.keyed:
                self._known.add((session, name))
        if request.keyed and not in_part:
            self._known.add((order, name))

    def deliver(self) -> bytes:
        link = self._link
        count = self._chance.randint(0, len(link.to_client))
        data, link.to_client = link.to_client[:count], link.to_client[count:]
        return data

    def break_(self) -> None:
        """What had reached the gateway may still be processed: at once, or by and by."""
        self.stands = False
        for _ in range(self._chance.randint(0, 5)):
            self.work()
        heard = self._link.answered - len(self._link.to_client)
        self.refused_unheard |= {name for end, name in self._link.refused if end > heard}
        if self._commits_before_failing is not None:  # it is started again
            self._commits_before_failing = None
            self._has_failed = False
            self._lost.clear()
        elif self._chance.random() < self._dangers.is_read_late:
            self._lost.append(self._link)
        self._link = Link()


@dataclass
class History:
    requests: dict[bytes, Request]
    network: Network


def play(seed: int, dangers: Dangers) -> History:
    chance = random.Random(seed)
    requests: dict[bytes, Request] = {}
    network = Network(chance, dangers, requests)
    pipeline = Pipeline(dangers.retry_for, timeout=3, jitter=chance.random)
    now, unsent = 0.0, b""
    for step in range(4000):
        now += chance.choice([0, 0, 0.01, 0.1])
        if step < 400 and chance.random() < 0.3:
            name = f"{len(requests):0{NAME_BYTES}}".encode()
            requests[name] = make(chance, dangers, name)
            pipeline.add(requests[name], now)
        if pipeline.expire(now):
            network.break_()
        if not network.stands:
            unsent = b""
            if pipeline.may_send(now):
                if chance.random() < 0.3:
                    pipeline.not_connected("refused", now)
                else:
                    network.open()
                    pipeline.opened(now)
        else:
            unsent += pipeline.take(now)
            count = chance.randint(0, len(unsent))
            network.take(unsent[:count])
            pipeline.sent(count)
            unsent = unsent[count:]
            network.work()
            data = network.deliver()
            if data and not pipeline.received(data, now):
                network.break_()
            elif chance.random() < 0.02:
                network.break_()
                pipeline.lost("reset", now)
        if step > 400 and pipeline.is_idle:
            break
    assert pipeline.is_idle
    for _ in range(1000):
        network.work()
    return History(requests, network)


def make(chance: random.Random, dangers: Dangers, name: bytes) -> Request:
    session = chance.choice(SESSIONS)
    if chance.random() < dangers.ends_session:
        return Request(name, order=session, forgets_keys=True)
    if chance.random() < dangers.goes_to_all:
        return Request(name, order=EVERY_SESSION, keyed=chance.random() >= dangers.has_no_key)
    return Request(name, order=session, keyed=chance.random() >= dangers.has_no_key)


def outcome(request: Request) -> str:
    """Or "done"; as the manager would say it."""
    error = request.future.exception(0)
    if error is None:
        reply = request.future.result(0)
        return "done" if reply.status == 200 else "unknown" if reply.leaves_doubt else "refused"
    assert isinstance(error, GatewayUnavailable)
    return error.outcome


MANY = {
    "no keys": Dangers(has_no_key=1, goes_to_all=0.1),
    "keys": Dangers(goes_to_all=0.2, is_read_late=0.7),
    "some have keys, and much else": Dangers(0.05, fails=0.02, has_no_key=0.2, goes_to_all=0.1, is_read_late=0.5),
    "sessions end": Dangers(0.1, fails=0.02, goes_to_all=0.1, ends_session=0.1),
}


@pytest.mark.parametrize("dangers", MANY.values(), ids=MANY)
@pytest.mark.parametrize("seed", range(350))
def test_whatever_happens_no_event_comes_twice_or_out_of_order(seed: int, dangers: Dangers) -> None:
    history = play(seed, dangers)
    published = history.network.published
    assert len(published) == len(set(published)), "an event came twice"
    outcomes = {name: outcome(request) for name, request in history.requests.items()}
    # Of what is unknown the gateway may have read a sending long after it was given up. And a refusal that nobody heard
    # of while a later event was taken is what no client can know.
    excused = {name for name in outcomes if outcomes[name] == "unknown"} | history.network.refused_unheard
    for session in SESSIONS:
        names = [name for one, name in published if one == session and name not in excused]
        assert names == sorted(names), "an event was overtaken"
    for name, result in outcomes.items():
        if result != "unknown" and not history.requests[name].forgets_keys:
            assert (name in {one for _, one in published}) == (result == "done"), f"said to be {result}"


@pytest.mark.parametrize("fails", [0, 0.02])
@pytest.mark.parametrize("seed", range(350))
def test_with_keys_and_time_every_event_comes_once_and_in_order(seed: int, fails: float) -> None:
    history = play(seed, Dangers(refuses=0, fails=fails, goes_to_all=0.2, is_read_late=0.7, retry_for=1000))
    assert {outcome(request) for request in history.requests.values()} == {"done"}
    for session in SESSIONS:
        names = [name for one, name in history.network.published if one == session]
        assert names == [name for name, one in history.requests.items() if one.order in (session, EVERY_SESSION)]
