"""Time: whatever a peer begins it must finish, and both sides of every time-out are seen. A byte now and then buys nobody more of it.

Elsewhere: heartbeats and stale clients (test_heartbeats.py), draining and idle sessions (test_operation.py), what a slow reader costs
(test_limits.py).
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from typing import Callable

import pytest

from control import ask, candle, connections, metrics, publish
from gateway import Gateway
from kernel import bytes_in_kernel
from siege import Siege
from waiting import patience, unhurried, until
from wire import CONTINUATION, PING, PONG, TEXT, RawTab, Wire, upgrade_request

StartSiege = Callable[..., Siege]

SECONDS = unhurried(1.0)
"""Every time-out of these tests."""

LATE_SECONDS = 2.0
"""How much later than its time-out something may happen: the wheel's tick, and a busy machine."""

DRIP_SECONDS = SECONDS / 20


def timed(*names: str) -> list[str]:
    return [part for name in names for part in (f"--{name}-timeout", str(SECONDS))]


ALL = timed("request-head", "request-body", "close", "write", "message")

Attack = tuple[Wire, Iterable[bytes]]


def besiege(attacks: Mapping[str, Attack]) -> None:
    """Begins them all at once and goes on with each, piece by piece, until the gateway says something to it. For each that must be when its
    time is over: not before, and not long after."""
    began = time.monotonic()
    under_way = {name: (wire, iter(pieces)) for name, (wire, pieces) in attacks.items()}
    took: dict[str, float] = {}
    while under_way and time.monotonic() < began + SECONDS + patience(LATE_SECONDS):
        for wire, pieces in under_way.values():
            if (piece := next(pieces, None)) is not None:
                wire.send(piece)
        for name in those_that_heard(under_way, DRIP_SECONDS):
            took[name] = time.monotonic() - began
            del under_way[name]
    assert not under_way, f"nothing was said to {list(under_way)}"
    # The clock of some began with their connection, a moment before ours.
    assert all(seconds > SECONDS * 0.9 for seconds in took.values()), took


def those_that_heard(under_way: Mapping[str, tuple[Wire, Iterator[bytes]]], seconds: float) -> list[str]:
    """Waits so long, and names those to whom something was said meanwhile."""
    deadline = time.monotonic() + seconds
    heard: list[str] = []
    while (left := deadline - time.monotonic()) > 0:
        silent = {wire.socket: name for name, (wire, _) in under_way.items() if name not in heard}
        heard += [silent[socket] for socket in select.select(list(silent), [], [], left)[0]]
    return heard


def is_silent(wire: Wire, seconds: float) -> bool:
    """Whether the gateway says nothing for so long, nor leaves."""
    return not wire.buffer and not select.select([wire.socket], [], [], seconds)[0]


def assert_took_its_time(began: float) -> None:
    took = time.monotonic() - began
    assert SECONDS * 0.9 < took < SECONDS + patience(LATE_SECONDS), f"{took:.3f} s"


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    return (data[index : index + 1] for index in range(len(data)))


def listener(gateway: Gateway, name: str) -> tuple[str, int]:
    return gateway.address if name == "public" else gateway.control_address


# Requests

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
ENDLESS_HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X-Padding: pad\r\n" * 50

HEADS: dict[str, list[bytes]] = {
    "one byte": [b"G"],
    "half a line": [b"GET / HTTP/1.1\r\nHost: gatew"],
    "all but one byte": [HEALTH[:-1]],
    "dripping": list(byte_by_byte(ENDLESS_HEAD)),
}


def assert_timed_out(wire: Wire, name: str) -> None:
    answer = wire.answer()
    assert (answer.status, answer.code, answer.headers.get("connection")) == (408, "REQUEST_TIMEOUT", "close"), name
    assert wire.at_end(), name


@pytest.mark.limit("--request-head-timeout")
@pytest.mark.parametrize("name", ["public", "control"])
@pytest.mark.plain("it looks at the socket below the TLS")
def test_a_head_that_is_not_finished_in_time_is_told_408(siege: StartSiege, name: str) -> None:
    """A client's is due from the accept: one that has nothing to say has nothing to do here."""
    gateway = siege(*ALL, shared=True).gateway
    heads = HEADS | ({"nothing": []} if name == "public" else {})
    with ExitStack() as stack:
        attacks = {case: (stack.enter_context(Wire(listener(gateway, name))), pieces) for case, pieces in heads.items()}
        besiege(attacks)
        for case, (wire, _) in attacks.items():
            assert_timed_out(wire, case)


