"""Nothing is lost: tabs that come back, come late or read slowly get every event once and in order, or are told what is gone."""

from __future__ import annotations

import asyncio
import random
from typing import Any, Optional

import pytest
from websocket_gateway import WebSocketManager, create_candle_event

from control import ask, candle, connections, metrics, publish
from gateway import Gateway
from tabs import open_tab
from waiting import until
from wire import TEXT, RawTab

BIG = "x" * 65_000


def sequence(event_id: str) -> int:
    return int(event_id.rpartition("-")[2])


def sequences(events: list[dict[str, Any]]) -> list[int]:
    return [sequence(event["id"]) for event in events]


class Follower:
    """A tab of an unreliable network: it is cut, or closed, at random moments, comes back with the last id it has, and keeps all it saw."""

    def __init__(self, gateway: Gateway, session: str, seed: int, library: str) -> None:
        self.gateway, self.session, self.library = gateway, session, library
        self.random = random.Random(seed)
        self.seen: list[str] = []
        self.visits = 0

    async def follow(self, count: int) -> None:
        while len(self.seen) < count:
            self.visits += 1
            query = f"last_event_id={self.seen[-1]}" if self.seen else "join=all"
            async with open_tab(self.gateway, self.session, query=query, library=self.library) as tab:
                if self.seen:
                    assert tab.connected["resume"]["recovered"] is True
                for _ in range(self.random.randint(1, 200)):
                    if len(self.seen) == count:
                        break
                    self.seen.append((await tab.event())["id"])
                # The library of the others closes; this one's close would wait, for as long as it may, behind events that it no longer reads.
                if self.library == "websockets":
                    tab.cut()


async def test_followers_cut_again_and_again_see_every_event_once(gateway: Gateway, engine: WebSocketManager) -> None:
    count, acknowledged = 3000, []

    async def run_engine() -> None:
        for start in range(0, count, 20):
            receipts = [engine.publish("s1", create_candle_event({"candle_index": start + n}, {})) for n in range(20)]
            acknowledged.extend(receipt.id for receipt in await asyncio.gather(*receipts))

    followers = [Follower(gateway, "s1", seed, "websockets" if seed % 2 else "aiohttp") for seed in range(6)]
    await asyncio.wait_for(asyncio.gather(run_engine(), *(follower.follow(count) for follower in followers)), 120)
    assert [sequence(event_id) for event_id in acknowledged] == list(range(1, count + 1))
    for follower in followers:
        assert follower.seen == acknowledged
        assert follower.visits > 10
    assert metrics(gateway)['wsg_resumes_total{outcome="lost"}'] == 0


async def test_a_session_nobody_listens_to_keeps_its_events_for_those_who_come(gateway: Gateway) -> None:
    published = publish(gateway, "s1", [candle(number) for number in range(50)])
    async with open_tab(gateway, "s1", query="join=all") as one, open_tab(gateway, "s1", query="join=5", library="aiohttp") as other:
        assert sequences(await one.stream(50)) == list(range(1, 51))
        assert sequences(await other.stream(5)) == list(range(46, 51))
    history = ask(gateway, "GET", "/v1/sessions/s1/events?limit=3").json
    assert sequences(history["events"]) == [1, 2, 3]
    assert (history["last_id"], history["next"]) == (published["last_id"], history["events"][2]["id"])


async def test_a_tab_that_reads_slowly_is_behind_for_a_while_and_misses_nothing(serve) -> None:
    gateway: Gateway = serve("--max-write-queue-bytes", "131072", "--write-timeout", "60")
    count = 150
    with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536) as slow:
        for number in range(count):
            receipt = await asyncio.to_thread(publish, gateway, "s1", candle(number, text=BIG))
            assert receipt["connections"] == 1 == receipt["sent"] + receipt["queued"]
        (waiting,) = connections(gateway, "s1")
        assert waiting["queued_bytes"] <= 131_072 and waiting["lag"] > 50
        assert metrics(gateway)["wsg_connections_behind"] == 1

        def read_all() -> list[int]:
            return [slow.event("candle")["data"]["candle_index"] for _ in range(count)]

        assert await asyncio.to_thread(read_all) == list(range(count))
        until(lambda: metrics(gateway)["wsg_connections_behind"] == 0, "it is live again")
        assert publish(gateway, "s1", candle(count))["sent"] == 1
        assert slow.event("candle")["data"] == {"candle_index": count}
        slow.send_frame(TEXT, '{"action":"ping"}')
        assert slow.event("heartbeat")["data"]["delivered"] == count + 1


@pytest.mark.limit("--max-history-events")
async def test_what_is_kept_no_more_is_announced_with_its_ids(serve) -> None:
    gateway: Gateway = serve("--max-write-queue-bytes", "131072", "--write-timeout", "60", "--max-history-events", "20")
    count = 200
    with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536) as slow:
        for number in range(count):
            await asyncio.to_thread(publish, gateway, "s1", candle(number, text=BIG))

        def read_all() -> tuple[list[int], list[tuple[int, int]]]:
            seen: list[int] = []
            gone: list[tuple[int, int]] = []
            while not seen or seen[-1] < count:
                event = slow.event()
                if event["type"] == "lost":
                    gone.append((sequence(event["data"]["first_id"]), sequence(event["data"]["last_id"])))
                elif "id" in event:
                    seen.append(sequence(event["id"]))
            return seen, gone

        seen, gone = await asyncio.to_thread(read_all)
        assert gone, "it fell off the history's end"
        missing = [number for first, last in gone for number in range(first, last + 1)]
        assert sorted(seen + missing) == list(range(1, count + 1)) and seen == sorted(seen)
    assert len(ask(gateway, "GET", "/v1/sessions/s1/events").json["events"]) == 20


