from __future__ import annotations

import asyncio
import re
import threading
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Optional

import pytest

import websocket_gateway
from fake_gateway import PATIENCE_SECONDS, REFUSED, Answering, Connection, FakeGateway, answer, closed_port, receipt
from websocket_gateway import Event, GatewayError, GatewayUnavailable, WebSocketManager, create_candle_event

EVENT = Event("candle", {"close": 1.5}, datetime(2026, 3, 15, 10, 30))
EVENT_BYTES = b'{"type":"candle","data":{"close":1.5},"timestamp":"2026-03-15T10:30:00"}'
KEY = r"[A-Za-z0-9_-]{12}-[1-9][0-9]*"
MISSING = answer(404, {"error": {"code": "NOT_FOUND", "message": "no such connection"}})


def outcome(name: str) -> Any:
    return {"error": {"code": "STORE_FAILED", "message": "no room", "details": {"outcome": name}}}


class Exchange:
    """A script: expects these requests in this order, and answers each as told."""

    def __init__(self, *steps: tuple[str, str, bytes]) -> None:
        self._steps = steps
        self.bodies: list[bytes] = []
        self.keys: list[Optional[str]] = []

    def __call__(self, connection: Connection) -> None:
        for method, path, reply in self._steps:
            request = connection.expect(method, path)
            self.bodies.append(request.body)
            self.keys.append(request.headers.get("idempotency-key"))
            connection.send(reply)
        assert connection.read() is None


def test_publishing_sends_the_event_and_returns_its_receipt() -> None:
    several = {"first_id": "e1-2", "last_id": "e1-3", "count": 2, "connections": 4, "sent": 3, "queued": 1}
    exchange = Exchange(
        ("POST", "/v1/sessions/s.1/events", answer(200, receipt(1, conflated=3, dropped=4))),
        ("POST", "/v1/sessions/s.1/events", answer(200, several)),
        ("POST", "/v1/sessions/s.1/events", answer(200, receipt(4))),
    )

    async def engine(manager: WebSocketManager) -> None:
        one = await manager.publish("s.1", EVENT)
        assert (one.id, one.first_id, one.last_id, one.sequence, one.count) == ("e1-1", "e1-1", "e1-1", 1, 1)
        assert (one.connections, one.sent, one.queued, one.conflated, one.dropped) == (2, 1, 1, 3, 4)
        two = await manager.publish("s.1", [EVENT, EVENT])
        assert (two.id, two.first_id, two.sequence, two.count, two.delivered) == ("e1-3", "e1-2", 3, 2, 4)
        assert await manager.broadcast_to_session("s.1", EVENT) == 2
        await manager.aclose()

    with FakeGateway(exchange) as gateway:
        asyncio.run(engine(WebSocketManager(gateway.url)))
    assert exchange.bodies == [EVENT_BYTES, b"[" + EVENT_BYTES + b"," + EVENT_BYTES + b"]", EVENT_BYTES]
    assert all(key is not None and re.fullmatch(KEY, key) for key in exchange.keys)
    assert len(set(exchange.keys)) == 3


def test_an_event_may_be_a_mapping_wherever_one_is_taken() -> None:
    sent = {"count": 2, "sent": 1}
    exchange = Exchange(
        ("POST", "/v1/sessions/s/events", answer(200, receipt(1))),
        ("POST", "/v1/sessions/s/events", answer(200, receipt(2))),
        ("POST", "/v1/sessions/s/events", answer(200, receipt(3))),
        ("POST", "/v1/connections/c1/events", answer(200, sent)),
        ("POST", "/v1/events", answer(200, sent)),
    )
    mapping = EVENT.to_dict()

    async def engine(manager: WebSocketManager) -> None:
        await manager.publish("s", mapping)
        await manager.publish("s", [mapping, EVENT])
        await manager.broadcast_to_session("s", mapping)
        await manager.send_to_connection("c1", mapping)
        await manager.broadcast_to_all(mapping)
        with pytest.raises(GatewayError, match="INVALID_EVENT: an event has no 'price'"):
            await manager.publish("s", {"type": "candle", "data": {}, "price": 1})
        await manager.aclose()

    with FakeGateway(exchange) as gateway:
        asyncio.run(engine(WebSocketManager(gateway.url)))
    several = b"[" + EVENT_BYTES + b"," + EVENT_BYTES + b"]"
    assert exchange.bodies == [EVENT_BYTES, several, EVENT_BYTES, EVENT_BYTES, EVENT_BYTES]


