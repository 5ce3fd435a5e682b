"""Event streams: a client that can say nothing must not be able to do anything either."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Callable

import pytest

from attackers import send_until_ended
from control import candle, connections, metrics, publish
from siege import Siege
from streams import RawStream, stream_request
from waiting import patience, until
from wire import RawTab, Wire

StartSiege = Callable[..., Siege]

SESSION = "attacked"
BIG = "x" * 65_000
BEHIND_A_PROXY = ("--trusted-proxies", "127.0.0.1,10.0.0.0/8")
MIB = 1 << 20


@pytest.mark.limit("--max-header-line-bytes")
def test_a_last_event_id_of_any_size_is_refused_and_not_kept(siege: StartSiege) -> None:
    one = siege()
    one.memory_bytes_max = 4 * MIB
    for _ in range(50):
        with RawStream(one.gateway, SESSION, Last_Event_ID="0" * 8000) as stream:
            assert (stream.status, stream.answer_to_request.code) == (400, "INVALID_QUERY")
        with RawStream(one.gateway, SESSION, Last_Event_ID="0" * 9000) as stream:
            assert (stream.status, stream.answer_to_request.code) == (431, "HEADERS_TOO_LARGE")
            assert stream.at_end()


@pytest.mark.parametrize("text", ["\x01", "16ja9qn78j68j-1\x00", "é" * 100, "-", "16ja9qn78j68j-99999999999999999999", "%00"])
def test_a_last_event_id_of_anything_is_400(siege: StartSiege, text: str) -> None:
    gateway = siege(shared=True).gateway
    with RawStream(gateway, SESSION, Last_Event_ID=text) as stream:
        assert stream.status == 400


@pytest.mark.parametrize("chunk", [b"x", b"\r\n" * 500, b"GET /sse/backtest/attacked HTTP/1.1\r\nHost: a\r\n\r\n"])
@pytest.mark.plain("Python's TLS has other words for a reset")
def test_bytes_behind_the_request_are_ignored_and_soon_end_the_stream(siege: StartSiege, chunk: bytes) -> None:
    gateway = siege(shared=True).gateway
    ended = metrics(gateway)['wsg_closes_total{code="1008"}']
    with RawStream.opened(gateway, SESSION, behind=chunk[:20]) as stream:
        assert publish(gateway, SESSION, candle(1))["sent"] == 1
        assert stream.event()["type"] == "candle"
        send_until_ended(stream, chunk)
    until(lambda: not connections(gateway, SESSION), "it is gone")
    assert metrics(gateway)['wsg_closes_total{code="1008"}'] == ended + 1


def test_a_request_behind_the_request_is_no_request(siege: StartSiege) -> None:
    gateway = siege(shared=True).gateway
    with RawStream.opened(gateway, SESSION, behind=stream_request("/sse/backtest/other").encode()) as stream:
        publish(gateway, SESSION, candle(1))
        assert stream.event()["type"] == "candle"
        assert not connections(gateway, "other")
        assert metrics(gateway)["wsg_sse_connections"] == 1


@pytest.mark.parametrize("headers", [{"Content_Length": "1000000"}, {"Transfer_Encoding": "chunked"}])
def test_a_request_for_a_stream_with_a_body_is_refused_and_the_body_not_waited_for(siege: StartSiege, headers: dict[str, str]) -> None:
    gateway = siege(shared=True).gateway
    with RawStream(gateway, SESSION, **headers) as stream:
        assert (stream.status, stream.answer_to_request.code) == (400, "BAD_REQUEST")
        assert stream.at_end()


@pytest.mark.limit("--max-connections-per-session", "--max-connections-per-address")
def test_streams_and_sockets_count_against_the_same_limits(siege: StartSiege) -> None:
    gateway = siege("--max-connections-per-session", "4", "--max-connections-per-address", "6", *BEHIND_A_PROXY).gateway
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(RawStream.opened(gateway, "full", X_Forwarded_For="203.0.113.1"))
            stack.enter_context(RawTab.opened(gateway, "full", X_Forwarded_For="203.0.113.1"))
        with RawStream(gateway, "full", X_Forwarded_For="203.0.113.2") as more:
            assert (more.status, more.answer_to_request.code) == (503, "SESSION_LIMIT")
            assert int(more.headers["retry-after"]) > 0
        for number in range(2):
            stack.enter_context(RawStream.opened(gateway, f"s{number}", X_Forwarded_For="203.0.113.1"))
        with RawStream(gateway, "another", X_Forwarded_For="203.0.113.1") as more:
            assert (more.status, more.answer_to_request.code) == (503, "ADDRESS_LIMIT")


@pytest.mark.limit("--max-write-queue-bytes")
def test_a_stream_that_is_not_read_costs_its_queue_and_no_more(siege: StartSiege) -> None:
    one = siege("--max-write-queue-bytes", "262144", "--max-history-events", "0", "--write-timeout", "60", "--close-timeout", "0.5")
    with RawStream.opened(one.gateway, SESSION, receive_buffer_bytes=4096):
        for number in range(60):
            publish(one.gateway, SESSION, candle(number, text=BIG))
        assert metrics(one.gateway)['wsg_slow_closes_total{reason="queue_full"}'] == 1
        until(lambda: one.gateway.sockets == one.sockets_before, "it is gone")


@pytest.mark.limit("--write-timeout")
def test_a_stream_that_takes_nothing_for_the_write_timeout_is_ended(siege: StartSiege) -> None:
    one = siege("--write-timeout", "0.5", "--close-timeout", "0.5")
    with RawStream.opened(one.gateway, SESSION, receive_buffer_bytes=4096):
        publish(one.gateway, SESSION, [candle(number, text=BIG) for number in range(15)])
        publish(one.gateway, SESSION, [candle(number, text=BIG) for number in range(15)])
        until(lambda: metrics(one.gateway)['wsg_slow_closes_total{reason="no_progress"}'] == 1, "it is told")
        until(lambda: one.gateway.sockets == one.sockets_before, "it is gone")


@pytest.mark.limit("--stale-timeout")
def test_a_client_that_acknowledges_nothing_is_gone_by_the_kernels_word(siege: StartSiege) -> None:
    """It does not make room for what it is sent, which is as near as one gets to a cable that was pulled without pulling it."""
    one = siege("--stale-timeout", "1", "--write-timeout", "600", "--heartbeat-interval", "0.3", "--max-write-queue-bytes", "67108864")
    with RawStream.opened(one.gateway, SESSION, receive_buffer_bytes=4096):
        publish(one.gateway, SESSION, [candle(number, text=BIG) for number in range(15)])
        # The kernel asks again at growing intervals.
        until(lambda: one.gateway.sockets == one.sockets_before, "it is gone", seconds=20)
        assert metrics(one.gateway)['wsg_closes_total{code="1006"}'] >= 1


def test_streams_that_come_and_go_leave_nothing(siege: StartSiege) -> None:
    one = siege("--workers", "2", "--max-connections-per-session", "1000")
    one.memory_bytes_max = 6 * MIB
    for _ in range(5):
        with ExitStack() as stack:
            streams = [stack.enter_context(RawStream.opened(one.gateway, SESSION)) for _ in range(100)]
            assert publish(one.gateway, SESSION, candle(1))["sent"] == 100
            for stream in streams[::2]:
                stream.reset()
        until(lambda: metrics(one.gateway)["wsg_sse_connections"] == 0, "all are gone")
    assert metrics(one.gateway)["wsg_queued_bytes"] == 0


def test_half_a_request_for_a_stream_is_none(siege: StartSiege) -> None:
    gateway = siege(shared=True).gateway
    request = stream_request("/sse/backtest/attacked", Last_Event_ID="16ja9qn78j68j-1").encode()
    for length in range(1, len(request), 7):
        with Wire(gateway.address, seconds=patience(5)) as wire:
            wire.send(request[:length])
    assert not connections(gateway, SESSION)
