"""The WebSocket protocol (RFC 6455) broken in every way: handshakes, frames, text, fragments, floods. Deflate has test_deflate.py."""

from __future__ import annotations

import base64
import struct
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Optional

import pytest

from attackers import (
    DEFLATE, INVALID_DATA, PING_COMMAND, POLICY, PROTOCOL_ERROR, RATE_LIMITED, SESSION, TOO_BIG, Headers, assert_ended, assert_served,
    lifted_rates, needs, opened, violations,
)  # fmt: skip
from control import ask, candle, connections, metrics, publish
from frames import FIN, MILLION, NO_MASK, RSV1, begun, deflated, frame, in_fragments
from gateway import Gateway
from waiting import patience, until
from wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, RawTab, Wire

# The handshake


KEY = base64.b64encode(bytes(16)).decode()
HANDSHAKE = {
    "Host": ["gateway"], "Upgrade": ["websocket"], "Connection": ["Upgrade"], "Sec-WebSocket-Version": ["13"], "Sec-WebSocket-Key": [KEY],
}  # fmt: skip

HANDSHAKES_REFUSED: dict[str, tuple[dict[str, list[str]], int, str]] = {
    "no Upgrade": ({"Upgrade": []}, 426, "§4.2.1"),
    "an Upgrade to something else": ({"Upgrade": ["h2c"]}, 426, "§4.2.1"),
    "no Connection": ({"Connection": []}, 426, "§4.2.1"),
    "a Connection that does not upgrade": ({"Connection": ["keep-alive"]}, 426, "§4.2.1"),
    "no version": ({"Sec-WebSocket-Version": []}, 400, "§4.2.1"),
    "an older version": ({"Sec-WebSocket-Version": ["8"]}, 426, "§4.2.2"),
    "a newer version": ({"Sec-WebSocket-Version": ["14"]}, 426, "§4.2.2"),
    "a version that only begins well": ({"Sec-WebSocket-Version": ["130"]}, 426, "§4.2.2"),
    "a version with a leading zero": ({"Sec-WebSocket-Version": ["013"]}, 426, "§4.2.2"),
    "a list of versions": ({"Sec-WebSocket-Version": ["13, 8"]}, 426, "§4.2.2"),
    "two versions": ({"Sec-WebSocket-Version": ["13", "13"]}, 400, "§11.3.5"),
    "no key": ({"Sec-WebSocket-Key": []}, 400, "§4.2.1"),
    "an empty key": ({"Sec-WebSocket-Key": [""]}, 400, "§4.2.1"),
    "a key of 15 bytes": ({"Sec-WebSocket-Key": [base64.b64encode(bytes(15)).decode()]}, 400, "§4.2.1"),
    "a key of 17 bytes": ({"Sec-WebSocket-Key": [base64.b64encode(bytes(17)).decode()]}, 400, "§4.2.1"),
    "a key without its padding": ({"Sec-WebSocket-Key": [KEY[:-2]]}, 400, "§4.2.1"),
    "a key that is no Base64": ({"Sec-WebSocket-Key": ["!" * 22 + "=="]}, 400, "§4.2.1"),
    "a key in the URL's alphabet": ({"Sec-WebSocket-Key": [base64.urlsafe_b64encode(b"\xff" * 16).decode()]}, 400, "§4.2.1"),
    "the key twice": ({"Sec-WebSocket-Key": [KEY, KEY]}, 400, "§11.3.1"),
    "an empty subprotocol": ({"Sec-WebSocket-Protocol": [""]}, 400, "§4.1"),
    "a subprotocol that is no token": ({"Sec-WebSocket-Protocol": ["wsg.v1, a b"]}, 400, "§4.1"),
    "a subprotocol twice": ({"Sec-WebSocket-Protocol": ["wsg.v1", "wsg.v1"]}, 400, "§4.1"),
    "extensions without a name": ({"Sec-WebSocket-Extensions": ["; a=b"]}, 400, "§9.1"),
    "a parameter without a name": ({"Sec-WebSocket-Extensions": ["permessage-deflate; =10"]}, 400, "§9.1"),
    "a parameter that is missing": ({"Sec-WebSocket-Extensions": ["permessage-deflate;"]}, 400, "§9.1"),
    "a value that is missing": ({"Sec-WebSocket-Extensions": ["permessage-deflate; server_max_window_bits="]}, 400, "§9.1"),
    "a quoted value that is no token": ({"Sec-WebSocket-Extensions": ['permessage-deflate; a="b c"']}, 400, "§9.1"),
    "a quoted value without an end": ({"Sec-WebSocket-Extensions": ['permessage-deflate; a="b']}, 400, "§9.1"),
    "an escape without an end": ({"Sec-WebSocket-Extensions": ['permessage-deflate; a="b\\']}, 400, "§9.1"),
    "two extensions without a comma": ({"Sec-WebSocket-Extensions": ["permessage-deflate x-other"]}, 400, "§9.1"),
    "a fault in the thousandth extension": ({"Sec-WebSocket-Extensions": ["a," * 999 + "a;"]}, 400, "§9.1"),
}