def test_the_other_methods_of_the_existing_manager_ask_the_gateway() -> None:
    metadata = {
        "connection_id": "c1",
        "session_id": "s",
        "connected_at": "2026-03-15T10:30:00.5Z",
        "last_heartbeat": "2026-03-15T12:30:01.123456789+02:00",
        "lag": 3,
    }
    exchange = Exchange(
        ("POST", "/v1/connections/c1/events", answer(200, {"sent": 1})),
        ("POST", "/v1/connections/c2/events", MISSING),
        ("POST", "/v1/events", answer(200, {"sessions": 2, "connections": 5, "sent": 3, "queued": 1})),
        ("DELETE", "/v1/connections/c1", answer(204)),
        ("DELETE", "/v1/connections/c1", MISSING),
        ("POST", "/v1/connections/cleanup", answer(200, {"cleaned": 2})),
        ("GET", "/v1/sessions/s/connections", answer(200, {"connections": [{"connection_id": "c1"}], "next": "c1"})),
        ("GET", "/v1/sessions/s/connections?after=c1", answer(200, {"connections": [{"connection_id": "c2"}], "next": None})),
        ("GET", "/v1/sessions/s", answer(200, {"connections": 7})),
        ("GET", "/v1/sessions/t", MISSING),
        ("GET", "/v1/sessions", answer(200, {"sessions": [{"connections": 7}, {"connections": 1}], "next": "x"})),
        ("GET", "/v1/sessions?after=x", answer(200, {"sessions": [{"connections": 2}], "next": None})),
        ("GET", "/v1/connections/c1", answer(200, metadata)),
        ("GET", "/v1/connections/c2", MISSING),
        ("GET", "/v1/connections/c1", answer(200, metadata)),
        ("GET", "/v1/connections/c2", MISSING),
    )  # fmt: skip

    async def engine(manager: WebSocketManager) -> None:
        assert await manager.send_to_connection("c1", EVENT) is True
        assert await manager.send_to_connection("c2", EVENT) is False
        assert await manager.broadcast_to_all(EVENT) == 4
        await manager.disconnect("c1")
        await manager.disconnect("c1")
        assert await manager.cleanup_stale_connections(max_age_seconds=60) == 2
        # The ones that are not async work in a running loop as well.
        assert manager.get_session_connections("s") == ["c1", "c2"]
        assert manager.get_connection_count("s") == 7
        assert manager.get_connection_count("t") == 0
        assert manager.get_connection_count() == 10
        assert manager.is_connected("c1") is True
        assert manager.is_connected("c2") is False
        found = manager.get_connection_metadata("c1")
        assert found is not None
        assert found["session_id"] == "s"
        assert found["lag"] == 3
        assert found["connected_at"] == datetime(2026, 3, 15, 10, 30, 0, 500000)
        assert found["last_heartbeat"] == datetime(2026, 3, 15, 10, 30, 1, 123456)
        assert manager.get_connection_metadata("c2") is None
        await manager.aclose()

    with FakeGateway(exchange) as gateway:
        asyncio.run(engine(WebSocketManager(gateway.url)))
    assert exchange.bodies[5] == b'{"max_age_seconds":60}'
    assert [number for number, key in enumerate(exchange.keys) if key is not None] == [2], "the broadcast has one"


def test_sessions_are_registered_listed_and_ended() -> None:
    exchange = Exchange(
        ("PUT", "/v1/sessions/s", answer(201, {"session_id": "s", "kind": "backtest"})),
        ("PUT", "/v1/sessions/s", answer(200, {})),
        ("PUT", "/v1/sessions/s", answer(200, {})),
        ("GET", "/v1/sessions", answer(200, {"sessions": [{"session_id": "s"}]})),
        ("GET", "/v1/sessions/s", answer(200, {"session_id": "s"})),
        ("DELETE", "/v1/sessions/s", answer(204)),
        ("DELETE", "/v1/sessions/s", MISSING),
        ("GET", "/v1/sessions/s", MISSING),
    )

    async def engine(url: str) -> None:
        async with WebSocketManager(url) as manager:
            made = await manager.register_session("s", kind="backtest", owner="u1", max_connections=5, join="all")
            assert made["kind"] == "backtest"
            assert await manager.register_session("s", join=100, policies={"tick": "latest"}) == {}
            limits = {"max_history_events": 0, "max_history_bytes": 4096, "history_retention_ms": 60_000}
            assert await manager.register_session("s", **limits) == {}
            assert await manager.list_sessions() == [{"session_id": "s"}]
            assert await manager.get_session("s") == {"session_id": "s"}
            assert await manager.delete_session("s") is True
            assert await manager.delete_session("s") is False
            assert await manager.get_session("s") is None

    with FakeGateway(exchange) as gateway:
        asyncio.run(engine(gateway.url))
    assert exchange.bodies[:3] == [
        b'{"kind":"backtest","owner":"u1","max_connections":5,"join":"all"}',
        b'{"join":100,"policies":{"tick":"latest"}}',
        b'{"max_history_events":0,"max_history_bytes":4096,"history_retention_ms":60000}',
    ]


