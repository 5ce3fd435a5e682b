"""permessage-deflate (RFC 7692): bombs, garbage, messages cut short, blocks without end, and offers that cannot be met."""

from __future__ import annotations

import json
import random
import zlib
from collections import Counter
from contextlib import ExitStack
from typing import Optional

import pytest

from attackers import (
    DEFLATE, INVALID_DATA, PING_COMMAND, POLICY, PROTOCOL_ERROR, SESSION, TOO_BIG, assert_ended, assert_served, opened, violations,
)  # fmt: skip
from control import candle, publish
from frames import FIN, FIXED, RSV1, bits, bomb, deflated, empty_blocks, frame
from gateway import Gateway
from waiting import patience
from wire import BINARY, CLOSE, CONTINUATION, TEXT

# Bombs


@pytest.mark.limit("--max-message-bytes")
@pytest.mark.parametrize("form", ["one frame", "fragments", "binary"])
def test_a_bomb_of_64_mebibytes_ends_with_1009_and_costs_no_memory(siege, form: str) -> None:
    the_siege = siege()
    the_siege.memory_bytes_max = 1 << 20
    data = bomb(64)
    if form == "fragments":
        pieces = [data[i : i + 2000] for i in range(0, len(data), 2000)]
        sent = frame(RSV1 | TEXT, pieces[0]) + b"".join(frame(CONTINUATION, piece) for piece in pieces[1:]) + frame(FIN | CONTINUATION)
    else:
        sent = frame(FIN | RSV1 | (BINARY if form == "binary" else TEXT), data)
    with opened(the_siege.gateway, **DEFLATE) as tab:
        tab.socket.settimeout(patience(20))
        tab.send(sent)
        assert_ended(tab, TOO_BIG)


def test_a_hundred_bombs_at_once_cost_no_memory_either(siege) -> None:
    the_siege = siege("--max-connections-per-session", "200")
    sent = frame(FIN | RSV1 | TEXT, bomb(64))
    with ExitStack() as stack:
        tabs = [stack.enter_context(opened(the_siege.gateway, **DEFLATE)) for _ in range(100)]
        # The connections themselves are not the bombs' cost, nor are their messages of 64 KiB as long as they have not gone off.
        the_siege.memory_bytes_max = 100 * (16 << 10) + (8 << 20)
        for tab in tabs:
            tab.send(sent)
        for tab in tabs:
            assert_ended(tab, TOO_BIG)


@pytest.mark.limit("--max-message-bytes")
def test_a_compressed_message_may_be_64_kib_inflated_and_no_byte_more(siege) -> None:
    def message(length: int) -> bytes:
        return frame(FIN | RSV1 | TEXT, deflated(PING_COMMAND + b" " * (length - len(PING_COMMAND))))

    with opened(siege().gateway, **DEFLATE) as tab:
        tab.send(message(65_536))
        assert tab.event()["type"] == "heartbeat"
        tab.send(message(65_537))
        assert_ended(tab, TOO_BIG)


# What is no DEFLATE data


def zlibs_verdict(data: bytes) -> Optional[bytes]:
    """What Python's zlib makes of a compressed message, the second opinion; None where it is no DEFLATE data at all."""
    inflater = zlib.decompressobj(-15)
    try:
        return inflater.decompress(data + b"\x00\x00\xff\xff")
    except zlib.error:
        return None