def handshake(changes: dict[str, list[str]]) -> bytes:
    fields = [(name, value) for name, values in (HANDSHAKE | changes).items() for value in values]
    return (f"GET /ws/backtest/{SESSION} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n").encode()


@pytest.mark.parametrize("fault", HANDSHAKES_REFUSED)
def test_a_faulty_handshake_is_refused_by_its_rule_and_the_connection_may_try_again(siege, fault: str) -> None:
    changes, status, rule = HANDSHAKES_REFUSED[fault]
    with Wire(siege(shared=True).gateway.address) as wire:
        wire.send(handshake(changes))
        answer = wire.answer()
        assert (answer.status, answer.code) == (status, "UPGRADE_REQUIRED" if status == 426 else "BAD_HANDSHAKE")
        assert answer.json["error"]["details"]["rule"] == f"RFC 6455 {rule}"
        if status == 426:
            # §4.4, and RFC 9110 §15.5.22: whoever is refused for this learns what would do.
            assert (answer.headers["sec-websocket-version"], answer.headers["upgrade"]) == ("13", "websocket")
        wire.send(handshake({}))
        assert wire.answer().status == 101


HANDSHAKES_ACCEPTED: dict[str, dict[str, list[str]]] = {
    "names and tokens in another case": {"Upgrade": ["WebSocket"], "Connection": ["UPGRADE"]},
    # RFC 4648 §3.5 leaves these bits to the decoder, and clients' encoders differ.
    "a key with bits in its padding": {"Sec-WebSocket-Key": [KEY[:-3] + "B=="]},
    "a Connection with more to say": {"Connection": ["keep-alive, Upgrade"]},
    "a Connection on two lines": {"Connection": ["keep-alive", "Upgrade"]},
    "an unknown subprotocol": {"Sec-WebSocket-Protocol": ["chat, superchat"]},
    "an unknown extension": {"Sec-WebSocket-Extensions": ['x-webkit-deflate-frame, foo; bar=baz; quux="qu\\ux"']},
    "a thousand extensions": {"Sec-WebSocket-Extensions": ["a," * 999 + "a"]},
    "a thousand parameters": {"Sec-WebSocket-Extensions": ["permessage-deflate" + ";a" * 999]},
}


@pytest.mark.parametrize("form", HANDSHAKES_ACCEPTED)
def test_what_the_grammar_allows_is_let_in_and_what_is_unknown_is_declined_in_silence(siege, form: str) -> None:
    with Wire(siege(shared=True).gateway.address) as wire:
        wire.send(handshake(HANDSHAKES_ACCEPTED[form]))
        answer = wire.answer()
        assert answer.status == 101
        assert not {"sec-websocket-extensions", "sec-websocket-protocol"} & set(answer.headers)


# Frames: a connection fails at the first byte that no valid stream has there


def announced(opcode: int, form: int, length: int) -> bytes:
    """A header with its length in the form of 16 bits (126) or of 64 (127), and its masking key."""
    return bytes([FIN | opcode, 0x80 | form]) + struct.pack(">H" if form == 126 else ">Q", length)


def close_body(code: int) -> bytes:
    return begun(FIN | CLOSE, 20, struct.pack(">H", code))