def test_connecting_says_where_browsers_go() -> None:
    with pytest.raises(RuntimeError, match="/ws/backtest/s1"):
        asyncio.run(WebSocketManager().connect(object(), "s1"))


@pytest.mark.parametrize("session_id", ["", "a/b", "a b", "a?b", "\u00e9", "a" * 129, "a\n", None])
def test_a_session_id_that_is_none_is_not_sent(session_id: Any) -> None:
    manager = WebSocketManager(f"http://127.0.0.1:{closed_port()}")
    if session_id is not None:
        with pytest.raises(GatewayError, match="INVALID_SESSION_ID"):
            manager.get_session_connections(session_id)
        with pytest.raises(GatewayError, match="INVALID_SESSION_ID"):
            manager.get_connection_count(session_id)
    with pytest.raises(GatewayError, match="INVALID_SESSION_ID"):
        asyncio.run(manager.publish(session_id, EVENT))


def test_a_connection_id_that_is_none_belongs_to_no_connection() -> None:
    manager = WebSocketManager(f"http://127.0.0.1:{closed_port()}")
    assert manager.is_connected("no such/id") is False
    assert manager.get_connection_metadata("") is None
    assert asyncio.run(manager.send_to_connection("../x", EVENT)) is False
    asyncio.run(manager.disconnect("a b"))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 429, 501, 505])
def test_what_the_gateway_refuses_raises_its_reason(status: int) -> None:
    error = {"code": "INVALID_EVENT", "message": "data is not an object", "details": {"at": 3}}
    with FakeGateway(Exchange(("POST", "/v1/sessions/s/events", answer(status, {"error": error})))) as gateway:
        manager = WebSocketManager(gateway.url)
        with pytest.raises(GatewayError) as caught:
            asyncio.run(manager.broadcast_to_session("s", EVENT))
        manager.close()
    assert (caught.value.status, caught.value.code, caught.value.details) == (status, "INVALID_EVENT", {"at": 3})
    assert "data is not an object" in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (answer(503, REFUSED), "refused"),
        (answer(503, REFUSED, "Retry-After: 60"), "refused"),
        (answer(503, outcome("refused"), "Retry-After: 1"), "refused"),
        (answer(503, outcome("unknown"), "Retry-After: 1"), "unknown"),
        (answer(503, outcome("later")), "unknown"),
        (answer(503, {"error": {"code": "STORE", "outcome": "refused"}}), "unknown"),
        (answer(408, REFUSED), "refused"),
        (answer(500, REFUSED), "unknown"),
        (b"HTTP/1.1 502 Bad\r\nContent-Length: 6\r\n\r\n<html>", "unknown"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "unknown"),
    ],
)
def test_a_gateway_that_cannot_raises_unavailable_and_what_became_of_it(reply: bytes, outcome: str) -> None:
    with FakeGateway(Exchange(("POST", "/v1/sessions/s/events", reply))) as gateway:
        manager = WebSocketManager(gateway.url, retry_for=1)
        with pytest.raises(GatewayUnavailable) as caught:
            asyncio.run(manager.broadcast_to_session("s", EVENT))
        manager.close()
    assert caught.value.outcome == outcome


def test_a_publish_whose_answer_is_lost_is_repeated_with_its_key() -> None:
    keys: list[str] = []

    def losing(connection: Connection) -> None:
        for _ in range(2):
            keys.append(connection.expect("POST", "/v1/sessions/s/events").headers["idempotency-key"])
            if len(keys) == 1:
                connection.send(answer(200, receipt(1)))

    well = Answering()
    with FakeGateway(losing, well) as gateway:
        manager = WebSocketManager(gateway.url)
        assert asyncio.run(manager.publish("s", EVENT)).sequence == 1
        assert asyncio.run(manager.publish("s", EVENT)).sequence == 1
        manager.close()
    assert [request.headers["idempotency-key"] for request in well.received] == keys[1:]
    assert [request.body for request in well.received] == [EVENT_BYTES]