async def test_where_nothing_is_kept_only_who_missed_nothing_recovers(serve) -> None:
    gateway: Gateway = serve("--max-history-events", "0")
    first = publish(gateway, "s1", candle(1))["id"]
    second = publish(gateway, "s1", candle(2))["id"]
    asked: Optional[str]
    for asked, recovered in ((second, True), (first, False)):
        async with open_tab(gateway, "s1", query=f"last_event_id={asked}") as tab:
            assert tab.connected["resume"] == {"recovered": recovered, "from": asked, "oldest_id": None}
            assert await tab.is_silent()
    async with open_tab(gateway, "s1", query="join=all") as tab:
        assert await tab.is_silent()
    assert ask(gateway, "GET", "/v1/sessions/s1/events").json["events"] == []


# A session's own limits


def kept(gateway: Gateway, session: str) -> list[int]:
    return sequences(ask(gateway, "GET", f"/v1/sessions/{session}/events?limit=10000").json["events"])


async def test_a_session_keeps_as_little_as_its_engine_asks_for_from_then_on(gateway: Gateway, engine: WebSocketManager) -> None:
    for session in ("s1", "s2"):
        publish(gateway, session, [candle(number) for number in range(50)])
    lowered = await engine.register_session("s1", max_history_events=30)
    assert (lowered["max_history_events"], sequence(lowered["oldest_id"])) == (30, 21)
    assert kept(gateway, "s1") == list(range(21, 51)) and kept(gateway, "s2") == list(range(1, 51))
    assert metrics(gateway)['wsg_history_dropped_total{reason="session_limit"}'] == 20
    publish(gateway, "s1", candle(51))
    assert kept(gateway, "s1") == list(range(22, 52))
    assert metrics(gateway)["wsg_history_events"] == 80

    one = metrics(gateway)["wsg_history_bytes"] / 80
    await engine.register_session("s1", max_history_bytes=4096)
    left = kept(gateway, "s1")
    assert left[-1] == 51 and len(left) == int(4096 / one), "bytes count as well"

    assert ask(gateway, "PUT", "/v1/sessions/s1", {"max_history_events": None, "max_history_bytes": None}).status == 200
    publish(gateway, "s1", [candle(number) for number in range(52, 92)])
    assert kept(gateway, "s1") == list(range(left[0], 92)), "the gateway's own again"


async def test_a_session_that_keeps_nothing_loses_what_a_tab_missed_and_says_so(serve) -> None:
    gateway: Gateway = serve("--max-write-queue-bytes", "131072", "--write-timeout", "60")
    first = publish(gateway, "s1", candle(1))["id"]
    assert ask(gateway, "PUT", "/v1/sessions/s1", {"max_history_events": 0}).json["oldest_id"] is None
    assert metrics(gateway)["wsg_history_events"] == 0
    second = publish(gateway, "s1", candle(2))["id"]
    for asked, recovered in ((second, True), (first, False)):
        async with open_tab(gateway, "s1", query=f"last_event_id={asked}") as tab:
            assert tab.connected["resume"] == {"recovered": recovered, "from": asked, "oldest_id": None}
            assert await tab.is_silent()
    count = 60
    with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536) as slow:
        for number in range(count):
            await asyncio.to_thread(publish, gateway, "s1", candle(number, text=BIG))

        def read_all() -> list[int]:
            covered: list[int] = []
            while len(covered) < count:
                event = slow.event()
                if event["type"] == "lost":
                    covered += range(sequence(event["data"]["first_id"]), sequence(event["data"]["last_id"]) + 1)
                elif "id" in event:
                    covered.append(sequence(event["id"]))
            return covered

        assert await asyncio.to_thread(read_all) == list(range(3, count + 3)), "each came or was announced as lost, in order"
        assert metrics(gateway)["wsg_deliveries_lost_total"] > 0
        assert publish(gateway, "s1", candle(count))["connections"] == 1, "and it is live again"
        assert slow.event("candle")["data"] == {"candle_index": count}
    assert ask(gateway, "PUT", "/v1/sessions/s1", {"max_history_events": 5}).status == 200
    last = publish(gateway, "s1", [candle(number) for number in range(3)])["last_id"]
    assert kept(gateway, "s1") == [sequence(last) - 2, sequence(last) - 1, sequence(last)]


async def test_a_retention_of_its_own_is_obeyed_at_once_and_goes_on(serve) -> None:
    gateway: Gateway = serve("--session-idle-timeout", "10")
    for session in ("s1", "s2"):
        publish(gateway, session, [candle(number) for number in range(5)])

    def lowered() -> bool:
        ask(gateway, "PUT", "/v1/sessions/s1", {"history_retention_ms": None})
        return ask(gateway, "PUT", "/v1/sessions/s1", {"history_retention_ms": 10}).json["oldest_id"] is None

    until(lowered, "they are 10 ms old, and go with the answer", 0.5)
    publish(gateway, "s1", candle(5))
    until(lambda: kept(gateway, "s1") == [], "what comes later goes as well", 5)
    assert metrics(gateway)['wsg_history_dropped_total{reason="retention"}'] == 6
    assert kept(gateway, "s2") == [1, 2, 3, 4, 5]