CONTROL = {"ping": PING, "pong": PONG, "close": CLOSE}
CODES_NOT_FOR_THE_WIRE = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1099, 2000, 2999, 5000, 65_535]

FRAMES_REFUSED: dict[str, tuple[bytes, str, Headers]] = {
    "an unmasked text": (bytes([FIN | TEXT, 5]), "unmasked_client_frame", {}),
    "an unmasked binary": (bytes([FIN | BINARY, 126]), "unmasked_client_frame", {}),
    "an unmasked continuation": (frame(TEXT, b"{") + bytes([FIN, 0]), "unmasked_client_frame", {}),
    **{f"an unmasked {name}": (bytes([FIN | opcode, 0]), "unmasked_client_frame", {}) for name, opcode in CONTROL.items()},
    **{f"RSV{n} on a text": (bytes([FIN | bit | TEXT]), "reserved_bits", {}) for n, bit in ((1, 0x40), (2, 0x20), (3, 0x10))},
    **{f"RSV{n} on a text, with deflate": (bytes([FIN | bit | TEXT]), "reserved_bits", DEFLATE) for n, bit in ((2, 0x20), (3, 0x10))},
    **{f"RSV1 on a {name}": (bytes([FIN | RSV1 | opcode]), "reserved_bits", {}) for name, opcode in CONTROL.items()},
    # RFC 7692 §6.1: the bit is for the first frame of a data message alone.
    **{f"RSV1 on a {name}, with deflate": (bytes([FIN | RSV1 | opcode]), "reserved_bits", DEFLATE) for name, opcode in CONTROL.items()},
    "RSV1 on a continuation, with deflate": (frame(RSV1 | TEXT, b"\x00") + bytes([FIN | RSV1]), "reserved_bits", DEFLATE),
    **{f"opcode {n}": (bytes([FIN | n]), "reserved_opcode", {}) for n in (*range(3, 8), *range(11, 16))},
    **{f"opcode {n}, not final": (bytes([n]), "reserved_opcode", {}) for n in (3, 11)},
    **{f"a {name} in fragments": (bytes([opcode]), "fragmented_control_frame", {}) for name, opcode in CONTROL.items()},
    **{f"a {name} of 126 bytes": (bytes([FIN | opcode, 0x80 | 126]), "control_frame_too_long", {}) for name, opcode in CONTROL.items()},
    **{f"a {name} of 65,536 bytes": (bytes([FIN | opcode, 0x80 | 127]), "control_frame_too_long", {}) for name, opcode in CONTROL.items()},
    "a continuation of nothing": (bytes([FIN | CONTINUATION]), "unexpected_continuation", {}),
    "a continuation of a message that is whole": (frame(FIN | TEXT, PING_COMMAND) + bytes([CONTINUATION]), "unexpected_continuation", {}),
    "a text within a text": (frame(TEXT, b"{") + bytes([FIN | TEXT]), "expected_continuation", {}),
    "a binary within a text": (frame(TEXT, b"{") + frame(CONTINUATION) + bytes([BINARY]), "expected_continuation", {}),
    # The top bit is the first byte of eight. No length is made of it, and nothing is allocated.
    "a length of 2^63": (bytes([FIN | TEXT, 0xFF, 0x80]), "length_top_bit_set", {}),
    "a length of 2^64-1": (bytes([FIN | TEXT, 0xFF, 0xFF]), "length_top_bit_set", {}),
    "a continuation of 2^64-1": (frame(TEXT, b"{") + bytes([FIN, 0xFF, 0xFF]), "length_top_bit_set", {}),
    "a length of 2^63-1": (announced(TEXT, 127, 2**63 - 1) + NO_MASK, "message_too_big", {}),
    "a continuation of 2^63-1": (frame(TEXT, b"{") + bytes([FIN, 0xFF]) + struct.pack(">Q", 2**63 - 1) + NO_MASK, "message_too_big", {}),
    "a length of 2^32": (announced(BINARY, 127, 2**32) + NO_MASK, "message_too_big", {}),
    "a length of 0 in 16 bits": (announced(TEXT, 126, 0), "non_minimal_length", {}),
    "a length of 125 in 16 bits": (announced(TEXT, 126, 125), "non_minimal_length", {}),
    "a length of 125 in 64 bits": (announced(TEXT, 127, 125), "non_minimal_length", {}),
    "a length of 65,535 in 64 bits": (announced(TEXT, 127, 65_535), "non_minimal_length", {}),
    "a close body of one byte": (bytes([FIN | CLOSE, 0x81]), "one_byte_close_body", {}),
    **{f"close code {code}": (close_body(code), "invalid_close_code", {}) for code in CODES_NOT_FOR_THE_WIRE},
}


