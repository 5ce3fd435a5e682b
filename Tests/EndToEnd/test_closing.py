"""How a connection ends: no frame follows our close frame, and after a violation nothing more is listened to (RFC 6455 §5.5.1, §7.1.7)."""

from __future__ import annotations

import struct
import zlib
from typing import Optional

import pytest

from control import ask, candle, metrics, publish
from gateway import Gateway
from wire import CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, RawTab

COMMAND = '{"action":"ping"}'
BIG = "x" * 250_000


def frames_to_the_end(tab: RawTab) -> list[Frame]:
    frames = []
    while not tab.at_end():
        frames.append(tab.frame())
    return frames


def test_no_frame_follows_a_close_frame_though_events_and_pongs_wait(gateway: Gateway) -> None:
    with RawTab.opened(gateway, "s1", receive_buffer_bytes=4096) as tab:
        waits = False
        for number in range(100):
            waits = publish(gateway, "s1", candle(number, text=BIG))["queued"] > 0
            if waits:
                break
        assert waits, "the kernel took it all"
        for _ in range(10):
            tab.send_frame(PING, b"are you there")
        assert ask(gateway, "DELETE", f"/v1/connections/{tab.connected['connection_id']}").status == 204
        assert publish(gateway, "s1", candle(101))["connections"] == 0
        while (frame := tab.frame()).opcode != CLOSE:
            assert frame.opcode in (TEXT, PONG)
        assert frame.close == (1000, "disconnected")
        tab.send_close(1000)
        assert tab.at_end()


def masked(first: int, payload: bytes = b"", length: Optional[bytes] = None) -> bytes:
    """A frame with a masking key of zeros; `length` where it shall be said otherwise than is right."""
    return bytes([first]) + (length or bytes([0x80 | len(payload)])) + bytes(4) + payload


VIOLATIONS = {
    "reserved_bits": (masked(0x91), 1002),
    "reserved_opcode": (masked(0x83), 1002),
    "unmasked_client_frame": (b"\x81\x02{}", 1002),
    "non_minimal_length": (masked(0x81, b"{}", b"\xfe\x00\x02"), 1002),
    "length_top_bit_set": (masked(0x81, b"", b"\xff" + b"\x80" + bytes(7)), 1002),
    "fragmented_control_frame": (masked(0x09), 1002),
    "control_frame_too_long": (masked(0x89, bytes(126), b"\xfe\x00\x7e"), 1002),
    "unexpected_continuation": (masked(0x80), 1002),
    "expected_continuation": (masked(0x01) + masked(0x81), 1002),
    "one_byte_close_body": (masked(0x88, b"\x03"), 1002),
    "invalid_close_code": (masked(0x88, struct.pack(">H", 1005)), 1002),
    "invalid_utf8": (masked(0x81, b"\xed\xa0\x80"), 1007),
    "invalid_utf8_close_reason": (masked(0x88, struct.pack(">H", 1000) + b"\xff"), 1007),
    "invalid_deflate": (masked(0xC1, b"\xff\xff"), 1007),
    "message_too_big": (masked(0x81, b"", b"\xff" + struct.pack(">Q", 65_537)), 1009),
    "too_many_fragments": (masked(0x01) + masked(0x00) * 64, 1008),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_is_told_by_one_close_frame_and_nothing_behind_it_is_heard(shared: Gateway, name: str) -> None:
    broken, code = VIOLATIONS[name]
    counter = f'wsg_protocol_violations_total{{violation="{name}"}}'
    before = metrics(shared)[counter]
    with RawTab.opened(shared, "s1", Sec_WebSocket_Extensions="permessage-deflate") as tab:
        tab.send(broken + masked(0x89, b"after") + masked(0x81, COMMAND.encode()) + masked(0x88, struct.pack(">H", 1000)))
        (frame,) = frames_to_the_end(tab)
        assert frame.close[0] == code
    assert metrics(shared)[counter] == before + 1


def test_a_message_inflated_beyond_the_limit_closes_with_1009(gateway: Gateway) -> None:
    deflate = zlib.compressobj(wbits=-15)
    bomb = (deflate.compress(bytes(65_537)) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
    assert len(bomb) < 126
    with RawTab.opened(gateway, "s1", Sec_WebSocket_Extensions="permessage-deflate") as tab:
        tab.send(masked(0xC1, bomb))
        (frame,) = frames_to_the_end(tab)
        assert frame.close[0] == 1009


def test_fragments_and_what_stands_between_them_are_heard_until_the_violation(gateway: Gateway) -> None:
    with RawTab.opened(gateway, "s1") as tab:
        tab.send_frame(TEXT, '{"action":', fin=False)
        tab.send_frame(PING, b"now")
        tab.send_frame(CONTINUATION, '"ping"}')
        tab.send(masked(0x83))
        pong, heartbeat, close = frames_to_the_end(tab)
        assert pong.payload == b"now"
        assert heartbeat.event["type"] == "heartbeat"
        assert close.close[0] == 1002


def test_a_tab_that_says_close_with_an_event_unread_keeps_its_socket_until_it_has_read_it(serve) -> None:
    """docs/decisions/0010: what the kernel has not sent is not left to it. Who was sent no event is closed at once."""
    gateway: Gateway = serve("--workers", "1")
    metrics(gateway)
    with RawTab.opened(gateway, "s1", receive_buffer_bytes=4096) as tab:
        before = metrics(gateway)["process_open_fds"]
        assert publish(gateway, "s1", candle(1, text="x" * 20_000))["sent"] == 1, "the kernel has taken all of it"
        tab.send_close()
        for _ in range(1_000):
            samples = metrics(gateway)
            if samples['wsg_connections{kind="backtest"}'] == 0:
                break
        assert samples['wsg_connections{kind="backtest"}'] == 0 and samples["process_open_fds"] >= before
        assert tab.event()["data"]["candle_index"] == 1
        assert tab.close_frame()[0] == 1000