def test_a_broadcast_whose_answer_is_lost_or_says_unfinished_is_repeated_with_its_key() -> None:
    keys: list[str] = []
    counts = {"sessions": 3, "connections": 2, "sent": 2, "queued": 0, "conflated": 0, "dropped": 0}
    unfinished = {"error": {"code": "BROADCAST_UNFINISHED", "details": {"outcome": "unknown", "sessions": 1}}}

    def losing(connection: Connection) -> None:
        keys.append(connection.expect("POST", "/v1/events").headers["idempotency-key"])

    def finishing(connection: Connection) -> None:
        for reply in (answer(503, unfinished, "Retry-After: 0"), answer(200, counts)):
            keys.append(connection.expect("POST", "/v1/events").headers["idempotency-key"])
            connection.send(reply)

    with FakeGateway(losing, finishing) as gateway:
        manager = WebSocketManager(gateway.url)
        assert asyncio.run(manager.broadcast_to_all(EVENT)) == 2
        manager.close()
    assert len(keys) == 3 and len(set(keys)) == 1


def test_a_caller_may_give_its_own_key_and_switch_off_all_others() -> None:
    well = Answering()
    with FakeGateway(well) as gateway:
        manager = WebSocketManager(gateway.url, idempotent=False)
        asyncio.run(manager.publish("s", EVENT))
        asyncio.run(manager.broadcast_to_session("s", EVENT))
        asyncio.run(manager.broadcast_to_all(EVENT))
        asyncio.run(manager.publish("s", [EVENT], idempotency_key="order-17/filled"))
        asyncio.run(manager.broadcast_to_all(EVENT, idempotency_key="maintenance/3"))
        manager.close()
    keys = [request.headers.get("idempotency-key") for request in well.received]
    assert keys == [None, None, None, "order-17/filled", "maintenance/3"]