def ways(data: bytes) -> Iterator[list[bytes]]:
    """The same bytes as a network may bring them: at once, byte by byte, behind a good message."""
    yield [data]
    yield [data[i : i + 1] for i in range(len(data))]
    yield [frame(FIN | TEXT, PING_COMMAND) + data]


@pytest.mark.parametrize("fault", FRAMES_REFUSED)
def test_a_forbidden_frame_ends_the_connection_at_its_first_wrong_byte(siege, fault: str) -> None:
    data, rule, headers = FRAMES_REFUSED[fault]
    gateway: Gateway = siege(shared=True).gateway
    for parts in ways(data):
        before = violations(gateway)
        with opened(gateway, **headers) as tab:
            for part in parts:
                tab.send(part)
            assert_ended(tab, TOO_BIG if rule == "message_too_big" else PROTOCOL_ERROR)
        assert violations(gateway) - before == Counter([rule])


CODES_OF_A_CLIENT = [1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3999, 4000]


@pytest.mark.parametrize("code", CODES_OF_A_CLIENT)
def test_a_close_code_that_a_client_may_send_is_echoed_and_is_no_violation(siege, code: int) -> None:
    gateway: Gateway = siege(shared=True).gateway
    before = violations(gateway)
    with opened(gateway) as tab:
        # The longest reason there is: 123 bytes.
        tab.send(frame(FIN | CLOSE, struct.pack(">H", code) + "é".encode() * 61 + b"!"))
        assert tab.close_frame()[0] == code
        assert tab.at_end()
    assert violations(gateway) == before


def test_what_follows_a_close_or_a_violation_is_not_looked_at(siege) -> None:
    gateway: Gateway = siege(shared=True).gateway
    for end, code in ((frame(FIN | CLOSE, struct.pack(">H", 1000)), 1000), (bytes([FIN | 0x3]), PROTOCOL_ERROR)):
        before = violations(gateway)
        with opened(gateway) as tab:
            tab.send(end + frame(FIN | TEXT, PING_COMMAND) + frame(FIN | PING, b"?") + bytes([FIN | 0x4, 0xFF]))
            seen = tab.frame()
            assert seen.opcode == CLOSE and seen.close[0] == code
            assert tab.at_end()
        assert violations(gateway) - before == Counter(["reserved_opcode"] if code == PROTOCOL_ERROR else [])


def test_the_longest_control_frames_and_any_masking_key_are_fine(siege) -> None:
    with opened(siege(shared=True).gateway) as tab:
        for length in (0, 1, 124, 125):
            tab.send(frame(FIN | PING, bytes(range(length))))
            assert tab.frame() == Frame(True, PONG, bytes(range(length)))
            tab.send(frame(FIN | PONG, bytes(length)))
        tab.send_frame(TEXT, PING_COMMAND)
        assert tab.event()["type"] == "heartbeat"


@pytest.mark.limit("--max-message-bytes")
@pytest.mark.parametrize("form", ["one frame", "the last of its fragments", "announced alone"])
def test_a_message_over_the_limit_is_refused_by_its_announced_length(siege, form: str) -> None:
    with opened(siege().gateway) as tab:
        if form == "one frame":
            tab.send(frame(FIN | TEXT, PING_COMMAND + b" " * (65_536 - len(PING_COMMAND))))
            assert tab.event()["type"] == "heartbeat"
        if form == "the last of its fragments":
            tab.send(frame(TEXT, b" " * 65_535))
            tab.send(begun(FIN | CONTINUATION, 2, b""))
        else:
            tab.send(announced(TEXT, 127, 65_537) + NO_MASK)
        assert_ended(tab, TOO_BIG)


# Text


