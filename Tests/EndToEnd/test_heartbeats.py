"""Heartbeats, and who is taken for dead."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from datetime import datetime

import pytest
from websocket_gateway import WebSocketManager

from control import ask, candle, connections, publish
from gateway import Gateway
from tabs import open_tab
from waiting import eventually, until
from wire import PING, PONG, RawTab

QUICK = ("--heartbeat-interval", "0.2")


async def test_a_heartbeat_comes_every_interval_and_proves_what_was_delivered(serve) -> None:
    gateway: Gateway = serve(*QUICK)
    publish(gateway, "s1", candle(0))
    async with open_tab(gateway, "s1") as tab:
        assert (await tab.event("heartbeat"))["data"]["delivered"] == 0
        last = publish(gateway, "s1", [candle(number) for number in range(5)])["last_id"]
        await tab.stream(5)
        times = []
        for _ in range(4):
            heartbeat = await tab.event("heartbeat")
            times.append(time.monotonic())
            assert list(heartbeat["data"]) == ["server_time", "last_id", "delivered", "rtt_ms"]
            assert (heartbeat["data"]["last_id"], heartbeat["data"]["delivered"]) == (last, 5)
        assert 0 <= heartbeat["data"]["rtt_ms"] < 1000
        gaps = [later - earlier for earlier, later in zip(times, times[1:])]
        # A tenth of jitter either way; the upper side leaves room for a busy machine.
        assert all(0.1 <= gap <= 0.8 for gap in gaps), gaps


async def test_a_newcomers_heartbeats_do_not_count_what_was_before_it(serve) -> None:
    gateway: Gateway = serve(*QUICK)
    async with open_tab(gateway, "s1") as early:
        publish(gateway, "s1", [candle(number) for number in range(3)])
        async with open_tab(gateway, "s1") as late:
            last = publish(gateway, "s1", candle(3))["id"]
            await early.stream(4)
            await late.stream(1)
            for tab, delivered in ((early, 4), (late, 1)):
                assert (await tab.event("heartbeat"))["data"]["last_id"] == last
                assert (await tab.event("heartbeat"))["data"]["delivered"] == delivered


def test_a_ping_comes_with_the_heartbeat_and_its_pong_moves_last_heartbeat(serve) -> None:
    gateway: Gateway = serve(*QUICK)
    with RawTab.opened(gateway, "s1") as tab:
        (before,) = connections(gateway, "s1")
        assert tab.frame().event["type"] == "heartbeat"
        ping = tab.frame()
        assert ping.opcode == PING
        assert connections(gateway, "s1")[0]["last_heartbeat"] == before["last_heartbeat"]
        assert before["rtt_ms"] is None
        tab.send_frame(PONG, ping.payload)
        after = until(
            lambda: next((one for one in connections(gateway, "s1") if one["last_heartbeat"] > before["last_heartbeat"]), None),
            "the pong moved last_heartbeat",
        )
        assert after["rtt_ms"] >= 0


@pytest.mark.limit("--stale-timeout")
async def test_a_client_that_answers_no_pings_is_closed_with_4411_and_a_live_one_stays(serve) -> None:
    gateway: Gateway = serve(*QUICK, "--stale-timeout", "1")
    async with open_tab(gateway, "s1") as live:
        with RawTab.opened(gateway, "s1") as mute:
            began = time.monotonic()
            code, reason = await asyncio.to_thread(mute.close_frame)
            assert code == 4411 and reason
            assert 0.9 <= time.monotonic() - began < 3
        await eventually(lambda: len(connections(gateway, "s1")) == 1, "only the live one is left")
        publish(gateway, "s1", candle(1))
        assert (await live.stream(1))[0]["data"] == {"candle_index": 1}


def test_cleanup_closes_whom_it_has_not_heard_and_nobody_else(serve) -> None:
    gateway: Gateway = serve("--stale-timeout", "0")
    engine = WebSocketManager(gateway.control_url)
    with ExitStack() as stack:
        stack.callback(engine.close)
        mute, live = (stack.enter_context(RawTab.opened(gateway, "s1")) for _ in range(2))

        def silence_of(tab: RawTab) -> float:
            live.send_frame(PONG)
            (mine,) = [one for one in connections(gateway, "s1") if one["connection_id"] == tab.connected["connection_id"]]
            (other,) = [one for one in connections(gateway, "s1") if one["connection_id"] == live.connected["connection_id"]]
            at = [datetime.fromisoformat(one["last_heartbeat"].replace("Z", "+00:00")) for one in (mine, other)]
            return (at[1] - at[0]).total_seconds()

        until(lambda: silence_of(mute) > 0.8, "the mute one was silent for a while and the live one was not")
        assert ask(gateway, "POST", "/v1/connections/cleanup", {}).json == {"cleaned": 0}
        answer = ask(gateway, "POST", "/v1/connections/cleanup", {"max_age_seconds": 0.7})
        assert (answer.status, answer.json) == (200, {"cleaned": 1})
        assert mute.close_frame()[0] == 4411
        assert [one["connection_id"] for one in connections(gateway, "s1")] == [live.connected["connection_id"]]
        assert publish(gateway, "s1", candle(1))["sent"] == 1
        assert live.event("candle")


async def test_the_python_client_cleans_up_as_the_existing_manager_did(serve) -> None:
    gateway: Gateway = serve("--stale-timeout", "0", "--heartbeat-interval", "60")
    async with WebSocketManager(gateway.control_url) as engine, open_tab(gateway, "s1") as tab:
        assert await engine.cleanup_stale_connections() == 0
        deadline = time.monotonic() + 5
        while not (cleaned := await engine.cleanup_stale_connections(max_age_seconds=0.1)):
            assert time.monotonic() < deadline, "a silent client was not cleaned up"
        assert cleaned == 1
        assert (await tab.closed())[0] == 4411


def test_without_a_stale_limit_a_mute_client_stays(serve) -> None:
    gateway: Gateway = serve(*QUICK, "--stale-timeout", "0")
    with RawTab.opened(gateway, "s1") as mute:
        for _ in range(6):
            assert mute.event("heartbeat")
        assert len(connections(gateway, "s1")) == 1
