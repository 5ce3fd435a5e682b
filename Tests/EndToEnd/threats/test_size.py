"""Size: what a peer may send and what it may leave lying, both sides of every limit.

Elsewhere: messages too large by their header (test_websocket.py) or when inflated (test_deflate.py), the write queue of a client that does
not read (test_limits.py, test_slow_and_dying.py).
"""

from __future__ import annotations

import random
from contextlib import ExitStack
from typing import Callable, NamedTuple

import pytest

from control import JSON_TYPE, NDJSON_TYPE, Answer, ask, metrics, publish
from frames import FIN, RSV1, deflated, frame
from siege import DEFLATE, Siege
from waiting import until
from wire import CONTINUATION, TEXT, RawTab, Wire, control_wire

StartSiege = Callable[..., Siege]

KIB = 1024
MIB = 1024 * KIB


# Heads. The defaults, or what these settings say where the executable has them.

LINE_BYTES_MAX = 8 * KIB
HEADERS_BYTES_MAX = 16 * KIB
HEADER_FIELDS_MAX = 64

HOST = "Host: 127.0.0.1\r\n"


class Head(NamedTuple):
    """A head that is exactly as large as it may be when `size` is the limit."""

    name: str
    setting: str
    limit: int
    status: int
    code: str
    of_size: Callable[[int], str]


def request_line(size: int) -> str:
    return f"GET /{'a' * (size - len('GET / HTTP/1.1'))} HTTP/1.1\r\n{HOST}\r\n"


def request_line_of_query(size: int) -> str:
    return f"GET /?{'a' * (size - len('GET /? HTTP/1.1'))} HTTP/1.1\r\n{HOST}\r\n"


def header_line(size: int) -> str:
    return f"GET / HTTP/1.1\r\n{HOST}X: {'a' * (size - 3)}\r\n\r\n"


def header_line_of_name(size: int) -> str:
    return f"GET / HTTP/1.1\r\n{HOST}{'x' * (size - 1)}:\r\n\r\n"


def all_headers(size: int) -> str:
    """The lines with their CRLFs; the empty one that ends them is not counted."""
    line = f"X: {'a' * 995}\r\n"
    count, rest = divmod(size - len(HOST) - 5, len(line))
    return f"GET / HTTP/1.1\r\n{HOST}{line * count}X: {'a' * rest}\r\n\r\n"


def header_fields(count: int) -> str:
    return f"GET / HTTP/1.1\r\n{HOST}" + "X:\r\n" * (count - 1) + "\r\n"


HEADS = [
    Head("the request line", "--max-request-line-bytes", LINE_BYTES_MAX, 414, "URI_TOO_LONG", request_line),
    Head("the query", "--max-request-line-bytes", LINE_BYTES_MAX, 414, "URI_TOO_LONG", request_line_of_query),
    Head("a header line", "--max-header-line-bytes", LINE_BYTES_MAX, 431, "HEADERS_TOO_LARGE", header_line),
    Head("a header's name", "--max-header-line-bytes", LINE_BYTES_MAX, 431, "HEADERS_TOO_LARGE", header_line_of_name),
    Head("all headers", "--max-headers-bytes", HEADERS_BYTES_MAX, 431, "HEADERS_TOO_LARGE", all_headers),
    Head("the number of headers", "--max-header-fields", HEADER_FIELDS_MAX, 431, "HEADERS_TOO_LARGE", header_fields),
]


@pytest.mark.parametrize("listener", ["public", "control"])
@pytest.mark.parametrize("head", [pytest.param(head, id=head.name, marks=pytest.mark.limit(head.setting)) for head in HEADS])
def test_a_head_as_large_as_it_may_be_is_read_and_a_larger_one_is_refused(siege: StartSiege, head: Head, listener: str) -> None:
    gateway = siege(shared=True).gateway
    address = gateway.address if listener == "public" else gateway.control_address
    with Wire(address) as wire:
        wire.send(head.of_size(head.limit))
        assert wire.answer().status == 404
        wire.send(head.of_size(head.limit + 1))
        answer = wire.answer()
        assert (answer.status, answer.code, answer.headers.get("connection")) == (head.status, head.code, "close")
        assert wire.at_end()