@pytest.mark.limit("--request-head-timeout")
def test_a_second_request_has_the_time_of_a_first(siege: StartSiege) -> None:
    gateway = siege(*ALL, shared=True).gateway
    with Wire(gateway.control_address) as wire:
        wire.send(HEALTH + b"G")
        assert wire.answer().status == 200
        besiege({"a second": (wire, [])})
        assert_timed_out(wire, "a second")


@pytest.mark.parametrize("name", ["public", "control"])
@pytest.mark.plain("it looks at the socket below the TLS")
def test_a_head_that_is_finished_in_time_is_answered(siege: StartSiege, name: str) -> None:
    gateway = siege(*ALL, shared=True).gateway
    text = upgrade_request("/ws/backtest/s1").encode() if name == "public" else HEALTH
    with Wire(listener(gateway, name)) as wire:
        wire.send(text[:-2])
        assert is_silent(wire, SECONDS / 2)
        wire.send(text[-2:])
        assert wire.answer().status == (101 if name == "public" else 200)


def test_an_engine_may_hold_a_connection_in_readiness_for_longer_than_a_head_may_take(siege: StartSiege) -> None:
    gateway = siege(*ALL, shared=True).gateway
    with Wire(gateway.control_address) as wire:
        assert is_silent(wire, SECONDS * 1.5)
        wire.send(HEALTH)
        assert wire.answer().status == 200


BODY_HEAD = b"POST /v1/sessions/s1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
COUNTED = BODY_HEAD + b"Content-Length: 1000\r\n\r\n"
CHUNKED = BODY_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
EVENT = b'{"type":"candle","data":{}}'

BODIES: dict[str, list[bytes]] = {
    "counted, nothing": [COUNTED],
    "counted, one byte": [COUNTED + b"{"],
    "counted, dripping": [COUNTED] + [b" "] * 999,
    "chunked, nothing": [CHUNKED],
    "chunked, dripping": [CHUNKED] + [b"1\r\n \r\n"] * 1000,
    "chunked, all but one byte": [CHUNKED + b"0\r\n\r"],
}


@pytest.mark.limit("--request-body-timeout")
def test_a_body_that_is_not_finished_in_time_is_told_408(siege: StartSiege) -> None:
    gateway = siege(*ALL, shared=True).gateway
    with ExitStack() as stack:
        attacks = {case: (stack.enter_context(Wire(gateway.control_address)), pieces) for case, pieces in BODIES.items()}
        besiege(attacks)
        for case, (wire, _) in attacks.items():
            assert_timed_out(wire, case)


def test_head_and_body_have_their_own_times(siege: StartSiege) -> None:
    """Together they may take longer than either."""
    gateway = siege(*ALL, shared=True).gateway
    head = BODY_HEAD + f"Content-Length: {len(EVENT)}\r\n\r\n".encode()
    with Wire(gateway.control_address) as wire:
        wire.send(head[:-1])
        assert is_silent(wire, SECONDS * 0.6)
        wire.send(head[-1:] + EVENT[:-1])
        assert is_silent(wire, SECONDS * 0.6)
        wire.send(EVENT[-1:])
        assert wire.answer().status == 200


