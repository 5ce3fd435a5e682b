"""What a client that does not read may cost. (How many there may be: threats/test_number_and_rate.py.)"""

from __future__ import annotations

import asyncio

import pytest
from websocket_gateway import WebSocketManager, create_stats_update_event

from control import ask, candle, connections, metrics, publish
from gateway import Gateway
from tabs import open_tab
from waiting import SANITIZED, eventually
from wire import CLOSE, TEXT, RawTab


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


@pytest.mark.limit("--max-write-queue-bytes")
async def test_a_client_that_stops_reading_is_closed_with_4408_and_the_others_lose_nothing(serve) -> None:
    gateway: Gateway = serve("--max-history-events", "0")
    async with open_tab(gateway, "s1") as one, open_tab(gateway, "s1", library="aiohttp") as other:
        with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536) as slow:
            before = gateway.resident_bytes
            receipts, *received = await asyncio.gather(publish_big(gateway, "s1"), one.stream(BIG_COUNT), other.stream(BIG_COUNT))
            grown = gateway.resident_bytes - before
            assert SANITIZED or grown < MEMORY_BYTES_MAX, f"memory grew by {grown} bytes"
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


@pytest.mark.limit("--close-timeout")
async def test_a_client_that_never_reads_again_is_cut_off_and_its_descriptor_returns(serve) -> None:
    gateway: Gateway = serve("--close-timeout", "0.3", "--max-history-events", "0")
    async with open_tab(gateway, "s1") as tab:
        ask(gateway, "GET", "/healthz")
        start = gateway.descriptors
        with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536):
            await asyncio.gather(publish_big(gateway, "s1"), tab.stream(BIG_COUNT))
            await eventually(lambda: gateway.descriptors <= start, "the slow one's descriptor is back")
            # The first request's socket may have been counted above, and gone since.
            await eventually(lambda: metrics(gateway)["wsg_queued_bytes"] == 0, "nothing waits for it any more")


@pytest.mark.limit("--write-timeout")
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


async def test_one_engine_does_not_wait_for_another_ones_slow_client(serve) -> None:
    gateway: Gateway = serve("--max-write-queue-bytes", "67108864")
    with RawTab.opened(gateway, "slow", receive_buffer_bytes=65_536):
        await publish_big(gateway, "slow")
        async with WebSocketManager(gateway.control_url) as engine, open_tab(gateway, "quick") as tab:
            assert (await engine.publish("quick", create_stats_update_event({"n": 1}))).sent == 1
            assert (await tab.event())["data"] == {"n": 1}
