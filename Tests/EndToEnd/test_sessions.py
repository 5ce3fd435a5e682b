"""Sessions and their connections: who gets what, who is closed how, and what the engine is told."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime, timedelta, timezone

import pytest
from websocket_gateway import WebSocketManager, create_candle_event, create_stats_update_event

from control import ask, candle, connections, publish
from gateway import Gateway
from tabs import Tab, open_tab
from waiting import eventually, until
from wire import RawTab


async def open_tabs(stack: AsyncExitStack, gateway: Gateway, session: str, count: int, **options: str) -> list[Tab]:
    return [await stack.enter_async_context(open_tab(gateway, session, **options)) for _ in range(count)]


def numbers(events: list[dict]) -> list[int]:
    return [event["data"]["candle_index"] for event in events]


async def test_a_publish_reaches_the_three_tabs_of_its_session_in_order_and_no_other(gateway: Gateway, engine: WebSocketManager) -> None:
    async with AsyncExitStack() as stack:
        mine = await open_tabs(stack, gateway, "mine", 2) + await open_tabs(stack, gateway, "mine", 1, library="aiohttp")
        others = await open_tabs(stack, gateway, "other", 2)
        for number in range(20):
            receipt = await engine.publish("mine", create_candle_event({"candle_index": number}, {}))
            assert (receipt.connections, receipt.sent, receipt.queued, receipt.dropped) == (3, 3, 0, 0)
            assert receipt.sequence == number + 1
        for tab in mine:
            events = await tab.stream(20)
            assert [event["data"]["candle"]["candle_index"] for event in events] == list(range(20))
            assert [int(event["id"].rpartition("-")[2]) for event in events] == list(range(1, 21))
        for tab in others:
            assert await tab.is_silent()


async def test_both_kinds_of_a_session_that_no_engine_registered_see_one_stream(gateway: Gateway) -> None:
    async with open_tab(gateway, "s1", kind="backtest") as one, open_tab(gateway, "s1", kind="forward") as other:
        receipt = publish(gateway, "s1", candle(1))
        assert receipt["sent"] == 2
        assert (await one.event())["id"] == (await other.event())["id"] == receipt["id"]


async def test_a_batch_has_the_sums_of_its_events(gateway: Gateway) -> None:
    async with AsyncExitStack() as stack:
        await open_tabs(stack, gateway, "s1", 3)
        receipt = publish(gateway, "s1", [candle(number) for number in range(7)])
        assert list(receipt) == ["first_id", "last_id", "count", "connections", "sent", "queued", "conflated", "dropped"]
        assert (receipt["count"], receipt["connections"], receipt["sent"]) == (7, 21, 21)
        single = publish(gateway, "s1", candle(8))
        assert list(single) == ["id", "sequence", "connections", "sent", "queued", "conflated", "dropped"]
        assert (single["sequence"], single["connections"], single["sent"]) == (8, 3, 3)


async def test_tabs_that_vanish_in_the_middle_of_a_broadcast_harm_nobody(gateway: Gateway, engine: WebSocketManager) -> None:
    count, batch = 3000, 20
    async with AsyncExitStack() as stack:
        stayers = await open_tabs(stack, gateway, "s1", 4)
        leavers = await open_tabs(stack, gateway, "s1", 3)
        resetters = [RawTab.opened(gateway, "s1") for _ in range(3)]
        closers = [RawTab.opened(gateway, "s1") for _ in range(3)]

        async def publish_all() -> None:
            for first in range(0, count, batch):
                await engine.publish("s1", [create_candle_event({"candle_index": n}, {}) for n in range(first, first + batch)])

        async def leave() -> None:
            for leaver, resetter, closer in zip(leavers, resetters, closers):
                await leaver.stream(100)
                resetter.reset()
                closer.close()
                leaver.connection.transport.abort()  # type: ignore[attr-defined]

        received, *_ = await asyncio.gather(asyncio.gather(*(tab.stream(count) for tab in stayers)), publish_all(), leave())
        for events in received:
            assert [event["data"]["candle"]["candle_index"] for event in events] == list(range(count))
        await eventually(lambda: len(connections(gateway, "s1")) == 4, "the vanished have left")
        assert publish(gateway, "s1", candle(0))["sent"] == 4


async def test_a_broadcast_reaches_every_connection_and_enters_every_stream(gateway: Gateway, engine: WebSocketManager) -> None:
    async with AsyncExitStack() as stack:
        tabs = {session: await open_tabs(stack, gateway, session, count) for session, count in {"a": 2, "b": 1, "c": 3}.items()}
        publish(gateway, "a", candle(0))
        assert await engine.broadcast_to_all(create_stats_update_event({"pnl": 1})) == 6
        answer = ask(gateway, "POST", "/v1/events", {"type": "price_update", "data": {"price": 2}}).json
        assert list(answer) == ["sessions", "connections", "sent", "queued", "conflated", "dropped"]
        assert (answer["sessions"], answer["connections"], answer["sent"], answer["queued"]) == (3, 6, 6, 0)
        for session, members in tabs.items():
            for tab in members:
                events = await tab.stream(3 if session == "a" else 2)
                assert [event["type"] for event in events][-2:] == ["stats_update", "price_update"]
                assert [int(event["id"].rpartition("-")[2]) for event in events] == list(range(1, len(events) + 1))
        assert (await engine.get_session("a") or {})["last_id"] == events_id(gateway, "a")


def events_id(gateway: Gateway, session: str) -> str:
    return ask(gateway, "GET", f"/v1/sessions/{session}").json["last_id"]


# One connection


async def test_an_event_for_one_connection_reaches_it_alone_and_has_no_id(gateway: Gateway, engine: WebSocketManager) -> None:
    async with open_tab(gateway, "s1") as tab, open_tab(gateway, "s1") as neighbour:
        assert await engine.send_to_connection(tab.connection_id, create_candle_event({"n": 1}, {})) is True
        event = await tab.event()
        assert list(event) == ["type", "data", "timestamp"] and event["data"]["candle"] == {"n": 1}
        answer = ask(gateway, "POST", f"/v1/connections/{tab.connection_id}/events", {"type": "x", "data": {}})
        assert (answer.status, answer.json) == (200, {"sent": 1})
        assert (await tab.event())["type"] == "x"
        assert await neighbour.is_silent()
        assert publish(gateway, "s1", candle(1))["sequence"] == 1


async def test_a_connection_that_is_gone_cannot_be_sent_to(gateway: Gateway, engine: WebSocketManager) -> None:
    async with open_tab(gateway, "s1") as tab:
        gone = tab.connection_id
    await eventually(lambda: not engine.is_connected(gone), "it has left")
    for connection in (gone, "00000000-0000-4000-8000-000000000000", "nonsense"):
        assert await engine.send_to_connection(connection, create_candle_event({}, {})) is False
        assert ask(gateway, "POST", f"/v1/connections/{connection}/events", candle(1)).code == "CONNECTION_NOT_FOUND"
        assert ask(gateway, "GET", f"/v1/connections/{connection}").code == "CONNECTION_NOT_FOUND"
        assert ask(gateway, "DELETE", f"/v1/connections/{connection}").code == "CONNECTION_NOT_FOUND"


async def test_a_disconnected_tab_is_closed_with_1000_and_its_reason(gateway: Gateway, engine: WebSocketManager) -> None:
    async with open_tab(gateway, "s1") as tab, open_tab(gateway, "s1") as neighbour:
        await engine.disconnect(tab.connection_id)
        assert await tab.closed() == (1000, "disconnected")
        await engine.disconnect(tab.connection_id)
        assert publish(gateway, "s1", candle(1))["sent"] == 1
        assert (await neighbour.event())["data"] == {"candle_index": 1}


async def test_counts_and_is_connected_follow_who_comes_and_goes(gateway: Gateway, engine: WebSocketManager) -> None:
    assert engine.get_connection_count() == 0
    async with AsyncExitStack() as stack:
        a = await open_tabs(stack, gateway, "a", 3)
        async with open_tab(gateway, "b", kind="forward") as b:
            assert (engine.get_connection_count("a"), engine.get_connection_count("b"), engine.get_connection_count("nobody")) == (3, 1, 0)
            assert engine.get_connection_count() == 4
            assert engine.is_connected(b.connection_id)
            assert sorted(engine.get_session_connections("a")) == sorted(tab.connection_id for tab in a)
        await eventually(lambda: not engine.is_connected(b.connection_id), "b has left")
        assert (engine.get_connection_count("b"), engine.get_connection_count()) == (0, 3)
    await eventually(lambda: engine.get_connection_count() == 0, "all have left")


async def test_the_metadata_of_a_connection_is_complete(gateway: Gateway, engine: WebSocketManager) -> None:
    async with open_tab(gateway, "s1", kind="forward") as tab:
        answer = ask(gateway, "GET", f"/v1/connections/{tab.connection_id}").json
        fields = [
            "connection_id", "session_id", "kind", "transport", "connected_at", "last_heartbeat", "remote_address", "subject", "rtt_ms",
            "queued_bytes", "lag", "story", "story_dropped",
        ]  # fmt: skip
        assert list(answer) == fields
        assert answer["connected_at"].endswith("Z")
        metadata = engine.get_connection_metadata(tab.connection_id)
        assert metadata is not None
        assert (metadata["session_id"], metadata["kind"], metadata["remote_address"]) == ("s1", "forward", "127.0.0.1")
        assert (metadata["queued_bytes"], metadata["lag"], metadata["subject"]) == (0, 0, None)
        now = datetime.now(timezone.utc).replace(tzinfo=None)
        assert timedelta(0) <= now - metadata["connected_at"] < timedelta(seconds=20)
        assert metadata["last_heartbeat"] >= metadata["connected_at"]
        assert (answer.pop("story"), answer.pop("story_dropped")) == ([], 0)
        assert connections(gateway, "s1") == [answer]


# The session as a whole


async def test_a_deleted_session_closes_its_tabs_with_1000_and_begins_a_new_epoch(gateway: Gateway, engine: WebSocketManager) -> None:
    async with AsyncExitStack() as stack:
        tabs = await open_tabs(stack, gateway, "s1", 3)
        (bystander,) = await open_tabs(stack, gateway, "s2", 1)
        first = publish(gateway, "s1", candle(1))["id"]
        assert await engine.delete_session("s1") is True
        for tab in tabs:
            assert (await tab.closed())[0] == 1000
        assert await engine.delete_session("s1") is False
        assert ask(gateway, "DELETE", "/v1/sessions/s1").code == "SESSION_NOT_FOUND"
        assert await engine.get_session("s1") is None
        (newcomer,) = await open_tabs(stack, gateway, "s1", 1)
        assert newcomer.connected["last_id"] is None
        again = publish(gateway, "s1", candle(2))
        assert again["sequence"] == 1 and again["sent"] == 1
        assert again["id"].rpartition("-")[0] != first.rpartition("-")[0]
        assert await bystander.is_silent()


async def test_the_list_of_sessions_is_paged_and_tells_their_counts(gateway: Gateway, engine: WebSocketManager) -> None:
    names = sorted(f"s{number}" for number in range(7))
    for name in names:
        publish(gateway, name, candle(1))
    async with open_tab(gateway, "s3"):
        page = ask(gateway, "GET", "/v1/sessions?limit=3").json
        assert [one["session_id"] for one in page["sessions"]] == names[:3] and page["next"] == names[2]
        page = ask(gateway, "GET", f"/v1/sessions?limit=10&after={page['next']}").json
        assert [one["session_id"] for one in page["sessions"]] == names[3:] and page["next"] is None
        listed = await engine.list_sessions()
        assert {one["session_id"]: one["connections"] for one in listed} == {name: int(name == "s3") for name in names}
        settings = ["kind", "owner", "max_connections", "join", "policies"]
        settings += ["max_history_events", "max_history_bytes", "history_retention_ms"]
        assert list(listed[0]) == ["session_id", *settings, "registered", "connections", "epoch", "last_id", "oldest_id"]


def test_a_registered_kind_refuses_the_other_route(gateway: Gateway) -> None:
    created = ask(gateway, "PUT", "/v1/sessions/s1", {"kind": "backtest", "owner": "u1", "join": "live"})
    assert (created.status, created.json["kind"], created.json["owner"]) == (201, "backtest", "u1")
    assert ask(gateway, "PUT", "/v1/sessions/s1", {"kind": "backtest"}).status == 200
    with RawTab(gateway, "s1", kind="forward") as tab:
        assert (tab.answer_to_upgrade.status, tab.answer_to_upgrade.code) == (403, "WRONG_KIND")
    with RawTab(gateway, "s1", kind="backtest") as tab:
        assert tab.is_open


def test_a_second_put_changes_what_it_names_and_keeps_the_rest(gateway: Gateway) -> None:
    ask(gateway, "PUT", "/v1/sessions/s1", {"kind": "backtest", "owner": "u1"})
    changed = ask(gateway, "PUT", "/v1/sessions/s1", {"max_connections": 2}).json
    assert (changed["kind"], changed["owner"], changed["max_connections"]) == ("backtest", "u1", 2)


@pytest.mark.parametrize(
    ("body", "name", "range"),
    [
        ({"max_history_events": 501}, "max_history_events", "0 to 500"),
        ({"max_history_events": -1}, "max_history_events", "0 to"),
        ({"max_history_bytes": 4095}, "max_history_bytes", "4096 to"),
        ({"max_history_bytes": 65_537}, "max_history_bytes", "4096 to 65536"),
        ({"history_retention_ms": 9}, "history_retention_ms", "10 to"),
        ({"kind": "forward", "history_retention_ms": 60_001}, "history_retention_ms", "10 to 60000"),
    ],
)
def test_an_engine_that_asks_for_more_history_than_the_gateway_keeps_is_told(serve, body, name, range) -> None:
    gateway: Gateway = serve("--max-history-events", "500", "--max-history-bytes", "65536", "--history-retention", "60")
    ask(gateway, "PUT", "/v1/sessions/s1", {"max_history_events": 500, "max_history_bytes": 65_536, "history_retention_ms": 60_000})
    answer = ask(gateway, "PUT", "/v1/sessions/s1", body)
    assert (answer.status, answer.code) == (400, "INVALID_SESSION")
    assert answer.json["error"]["details"]["place"] == name
    assert name in answer.json["error"]["message"] and range in answer.json["error"]["message"]
    kept = ask(gateway, "GET", "/v1/sessions/s1").json
    assert kept["kind"] is None, "nothing is half-done"
    assert (kept["max_history_events"], kept["max_history_bytes"], kept["history_retention_ms"]) == (500, 65_536, 60_000)
    back = ask(gateway, "PUT", "/v1/sessions/s1", dict.fromkeys(("max_history_events", "max_history_bytes", "history_retention_ms"))).json
    assert (back["max_history_events"], back["max_history_bytes"], back["history_retention_ms"]) == (None, None, None)


async def test_a_session_has_as_many_connections_as_its_registration_says(gateway: Gateway, engine: WebSocketManager) -> None:
    await engine.register_session("s1", max_connections=1)
    async with open_tab(gateway, "s1"):
        with RawTab(gateway, "s1") as second:
            assert (second.answer_to_upgrade.status, second.answer_to_upgrade.code) == (503, "SESSION_LIMIT")
            assert int(second.answer_to_upgrade.headers["retry-after"]) > 0
        await engine.register_session("s1", max_connections=2)
        async with open_tab(gateway, "s1"):
            assert engine.get_connection_count("s1") == 2


def test_a_client_that_offers_wsg_v1_reads_why_it_is_refused(gateway: Gateway) -> None:
    ask(gateway, "PUT", "/v1/sessions/s1", {"kind": "backtest"})
    with RawTab(gateway, "s1", kind="forward", Sec_WebSocket_Protocol="chat, wsg.v1") as tab:
        assert tab.is_open
        assert tab.answer_to_upgrade.headers["sec-websocket-protocol"] == "wsg.v1"
        event = tab.frame().event
        assert (event["type"], event["data"]["error_code"]) == ("error", "FORBIDDEN")
        assert tab.close_frame()[0] == 4403
    assert until(lambda: connections(gateway, "s1") == [], "nobody is a member")


def test_where_only_registered_sessions_are_served_others_are_not_found(serve) -> None:
    gateway = serve("--registered-sessions-only")
    with RawTab(gateway, "s1") as tab:
        assert (tab.answer_to_upgrade.status, tab.answer_to_upgrade.code) == (404, "SESSION_NOT_FOUND")
    with RawTab(gateway, "s1", Sec_WebSocket_Protocol="wsg.v1") as tab:
        assert tab.frame().event["data"]["error_code"] == "SESSION_NOT_FOUND"
        assert tab.close_frame()[0] == 4404
    ask(gateway, "PUT", "/v1/sessions/s1", {})
    publish(gateway, "s2", candle(1))
    for session in ("s1", "s2"):
        with RawTab(gateway, session) as tab:
            assert tab.is_open


async def test_a_client_is_a_member_before_it_reads_the_101(gateway: Gateway) -> None:
    for number in range(20):
        with RawTab(gateway, f"s{number}") as tab:
            assert publish(gateway, f"s{number}", candle(number))["connections"] == 1
            assert tab.frame().event["type"] == "connected"
            assert tab.frame().event["data"] == {"candle_index": number}
