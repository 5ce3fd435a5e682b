"""The client's side of RFC 6455, byte by byte."""

from __future__ import annotations

import pytest

from websocket_gateway.frames import (
    CLOSE,
    MESSAGE_BYTES_MAX,
    PING,
    TEXT,
    BadFrame,
    FrameReader,
    check_upgrade,
    frame,
)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def unmasked(data: bytes) -> tuple[int, bytes]:
    """A client's frame as a server reads it (§5.3)."""
    length, at = data[1] & 0x7F, 2
    assert data[1] & 0x80, "a client masks"
    if length >= 126:
        at = 4 if length == 126 else 10
        length = int.from_bytes(data[2:at], "big")
    mask, payload = data[at : at + 4], data[at + 4 :]
    assert len(payload) == length
    return data[0], bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


@pytest.mark.parametrize("count", [0, 1, 3, 4, 125, 126, 65_535, 65_536])
def test_a_frame_is_whole_masked_and_has_the_shortest_length(count: int) -> None:
    payload = bytes(index % 251 for index in range(count))
    data = frame(TEXT, payload)
    assert unmasked(data) == (0x81, payload)
    assert len(data) == 6 + count + (0 if count < 126 else 2 if count < 65_536 else 8)


def server(first: int, payload: bytes) -> bytes:
    count = len(payload)
    head = bytes((count,)) if count < 126 else b"\x7e" + count.to_bytes(2, "big")
    return bytes((first,)) + head + payload


def test_frames_are_the_same_however_they_are_split() -> None:
    data = server(0x81, b"a" * 200) + server(0x01, b"b") + server(0x89, b"ping") + server(0x80, b"c") + server(0x88, b"\x03\xe8")
    expected = [(TEXT, b"a" * 200), (PING, b"ping"), (TEXT, b"bc"), (CLOSE, b"\x03\xe8")]
    for size in (1, 2, 3, 7, len(data)):
        reader = FrameReader()
        found: list[tuple[int, bytes]] = []
        for at in range(0, len(data), size):
            found += reader.feed(data[at : at + size])
        assert found == expected


@pytest.mark.parametrize(
    "data",
    [
        b"\xc1\x00",  # a reserved bit
        b"\x81\x80",  # masked
        b"\x82\x00",  # binary
        b"\x83\x00",  # a reserved opcode
        b"\x80\x00",  # a continuation of nothing
        b"\x01\x00\x81\x00",  # a message in another
        b"\x09\x00",  # a fragmented ping
        b"\x89\x7e\x00\x7e" + b"x" * 126,  # a long ping
        b"\x81\x7f" + (MESSAGE_BYTES_MAX + 1).to_bytes(8, "big"),
    ],
)
def test_what_breaks_a_rule_is_no_frame(data: bytes) -> None:
    with pytest.raises(BadFrame):
        FrameReader().feed(data)


def test_the_answer_to_a_handshake_is_held_to_its_key() -> None:
    check_upgrade(HEAD, KEY)
    for head in (
        HEAD.replace(b"s3p", b"s3q"),
        HEAD.replace(b"101", b"200"),
        HEAD.replace(b"Upgrade: websocket\r\n", b""),
        b"HTTP/1.1 503 Service Unavailable",
    ):
        with pytest.raises(BadFrame):
            check_upgrade(head, KEY)