@pytest.mark.limit("--idle-timeout")
def test_a_connection_without_a_request_is_closed_after_the_idle_time_and_not_before(siege: StartSiege) -> None:
    gateway = siege(*timed("idle"), shared=True).gateway
    with ExitStack() as stack:
        client, engine = (stack.enter_context(Wire(listener(gateway, name))) for name in ("public", "control"))
        for _ in range(3):
            for wire in (client, engine):
                wire.send("GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                assert wire.answer().status == 404
            last = time.monotonic()
            assert is_silent(client, SECONDS * 0.6) and is_silent(engine, 0)
        assert client.at_end() and engine.at_end()
        assert_took_its_time(last)


# Answers that nobody reads


def leave_answers_unread(gateway: Gateway, wire: Wire) -> None:
    """Publishes what is refused until the kernel takes no more answers and the gateway holds some, but not so many that it stops
    reading."""
    counter = 'wsg_http_errors_total{status="400"}'
    refused = BODY_HEAD + b"Content-Length: 1\r\n\r\nx"
    wire.send(refused)
    answer_bytes = len(wire.take_until(b"}}"))
    before = metrics(gateway)[counter]
    for asked in range(256, 50_000, 256):
        wire.send(refused * 256)
        until(lambda: metrics(gateway)[counter] == before + asked, f"{asked} requests are answered", seconds=SECONDS)
        if asked * answer_bytes - bytes_in_kernel(wire) > 100_000:
            return
    raise AssertionError("the kernel took every answer")


@pytest.mark.limit("--write-timeout")
@pytest.mark.parametrize("goes_on", [False, True], ids=["silent", "dripping"])
def test_an_engine_that_does_not_read_its_answers_is_cut_off(siege: StartSiege, goes_on: bool) -> None:
    """And buys no time by beginning another request. (A client gets no further than a hundred requests: test_http_connections.py.)"""
    one = siege(*ALL, shared=True)
    before = one.gateway.sockets
    with Wire(one.gateway.control_address, receive_buffer_bytes=65_536) as wire:
        leave_answers_unread(one.gateway, wire)
        began = time.monotonic()
        while one.gateway.sockets > before:
            assert time.monotonic() - began < SECONDS + patience(LATE_SECONDS), "it is not cut off"
            if goes_on:
                with suppress(ConnectionError):
                    wire.send(b"P")
            select.select([], [], [], DRIP_SECONDS)
        assert time.monotonic() - began > SECONDS / 2


# Closing


@pytest.mark.limit("--close-timeout")
def test_a_client_that_does_not_answer_a_close_is_cut_off(siege: StartSiege) -> None:
    gateway = siege(*ALL, shared=True).gateway
    with RawTab.opened(gateway, "s1") as tab:
        began = time.monotonic()
        ask(gateway, "DELETE", f"/v1/connections/{tab.connected['connection_id']}")
        assert tab.close_frame() == (1000, "disconnected")
        assert tab.at_end()
        assert_took_its_time(began)


def test_a_client_that_answers_a_close_in_time_may_say_other_things_first(siege: StartSiege) -> None:
    gateway = siege(*ALL, shared=True).gateway
    with RawTab.opened(gateway, "s1") as tab:
        ask(gateway, "DELETE", f"/v1/connections/{tab.connected['connection_id']}")
        assert tab.close_frame() == (1000, "disconnected")
        tab.send_frame(TEXT, '{"action":"ping"}')
        assert is_silent(tab, SECONDS / 2), "after its close frame the gateway says nothing"
        tab.send_close(1000)
        began = time.monotonic()
        assert tab.at_end()
        assert time.monotonic() - began < SECONDS / 4, "nothing is left to wait for"


def violate_http(gateway: Gateway, name: str) -> Wire:
    wire = Wire(listener(gateway, name))
    wire.send("\r\n")
    assert wire.answer().status == 400
    return wire


def violate_websocket(gateway: Gateway, _: str) -> Wire:
    tab = RawTab.opened(gateway, "s1")
    tab.send_frame(0x3)
    assert tab.close_frame()[0] == 1002
    return tab


@pytest.mark.limit("--close-timeout")
@pytest.mark.parametrize("violate,name", [(violate_http, "public"), (violate_http, "control"), (violate_websocket, "public")])
@pytest.mark.plain("Python's TLS has other words for a reset")
def test_a_peer_that_was_closed_and_goes_on_sending_is_cut_off(siege: StartSiege, violate: Callable[..., Wire], name: str) -> None:
    """Its bytes are read and thrown away, so that no RST overtakes the reason; but not for ever."""
    gateway = siege(*ALL, shared=True).gateway
    began = time.monotonic()
    with violate(gateway, name) as wire:
        assert wire.at_end(), "the gateway's side is closed"
        with pytest.raises(ConnectionError):
            while time.monotonic() < began + SECONDS + patience(LATE_SECONDS):
                wire.send(b"x" * 1024)
                select.select([], [], [], DRIP_SECONDS)
        assert_took_its_time(began)


# Messages

PING_COMMAND = b'{"action":"ping"}'


def masked(first: int, payload: bytes) -> bytes:
    """A frame whose mask is zero: what is sent is what is read."""
    assert len(payload) < 126
    return bytes([first, 0x80 | len(payload), 0, 0, 0, 0]) + payload


BEGUN = masked(TEXT, b'{"action":')
ENDED = masked(0x80 | CONTINUATION, b'"ping"}')
LONG_HEADER = bytes([0x80 | TEXT, 0x80 | 126, 0x80, 0x00, 0, 0, 0, 0])

MESSAGES: dict[str, list[bytes]] = {
    "a first fragment": [BEGUN],
    "an empty first fragment": [masked(TEXT, b"")],
    "half a frame": [masked(0x80 | TEXT, PING_COMMAND)[:-1]],
    "the header of a long frame": [LONG_HEADER],
    "dripping fragments": [BEGUN] + [masked(CONTINUATION, b" ")] * 60,
    "a dripping payload": [LONG_HEADER] + [b" "] * 1000,
    "pongs in between": [BEGUN] + [masked(0x80 | PONG, b"")] * 1000,
}


@pytest.mark.limit("--message-timeout")
def test_a_message_that_is_not_finished_in_time_closes_with_1008(siege: StartSiege) -> None:
    gateway = siege(*ALL, shared=True).gateway
    with ExitStack() as stack:
        attacks = {case: (stack.enter_context(RawTab.opened(gateway, "s1")), pieces) for case, pieces in MESSAGES.items()}
        besiege(attacks)
        for case, (tab, _) in attacks.items():
            assert tab.close_frame() == (1008, "message not finished in time"), case


def test_a_message_that_is_finished_in_time_is_answered_and_the_next_has_its_own_time(siege: StartSiege) -> None:
    gateway = siege(*ALL, shared=True).gateway
    with RawTab.opened(gateway, "s1") as tab:
        tab.send(BEGUN)
        for _ in range(3):
            assert is_silent(tab, SECONDS * 0.6)
            # The end of this message and the beginning of the next in one write.
            tab.send(ENDED + BEGUN)
            assert tab.event()["type"] == "heartbeat"


@pytest.mark.limit("--stale-timeout")
def test_a_frame_that_stops_before_it_is_whole_is_no_sign_of_life(siege: StartSiege) -> None:
    """Before its payload begins no message has, so that it is not the message time-out that ends it; nor does one for a control frame."""
    gateway = siege(*timed("stale"), "--heartbeat-interval", str(SECONDS / 5)).gateway
    beginnings = {"one byte": b"\x81", "half a header": LONG_HEADER[:3], "half a ping": masked(0x80 | PING, b"x" * 125)[:-1]}
    with ExitStack() as stack:
        tabs = {case: stack.enter_context(RawTab.opened(gateway, "s1")) for case in beginnings}
        began = time.monotonic()
        for case, tab in tabs.items():
            tab.send(beginnings[case])
        for case, tab in tabs.items():
            code, reason = tab.close_frame()
            assert code == 4411 and reason.startswith("not heard for"), case
            assert_took_its_time(began)


def test_a_client_that_takes_a_little_again_and_again_makes_progress_and_stays(siege: StartSiege) -> None:
    """The other side of the write time-out (test_limits.py has the one that takes nothing)."""
    one = siege(*ALL, "--max-write-queue-bytes", "67108864", shared=True)
    one.memory_bytes_max = 32 << 20
    big = "x" * 262_144
    with RawTab.opened(one.gateway, "s1", receive_buffer_bytes=65_536) as slow:
        for number in range(200):
            publish(one.gateway, "s1", candle(number, text=big))
            if connections(one.gateway, "s1")[0]["queued_bytes"] > 8 << 20:
                break
        for _ in range(6):
            slow.take(400_000)
            select.select([], [], [], SECONDS * 0.4)
        (still,) = connections(one.gateway, "s1")
        assert still["queued_bytes"] > 0, "it was behind all the time"
