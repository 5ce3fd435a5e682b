"""Idempotency keys: a publish that comes again is done once, and an engine behind a network that cuts publishes each event once and in order."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Callable, Union

import pytest
from websocket_gateway import Event, GatewayError, GatewayUnavailable, WebSocketManager

from control import JSON_TYPE, NDJSON_TYPE, Answer, ask, candle, metrics, publish
from cutter import cutting
from gateway import Gateway
from tabs import open_tab
from wire import control_wire

Serve = Callable[..., Gateway]
EVENTS = "/v1/sessions/s1/events"
GOOD = '{"type":"candle","data":{}}'


def publish_as(gateway: Gateway, key: str, body: Union[str, list, dict], path: str = EVENTS, kind: dict[str, str] = JSON_TYPE) -> Answer:
    return ask(gateway, "POST", path, body, kind | {"Idempotency-Key": key})


def history(gateway: Gateway, session: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    after = ""
    while True:
        page = ask(gateway, "GET", f"/v1/sessions/{session}/events?limit=10000{after}").json
        events += page["events"]
        if page["next"] is None:
            return events
        after = f"&after={page['next']}"


def repeats(gateway: Gateway) -> float:
    return metrics(gateway)["wsg_idempotency_repeats_total"]


# The gateway


@pytest.mark.parametrize(
    ("kind", "body"),
    [(JSON_TYPE, GOOD), (JSON_TYPE, f"[{GOOD},{GOOD}]"), (NDJSON_TYPE, f"{GOOD}\n{GOOD}\n")],
    ids=["one event", "an array", "lines"],
)
async def test_the_same_key_and_body_are_published_once_and_answered_alike(gateway: Gateway, kind: dict[str, str], body: str) -> None:
    async with open_tab(gateway, "s1") as tab:
        first = publish_as(gateway, "k1", body, kind=kind)
        assert (first.status, first.json["sent"]) == (200, body.count("candle"))
        publish(gateway, "s1", candle(1))
        for _ in range(3):
            assert publish_as(gateway, "k1", body, kind=kind).body == first.body
        assert repeats(gateway) == 3
        assert [event["data"] for event in await tab.stream(body.count("candle") + 1)][-1] == {"candle_index": 1}
        assert await tab.is_silent()


def test_the_same_key_with_another_body_is_refused_and_publishes_nothing(gateway: Gateway) -> None:
    assert publish_as(gateway, "k1", GOOD).status == 200
    for other in (GOOD + " ", f"[{GOOD}]", '{"type":"candle","data":{"a":1}}'):
        answer = publish_as(gateway, "k1", other)
        assert (answer.status, answer.code) == (409, "IDEMPOTENCY_KEY_REUSED"), other
    assert len(history(gateway, "s1")) == 1


def test_a_key_is_its_sessions_and_a_publish_without_one_is_always_new(gateway: Gateway) -> None:
    ids = [publish_as(gateway, "k1", GOOD, f"/v1/sessions/{session}/events").json["id"] for session in ("s1", "s2")]
    assert len(set(ids)) == 2
    assert len({publish(gateway, "s1", GOOD)["id"] for _ in range(3)}) == 3
    assert [len(history(gateway, session)) for session in ("s1", "s2")] == [4, 1]


def test_what_was_refused_used_no_key_and_an_ended_session_remembers_none(gateway: Gateway) -> None:
    assert publish_as(gateway, "k1", "{}").status == 400
    first = publish_as(gateway, "k1", GOOD)
    assert ask(gateway, "DELETE", "/v1/sessions/s1").status == 204
    again = publish_as(gateway, "k1", GOOD)
    assert first.json["id"] != again.json["id"]
    assert len(history(gateway, "s1")) == 1


async def test_two_connections_that_send_the_same_at_once_get_the_same_answers(gateway: Gateway) -> None:
    requests = "".join(
        f"POST {EVENTS} HTTP/1.1\r\nHost: {gateway.control}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(GOOD)}\r\nIdempotency-Key: k{number}\r\n\r\n{GOOD}"
        for number in range(200)
    )
    # With members to deliver to, on all workers: some repetitions find the first still under way.
    async with AsyncExitStack() as stack:
        tabs = [await stack.enter_async_context(open_tab(gateway, "s1")) for _ in range(3)]
        with control_wire(gateway) as one, control_wire(gateway) as other:
            one.send(requests)
            other.send(requests)
            answers = [[wire.answer().json for _ in range(200)] for wire in (one, other)]
        for tab in tabs:
            assert [event["id"] for event in await tab.stream(200)] == [answer["id"] for answer in answers[0]]
            assert await tab.is_silent()
    assert answers[0] == answers[1]
    assert [answer["sequence"] for answer in answers[0]] == list(range(1, 201))
    assert len(history(gateway, "s1")) == 200
    assert repeats(gateway) == 200


# Broadcasts

ALL = "/v1/events"


def request(gateway: Gateway, path: str, event: dict[str, Any], key: str = "") -> str:
    body = json.dumps(event)
    field = f"Idempotency-Key: {key}\r\n" if key else ""
    return (
        f"POST {path} HTTP/1.1\r\nHost: {gateway.control}\r\nContent-Type: application/json\r\n"
        f"{field}Content-Length: {len(body)}\r\n\r\n{body}"
    )


def broadcast_as(gateway: Gateway, key: str, body: Union[str, dict] = GOOD) -> Answer:
    return publish_as(gateway, key, body, ALL)


def again(serve: Serve, gateway: Gateway, *flags: str) -> Gateway:
    """Another gateway where that one was."""
    return serve(*flags, listen=gateway.listen, control=gateway.control)


def numbers(gateway: Gateway, session: str) -> list[int]:
    return [event["data"]["candle_index"] for event in history(gateway, session)]


async def test_a_broadcast_that_comes_again_is_answered_alike_and_reaches_nobody_not_even_who_came_since(gateway: Gateway) -> None:
    async with AsyncExitStack() as stack:
        tabs = [await stack.enter_async_context(open_tab(gateway, f"s{number % 5}")) for number in range(10)]
        first = broadcast_as(gateway, "k1")
        assert first.json == {"sessions": 5, "connections": 10, "sent": 10, "queued": 0, "conflated": 0, "dropped": 0}
        newcomer = await stack.enter_async_context(open_tab(gateway, "new"))
        for _ in range(3):
            assert broadcast_as(gateway, "k1").body == first.body
        for tab in tabs:
            assert [event["id"].rpartition("-")[2] for event in await tab.stream(1)] == ["1"]
            assert await tab.is_silent()
        assert await newcomer.is_silent()
        assert [len(history(gateway, session)) for session in ("s0", "s4", "new")] == [1, 1, 0]
    assert repeats(gateway) == 3


def test_a_broadcasts_key_is_its_own_and_another_body_is_refused(gateway: Gateway) -> None:
    assert publish_as(gateway, "k1", candle(1)).status == 200
    assert broadcast_as(gateway, "k1", candle(2)).json["sessions"] == 1
    assert publish_as(gateway, "k2", candle(3)).status == 200
    assert broadcast_as(gateway, "k2", candle(4)).json["sessions"] == 1
    refused = broadcast_as(gateway, "k2", candle(5))
    assert (refused.status, refused.code) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert [broadcast_as(gateway, "", candle(6)).status, broadcast_as(gateway, "k3", [candle(6)]).status] == [400, 400]
    assert broadcast_as(gateway, "k3", candle(6)).status == 200, "what was refused used no key"
    assert [ask(gateway, "POST", ALL, candle(7)).status for _ in range(2)] == [200, 200], "without a key each is a new one"
    assert numbers(gateway, "s1") == [1, 2, 3, 4, 6, 7, 7]


@pytest.mark.parametrize("flags", [[], ["--durability", "commit"], ["--durability", "relaxed"]], ids=["memory", "commit", "relaxed"])
async def test_two_connections_that_broadcast_the_same_at_once_get_the_same_answers(serve: Serve, tmp_path: Path, flags: list[str]) -> None:
    if flags:
        (tmp_path / "data").mkdir()
        flags = [*flags, "--data", str(tmp_path / "data")]
    gateway = serve(*flags)
    requests = "".join(request(gateway, ALL, candle(number), f"k{number}") for number in range(100))
    async with AsyncExitStack() as stack:
        tabs = [await stack.enter_async_context(open_tab(gateway, f"s{number % 7}")) for number in range(14)]
        wires = [stack.enter_context(control_wire(gateway)) for _ in range(4)]
        for wire in wires:
            wire.send(requests)
        answers = [[wire.answer().json for _ in range(100)] for wire in wires]
        for tab in tabs:
            assert [int(event["id"].rpartition("-")[2]) for event in await tab.stream(100)] == list(range(1, 101))
            assert await tab.is_silent()
    assert answers[1:] == answers[:1] * 3
    assert all(answer["sessions"] == 7 and answer["connections"] == 14 for answer in answers[0])
    assert repeats(gateway) == 300


@pytest.mark.parametrize("durability", ["commit", "relaxed"])
def test_a_broadcasts_key_holds_over_a_restart(serve: Serve, tmp_path: Path, durability: str) -> None:
    (tmp_path / "data").mkdir()
    flags = ["--data", str(tmp_path / "data"), "--durability", durability]
    first = serve(*flags)
    for session in range(9):
        publish(first, f"s{session}", candle(1))
    assert broadcast_as(first, "k1", candle(2)).json["sessions"] == 9
    first.terminate()
    assert first.wait() == 0
    second = serve(*flags, "--workers", "2")
    publish(second, "new", candle(3))
    # Under `relaxed` it is not known whether all have it still: the repetition finishes it.
    sessions = 9 if durability == "commit" else 10
    for _ in range(2):
        repeated = broadcast_as(second, "k1", candle(2)).json
        assert repeated == {"sessions": sessions, "connections": 0, "sent": 0, "queued": 0, "conflated": 0, "dropped": 0}
    assert broadcast_as(second, "k1", candle(4)).code == "IDEMPOTENCY_KEY_REUSED"
    assert [numbers(second, f"s{session}") for session in range(9)] == [[1, 2]] * 9
    assert numbers(second, "new") == ([3] if durability == "commit" else [3, 2])


def kept(data: Path, life: int) -> tuple[set[str], bool]:
    """Of a gateway that is gone: who has the broadcast, and whether it says that all have."""
    connection = sqlite3.connect(f"file:{data}/history.sqlite3?mode=ro", uri=True)
    rows = connection.execute("SELECT session_id FROM history WHERE json_extract(data, '$.candle_index') = ?", [life]).fetchall()
    done = connection.execute("SELECT count(*) FROM keys WHERE number = 0 AND key = ?", [f" k{life}"]).fetchone()[0]
    connection.close()
    assert len(rows) == len(set(rows))
    return {row[0] for row in rows}, done == 1


@pytest.mark.seconds(120)
def test_a_broadcast_that_was_killed_in_the_middle_is_in_every_session_once_when_it_was_repeated(serve: Serve, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    gateway = serve("--data", str(data))
    sessions = {f"s{number}" for number in range(400)}
    with control_wire(gateway) as wire:
        for session in sessions:
            wire.send(request(gateway, f"/v1/sessions/{session}/events", candle(0)))
        assert {wire.answer().status for _ in sessions} == {200}
    began = time.monotonic()
    assert broadcast_as(gateway, "k0", candle(0)).json["sessions"] == 400
    seconds = time.monotonic() - began
    chance = random.Random(7)
    reached: dict[int, set[str]] = {}
    unfinished = 0
    for life in range(1, 11):
        with control_wire(gateway) as wire:
            wire.send(request(gateway, ALL, candle(life), f"k{life}"))
            time.sleep(chance.uniform(0, seconds))  # where it is killed is left to chance
            gateway.kill()
        have, is_done = kept(data, life)
        assert have == sessions if is_done else have <= sessions
        unfinished += bool(have) and have != sessions
        gateway = again(serve, gateway, "--data", str(data))
        if have:
            assert broadcast_as(gateway, f"k{life}", candle(-1)).code == "IDEMPOTENCY_KEY_REUSED"
        # Who came in between is reached where the first was not done: it is done now.
        newcomer = f"new{life}"
        publish(gateway, newcomer, candle(0))
        reached[life] = sessions if is_done else sessions | {newcomer}
        sessions = sessions | {newcomer}
        repeated = [broadcast_as(gateway, f"k{life}", candle(life)).json for _ in range(2)]
        assert [answer["sessions"] for answer in repeated] == [len(reached[life])] * 2
    gateway.kill()
    assert {life: kept(data, life) for life in reached} == {life: (who, True) for life, who in reached.items()}
    print(f"{unfinished} of 10 were killed between the first session and the last")


# The Python client


def numbered(number: int) -> Event:
    return Event("candle", {"n": number})


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_an_engine_that_is_cut_again_and_again_publishes_every_event_once_and_in_order(gateway: Gateway, seed: int) -> None:
    async with open_tab(gateway, "a") as tab, cutting(gateway, bytes_max=5000, seed=seed, control=True) as network:
        async with WebSocketManager(network.control_url, retry_for=30) as engine:
            receipts = await asyncio.gather(*(engine.publish("ab"[number % 2], numbered(number)) for number in range(1000)))
            for number in range(1000, 1100):  # and one at a time
                receipts.append(await engine.publish("ab"[number % 2], numbered(number)))
        seen = [event["data"]["n"] for event in await tab.stream(550)]
        assert await tab.is_silent()
    for rest, session in enumerate("ab"):
        events = history(gateway, session)
        assert [event["data"]["n"] for event in events] == list(range(rest, 1100, 2))
        assert [event["id"] for event in events] == [receipt.id for receipt in receipts[rest::2]]
    assert seen == list(range(0, 1100, 2))
    assert network.connections > 20
    assert repeats(gateway) > 20


async def test_batches_that_are_cut_again_and_again_are_published_once_each(gateway: Gateway) -> None:
    async with cutting(gateway, bytes_max=2000, control=True) as network, WebSocketManager(network.control_url, retry_for=30) as engine:
        batches = [[numbered(number) for number in range(first, first + 10)] for first in range(0, 2000, 10)]
        receipts = await asyncio.gather(*(engine.publish("s1", batch) for batch in batches))
    assert [receipt.count for receipt in receipts] == [10] * 200
    assert [event["data"]["n"] for event in history(gateway, "s1")] == list(range(2000))
    assert repeats(gateway) > 20


async def test_without_keys_an_engine_that_is_cut_is_told_what_is_unknown_and_publishes_nothing_twice(gateway: Gateway) -> None:
    async with cutting(gateway, bytes_max=5000, control=True) as network:
        async with WebSocketManager(network.control_url, retry_for=30, idempotent=False) as engine:
            publishing = [asyncio.ensure_future(engine.publish("s1", numbered(number))) for number in range(500)]
            results = await asyncio.gather(*publishing, return_exceptions=True)
    unknown = {number for number, result in enumerate(results) if isinstance(result, GatewayUnavailable) and result.outcome == "unknown"}
    numbers = [event["data"]["n"] for event in history(gateway, "s1")]
    assert len(numbers) == len(set(numbers))
    assert unknown and set(numbers) | unknown == set(range(500))
    assert repeats(gateway) == 0


@pytest.mark.parametrize("seed", [1, 2])
async def test_an_engine_that_is_cut_again_and_again_broadcasts_every_event_once_and_in_order(gateway: Gateway, seed: int) -> None:
    async with AsyncExitStack() as stack:
        tabs = [await stack.enter_async_context(open_tab(gateway, session)) for session in "abcd"]
        network = await stack.enter_async_context(cutting(gateway, bytes_max=2000, seed=seed, control=True))
        async with WebSocketManager(network.control_url, retry_for=30) as engine:
            counts = await asyncio.gather(*(engine.broadcast_to_all(numbered(number)) for number in range(200)))
            last = numbered(200)
            for _ in range(2):
                counts.append(await engine.broadcast_to_all(last, idempotency_key="own"))
        for tab in tabs:
            assert [event["data"]["n"] for event in await tab.stream(201)] == list(range(201))
            assert await tab.is_silent()
    assert counts == [4] * 202
    assert network.connections > 10
    assert repeats(gateway) > 10


async def test_an_engine_that_starts_again_publishes_with_its_own_key_what_it_had_published(gateway: Gateway) -> None:
    event = numbered(1)
    receipts = []
    for _ in range(2):
        async with WebSocketManager(gateway.control_url) as engine:
            receipts.append(await engine.publish("s1", event, idempotency_key="order-17/filled"))
    assert receipts[0] == receipts[1]
    async with WebSocketManager(gateway.control_url) as engine:
        with pytest.raises(GatewayError) as caught:
            await engine.publish("s1", numbered(1), idempotency_key="order-17/filled")
    assert (caught.value.status, caught.value.code) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert len(history(gateway, "s1")) == 1


async def test_an_engine_may_broadcast_and_send_to_one_connection_as_ever(gateway: Gateway, engine: WebSocketManager) -> None:
    async with open_tab(gateway, "s1") as tab:
        assert await engine.broadcast_to_session("s1", numbered(1)) == 1
        assert await engine.broadcast_to_all(numbered(2)) == 1
        assert await engine.send_to_connection(tab.connection_id, numbered(3)) is True
        assert [event["data"]["n"] for event in [await tab.event("candle") for _ in range(3)]] == [1, 2, 3]
