"""How many there may be, and what a client that does not read may cost."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from typing import Any

from websocket_gateway import WebSocketManager, create_stats_update_event

from control import ask, ask_at, candle, connections, metrics, publish
from gateway import Gateway
from tabs import open_tab
from waiting import eventually, until
from wire import CLOSE, TEXT, RawTab, Wire, control_wire


def assert_full(tab: RawTab, code: str) -> None:
    answer = tab.answer_to_upgrade
    assert (answer.status, answer.code) == (503, code)
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["retry-after"]) > 0


def opens(gateway: Gateway, session: str = "s1", **headers: Any) -> bool:
    """Whether one more is let in now; it leaves at once."""
    with RawTab(gateway, session, **headers) as tab:
        return tab.is_open


def test_a_full_gateway_refuses_with_503_and_has_room_again_when_one_leaves(serve) -> None:
    gateway: Gateway = serve("--max-connections", "3")
    with ExitStack() as stack:
        tabs = [stack.enter_context(RawTab.opened(gateway, f"s{number}")) for number in range(3)]
        with RawTab(gateway, "s0") as extra:
            assert_full(extra, "CONNECTION_LIMIT")
            assert extra.at_end()
        for number, tab in enumerate(tabs):
            assert publish(gateway, f"s{number}", candle(number))["sent"] == 1
            assert tab.event()["data"] == {"candle_index": number}
        assert metrics(gateway)['wsg_connections_refused_total{reason="gateway_limit"}'] == 1
        tabs[0].send_close(1000)
        tabs[0].close_frame()
        tabs[0].close()
        until(lambda: opens(gateway), "there is room again")


def test_a_full_session_refuses_with_503_and_other_sessions_do_not(serve) -> None:
    gateway: Gateway = serve("--max-connections-per-session", "2")
    with RawTab.opened(gateway, "s1") as first, RawTab.opened(gateway, "s1"):
        with RawTab(gateway, "s1") as third:
            assert_full(third, "SESSION_LIMIT")
        assert opens(gateway, "s2")
        assert publish(gateway, "s1", candle(1))["connections"] == 2
        first.reset()
        until(lambda: opens(gateway), "there is room again")


def test_a_session_takes_a_hundred_connections_by_default(gateway: Gateway) -> None:
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(RawTab.opened(gateway, "s1"))
        with RawTab(gateway, "s1") as extra:
            assert_full(extra, "SESSION_LIMIT")
        assert publish(gateway, "s1", candle(1))["sent"] == 100


def test_an_address_behind_a_trusted_proxy_has_its_own_limit(serve) -> None:
    gateway: Gateway = serve("--trusted-proxies", "127.0.0.1,10.0.0.0/8", "--max-connections-per-address", "2")
    mine: dict[str, Any] = {"X_Forwarded_For": "198.51.100.1, 203.0.113.7, 10.1.2.3"}
    with RawTab.opened(gateway, "s1", **mine) as first, RawTab.opened(gateway, "s2", **mine):
        assert connections(gateway, "s1")[0]["remote_address"] == "203.0.113.7"
        with RawTab(gateway, "s3", **mine) as third:
            assert_full(third, "ADDRESS_LIMIT")
        assert opens(gateway, "s3", X_Forwarded_For="203.0.113.8")
        assert opens(gateway, "s3"), "the proxy itself is not counted"
        first.send_close(1000)
        first.close_frame()
        first.close()
        until(lambda: opens(gateway, "s3", **mine), "there is room again")


def test_the_addresses_of_one_ipv6_network_count_as_one(serve) -> None:
    gateway: Gateway = serve("--trusted-proxies", "127.0.0.1", "--max-connections-per-address", "2")
    with ExitStack() as stack:
        for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::2"):
            stack.enter_context(RawTab.opened(gateway, "s1", X_Forwarded_For=address))
        with RawTab(gateway, "s1", X_Forwarded_For="2001:db8:1:2:3::9") as third:
            assert_full(third, "ADDRESS_LIMIT")
        assert opens(gateway, X_Forwarded_For="2001:db8:1:3::1")


def test_a_forwarded_address_is_not_believed_from_whom_nobody_listed(serve) -> None:
    gateway: Gateway = serve("--max-connections-per-address", "1")
    claimed: dict[str, Any] = {"X_Forwarded_For": "203.0.113.7"}
    with RawTab.opened(gateway, "s1", **claimed), RawTab.opened(gateway, "s1", **claimed):
        assert {one["remote_address"] for one in connections(gateway, "s1")} == {"127.0.0.1"}


def test_a_full_control_listener_refuses_with_503_and_has_room_again_when_one_leaves(serve) -> None:
    gateway: Gateway = serve("--max-control-connections", "2")
    with ExitStack() as stack:
        engines = [stack.enter_context(control_wire(gateway)) for _ in range(2)]
        for wire in engines:
            wire.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert wire.answer().status == 200
        refused = ask_at(gateway.control_address, "GET", "/healthz")
        assert (refused.status, refused.code) == (503, "CONTROL_LIMIT")
        assert int(refused.headers["retry-after"]) > 0
        assert opens(gateway), "clients have their own limit"
        engines[0].close()
        until(lambda: ask_at(gateway.control_address, "GET", "/healthz").status == 200, "there is room again")


# Slow consumers


BIG = "x" * 262_144
BIG_COUNT = 96
"""24 MiB in all: more than the kernel's buffers and the write queue take together."""

MEMORY_BYTES_MAX = 32 << 20


