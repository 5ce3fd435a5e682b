"""A recorded session is played again by its event times: every viewer at its own place and speed, each event once and in order."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Optional, Sequence, Union

import pytest

from control import ask, candle, connections, metrics, publish
from gateway import EXECUTABLE, Gateway
from streams import RawStream
from tabs import Tab, open_tab
from waiting import until
from wire import TEXT, RawTab

Serve = Callable[..., Gateway]

START = datetime(2026, 3, 15, 10, 30, tzinfo=timezone.utc)
EARLY_SECONDS = 0.05
"""By how much a viewer's clock may be ahead of the gateway's: the loop's clock has milliseconds, and its time is that of the turn's beginning."""


def stamp(seconds: float) -> str:
    """A time as Python engines write it."""
    return (START + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()


def record(gateway: Gateway, session: str, times: Sequence[Union[float, str]], completes: bool = False) -> list[str]:
    """Publishes one event for each time, in seconds, and returns their ids."""
    events = [candle(number, at=at) | {"timestamp": at if isinstance(at, str) else stamp(at)} for number, at in enumerate(times)]
    if completes:
        events[-1] |= {"type": "session_completed"}
    receipt = publish(gateway, session, events)
    epoch, _, first = receipt["first_id"].rpartition("-")
    return [f"{epoch}-{int(first) + n}" for n in range(len(events))]


def sequence(event: dict[str, Any]) -> int:
    return int(event["id"].rpartition("-")[2])


async def command(tab: Tab, action: str, **fields: Any) -> tuple[dict[str, Any], list[int]]:
    """Its answer, and what came before it."""
    await tab.send(json.dumps({"action": action, "ref": action, **fields}))
    before: list[int] = []
    while True:
        event = await tab.event()
        if "id" in event:
            before.append(sequence(event))
        elif event["type"] in ("command_ack", "error"):
            return event, before


async def rest(tab: Tab, last: int) -> list[int]:
    """The events up to that one."""
    seen: list[int] = []
    while not seen or seen[-1] != last:
        seen.append(sequence((await tab.stream(1))[0]))
    return seen


async def test_viewers_at_every_speed_see_every_event_once_in_order_and_not_before_its_time(gateway: Gateway) -> None:
    times = [n * 0.02 for n in range(50)] + [1.0 + n * 0.004 for n in range(50)]
    async with open_tab(gateway, "s1") as live:
        record(gateway, "s1", times, completes=True)
        recorded = [await live.text() for _ in times]

    async def view(query: str, library: str) -> tuple[float, list[str], tuple[Optional[int], str]]:
        begun = time.monotonic()
        async with open_tab(gateway, "s1", query=query, library=library) as tab:
            texts = [await tab.text() for _ in times]
            return time.monotonic() - begun, texts, await tab.closed()

    speeds = {"replay=1x": 1.0, "replay=2.5x": 2.5, "replay=10x": 10.0, "replay=100x": 100.0, "replay=max": 0.0}
    viewers = [view(query, "websockets" if n % 2 else "aiohttp") for n, query in enumerate(speeds)]
    for speed, (elapsed, texts, end) in zip(speeds.values(), await asyncio.gather(*viewers)):
        assert texts == recorded, "the bytes are those that were recorded"
        assert end == (1000, "replay ended")
        if speed:
            assert elapsed >= times[-1] / speed - EARLY_SECONDS
    assert metrics(gateway)["wsg_connections_replaying"] == 0


async def test_each_viewer_has_its_own_place_and_speed(gateway: Gateway) -> None:
    ids = record(gateway, "s1", [n * 3600 for n in range(20)])
    async with (
        open_tab(gateway, "s1", query="replay=1x") as first,
        open_tab(gateway, "s1", query="replay=max&join=4") as second,
        open_tab(gateway, "s1", query=f"replay=max&last_event_id={ids[9]}", library="aiohttp") as third,
        open_tab(gateway, "s1", query="join=2") as live,
    ):
        assert [sequence(event) for event in await first.stream(1)] == [1]
        assert await rest(second, 20) == [17, 18, 19, 20]
        assert third.connected["resume"] == {"recovered": True, "from": ids[9], "oldest_id": ids[0]}
        assert await rest(third, 20) == list(range(11, 21))
        answer, before = await command(first, "speed", speed="max")
        assert answer["data"] == {"action": "speed", "ref": "speed", "state": "playing", "speed": "max"}
        assert before + await rest(first, 20) == list(range(2, 21))
        assert await rest(live, 20) == [19, 20]
        assert metrics(gateway)["wsg_connections_replaying"] == 3 and metrics(gateway)["wsg_connections_behind"] == 0
        # Nobody of them is a live one: no receipt counts them, and no engine waits for them.
        receipt = ask(gateway, "POST", "/v1/sessions/s1/events?wait=30000", candle(20) | {"timestamp": stamp(20 * 3600)}).json
        assert (receipt["connections"], receipt["sent"], receipt["queued"]) == (1, 1, 0)
        for tab in (first, second, third):
            assert await rest(tab, 21) == [21]


async def test_pause_resume_seek_and_speed(gateway: Gateway) -> None:
    ids = record(gateway, "s1", [*(n * 3600 for n in range(5)), "soon", *(n * 3600 for n in range(5, 10))])
    async with open_tab(gateway, "s1", query="replay=max") as tab:
        assert await rest(tab, 11) == list(range(1, 12))
        answer, _ = await command(tab, "pause")
        assert answer["data"]["state"] == "paused"
        answer, before = await command(tab, "seek", id=ids[3])
        assert (answer["data"]["from"], before) == (ids[3], [])
        assert await tab.is_silent(), "a paused viewer goes there, and is given nothing"
        await command(tab, "speed", speed="0.5x")
        await command(tab, "resume")
        assert await rest(tab, 4) == [4], "the first event after a seek comes at once"
        answer, before = await command(tab, "seek", timestamp=stamp(3 * 3600 + 1))
        assert (answer["data"]["from"], before) == (ids[4], [])
        assert await rest(tab, 6) == [5, 6], "what has no time comes at once"
        await command(tab, "speed", speed="max")
        assert await rest(tab, 11) == list(range(7, 12))
        await tab.send('{"action":"ping"}')
        heartbeat = (await tab.event("heartbeat"))["data"]
        assert (heartbeat["last_id"], heartbeat["delivered"]) == (ids[10], 11 + 1 + 7)
        answer, _ = await command(tab, "stop")
        assert answer["data"]["ref"] == "stop"
        assert await tab.closed() == (1000, "replay stopped")


async def test_no_gap_is_longer_than_five_seconds(gateway: Gateway) -> None:
    record(gateway, "s1", [0, 300_000, 600_000], completes=True)
    begun = time.monotonic()
    async with open_tab(gateway, "s1", query="replay=100x&join=2") as tab:
        assert await rest(tab, 3) == [2, 3]
        assert 5 - EARLY_SECONDS <= time.monotonic() - begun, "a weekend is five seconds at any speed"
        assert await tab.closed() == (1000, "replay ended")


async def test_a_viewer_that_is_cut_goes_on_behind_its_last_event(gateway: Gateway) -> None:
    ids = record(gateway, "s1", [n * 0.01 for n in range(100)], completes=True)
    seen: list[str] = []
    visits = 0
    while len(seen) < len(ids):
        visits += 1
        query = "replay=10x" + (f"&last_event_id={seen[-1]}" if seen else "")
        async with open_tab(gateway, "s1", query=query, library="aiohttp") as tab:
            for _ in range(min(7, len(ids) - len(seen))):
                seen.extend(event["id"] for event in await tab.stream(1))
    assert seen == ids and visits == 15
    async with open_tab(gateway, "s1", query=f"replay=1x&last_event_id={ids[-1]}") as tab:
        assert await tab.closed() == (1000, "replay ended"), "who has all is told so"


async def test_a_filter_keeps_the_pace(gateway: Gateway) -> None:
    publish(gateway, "s1", [{"type": "candle" if n % 10 else "stats_update", "data": {}, "timestamp": stamp(n * 0.02)} for n in range(21)])
    begun = time.monotonic()
    async with open_tab(gateway, "s1", query="replay=1x&types=stats_update") as tab:
        assert await rest(tab, 21) == [1, 11, 21]
        assert time.monotonic() - begun >= 0.4 - EARLY_SECONDS


async def test_a_replay_is_read_from_the_disk_after_a_restart(serve: Serve, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    flags = ("--data", str(data), "--durability", "commit")
    before: Gateway = serve(*flags)
    text = "x" * 20_000
    for number in range(60):
        publish(before, "s1", candle(number, text=text) | {"timestamp": stamp(number)})
    ids = record(before, "s1", [60, 61], completes=True)
    epoch = ids[0].rpartition("-")[0]
    before.terminate()
    assert before.wait() == 0
    after: Gateway = serve(*flags)
    async with open_tab(after, "s1", query="replay=max") as tab, open_tab(after, "s1", query="replay=1x", library="aiohttp") as other:
        events = await tab.stream(62)
        assert [event["id"] for event in events] == [f"{epoch}-{n}" for n in range(1, 63)]
        assert [event["timestamp"] for event in events] == [stamp(n) for n in range(62)]
        assert await tab.closed() == (1000, "replay ended")
        answer, seen = await command(other, "seek", timestamp=stamp(40))
        assert answer["data"]["from"] == f"{epoch}-41" and seen == list(range(1, len(seen) + 1))
        _, seen = await command(other, "speed", speed="max")
        assert seen + await rest(other, 62) == list(range(41, 63))
        assert await other.closed() == (1000, "replay ended")


async def test_an_event_stream_replays_too(gateway: Gateway) -> None:
    ids = record(gateway, "s1", [0, 0.1, 0.2], completes=True)

    def view() -> list[dict[str, Any]]:
        with RawStream.opened(gateway, "s1", query="replay=2x") as stream:
            return [stream.event() for _ in range(4)]

    *events, closed = await asyncio.to_thread(view)
    assert [event["id"] for event in events] == ids
    assert closed["type"] == "closed" and closed["data"] == {"code": 1000, "reason": "replay ended"}


async def test_a_replay_is_told_of_a_drain_and_of_the_sessions_end(serve: Serve) -> None:
    gateway = serve()
    ids = record(gateway, "s1", [0, 3600])
    record(gateway, "s2", [0, 3600])
    with RawTab.opened(gateway, "s1", query="replay=1x") as ended, RawTab.opened(gateway, "s2", query="replay=1x") as drained:
        ended.send_frame(TEXT, '{"action":"pause"}')
        ended.event("command_ack")
        assert ask(gateway, "DELETE", "/v1/sessions/s1").status == 204
        assert ended.event("lost")["data"]["last_id"] == ids[1]
        assert ended.close_frame() == (1000, "session ended")
        gateway.terminate()
        code, reason = drained.close_frame()
        assert code == 1012 and reason.startswith("draining")
        for tab in (ended, drained):
            tab.send_close()


# Attacks


@pytest.mark.parametrize("speed", ["", "0x", "0.4x", "100.1x", "1", "-1x", "NaNx", "1e9x", "99999999999999999999x", "MAX", "1x%00", "%2B1x", "1x&replay=2x"])
def test_a_bad_speed_is_refused_before_the_upgrade(gateway: Gateway, speed: str) -> None:
    with RawTab(gateway, "s1", query=f"replay={speed}") as tab:
        answer = tab.answer_to_upgrade
        assert answer.status == 400 and answer.json["error"]["code"] == "INVALID_QUERY"
        assert "replay" in answer.json["error"]["message"]


async def test_places_out_of_range_are_refused_and_the_viewer_stays(gateway: Gateway) -> None:
    ids = record(gateway, "s1", [0, 1, 2])
    epoch = ids[0].rpartition("-")[0]
    async with open_tab(gateway, "s1", query="replay=max") as tab:
        assert await rest(tab, 3) == [1, 2, 3]
        for fields in (
            {"id": f"{epoch}-4"}, {"id": f"{epoch}-9223372036854775807"}, {"id": f"{epoch}-0"}, {"id": "0000000000000-1"}, {"id": None},
            {"id": ["x"]}, {"timestamp": "9999-12-31T23:59:59Z"}, {"timestamp": "2026-02-30T00:00:00Z"}, {"timestamp": 1}, {},
            {"id": ids[0], "timestamp": stamp(0)},
        ):  # fmt: skip
            answer, before = await command(tab, "seek", **fields)
            assert (answer["type"], before) == ("error", []), fields
            assert answer["data"]["error_code"] == "INVALID_COMMAND" and answer["data"]["details"] == {"action": "seek", "ref": "seek"}
        answer, _ = await command(tab, "rewind")
        assert answer["data"]["error_code"] == "UNKNOWN_COMMAND"
        record(gateway, "s1", [3])
        assert await rest(tab, 4) == [4]


async def test_a_live_client_has_no_replay_to_command(gateway: Gateway) -> None:
    async with open_tab(gateway, "s1") as tab:
        for action in ("pause", "resume", "speed", "seek", "stop"):
            answer, _ = await command(tab, action, speed="max")
            assert answer["data"]["error_code"] == "NO_ENGINE"


@pytest.mark.limit("--message-rate", "--message-burst")
def test_a_flood_of_seeks_is_limited_as_every_flood_is(serve: Serve) -> None:
    """Each seek to a time reads the history again: at the rate of messages at the most, one page at a time, and the last one wins."""
    gateway: Gateway = serve()
    record(gateway, "s1", [float(n) for n in range(2000)])
    with RawTab.opened(gateway, "s1", query="replay=max&join=1") as tab, RawTab.opened(gateway, "s1") as live:
        for number in range(160):
            tab.send_frame(TEXT, json.dumps({"action": "seek", "timestamp": stamp(1998), "ref": str(number)}))
        codes: set[str] = set()
        while "RATE_LIMITED" not in codes:
            event = tab.event()
            if event["type"] == "error":
                codes.add(event["data"]["error_code"])
        # Others are served meanwhile.
        assert publish(gateway, "s1", candle(1))["sent"] == 1
        assert live.event("candle")["data"]["candle_index"] == 1
    until(lambda: not connections(gateway, "s1"), "both have left")


# The executable's own client


def test_watch_plays_a_recorded_session(gateway: Gateway) -> None:
    record(gateway, "s1", [0, 0.1, 0.2], completes=True)
    watch = subprocess.run(
        [str(EXECUTABLE), "watch", "s1", "--replay", "10x", "--raw", "--connect", gateway.listen], capture_output=True, text=True, timeout=30
    )
    assert watch.returncode == 0, watch.stderr
    assert [json.loads(line)["type"] for line in watch.stdout.splitlines()] == ["connected", "candle", "candle", "session_completed"]
    assert "replay ended" in watch.stderr and "GAP" not in watch.stderr