@pytest.mark.parametrize("listener", ["public", "control"])
@pytest.mark.parametrize(
    "beginning", [b"", b"GET /", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "], ids=["a method", "a target", "a header"]
)
def test_a_line_without_an_end_is_refused_at_its_limit_and_what_follows_is_not_kept(
    siege: StartSiege, beginning: bytes, listener: str
) -> None:
    one = siege(shared=True)
    one.memory_bytes_max = MIB
    address = one.gateway.address if listener == "public" else one.gateway.control_address
    with Wire(address) as wire:
        wire.send(beginning)
        sent = 0
        # It is told, and what it sends on is read and thrown away.
        while sent < 32 * MIB:
            wire.send(b"a" * 65_536)
            sent += 65_536
        assert wire.answer().status == (431 if beginning.endswith(b": ") else 414)
        assert wire.at_end()


# Bodies

EVENTS = "/v1/sessions/s1/events"


def event(size: int) -> str:
    frame = '{"type":"candle","data":{"x":""}}'
    return frame.replace('""', '"' + "a" * (size - len(frame)) + '"')


def post(length: str, path: str = EVENTS) -> str:
    return f"POST {path} HTTP/1.1\r\n{HOST}Content-Type: application/json\r\n{length}\r\n\r\n"


@pytest.mark.limit("--max-publish-bytes")
def test_a_body_of_a_mebibyte_is_published_and_one_byte_more_is_refused_before_it_is_sent(siege: StartSiege) -> None:
    gateway = siege(shared=True).gateway
    with control_wire(gateway) as wire:
        body = event(1000) + " " * (MIB - 1000)
        wire.send(post(f"Content-Length: {MIB}") + body)
        assert wire.answer().status == 200
        for length in (MIB + 1, 10**17, 10**18, 2**63 - 1, 2**63, 2**64, 10**100):
            with control_wire(gateway) as other:
                other.send(post(f"Content-Length: {length}"))
                answer = other.answer()
                assert (answer.status, answer.code, answer.headers.get("connection")) == (413, "PAYLOAD_TOO_LARGE", "close"), length
                assert other.at_end()


@pytest.mark.limit("--max-publish-bytes")
@pytest.mark.parametrize("chunk_bytes", [1, 1000, MIB])
def test_a_chunked_body_is_refused_with_the_chunk_that_makes_it_too_large(siege: StartSiege, chunk_bytes: int) -> None:
    gateway = siege("--max-publish-bytes", str(MIB if chunk_bytes > 1 else 10_000), "--max-event-bytes", "10000", shared=True).gateway
    bytes_max = MIB if chunk_bytes > 1 else 10_000
    whole, rest = divmod(bytes_max, chunk_bytes)
    chunks = f"{chunk_bytes:x}\r\n{' ' * chunk_bytes}\r\n" * whole + (f"{rest:x}\r\n{' ' * rest}\r\n" if rest else "")
    with control_wire(gateway) as wire:
        wire.send(post("Transfer-Encoding: chunked") + chunks + "0\r\n\r\n")
        assert wire.answer().code == "INVALID_JSON", "it was read: white space is no event"
        # Refused by its size, before its first byte.
        wire.send(post("Transfer-Encoding: chunked") + chunks + "1\r\n")
        assert wire.answer().code == "PAYLOAD_TOO_LARGE"
        assert wire.at_end()


@pytest.mark.parametrize(
    "size",
    [
        "fffffff",
        "7fffffff",
        "80000000",
        "ffffffff",
        "100000000",
        "7fffffffffffffff",
        "8000000000000000",
        "f" * 16,
        "f" * 17,
        "0" * 9,
        "f" * 1000,
    ],
)
def test_a_chunk_of_any_announced_size_costs_nothing(siege: StartSiege, size: str) -> None:
    one = siege(shared=True)
    one.memory_bytes_max = MIB
    with control_wire(one.gateway) as wire:
        wire.send(post("Transfer-Encoding: chunked") + size + "\r\n")
        answer = wire.answer()
        assert answer.status in (400, 413) and answer.headers.get("connection") == "close"
        assert wire.at_end()


def test_bodies_that_are_announced_and_not_sent_cost_nothing(siege: StartSiege) -> None:
    one = siege()
    one.memory_bytes_max = 4 * MIB
    with ExitStack() as stack:
        for number in range(200):
            wire = stack.enter_context(control_wire(one.gateway))
            wire.send(post(f"Content-Length: {MIB}") if number % 2 else post("Transfer-Encoding: chunked") + f"{MIB:x}\r\n")
        until(lambda: metrics(one.gateway)['wsg_http_connections{listener="control"}'] >= 200, "all are announced")
        assert ask(one.gateway, "GET", "/healthz").status == 200


def test_an_event_of_half_a_mebibyte_is_published_and_one_byte_more_is_not_in_a_batch_either(siege: StartSiege) -> None:
    """The single event is in test_clients.py."""
    gateway = siege(shared=True).gateway
    small = event(100)
    assert publish(gateway, "s1", f"[{small},{event(524_288)}]")["count"] == 2
    refused = ask(gateway, "POST", EVENTS, f"[{small},{event(524_289)}]")
    assert (refused.status, refused.code, refused.place) == (413, "EVENT_TOO_LARGE", "[1]")


@pytest.mark.parametrize("separator,brackets", [(",", "[]"), ("\n", None)], ids=["array", "lines"])
def test_a_batch_of_10000_events_is_published_and_one_more_is_not(siege: StartSiege, separator: str, brackets: str) -> None:
    gateway = siege(shared=True).gateway
    small = '{"type":"candle","data":{}}'

    def batch(count: int) -> Answer:
        text = separator.join([small] * count)
        body, kind = (f"[{text}]", JSON_TYPE) if brackets else (text, NDJSON_TYPE)
        return ask(gateway, "POST", EVENTS, body, kind)

    assert batch(10_000).json["count"] == 10_000
    assert batch(10_001).code == "BATCH_TOO_LARGE"


# Messages


def command(size: int) -> bytes:
    return b'{"action":"ping","x":"' + b"a" * (size - 24) + b'"}'


def fragments(payload: bytes, count: int, first: int = TEXT) -> bytes:
    """`count` frames; all but the last are empty or one byte."""
    frames = [frame(first if number == 0 else CONTINUATION, payload[number : number + 1]) for number in range(count - 1)]
    return b"".join(frames) + frame(FIN | (CONTINUATION if count > 1 else first), payload[count - 1 :])


class Message(NamedTuple):
    """What is answered with a heartbeat at `limit` and closes the connection at one more."""

    name: str
    setting: str
    limit: int
    code: int
    of_size: Callable[[int], bytes]


MESSAGES = [
    Message("a frame", "--max-message-bytes", 64 * KIB, 1009, lambda size: frame(FIN | TEXT, command(size))),
    Message("two frames", "--max-message-bytes", 64 * KIB, 1009, lambda size: fragments(command(size), 2)),
    Message("sixty-four frames", "--max-message-bytes", 64 * KIB, 1009, lambda size: fragments(command(size), 64)),
    Message("fragments", "--max-message-fragments", 64, 1008, lambda count: fragments(b'{"action":"ping"}' + b" " * count, count)),
    Message(
        "empty fragments", "--max-message-fragments", 64, 1008,
        lambda count: frame(TEXT, b'{"action":"ping"}') + frame(CONTINUATION, b"") * (count - 2) + frame(FIN | CONTINUATION, b""),
    ),
    Message(
        "compressed fragments", "--max-message-fragments", 64, 1008,
        lambda count: fragments(deflated(b'{"action":"ping"}' + b" " * count, level=0), count, first=RSV1 | TEXT),
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    "message", [pytest.param(message, id=message.name, marks=pytest.mark.limit(message.setting)) for message in MESSAGES]
)
def test_a_message_as_large_as_it_may_be_is_answered_and_a_larger_one_closes(siege: StartSiege, message: Message) -> None:
    one = siege(shared=True)
    one.memory_bytes_max = 2 * MIB
    with RawTab.opened(one.gateway, "s1", Sec_WebSocket_Extensions=DEFLATE) as tab:
        for _ in range(2):
            tab.send(message.of_size(message.limit))
            assert tab.event()["type"] == "heartbeat"
        tab.send(message.of_size(message.limit + 1))
        assert tab.close_frame()[0] == message.code
        assert tab.at_end()


@pytest.mark.limit("--max-message-bytes")
def test_a_compressed_message_is_limited_on_the_wire_too(siege: StartSiege) -> None:
    """What does not compress is larger on the wire than inflated: stored blocks of nothing add up."""
    gateway = siege(shared=True).gateway
    text = random.Random(7).randbytes(40_000).hex()[: 65_536 - 24].encode()
    stored = deflated(b'{"action":"ping","x":"' + text + b'"}', level=0)
    assert len(stored) > 65_536
    with RawTab.opened(gateway, "s1", Sec_WebSocket_Extensions=DEFLATE) as tab:
        tab.send(frame(FIN | RSV1 | TEXT, stored))
        assert tab.close_frame()[0] == 1009


def test_messages_that_are_begun_and_not_finished_cost_no_more_than_what_was_sent(siege: StartSiege) -> None:
    one = siege("--max-connections-per-session", "300")
    one.memory_bytes_max = 16 * MIB
    header = bytes([0x80 | TEXT, 0x80 | 127]) + (65_536).to_bytes(8, "big") + bytes(4)
    with ExitStack() as stack:
        tabs = [stack.enter_context(RawTab.opened(one.gateway, "s1")) for _ in range(200)]
        one.begin()
        one.memory_bytes_max = 2 * MIB
        for tab in tabs:
            tab.send(header + b"{")
        # In order on one connection: when the last has its answer the others' bytes were long there.
        with RawTab.opened(one.gateway, "s1") as probe:
            probe.send(frame(FIN | TEXT, b'{"action":"ping"}'))
            probe.event("heartbeat")
        assert one.peak_growth() < 2 * MIB
    one.sockets_before -= 200


# Answers


def test_an_engine_that_never_reads_all_of_its_answers_costs_what_it_left_and_not_what_it_read(siege: StartSiege) -> None:
    """It publishes on whenever less is left, so that the gateway never sees the end of what it has to write."""
    one = siege(shared=True)
    one.memory_bytes_max = 3 * MIB
    counter = 'wsg_http_errors_total{status="400"}'
    request = (post("Content-Length: 1") + "x").encode()
    with Wire(one.gateway.control_address, receive_buffer_bytes=65_536) as wire:
        wire.send(request)
        answer_bytes = len(wire.take_until(b"}}"))
        before = metrics(one.gateway)[counter]
        asked = 0
        read = 0
        while read < 7 * MIB:
            # The kernel holds about 260 kB, on both sides together; with the rest the gateway is left.
            count = (900_000 + read) // answer_bytes - asked
            wire.send(request * count)
            asked += count
            until(lambda: metrics(one.gateway)[counter] == before + asked, "all are answered")
            read += len(wire.take(300_000))
