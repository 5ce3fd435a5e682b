"""What a client of either Python library sees: the first message, events byte for byte, answers to commands, closes."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import aiohttp
import pytest
from websocket_gateway import (
    WebSocketManager,
    create_ai_thinking_event,
    create_candle_event,
    create_error_event,
    create_session_completed_event,
    create_session_initialized_event,
)

from control import ask, ask_at, candle, publish
from gateway import Gateway
from tabs import open_tab
from wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawTab

both_libraries = pytest.mark.parametrize("library", ["websockets", "aiohttp"])

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
GATEWAY_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
EPOCH = re.compile(r"[0-9a-z]{13,26}")

UPGRADE = {
    "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


@both_libraries
async def test_the_first_message_says_connected_with_every_field(gateway: Gateway, library: str) -> None:
    async with open_tab(gateway, "s1", library=library) as tab:
        first = json.loads(tab.text_of_connected)
        assert list(first) == ["type", "data", "timestamp"]
        assert first["type"] == "connected"
        assert GATEWAY_TIME.fullmatch(first["timestamp"])
        data = first["data"]
        assert list(data) == ["connection_id", "session_id", "epoch", "last_id", "resume"]
        assert UUID.fullmatch(data["connection_id"])
        assert (data["session_id"], data["epoch"], data["last_id"], data["resume"]) == ("s1", None, None, None)


async def test_connected_tells_the_last_id_and_epoch_of_a_running_session(gateway: Gateway) -> None:
    last = publish(gateway, "s1", [candle(1), candle(2)])["last_id"]
    async with open_tab(gateway, "s1") as tab:
        assert tab.connected["last_id"] == last
        assert tab.connected["epoch"] == last.rpartition("-")[0]


@both_libraries
async def test_events_of_the_python_client_arrive_whole_and_in_order(gateway: Gateway, engine: WebSocketManager, library: str) -> None:
    published = [
        create_session_initialized_event("s1", {"symbol": "BTCUSDT"}),
        create_candle_event({"open": 1.5, "close": 2}, {"rsi": None}),
        create_ai_thinking_event("thinking…", is_complete=False),
        create_error_event("E1", "an engine's own error is in the stream too"),
        create_session_completed_event("r1", {"pnl": -3.25}),
    ]
    async with open_tab(gateway, "s1", library=library) as tab:
        for event in published:
            assert await engine.broadcast_to_session("s1", event) == 1
        received = await tab.stream(len(published))
        for sequence, (got, sent) in enumerate(zip(received, published), start=1):
            assert list(got) == ["id", "type", "data", "timestamp"]
            assert {name: got[name] for name in ("type", "data", "timestamp")} == sent.to_dict()
            epoch, _, number = got["id"].rpartition("-")
            assert EPOCH.fullmatch(epoch) and int(number) == sequence


ODD_DATA = {
    "trailing zeros and exponents": '{"price":1.50,"big":1e400,"tiny":-0.0E-0,"long":12345678901234567890.10}',
    "spacing": '{ "a" :\t[ 1 ,2, { } ] , "b":\r\n null }',
    "escapes": '{"text":"\\u00e9\\u0041\\/\\n\\"\\\\"}',
    "lone surrogates": '{"high":"\\ud800","low":"x\\udfff","pair":"\\ud83d\\ude00"}',
    "raw UTF-8": '{"text":"é 😀 \u2028"}',
    "duplicate keys inside": '{"a":1,"a":2}',
    "newlines between": '{\n  "a": 1,\n  "b": 2\n}',
    "empty": "{}",
    "HTML": '{"text":"</script><!-- &amp; "}',
}


@both_libraries
async def test_data_passes_byte_for_byte(gateway: Gateway, library: str) -> None:
    async with open_tab(gateway, "s1", library=library) as tab:
        for name, data in ODD_DATA.items():
            receipt = publish(gateway, "s1", f' {{"timestamp" : "t{{", "data":{data} ,"type":"candle"}} ')
            expected = f'{{"id":"{receipt["id"]}","type":"candle","data":{data},"timestamp":"t{{"}}'
            assert await tab.text() == expected, name


@pytest.mark.limit("--max-event-bytes")
@both_libraries
async def test_the_largest_event_allowed_arrives_and_one_byte_more_is_refused(gateway: Gateway, library: str) -> None:
    def event(size: int) -> str:
        frame = '{"type":"candle","data":{"x":""}}'
        return frame.replace('""', '"' + "a" * (size - len(frame)) + '"')

    largest = event(524_288)
    assert len(largest) == 524_288
    async with open_tab(gateway, "s1", library=library) as tab:
        publish(gateway, "s1", largest)
        text = await tab.text()
        assert json.loads(text)["data"] == json.loads(largest)["data"]
        assert largest[largest.index('"data":') : -1] in text
        refused = ask(gateway, "POST", "/v1/sessions/s1/events", event(524_289))
        assert (refused.status, refused.code) == (413, "EVENT_TOO_LARGE")
        assert await tab.is_silent()


async def test_an_engines_timestamp_is_kept_and_a_missing_one_is_added_strictly_increasing(gateway: Gateway) -> None:
    async with open_tab(gateway, "s1") as tab:
        publish(gateway, "s1", {"type": "candle", "data": {}, "timestamp": "2026-03-15T10:30:00"})
        assert (await tab.event())["timestamp"] == "2026-03-15T10:30:00"
        for first in range(0, 1000, 250):
            publish(gateway, "s1", [candle(number) for number in range(first, first + 250)])
        stamps = [event["timestamp"] for event in await tab.stream(1000)]
        assert all(GATEWAY_TIME.fullmatch(stamp) for stamp in stamps)
        assert stamps == sorted(set(stamps))


# Commands


@both_libraries
async def test_a_ping_command_is_answered_with_a_heartbeat_at_once(gateway: Gateway, library: str) -> None:
    async with open_tab(gateway, "s1", library=library) as tab:
        last = publish(gateway, "s1", [candle(1), candle(2)])["last_id"]
        await tab.stream(2)
        for command in ('{"action":"ping"}', '{"action":"PING","ref":"a"}', ' { "x":[1,{}], "action" : "Ping" } '):
            await tab.send(command)
            heartbeat = await tab.event()
            assert list(heartbeat) == ["type", "data", "timestamp"] and heartbeat["type"] == "heartbeat"
            assert list(heartbeat["data"]) == ["server_time", "last_id", "delivered", "rtt_ms"]
            assert (heartbeat["data"]["last_id"], heartbeat["data"]["delivered"]) == (last, 2)
            assert GATEWAY_TIME.fullmatch(heartbeat["data"]["server_time"])


COMMANDS_REFUSED = [
    ('{"action":"pause","ref":"r-1"}', "NO_ENGINE", {"action": "pause", "ref": "r-1"}),
    ('{"action":"STOP"}', "NO_ENGINE", {"action": "stop", "ref": None}),
    ('{"action":"buy","amount":1}', "NO_ENGINE", {"action": "buy", "ref": None}),
    ("pause", "INVALID_MESSAGE", None),
    ("", "INVALID_MESSAGE", None),
    ('["action","pause"]', "INVALID_MESSAGE", None),
    ('{"action":"pause",}', "INVALID_MESSAGE", None),
    ('{"action":NaN}', "INVALID_MESSAGE", None),
    ("{}", "INVALID_COMMAND", None),
    ('{"action":1}', "INVALID_COMMAND", None),
    ('{"action":""}', "INVALID_COMMAND", None),
    ('{"action":"pause","ref":1}', "INVALID_COMMAND", None),
    ('{"action":"pause","ref":"' + "r" * 129 + '"}', "INVALID_COMMAND", None),
    ('{"action":"pause","action":"stop"}', "INVALID_COMMAND", None),
]


@both_libraries
async def test_a_command_that_nobody_can_execute_is_answered_with_one_error(gateway: Gateway, library: str) -> None:
    async with open_tab(gateway, "s1", library=library) as tab:
        for command, code, details in COMMANDS_REFUSED:
            await tab.send(command)
            error = await tab.event()
            assert (error["type"], error["data"]["error_code"]) == ("error", code), command
            assert "id" not in error and error["data"]["message"]
            if details is not None:
                assert error["data"]["details"] == details, command
        assert await tab.is_silent()


@pytest.mark.limit("--max-message-bytes")
async def test_a_message_of_64_kib_is_a_command_and_one_byte_more_closes_with_1009(gateway: Gateway) -> None:
    def command(size: int) -> str:
        return '{"action":"ping","x":"' + "a" * (size - 24) + '"}'

    assert len(command(65_536)) == 65_536
    async with open_tab(gateway, "s1") as tab:
        await tab.send(command(65_536))
        assert (await tab.event())["type"] == "heartbeat"
        await tab.send(command(65_537))
        assert (await tab.closed())[0] == 1009


# Frames


async def test_a_protocol_ping_of_websockets_gets_its_pong(gateway: Gateway) -> None:
    async with open_tab(gateway, "s1") as tab:
        await tab.ping()


async def test_a_protocol_ping_of_aiohttp_gets_its_pong(gateway: Gateway) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(gateway.url("s1"), autoping=False) as socket:
        assert (await socket.receive_json(timeout=5))["type"] == "connected"
        await socket.ping(b"are you there")
        pong = await socket.receive(timeout=5)
        assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"are you there")


@both_libraries
async def test_a_binary_message_closes_with_1003(gateway: Gateway, library: str) -> None:
    async with open_tab(gateway, "s1", library=library) as tab:
        await tab.send(b"\x00\x01")
        assert (await tab.closed())[0] == 1003


async def test_a_message_in_fragments_is_one_command(gateway: Gateway) -> None:
    async with open_tab(gateway, "s1") as tab:
        await tab.send(['{"act', "", 'ion":"pi', 'ng"}'])
        assert (await tab.event())["type"] == "heartbeat"


def test_a_ping_between_two_fragments_is_answered_first(gateway: Gateway) -> None:
    with RawTab.opened(gateway, "s1") as tab:
        tab.send_frame(TEXT, '{"action":"pause","ref":"é', fin=False)
        tab.send_frame(PING, b"now")
        pong = tab.frame()
        assert (pong.opcode, pong.payload) == (PONG, b"now")
        tab.send_frame(CONTINUATION, '"}')
        assert tab.event()["data"]["details"] == {"action": "pause", "ref": "é"}


@both_libraries
@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
async def test_a_clients_close_code_is_echoed(gateway: Gateway, library: str, code: int) -> None:
    async with open_tab(gateway, "s1", library=library) as tab:
        assert await tab.close(code, "that was all") == code


def test_a_close_without_a_code_is_answered_without_one_and_the_connection_ends(gateway: Gateway) -> None:
    with RawTab.opened(gateway, "s1") as tab:
        tab.send_close(None)
        frame = tab.frame()
        assert (frame.opcode, frame.payload) == (CLOSE, b"")
        assert tab.at_end()


def test_a_binary_message_in_fragments_closes_with_1003_too(gateway: Gateway) -> None:
    with RawTab.opened(gateway, "s1") as tab:
        tab.send_frame(BINARY, b"\x00", fin=False)
        tab.send_frame(CONTINUATION, b"\x01")
        assert tab.close_frame()[0] == 1003


# Reconnects, filters, and what is refused before the upgrade


@both_libraries
async def test_a_client_that_missed_nothing_is_told_that_it_recovered(gateway: Gateway, library: str) -> None:
    last = publish(gateway, "s1", [candle(1), candle(2)])["last_id"]
    async with open_tab(gateway, "s1", query=f"last_event_id={last}", library=library) as tab:
        assert list(tab.connected["resume"]) == ["recovered", "from", "oldest_id"]
        assert tab.connected["resume"]["recovered"] is True
        assert tab.connected["resume"]["from"] == last
        following = publish(gateway, "s1", candle(3))["id"]
        assert (await tab.event())["id"] == following


async def test_a_client_with_an_id_of_another_epoch_or_ahead_of_the_head_is_told_of_the_loss(gateway: Gateway) -> None:
    first, last = (publish(gateway, "s1", candle(number))["id"] for number in (1, 2))
    epoch = first.rpartition("-")[0]
    for asked in (f"{'z' * 13}-2", f"{epoch}-3", f"{epoch}-9223372036854775807"):
        async with open_tab(gateway, "s1", query=f"last_event_id={asked}") as tab:
            assert tab.connected["resume"]["recovered"] is False
            assert tab.connected["resume"]["from"] == asked
            assert tab.connected["last_id"] == last


async def test_an_id_of_an_unknown_session_is_a_loss_of_an_empty_stream(gateway: Gateway) -> None:
    asked = f"{'a' * 13}-7"
    async with open_tab(gateway, "s1", query=f"last_event_id={asked}") as tab:
        assert tab.connected["last_id"] is None
        assert tab.connected["resume"] == {"recovered": False, "from": asked, "oldest_id": None}


QUERIES_REFUSED = [
    "last_event_id=",
    "last_event_id=abc",
    "last_event_id=abcdefghijklm-0",
    "last_event_id=abcdefghijklm-01",
    "last_event_id=abcdefghijklm-9223372036854775808",
    "last_event_id=ABCDEFGHIJKLM-1",
    "last_event_id=abcdefghijklm-1&last_event_id=abcdefghijklm-2",
    "types=",
    "types=candle,",
    "types=Candle",
    "types=" + ",".join(["candle"] * 65),
    "join=yesterday",
    "join=-1",
    "join=10000001",
    "types=%zz",
    "types=%ff",
]


@pytest.mark.parametrize("query", QUERIES_REFUSED)
def test_a_malformed_parameter_is_refused_with_400(shared: Gateway, query: str) -> None:
    answer = ask_at(shared.address, "GET", f"/ws/backtest/s1?{query}", headers=UPGRADE)
    assert (answer.status, answer.code) == (400, "INVALID_QUERY")
    assert answer.headers["content-type"] == "application/json"


HANDSHAKES_REFUSED = [
    ("/ws/backtest/s1", {"Upgrade": ""}, 426, "UPGRADE_REQUIRED"),
    ("/ws/backtest/s1", {"Sec-WebSocket-Version": "8"}, 426, "UPGRADE_REQUIRED"),
    ("/ws/backtest/s1", {"Sec-WebSocket-Key": "short"}, 400, "BAD_HANDSHAKE"),
    ("/ws/backtest/" + "a" * 129, {}, 400, "INVALID_SESSION_ID"),
    ("/ws/backtest/a%20b", {}, 400, "INVALID_SESSION_ID"),
    ("/ws/backtest/", {}, 400, "INVALID_SESSION_ID"),
    ("/ws/other/s1", {}, 404, "NOT_FOUND"),
    ("/ws/backtest/s1/more", {}, 404, "NOT_FOUND"),
    ("/", {}, 404, "NOT_FOUND"),
    ("/v1/sessions", {}, 404, "NOT_FOUND"),
    ("/metrics", {}, 404, "NOT_FOUND"),
]


@pytest.mark.parametrize("path,changes,status,code", HANDSHAKES_REFUSED)
def test_what_is_no_handshake_of_a_session_is_refused_with_its_reason(
    shared: Gateway, path: str, changes: dict[str, str], status: int, code: str
) -> None:
    headers = {name: value for name, value in (UPGRADE | changes).items() if value}
    answer = ask_at(shared.address, "GET", path, headers=headers)
    assert (answer.status, answer.code) == (status, code)
    if status == 426:
        assert answer.headers["sec-websocket-version"] == "13"


def test_a_wrong_method_is_refused_with_405_and_what_is_allowed(gateway: Gateway) -> None:
    answer = ask_at(gateway.address, "POST", "/ws/backtest/s1", b"")
    assert (answer.status, answer.code, answer.headers["allow"]) == (405, "METHOD_NOT_ALLOWED", "GET")


async def test_every_character_of_a_session_id_and_its_greatest_length_are_served(gateway: Gateway) -> None:
    for session in ("Aa0._~-", "a" * 128, "..."):
        async with open_tab(gateway, session) as tab:
            publish(gateway, session, candle(1))
            assert (await tab.event())["data"] == {"candle_index": 1}


@both_libraries
async def test_types_leaves_out_what_was_not_asked_for_and_delivered_counts_the_rest(gateway: Gateway, library: str) -> None:
    types = quote("candle,my_own_type", safe="")
    async with open_tab(gateway, "s1", query=f"types={types}", library=library) as tab:
        batch = [
            {"type": name, "data": {"n": n}}
            for n, name in enumerate(["candle", "stats_update", "my_own_type", "price_update", "another_type", "candle"])
        ]
        receipt = publish(gateway, "s1", batch)
        assert (receipt["count"], receipt["connections"]) == (6, 3)
        events = await tab.stream(3)
        assert [event["data"]["n"] for event in events] == [0, 2, 5]
        assert [int(event["id"].rpartition("-")[2]) for event in events] == [1, 3, 6]
        await tab.send('{"action":"ping"}')
        heartbeat = await tab.event("heartbeat")
        assert heartbeat["data"]["delivered"] == 3
