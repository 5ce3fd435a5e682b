"""permessage-deflate (RFC 7692), agreed with real libraries, and looked at on the wire."""

from __future__ import annotations

import json
import zlib

import pytest
import websockets.asyncio.client as websockets
from control import ask, candle, metrics, publish
from gateway import Gateway
from typing import Any, Callable
from wire import Wire

Serve = Callable[..., Gateway]

LARGE = {"type": "candle", "data": {f"open_{number}": number * 1.5 for number in range(200)}}
HANDSHAKE = (
    "GET /ws/backtest/s1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


def frame(wire: Wire) -> tuple[int, bytes]:
    """The first byte and the payload of the next frame."""
    first, length = wire.take(2)
    if length == 126:
        length = int.from_bytes(wire.take(2), "big")
    return first, wire.take(length)


def opened(gateway: Gateway, extensions: str) -> tuple[Wire, str]:
    wire = Wire((gateway.listen.rpartition(":")[0], int(gateway.listen.rpartition(":")[2])))
    wire.send(HANDSHAKE + (f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else "") + "\r\n")
    head = wire.take_until(b"\r\n\r\n").decode().lower()
    assert head.startswith("http/1.1 101")
    first, payload = frame(wire)
    assert json.loads(payload)["type"] == "connected"
    return wire, head


@pytest.mark.parametrize(
    "offer, answer, bits",
    [
        ("permessage-deflate; client_max_window_bits", "permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n", 15),
        ("permessage-deflate; server_max_window_bits=10", "server_max_window_bits=9", 10),
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", "permessage-deflate", 15),
    ],
)
def test_a_large_event_is_compressed_as_agreed_and_a_small_one_is_not(gateway: Gateway, offer: str, answer: str, bits: int) -> None:
    wire, head = opened(gateway, offer)
    assert answer in head
    publish(gateway, "s1", LARGE)
    publish(gateway, "s1", candle(1))
    first, payload = frame(wire)
    assert first == 0xC1
    inflated = zlib.decompressobj(-bits).decompress(payload + b"\x00\x00\xff\xff")
    assert json.loads(inflated)["data"] == LARGE["data"]
    assert len(payload) < len(inflated) * 0.6
    first, payload = frame(wire)
    assert first == 0x81 and json.loads(payload)["data"] == {"candle_index": 1}


def test_nobody_is_compressed_who_did_not_ask_or_where_it_is_off(serve: Serve) -> None:
    for gateway, offer in [(serve(), ""), (serve(), "x-webkit-deflate-frame"), (serve("--deflate", "false"), "permessage-deflate")]:
        wire, head = opened(gateway, offer)
        assert "extensions" not in head
        publish(gateway, "s1", LARGE)
        assert frame(wire)[0] == 0x81


def test_an_event_is_compressed_once_for_all_of_a_class_and_plain_clients_get_it_too(gateway: Gateway) -> None:
    deflating = [opened(gateway, "permessage-deflate")[0] for _ in range(5)]
    plain, _ = opened(gateway, "")
    receipt = publish(gateway, "s1", LARGE)
    assert (receipt["connections"], receipt["sent"]) == (6, 6)
    payloads = {frame(wire) for wire in deflating}
    assert len(payloads) == 1 and next(iter(payloads))[0] == 0xC1
    first, payload = frame(plain)
    assert first == 0x81
    counted = metrics(gateway)
    assert counted['wsg_deflations_total{window_bits="12"}'] == 1
    assert counted["wsg_deflate_saved_bytes_total"] > 4 * (len(payload) - len(next(iter(payloads))[1]))


async def test_a_library_that_compresses_its_messages_is_understood(gateway: Gateway) -> None:
    async with websockets.connect(f"ws://{gateway.listen}/ws/backtest/s1", compression="deflate", proxy=None) as tab:
        assert json.loads(await tab.recv())["type"] == "connected"
        await tab.send(json.dumps({"action": "ping", "padding": "x" * 20_000}))
        assert json.loads(await tab.recv())["type"] == "heartbeat"
        publish(gateway, "s1", LARGE)
        message: Any = json.loads(await tab.recv())
        assert message["data"] == LARGE["data"]


@pytest.mark.limit("--max-message-bytes")
def test_a_bomb_is_closed_with_1009_and_nobody_else_notices(gateway: Gateway) -> None:
    healthy, _ = opened(gateway, "permessage-deflate")
    wire, _ = opened(gateway, "permessage-deflate")
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = compressor.compress(b"0" * 64 * 1_048_576) + compressor.flush(zlib.Z_SYNC_FLUSH)
    bomb = bomb[:-4]
    assert len(bomb) < 65_536 + 1_000
    bomb = bomb[:65_000]
    wire.send(bytes([0xC1, 0x80 | 126]) + len(bomb).to_bytes(2, "big") + bytes(4) + bomb)
    first, payload = frame(wire)
    assert first == 0x88 and int.from_bytes(payload[:2], "big") == 1009
    publish(gateway, "s1", LARGE)
    assert frame(healthy)[0] == 0xC1
    assert ask(gateway, "GET", "/healthz").status == 200