GARBAGE = {
    "a reserved block type": b"\x06",
    "a stored block whose length is not its complement": b"\x00\x05\x00\x05\x00hello",
    # The literal code 257, a length of 3, is 0000001; distance 1; end of block.
    "a distance into nothing": bits([*FIXED, (0b1000000, 7), (0, 5), (0, 7)]),
    "too many length codes": b"\xfc\x00\x00",
    "a zlib header": zlib.compress(PING_COMMAND)[:-4],
    "a gzip header": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + deflated(PING_COMMAND),
    "all ones": b"\xff" * 100,
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_deflate_garbage_ends_with_1007(siege, kind: str) -> None:
    assert zlibs_verdict(GARBAGE[kind]) is None, "zlib takes it"
    with opened(siege(shared=True).gateway, **DEFLATE) as tab:
        tab.send(frame(FIN | RSV1 | TEXT, GARBAGE[kind]))
        assert_ended(tab, INVALID_DATA)


def test_random_bytes_end_with_1007_wherever_zlib_calls_them_garbage(siege) -> None:
    gateway: Gateway = siege(shared=True).gateway
    chance = random.Random(7692)
    judged = 0
    for _ in range(300):
        data = chance.randbytes(chance.randrange(1, 400))
        if zlibs_verdict(data) is not None:
            continue
        judged += 1
        with opened(gateway, **DEFLATE) as tab:
            tab.send(frame(FIN | RSV1 | TEXT, data))
            assert_ended(tab, INVALID_DATA)
    assert judged >= 100


def test_a_compressed_message_cut_short_anywhere_is_no_message(siege) -> None:
    """Half an order must not look like a whole one."""
    gateway: Gateway = siege(shared=True).gateway
    command = json.dumps({"action": "sell", "ref": "0123456789", "amounts": [n * 7919 % 1000 for n in range(60)]}).encode()
    whole = deflated(command)
    for length in range(1, len(whole)):
        with opened(gateway, **DEFLATE) as tab:
            tab.send(frame(FIN | RSV1 | TEXT, whole[:length]))
            assert_ended(tab, INVALID_DATA)
    with opened(gateway, **DEFLATE) as tab:
        tab.send(frame(FIN | RSV1 | TEXT, whole))
        assert tab.event()["data"]["details"] == {"action": "sell", "ref": "0123456789"}


def test_a_compressed_message_with_a_flipped_bit_is_what_zlib_says_or_no_message(siege) -> None:
    gateway: Gateway = siege(shared=True).gateway
    whole = deflated(b'{"action":"sell","ref":"0123456789","note":"sell sell sell 0123456789"}')
    refused = 0
    for position in range(len(whole) * 8):
        data = bytearray(whole)
        data[position // 8] ^= 1 << position % 8
        verdict = zlibs_verdict(bytes(data))
        with opened(gateway, **DEFLATE) as tab:
            tab.send(frame(FIN | RSV1 | TEXT, bytes(data)))
            seen = tab.frame()
            if verdict is None:
                assert seen.opcode == CLOSE and seen.close[0] == INVALID_DATA, (position, seen)
            if seen.opcode == CLOSE:
                refused += 1
                assert seen.close[0] == INVALID_DATA
                continue
            # It was answered: then it is text, and as a command it says what zlib read.
            assert verdict is not None
            event = seen.event
            assert event["type"] == "error"
            if event["data"]["error_code"] == "NO_ENGINE":
                assert event["data"]["details"]["action"] == json.loads(verdict)["action"].lower()
    assert 0 < refused < len(whole) * 8


# Blocks


@pytest.mark.parametrize("kind", ["stored", "fixed", "dynamic"])
def test_a_message_of_thousands_of_empty_deflate_blocks_ends_with_1008(siege, kind: str) -> None:
    """Inflated it is nothing, so no limit on bytes ends it; 64 KiB of blocks with tables of their own took a worker 8 ms."""
    gateway: Gateway = siege(shared=True).gateway
    before = violations(gateway)
    with opened(gateway, **DEFLATE) as tab:
        tab.send(frame(FIN | RSV1 | TEXT, empty_blocks(kind, 65_000)))
        assert_ended(tab, POLICY)
    assert violations(gateway) - before == Counter(["too_many_deflate_blocks"])


def test_a_message_of_a_few_deflate_blocks_is_fine(siege) -> None:
    """As a client's compressor flushes it: after every member, say."""
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
    parts = [b'{"action":"ping"', b',"a":1', b',"b":2', b"}"]
    data = b"".join(compressor.compress(part) + compressor.flush(zlib.Z_SYNC_FLUSH) for part in parts)
    with opened(siege(shared=True).gateway, **DEFLATE) as tab:
        tab.send(frame(FIN | RSV1 | TEXT, data[:-4]))
        assert tab.event()["type"] == "heartbeat"


# Offers


OFFERS_DECLINED = [
    *(f"permessage-deflate; server_max_window_bits={bits}" for bits in (0, 1, 7, 16, 17, 99, "4294967305", "18446744073709551625")),
    *(f"permessage-deflate; client_max_window_bits={bits}" for bits in (0, 7, 16, 255, "4294967305", "18446744073709551625")),
    *(f"permessage-deflate; server_max_window_bits={bits}" for bits in ("09", "015", "+9", "-9", "9.0", "0x9", "1e1", "x")),
    # zlib cannot write for a window of 256 bytes.
    "permessage-deflate; server_max_window_bits=8",
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
    "permessage-deflate; client_max_window_bits; client_max_window_bits",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; server_no_context_takeover=1",
    "permessage-deflate; client_no_context_takeover=true",
    "permessage-deflate; unknown",
    "permessage-deflate; unknown=9",
    "permessage-deflate-2",
    "deflate",
    "permessage-bzip2",
]


@pytest.mark.parametrize("offer", OFFERS_DECLINED)
def test_an_offer_that_cannot_be_met_is_declined_and_the_client_served_without(siege, offer: str) -> None:
    with opened(siege(shared=True).gateway, Sec_WebSocket_Extensions=offer) as tab:
        assert "sec-websocket-extensions" not in tab.answer_to_upgrade.headers
        assert_served(tab)
        # Nothing was agreed, so the bit stays reserved.
        tab.send(bytes([FIN | RSV1 | TEXT]))
        assert_ended(tab, PROTOCOL_ERROR)


NO_TAKEOVER = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
OFFERS_MET = {
    "permessage-deflate": NO_TAKEOVER,
    "permessage-deflate; client_max_window_bits": NO_TAKEOVER,
    **{f"permessage-deflate; client_max_window_bits={bits}": NO_TAKEOVER for bits in range(8, 16)},
    **{f"permessage-deflate; server_max_window_bits={bits}": f"{NO_TAKEOVER}; server_max_window_bits=9" for bits in range(9, 12)},
    **{f"permessage-deflate; server_max_window_bits={bits}": f"{NO_TAKEOVER}; server_max_window_bits=12" for bits in range(12, 16)},
    'permessage-deflate; server_max_window_bits="10"': f"{NO_TAKEOVER}; server_max_window_bits=9",
    'permessage-deflate;server_max_window_bits = "1\\0" ; server_no_context_takeover': f"{NO_TAKEOVER}; server_max_window_bits=9",
    "permessage-deflate; server_max_window_bits=16, permessage-deflate": NO_TAKEOVER,
    "permessage-deflate; unknown, foo, permessage-deflate; server_max_window_bits=11": f"{NO_TAKEOVER}; server_max_window_bits=9",
    ",, permessage-deflate ,": NO_TAKEOVER,
}


@pytest.mark.parametrize("offer", OFFERS_MET)
def test_the_first_offer_that_can_be_met_is_agreed_and_works_both_ways(siege, offer: str) -> None:
    gateway: Gateway = siege(shared=True).gateway
    with opened(gateway, Sec_WebSocket_Extensions=offer) as tab:
        agreed = tab.answer_to_upgrade.headers["sec-websocket-extensions"]
        assert agreed == OFFERS_MET[offer]
        tab.send(frame(FIN | RSV1 | TEXT, deflated(PING_COMMAND)))
        assert tab.event()["type"] == "heartbeat"
        large = candle(1, text="candle " * 1000)
        publish(gateway, SESSION, large)
        first, second = tab.take(2)
        assert first == FIN | RSV1 | TEXT
        payload = tab.take(int.from_bytes(tab.take(2), "big") if second == 126 else second)
        # Inflated with the window the client asked for, not one bit more.
        asked = offer.rpartition("server_max_window_bits")[2] if "server_max_window_bits" in agreed else ""
        window = next((bits for bits in range(9, 16) if str(bits) in asked.replace("\\", "")), 15)
        assert json.loads(zlib.decompressobj(-window).decompress(payload + b"\x00\x00\xff\xff"))["data"] == large["data"]


def test_where_compression_is_off_it_is_neither_agreed_nor_understood(serve) -> None:
    with opened(serve("--deflate", "false"), **DEFLATE) as tab:
        assert "sec-websocket-extensions" not in tab.answer_to_upgrade.headers
        tab.send(bytes([FIN | RSV1 | TEXT]))
        assert_ended(tab, PROTOCOL_ERROR)
