"""Delivery policies: of some types a tab that lags gets the newest event, and is told what it did not get."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from typing import Any, Optional

import pytest
from websocket_gateway import WebSocketManager

from control import ask, candle, connections, metrics, publish
from gateway import EXECUTABLE, Gateway, environment
from tabs import open_tab
from waiting import patience, until
from wire import TEXT, RawTab

BIG = "x" * 65_000


def sequence(event_id: str) -> int:
    return int(event_id.rpartition("-")[2])


def event(type: str, number: int, key: Optional[str] = None, **more: Any) -> dict[str, Any]:
    return {"type": type, "data": {"n": number, **more}} | ({} if key is None else {"key": key})


def left_out(message: dict[str, Any]) -> list[int]:
    assert message["type"] == "conflated" and "id" not in message and set(message) == {"type", "data", "timestamp"}, message
    return [n for first, last in message["data"]["ranges"] for n in range(sequence(first), sequence(last) + 1)]


class Proof:
    """What a tab has seen, held to what the contract says of ids: each follows the one before, or what is between was left out and said to be."""

    def __init__(self, wanted: Optional[set[int]] = None) -> None:
        self.wanted = wanted
        self.seen: dict[int, dict[str, Any]] = {}
        self.left_out: set[int] = set()
        self.position = 0

    def take(self, message: dict[str, Any]) -> None:
        if message["type"] == "conflated":
            for number in left_out(message):
                self._advance(number)
                self.left_out.add(number)
        elif "id" in message:
            self._advance(sequence(message["id"]))
            self.seen[self.position] = message

    def _advance(self, number: int) -> None:
        between = range(self.position + 1, number)
        missing = list(between) if self.wanted is None else [n for n in between if n in self.wanted]
        assert number > self.position and not missing, f"{missing} are missing between {self.position} and {number}"
        self.position = number

    def read(self, tab: RawTab, head: int) -> None:
        while self.position < head:
            self.take(tab.event())
        tab.send_frame(TEXT, '{"action":"ping"}')
        heartbeat = tab.event("heartbeat")["data"]
        assert heartbeat["delivered"] == len(self.seen) and sequence(heartbeat["last_id"]) == head


def make_lag(gateway: Gateway, session: str, tabs: int) -> int:
    """Publishes until nobody's socket takes anything, and returns how many events that took."""
    for number in range(1, 500):
        if publish(gateway, session, candle(number, text=BIG))["queued"] == tabs:
            return number
    raise AssertionError("the sockets take everything")


def test_a_tab_that_lags_gets_the_newest_and_is_told_what_it_did_not_get(serve) -> None:
    gateway: Gateway = serve("--max-write-queue-bytes", "8388608", "--write-timeout", "60")
    with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536) as slow:
        with RawTab.opened(gateway, "s1", query="types=candle,price_update", receive_buffer_bytes=65_536) as wanting:
            base = make_lag(gateway, "s1", tabs=2)
            receipt = publish(gateway, "s1", [event("stats_update", n) for n in range(20)])
            assert (receipt["connections"], receipt["sent"], receipt["queued"], receipt["conflated"], receipt["dropped"]) == (20, 0, 1, 19, 0)
            prices = [event("price_update", n, key="BTC" if n % 2 else "ETH") for n in range(10)]
            receipt = publish(gateway, "s1", prices + [event("ai_decision", 1)])
            assert (receipt["connections"], receipt["queued"], receipt["conflated"]) == (21, 5, 16)
            head = publish(gateway, "s1", event("session_completed", 1))["sequence"]
            assert head == base + 32

            everything = Proof()
            everything.read(slow, head)
            assert everything.left_out == {*range(base + 1, base + 20), *range(base + 21, base + 29)}
            newest = [everything.seen[n]["data"]["n"] for n in (base + 20, base + 29, base + 30)]
            assert newest == [19, 8, 9]
            assert "key" not in everything.seen[base + 29]

            some = Proof(wanted={*range(1, base + 1), *range(base + 21, base + 31)})
            while some.position < base + 30:
                some.take(wanting.event())
            assert some.left_out == set(range(base + 21, base + 29)), "only what it wanted is named"
    counted = metrics(gateway)
    assert counted['wsg_deliveries_conflated_total{type="stats_update"}'] == 19
    assert counted['wsg_deliveries_conflated_total{type="price_update"}'] == 16
    kept = ask(gateway, "GET", f"/v1/sessions/s1/events?limit=100&after={everything.seen[base]['id']}").json["events"]
    assert [sequence(one["id"]) for one in kept] == list(range(base + 1, head + 1)), "the history keeps everything"


