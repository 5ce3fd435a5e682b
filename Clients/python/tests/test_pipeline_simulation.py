"""Thousands of random histories against a model of the gateway: nothing comes twice, nothing overtakes."""

from __future__ import annotations

import random

import pytest

from fake_gateway import REFUSED, answer
from websocket_gateway import GatewayUnavailable
from websocket_gateway.pipeline import Pipeline, Request

NAME_BYTES = 4
OK = answer(200, {})
BUSY = answer(503, REFUSED, "Retry-After: 0")
CLOSING = answer(200, {}, "Connection: close")


class Network:
    """A gateway, and a connection that loses whatever is on its way when it breaks."""

    def __init__(self, chance: random.Random, sessions: dict[bytes, str]) -> None:
        self._chance = chance
        self._sessions = sessions
        self.stands = False
        self.published: list[tuple[str, bytes]] = []

    def open(self) -> None:
        self.stands = True
        self._to_gateway = b""
        self._to_client = b""
        self._closing = False

    def take(self, data: bytes) -> None:
        self._to_gateway += data

    def work(self) -> None:
        """The gateway processes one whole request, if there is one."""
        if len(self._to_gateway) < NAME_BYTES or self._closing:
            return
        name, self._to_gateway = self._to_gateway[:NAME_BYTES], self._to_gateway[NAME_BYTES:]
        dice = self._chance.random()
        if dice < 0.2:
            self._to_client += BUSY
            return
        self.published.append((self._sessions[name], name))
        self._closing = dice > 0.95
        self._to_client += CLOSING if self._closing else OK

    def deliver(self) -> bytes:
        count = self._chance.randint(0, len(self._to_client))
        data, self._to_client = self._to_client[:count], self._to_client[count:]
        return data

    def break_(self) -> None:
        for _ in range(self._chance.randint(0, 5)):
            self.work()  # what had reached the gateway may still be processed
        self.stands = False


@pytest.mark.parametrize("seed", range(1000))
def test_whatever_happens_no_event_comes_twice_or_out_of_order(seed: int) -> None:
    chance = random.Random(seed)
    sessions: dict[bytes, str] = {}
    requests: dict[bytes, Request] = {}
    network = Network(chance, sessions)
    pipeline = Pipeline(retry_for=2, timeout=3, jitter=chance.random)
    now, unsent = 0.0, b""
    for step in range(2000):
        now += chance.choice([0, 0, 0.01, 0.1])
        if step < 400 and chance.random() < 0.3:
            name = f"{len(requests):0{NAME_BYTES}}".encode()
            sessions[name] = chance.choice("ab")
            requests[name] = Request(name, order=sessions[name])
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
                network.stands = False
            elif chance.random() < 0.02:
                network.break_()
                pipeline.lost("reset", now)
        if step > 400 and pipeline.is_idle:
            break
    assert pipeline.is_idle

    assert len(network.published) == len(set(network.published)), "an event came twice"
    for session in "ab":
        names = [name for one, name in network.published if one == session]
        assert names == sorted(names), "an event was overtaken"
    published = {name for _, name in network.published}
    for name, request in requests.items():
        error = request.future.exception(0)
        if error is None:
            assert (name in published) == (request.future.result().status == 200)
        else:
            assert isinstance(error, GatewayUnavailable)
            assert not (error.safe_to_repeat and name in published), "said not to be published, and was"