@pytest.mark.parametrize("key", ["", "a b", "a\r\nX: y", "k" * 256, "\u00e9", 7])
def test_a_key_that_is_none_is_not_sent(key: Any) -> None:
    manager = WebSocketManager(f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(GatewayError, match="INVALID_IDEMPOTENCY_KEY"):
        asyncio.run(manager.publish("s", EVENT, idempotency_key=key))


def test_a_gateway_that_takes_no_keys_is_told_apart() -> None:
    error = {"code": "NOT_IMPLEMENTED", "message": "Idempotency-Key is not available in this version"}
    with FakeGateway(Exchange(("POST", "/v1/sessions/s/events", answer(501, {"error": error})))) as gateway:
        manager = WebSocketManager(gateway.url)
        with pytest.raises(GatewayError, match="idempotent=False") as caught:
            asyncio.run(manager.broadcast_to_session("s", EVENT))
        manager.close()
    assert (caught.value.status, caught.value.code) == (501, "NOT_IMPLEMENTED")


def test_an_event_that_is_not_json_is_not_sent_and_does_no_harm() -> None:
    with FakeGateway(Exchange(("POST", "/v1/sessions/s/events", answer(200, receipt())))) as gateway:
        manager = WebSocketManager(gateway.url)
        with pytest.raises(GatewayError, match="INVALID_EVENT"):
            asyncio.run(manager.publish("s", create_candle_event({"a": object()}, {})))
        assert asyncio.run(manager.broadcast_to_session("s", EVENT)) == 2
        manager.close()


def test_an_event_of_the_existing_module_is_taken_as_well() -> None:
    exchange = Exchange(("POST", "/v1/sessions/s/events", answer(200, receipt())))
    with FakeGateway(exchange) as gateway:
        manager = WebSocketManager(gateway.url)
        event = SimpleNamespace(type=EVENT.type, data=EVENT.data, timestamp=EVENT.timestamp)
        asyncio.run(manager.broadcast_to_session("s", event))
        manager.close()
    assert exchange.bodies == [EVENT_BYTES]


def test_one_event_loop_after_another_shares_the_connection() -> None:
    well = Answering()
    with FakeGateway(well) as gateway:
        manager = WebSocketManager(gateway.url)
        for _ in range(3):
            assert asyncio.run(manager.broadcast_to_session("s", EVENT)) == 2
        manager.close()
        assert gateway.accepted == 1


def test_tasks_publish_in_the_order_of_their_calls() -> None:
    well = Answering()

    async def engine(manager: WebSocketManager) -> None:
        receipts = await asyncio.gather(*[manager.publish("s", Event(f"e{n}", {})) for n in range(500)])
        assert [one.sequence for one in receipts] == list(range(1, 501))
        await manager.aclose()

    with FakeGateway(well) as gateway:
        asyncio.run(engine(WebSocketManager(gateway.url)))
    assert well.types() == [f"e{n}" for n in range(500)]


def test_the_event_loop_goes_on_while_the_gateway_is_slow() -> None:
    may_answer = threading.Event()

    def script(connection: Connection) -> None:
        connection.read()
        assert may_answer.wait(PATIENCE_SECONDS)
        connection.send(answer(200, receipt()))
        assert connection.read() is None

    async def engine(manager: WebSocketManager) -> None:
        publishing = asyncio.ensure_future(manager.publish("s", EVENT))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not publishing.done()
        may_answer.set()  # it would never be, had the loop stood still
        assert (await publishing).sequence == 1
        await manager.aclose()

    with FakeGateway(script) as gateway:
        asyncio.run(engine(WebSocketManager(gateway.url)))


def test_a_task_that_is_cancelled_leaves_the_others_their_answers() -> None:
    asked, may_answer = threading.Event(), threading.Event()

    def script(connection: Connection) -> None:
        connection.read()
        asked.set()
        assert may_answer.wait(PATIENCE_SECONDS)
        connection.send(answer(200, receipt(1)))
        connection.read()
        connection.send(answer(200, receipt(2)))
        assert connection.read() is None

    async def engine(manager: WebSocketManager) -> None:
        first = asyncio.ensure_future(manager.publish("s", EVENT))
        second = asyncio.ensure_future(manager.publish("s", EVENT))
        await asyncio.sleep(0)
        await asyncio.get_running_loop().run_in_executor(None, asked.wait, PATIENCE_SECONDS)
        first.cancel()
        await asyncio.wait([first])
        assert first.cancelled()
        may_answer.set()
        assert (await second).sequence == 2
        await manager.aclose()

    with FakeGateway(script) as gateway:
        asyncio.run(engine(WebSocketManager(gateway.url)))


def test_closing_twice_or_unused_is_fine_and_using_it_opens_it_again() -> None:
    with FakeGateway(Answering()) as gateway:
        manager = WebSocketManager(gateway.url)
        manager.close()
        asyncio.run(manager.broadcast_to_session("s", EVENT))
        manager.close()
        manager.close()
        assert asyncio.run(manager.broadcast_to_session("s", EVENT)) == 2
        asyncio.run(manager.aclose())


def test_the_environment_configures_at_the_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    well = Answering()
    with FakeGateway(well) as gateway:
        manager = WebSocketManager()
        monkeypatch.setenv("WSG_CONTROL_URL", gateway.url)
        monkeypatch.setenv("WSG_API_KEY", "k3y")
        asyncio.run(manager.broadcast_to_session("s", EVENT))
        manager.close()
    assert well.received[0].headers["authorization"] == "Bearer k3y"
    assert well.received[0].headers["host"] == f"127.0.0.1:{gateway.port}"


def test_a_wrong_setting_is_told_when_it_is_made() -> None:
    with pytest.raises(ValueError, match="ftp"):
        WebSocketManager("ftp://gateway")


def test_ipv6_works() -> None:
    import socket

    try:
        gateway = FakeGateway(Answering(), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    with gateway:
        manager = WebSocketManager(gateway.url)
        assert asyncio.run(manager.broadcast_to_session("s", EVENT)) == 2
        manager.close()


def test_the_singleton_is_where_the_existing_one_was() -> None:
    from websocket_gateway.manager import websocket_manager

    assert isinstance(websocket_manager, WebSocketManager)
    assert websocket_gateway.websocket_manager is websocket_manager


def test_metadata_times_are_naive_utc_whatever_their_form() -> None:
    from websocket_gateway.manager import _naive_utc

    assert _naive_utc("2026-03-15T10:30:00") == datetime(2026, 3, 15, 10, 30)
    assert _naive_utc("2026-03-15T10:30:00-05:30") == datetime(2026, 3, 15, 16, 0)
    assert _naive_utc("soon") == "soon"