async def test_who_has_fallen_behind_is_spared_what_is_superseded_and_who_comes_back_is_not(serve) -> None:
    gateway: Gateway = serve("--max-write-queue-bytes", "65536", "--write-timeout", "60")
    with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536) as slow:
        await asyncio.to_thread(make_lag, gateway, "s1", 1)
        for round in range(150):
            prices = [event("price_update", round * 10 + n, key="BTC") for n in range(10)]
            receipt = await asyncio.to_thread(publish, gateway, "s1", [candle(round, text="y" * 9000), *prices])
            assert receipt["connections"] == 11 == sum(receipt[name] for name in ("sent", "queued", "conflated", "dropped"))
        assert metrics(gateway)["wsg_connections_behind"] == 1
        head = sequence(receipt["last_id"])
        proof = Proof()
        await asyncio.to_thread(proof.read, slow, head)
        prices_seen = [one["data"]["n"] for one in proof.seen.values() if one["type"] == "price_update"]
        assert prices_seen == sorted(prices_seen) and prices_seen[-1] == 1499 and len(prices_seen) < 750
        assert sum(one["type"] == "candle" for one in proof.seen.values()) == head - 1500, "candles are never left out"
        until(lambda: metrics(gateway)["wsg_connections_behind"] == 0, "it is live again")
    async with open_tab(gateway, "s1", query=f"last_event_id={proof.seen[1]['id']}") as back:
        assert back.connected["resume"]["recovered"] is True
        assert [sequence(one["id"]) for one in await back.stream(head - 1)] == list(range(2, head + 1))


def test_watch_shows_what_was_left_out_and_calls_it_no_gap(serve) -> None:
    gateway: Gateway = serve("--max-write-queue-bytes", "8388608", "--write-timeout", "60")
    command = [str(EXECUTABLE), "watch", "s1", "--connect", gateway.listen]
    with subprocess.Popen(
        [*command, "--raw"], env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watch:
        try:
            until(lambda: watch.poll() is not None or connections(gateway, "s1"), "it has joined")
            watch.send_signal(signal.SIGSTOP)
            base = make_lag(gateway, "s1", tabs=1)
            publish(gateway, "s1", [event("stats_update", n) for n in range(20)])
            watch.send_signal(signal.SIGCONT)
            assert ask(gateway, "DELETE", "/v1/sessions/s1").status == 204
            output, errors = watch.communicate(timeout=patience(20))
        finally:
            watch.kill()
    assert watch.returncode == 0 and "GAP" not in errors, errors
    proof = Proof()
    for line in output.splitlines():
        proof.take(json.loads(line))
    assert proof.position == base + 20 and len(proof.left_out) == 19


async def test_an_engine_says_what_is_latest(gateway: Gateway, engine: WebSocketManager) -> None:
    policies = {"tick": "latest", "stats_update": "deliver"}
    assert (await engine.register_session("s1", policies=policies))["policies"] == {"stats_update": "deliver", "tick": "latest"}
    assert (await engine.register_session("s1", max_connections=5))["policies"]["tick"] == "latest", "what is not named stays"
    with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536) as slow:
        base = await asyncio.to_thread(make_lag, gateway, "s1", 1)
        batch = [event("tick", 1), event("stats_update", 2), event("tick", 3), event("stats_update", 4)]
        receipt = await asyncio.to_thread(publish, gateway, "s1", batch)
        assert (receipt["queued"], receipt["conflated"]) == (3, 1)
        proof = Proof()
        await asyncio.to_thread(proof.read, slow, base + 4)
        assert proof.left_out == {base + 1}
    assert ask(gateway, "PUT", "/v1/sessions/s1", {"policies": None}).json["policies"] == {}


@pytest.mark.parametrize(
    "policies, place",
    [
        ([], "policies"),
        ({"candle": "newest"}, "policies.candle"),
        ({"Candle": "latest"}, "policies, position 1"),
        ({"conflated": "latest"}, "policies, position 1"),
        ({f"t{n}": "latest" for n in range(65)}, "policies"),
    ],
    ids=["no object", "no policy", "no type", "the gateway's own word", "too many"],
)
def test_a_policy_that_is_none_is_refused_by_its_place(gateway: Gateway, policies: Any, place: str) -> None:
    answer = ask(gateway, "PUT", "/v1/sessions/s1", {"policies": policies})
    assert (answer.status, answer.code, answer.place) == (400, "INVALID_SESSION", place)
    assert ask(gateway, "GET", "/v1/sessions/s1").status == 404