NOT_UTF8 = {
    "a continuation byte alone": b"\x80",
    "an overlong form of two bytes": b"\xc0",
    "an overlong NUL": b"\xc1",
    "an overlong form of three bytes": b"\xe0\x9f",
    "an overlong form of four bytes": b"\xf0\x8f",
    "the first surrogate": b"\xed\xa0",
    "the first code point beyond Unicode": b"\xf4\x90",
    "a byte for code points beyond Unicode": b"\xf5",
    "a byte that never occurs": b"\xff",
    "a character of two bytes without its second": b"\xc3(",
    "a character of three bytes without its third": b"\xe2\x82(",
    "a character of four bytes without its fourth": b"\xf0\x9f\x98(",
    "a character inside another": b"\xe2\xc3",
}
"""Each with its wrong byte last."""


@pytest.mark.parametrize("fault", NOT_UTF8)
def test_text_that_is_not_utf8_fails_at_its_first_wrong_byte_before_the_message_ends(siege, fault: str) -> None:
    start, wrong = NOT_UTF8[fault][:-1], NOT_UTF8[fault][-1:]
    good = '{"ref":"κόσμε'.encode()
    unfinished = [
        begun(FIN | TEXT, 100, good + start + wrong),
        # The fragment that would end the message never comes.
        frame(TEXT, good + start + wrong),
        # Cut inside the character; a ping between the halves changes nothing.
        frame(TEXT, good + start) + frame(FIN | PING) + begun(CONTINUATION, 100, wrong),
        b"".join(frame(TEXT if i == 0 else CONTINUATION, bytes([byte])) for i, byte in enumerate(good + start + wrong)),
    ]
    gateway: Gateway = siege(shared=True).gateway
    for data in unfinished:
        with opened(gateway) as tab:
            tab.send(data)
            assert_ended(tab, INVALID_DATA)


@pytest.mark.parametrize("fault", NOT_UTF8)
def test_a_close_reason_that_is_not_utf8_fails_at_its_first_wrong_byte(siege, fault: str) -> None:
    with opened(siege(shared=True).gateway) as tab:
        tab.send(begun(FIN | CLOSE, 100, struct.pack(">H", 1000) + "adiós".encode() + NOT_UTF8[fault]))
        assert_ended(tab, INVALID_DATA)


@pytest.mark.parametrize("kind", ["text", "fragments", "close reason", "compressed"])
def test_text_that_ends_inside_a_character_fails_at_its_end(siege, kind: str) -> None:
    cut = "€".encode()[:2]
    data = {
        "text": frame(FIN | TEXT, cut),
        "fragments": frame(TEXT, cut) + frame(FIN | CONTINUATION),
        "close reason": frame(FIN | CLOSE, struct.pack(">H", 1000) + cut),
        "compressed": frame(FIN | RSV1 | TEXT, deflated(cut)),
    }[kind]
    with opened(siege(shared=True).gateway, **DEFLATE) as tab:
        tab.send(data)
        assert_ended(tab, INVALID_DATA)


@pytest.mark.parametrize("fault", NOT_UTF8)
def test_compressed_text_that_is_not_utf8_fails_once_it_is_inflated(siege, fault: str) -> None:
    with opened(siege(shared=True).gateway, **DEFLATE) as tab:
        tab.send(frame(FIN | RSV1 | TEXT, deflated(b'{"ref":"' + NOT_UTF8[fault] + b'"}')))
        assert_ended(tab, INVALID_DATA)


def test_characters_cut_between_fragments_are_whole_again(siege) -> None:
    message = '{"action":"pause","ref":"κ€😀\ud7ff\ue000\U0010ffff"}'.encode()
    assert len(message) <= 64
    with opened(siege(shared=True).gateway) as tab:
        tab.send(in_fragments(TEXT, message, len(message) + 1))
        assert tab.event()["data"]["details"]["ref"] == "κ€😀\ud7ff\ue000\U0010ffff"


# Fragments