async def publish_big(gateway: Gateway, session: str) -> list[dict]:
    """Publishes one after another and returns the receipts."""
    receipts = []
    for number in range(BIG_COUNT):
        receipts.append(await asyncio.to_thread(publish, gateway, session, candle(number, text=BIG)))
    return receipts


async def test_a_client_that_stops_reading_is_closed_with_4408_and_the_others_lose_nothing(serve) -> None:
    gateway: Gateway = serve()
    async with open_tab(gateway, "s1") as one, open_tab(gateway, "s1", library="aiohttp") as other:
        with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536) as slow:
            before = gateway.resident_bytes
            receipts, *received = await asyncio.gather(publish_big(gateway, "s1"), one.stream(BIG_COUNT), other.stream(BIG_COUNT))
            grown = gateway.resident_bytes - before
            assert grown < MEMORY_BYTES_MAX, f"memory grew by {grown} bytes"
            for events in received:
                assert [event["data"]["candle_index"] for event in events] == list(range(BIG_COUNT))

            # The receipts tell the whole story: three members, then some waiting, one dropped when it was closed, two members.
            assert receipts[0]["connections"] == 3 and receipts[-1]["connections"] == 2
            assert all(r["connections"] == r["sent"] + r["queued"] + r["dropped"] for r in receipts)
            assert sum(receipt["queued"] for receipt in receipts) > 0
            assert sum(receipt["dropped"] for receipt in receipts) >= 1
            samples = metrics(gateway)
            assert samples['wsg_slow_closes_total{reason="queue_full"}'] == 1
            assert samples['wsg_deliveries_dropped_total{type="candle"}'] >= 1

            # What it reads later is whole, in order, and ends with the reason.
            seen, code = await asyncio.to_thread(read_to_the_close, slow)
            assert seen == list(range(len(seen))) and len(seen) < BIG_COUNT
            assert code == 4408


def read_to_the_close(tab: RawTab) -> tuple[list[int], int]:
    seen = []
    while (frame := tab.frame()).opcode != CLOSE:
        if frame.opcode == TEXT and frame.event["type"] == "candle":
            seen.append(frame.event["data"]["candle_index"])
    code = frame.close[0]
    assert code is not None
    return seen, code


async def test_a_client_that_never_reads_again_is_cut_off_and_its_descriptor_returns(serve) -> None:
    gateway: Gateway = serve("--close-timeout", "0.3")
    async with open_tab(gateway, "s1") as tab:
        ask(gateway, "GET", "/healthz")
        start = gateway.descriptors
        with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536):
            await asyncio.gather(publish_big(gateway, "s1"), tab.stream(BIG_COUNT))
            await eventually(lambda: gateway.descriptors <= start, "the slow one's descriptor is back")
            assert metrics(gateway)["wsg_queued_bytes"] == 0


async def test_a_queue_without_progress_closes_with_4408_though_it_is_not_full(serve) -> None:
    gateway: Gateway = serve("--write-timeout", "0.7", "--max-write-queue-bytes", "67108864")
    with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536) as slow:
        for number in range(BIG_COUNT):
            if publish(gateway, "s1", candle(number, text=BIG))["queued"] == 1:
                break
        (waiting,) = connections(gateway, "s1")
        assert waiting["queued_bytes"] > 0 and waiting["lag"] > 0
        await eventually(lambda: connections(gateway, "s1") == [], "the slow one is closed")
        assert metrics(gateway)['wsg_slow_closes_total{reason="no_progress"}'] == 1
        seen, code = await asyncio.to_thread(read_to_the_close, slow)
        assert seen == list(range(len(seen))) and code == 4408


async def test_a_client_that_reads_late_but_in_time_loses_nothing(serve) -> None:
    gateway: Gateway = serve("--max-write-queue-bytes", "67108864")
    with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536) as slow:
        receipts = await publish_big(gateway, "s1")
        assert receipts[-1]["queued"] == 1

        def read_all() -> list[int]:
            return [slow.event("candle")["data"]["candle_index"] for _ in range(BIG_COUNT)]

        assert await asyncio.to_thread(read_all) == list(range(BIG_COUNT))
        publish(gateway, "s1", candle(BIG_COUNT))
        assert slow.event("candle")["data"] == {"candle_index": BIG_COUNT}
        slow.send_frame(TEXT, '{"action":"ping"}')
        assert slow.event("heartbeat")["data"]["delivered"] == BIG_COUNT + 1


def test_many_connections_that_say_nothing_keep_nobody_out_for_long(serve) -> None:
    gateway: Gateway = serve("--max-connections", "5", "--request-head-timeout", "0.7", "--close-timeout", "0.2")
    with ExitStack() as stack:
        silent = [stack.enter_context(Wire(gateway.address)) for _ in range(5)]
        until(lambda: metrics(gateway)['wsg_http_connections{listener="public"}'] == 5, "all are accepted")
        with RawTab(gateway, "s1") as refused:
            assert_full(refused, "CONNECTION_LIMIT")
        until(lambda: opens(gateway), "the silent ones were sent away")
        answer = silent[0].answer()
        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (408, "REQUEST_TIMEOUT")


async def test_one_engine_does_not_wait_for_another_ones_slow_client(serve) -> None:
    gateway: Gateway = serve("--max-write-queue-bytes", "67108864")
    with RawTab.opened(gateway, "slow", receive_buffer_bytes=65_536):
        await publish_big(gateway, "slow")
        async with WebSocketManager(gateway.control_url) as engine, open_tab(gateway, "quick") as tab:
            assert (await engine.publish("quick", create_stats_update_event({"n": 1}))).sent == 1
            assert (await tab.event())["data"] == {"n": 1}