@pytest.mark.limit("--max-message-fragments")
@pytest.mark.parametrize("kind", ["one byte each", "empty"])
def test_a_million_fragments_end_with_1008_at_the_sixty_fifth(siege, kind: str) -> None:
    payload = b"x" if kind == "one byte each" else b""
    fragments = [frame(TEXT, payload), *[frame(CONTINUATION, payload)] * (MILLION - 1)]
    gateway: Gateway = siege().gateway
    with opened(gateway) as tab:
        tab.send(b"".join(fragments[:63]) + frame(FIN | PING))
        assert tab.frame().opcode == PONG
        tab.send(fragments[63] + frame(FIN | PING))
        assert tab.frame().opcode == PONG
        tab.send(fragments[64])
        assert_ended(tab, POLICY)
    with opened(gateway) as tab:
        # What comes after the sixty-fifth is taken from the socket and thrown away, so nothing hinders us from sending it all.
        tab.send(b"".join(fragments))
        assert_ended(tab, POLICY)


FRAGMENTS_LIFTED = ("--max-message-fragments", str(MILLION))


def test_a_million_fragments_where_they_are_allowed_take_time_in_proportion_and_no_memory(siege) -> None:
    started_siege = siege(*FRAGMENTS_LIFTED, *lifted_rates())
    message = PING_COMMAND[:-1] + b',"padding":"' + b"x" * 65_000 + b'"}'
    with opened(started_siege.gateway) as tab:
        tab.socket.settimeout(patience(30))
        # A command of 65,000 one-byte fragments and 935,000 empty ones. Ten times as many take ten times as long, not a hundred times.
        seconds = []
        for count in (MILLION // 10, MILLION):
            data = in_fragments(TEXT, message, count)
            began = time.monotonic()
            tab.send(data)
            assert tab.event("heartbeat")
            seconds.append(time.monotonic() - began)
    assert seconds[1] < patience(20) and seconds[1] < 40 * max(seconds[0], 0.02), seconds


# Control frames in floods


LAST_PING = b"the last"


def flooded(tab: RawTab, data: bytes) -> tuple[int, Optional[int]]:
    """Sends it all and a last ping, reading meanwhile as a client with two threads does: how many pongs came, and the close frame's code.

    Without a close frame the last ping was answered.
    """
    tab.socket.setblocking(False)
    rest, pongs = memoryview(data + frame(FIN | PING, LAST_PING)), 0
    deadline = time.monotonic() + patience(20)
    while time.monotonic() < deadline:
        with suppress(BlockingIOError, ConnectionError):
            rest = rest[tab.socket.send(rest[:65_536]) :] if rest else rest
        with suppress(BlockingIOError):
            tab.buffer += tab.socket.recv(262_144)
        while (seen := whole_frame(tab)) is not None:
            if seen.opcode == CLOSE:
                return pongs, seen.close[0]
            pongs += seen.opcode == PONG
            if seen.payload == LAST_PING:
                return pongs, None
    raise AssertionError("neither the last pong nor a close frame came")


def whole_frame(tab: RawTab) -> Optional[Frame]:
    """The next frame, where all of it has arrived."""
    buffer = tab.buffer
    if len(buffer) < 2:
        return None
    length, start = buffer[1], 2
    if length == 126:
        if len(buffer) < 4:
            return None
        length, start = int.from_bytes(buffer[2:4], "big"), 4
    return tab.frame() if len(buffer) >= start + length else None


@pytest.mark.limit("--message-rate", "--message-burst", "--max-message-excess")
@pytest.mark.plain("it looks at the socket below the TLS")
def test_a_flood_of_pings_is_answered_at_the_rate_and_then_ended_with_4429(siege) -> None:
    needs("--message-rate", "--message-burst", "--max-message-excess")
    with opened(siege().gateway) as tab:
        began = time.monotonic()
        pongs, code = flooded(tab, frame(FIN | PING, b"x" * 125) * 100_000)
        seconds = time.monotonic() - began
        assert code == RATE_LIMITED
        assert 100 <= pongs <= 100 + 50 * seconds + 1
        # Nothing is awaited of it: while a close frame is, what comes is parsed, and the flood goes on having a worker.
        tab.socket.settimeout(patience(2))
        assert tab.at_end()


@pytest.mark.parametrize("rates", ["as they are", "lifted"])
def test_a_flood_of_pings_from_a_client_that_does_not_read_leaves_one_pong_waiting(siege, rates: str) -> None:
    """RFC 6455 §5.5.3 lets us answer the latest alone. Half a million pongs of two bytes would fit in a queue of a mebibyte."""
    gateway: Gateway = siege("--write-timeout", "60", *(lifted_rates() if rates == "lifted" else ())).gateway
    with RawTab.opened(gateway, SESSION, receive_buffer_bytes=4096) as tab:
        for _ in range(40):
            tab.send(frame(FIN | PING) * 10_000)
            assert all(one["lag"] <= 2 for one in connections(gateway, SESSION))
        samples = metrics(gateway)
        assert samples['wsg_client_messages_total{kind="ping"}'] >= 100
        assert samples["wsg_queued_bytes"] <= 4


def test_a_flood_of_pongs_that_nobody_asked_for_is_read_and_forgotten(siege) -> None:
    gateway: Gateway = siege(*lifted_rates()).gateway
    with opened(gateway) as tab:
        tab.send(frame(FIN | PONG, b"x" * 125) * 50_000)
        assert_served(tab)
        assert connections(gateway, SESSION)[0]["queued_bytes"] == 0


# A full queue is no obstacle to control frames


BIG = "x" * 65_536


def congested(gateway: Gateway, tab: RawTab) -> int:
    """Publishes until about a hundred messages wait for the tab; how many were published."""
    for number in range(400):
        publish(gateway, SESSION, candle(number, text=BIG))
        if number % 10 == 9 and connections(gateway, SESSION)[0]["lag"] > 100:
            return number + 1
    raise AssertionError("400 messages of 64 KiB did not fill the queue")


QUEUE = ("--max-write-queue-bytes", str(64 << 20), "--write-timeout", "60")


def unread(siege, stack: ExitStack) -> tuple[Gateway, RawTab, int]:
    """A gateway with room in its queues, and a tab for which a hundred messages wait: how many come in all."""
    the_siege = siege(*QUEUE)
    # The messages that wait are what the setting allows.
    the_siege.memory_bytes_max = 32 << 20
    gateway: Gateway = the_siege.gateway
    tab = stack.enter_context(RawTab.opened(gateway, SESSION, receive_buffer_bytes=65_536))
    return gateway, tab, congested(gateway, tab)


def assert_whole_and_in_order(messages: list[Frame]) -> None:
    assert [message.event["data"]["candle_index"] for message in messages] == list(range(len(messages)))


def test_a_pong_overtakes_the_messages_that_wait(siege) -> None:
    with ExitStack() as stack:
        gateway, tab, count = unread(siege, stack)
        tab.send(frame(FIN | PING, b"me first"))
        until(lambda: metrics(gateway)['wsg_client_messages_total{kind="ping"}'] == 1, "the ping is read")
        lag = connections(gateway, SESSION)[0]["lag"]
        frames = [tab.frame() for _ in range(count + 1)]
        (place,) = [i for i, seen in enumerate(frames) if seen.opcode == PONG]
        assert frames[place].payload == b"me first"
        assert len(frames) - place - 1 >= lag - 2, "it came before everything that had not begun"
        assert_whole_and_in_order([seen for seen in frames if seen.opcode == TEXT])


@pytest.mark.parametrize("who", ["the client", "an engine"])
def test_a_close_overtakes_the_messages_that_wait_and_they_are_dropped(siege, who: str) -> None:
    with ExitStack() as stack:
        gateway, tab, count = unread(siege, stack)
        if who == "the client":
            tab.send(frame(FIN | CLOSE, struct.pack(">H", 3001)))
        else:
            assert ask(gateway, "DELETE", f"/v1/connections/{tab.connected['connection_id']}").status == 204
        until(lambda: not connections(gateway, SESSION), "it is no member any more")
        assert metrics(gateway)["wsg_queued_bytes"] < len(BIG) + 200, "what had not begun is dropped"
        messages = []
        while (seen := tab.frame()).opcode != CLOSE:
            messages.append(seen)
        assert seen.close[0] == (3001 if who == "the client" else 1000)
        assert 0 < len(messages) <= count - 99
        assert_whole_and_in_order(messages)
        if who == "an engine":
            tab.send(frame(FIN | CLOSE, struct.pack(">H", 1000)))
        assert tab.at_end()
