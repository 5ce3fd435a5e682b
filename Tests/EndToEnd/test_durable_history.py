"""The history on disk: what is there after a restart, after a kill, and when the disk or the file is not as it should be."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import subprocess
from pathlib import Path
from typing import Any, Callable

import aiohttp
import pytest
import websockets

from control import ask, candle, metrics, publish
from gateway import Gateway, run
from pipelined import PipelinedEngine
from tabs import open_tab
from waiting import eventually, patience, until

Serve = Callable[..., Gateway]
GONE = (OSError, websockets.WebSocketException, aiohttp.ClientError, asyncio.TimeoutError, EOFError, TypeError)
"""How the client libraries say that the gateway is not there, or has gone."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    directory.mkdir()
    return directory


def again(serve: Serve, gateway: Gateway, *flags: str) -> Gateway:
    """Another gateway where that one was."""
    return serve(*flags, listen=gateway.listen, control=gateway.control)


def number(event: dict[str, Any]) -> int:
    return event["data"]["n"]


class Follower:
    """A tab that comes back with the last id it has, whenever it was cut, and keeps all it saw."""

    def __init__(self, gateway: Gateway, session: str, seed: int, cuts: bool = False) -> None:
        self.gateway, self.session = gateway, session
        self.library = "websockets" if seed % 2 else "aiohttp"
        self.random = random.Random(seed)
        self.cuts = cuts
        self.seen: list[tuple[str, int]] = []
        self.visits = 0
        self.lost_its_place = False

    async def follow(self, is_done: Callable[[Follower], bool]) -> None:
        while not is_done(self):
            query = f"last_event_id={self.seen[-1][0]}" if self.seen else "join=all"
            try:
                async with open_tab(self.gateway, self.session, query=query, library=self.library) as tab:
                    self.visits += 1
                    if self.seen and tab.connected["resume"]["recovered"] is not True:
                        self.lost_its_place = True
                        return
                    left = self.random.randint(1, 2000) if self.cuts else 1 << 60
                    while left > 0 and not is_done(self):
                        event = await tab.event()
                        if "id" in event:
                            self.seen.append((event["id"], number(event)))
                            left -= 1
            except GONE:
                await asyncio.sleep(0.01)


def slowest(followers: list[Follower]) -> int:
    """Of those that still follow."""
    return min((len(follower.seen) for follower in followers if not follower.lost_its_place), default=1 << 60)


def assert_saw_everything(follower: Follower, acknowledged: dict[int, str]) -> None:
    """Exactly what was acknowledged, in order, without a repetition."""
    assert not follower.lost_its_place
    assert [number for _, number in follower.seen] == list(range(len(acknowledged)))
    assert [id for id, _ in follower.seen] == [acknowledged[number] for number in range(len(acknowledged))]
    assert [int(id.rpartition("-")[2]) for id, _ in follower.seen] == list(range(1, len(acknowledged) + 1))


# A restart


async def test_a_restart_goes_on_where_it_ended_and_tabs_resume(serve: Serve, data: Path) -> None:
    first = serve("--data", str(data))
    assert ask(first, "PUT", "/v1/sessions/s1", {"kind": "backtest", "owner": "ada", "max_connections": 7, "join": 3}).status == 201
    published = publish(first, "s1", [candle(n) for n in range(1, 6)])
    before = ask(first, "GET", "/v1/sessions/s1").json
    keyed = {"Content-Type": "application/json", "Idempotency-Key": "k1"}
    receipt = publish(first, "s1", candle(6), keyed)
    async with open_tab(first, "s1", query="join=all") as tab:
        seen = [event["id"] for event in await tab.stream(6)]
        first.terminate()
        code, reason = await tab.closed()
        assert code == 1012 and reason.startswith("draining; retry-after-ms=")
    assert first.wait() == 0

    second = again(serve, first, "--data", str(data))
    assert ask(second, "GET", "/v1/sessions/s1").json == before | {"last_id": receipt["id"]}
    assert publish(second, "s1", candle(6), keyed)["id"] == receipt["id"], "the key holds over the restart"
    assert ask(second, "POST", "/v1/sessions/s1/events", candle(7), keyed).status == 409
    next_id = publish(second, "s1", candle(7))["id"]
    assert next_id == published["last_id"].rpartition("-")[0] + "-7"
    async with open_tab(second, "s1", query=f"last_event_id={seen[1]}") as tab:
        assert tab.connected["resume"] == {"recovered": True, "from": seen[1], "oldest_id": seen[0]}
        assert [event["id"] for event in await tab.stream(5)] == seen[2:] + [next_id]
    async with open_tab(second, "s1") as tab:
        assert [event["data"]["candle_index"] for event in await tab.stream(3)] == [5, 6, 7], "the session's own join"


@pytest.mark.parametrize("durability", ["commit", "relaxed"])
async def test_a_sessions_own_limits_hold_in_the_file_and_over_a_restart(serve: Serve, data: Path, durability: str) -> None:
    flags = ("--data", str(data), "--durability", durability)
    first = serve(*flags)
    for session in ("s1", "s2", "s3"):
        publish(first, session, [candle(n) for n in range(1, 101)])
    refused = ask(first, "PUT", "/v1/sessions/s1", {"max_history_events": 0})
    assert (refused.status, refused.code) == (400, "INVALID_SESSION") and "1 to 10000" in refused.json["error"]["message"]
    lowered = ask(first, "PUT", "/v1/sessions/s1", {"max_history_events": 10}).json
    assert lowered["oldest_id"].endswith("-91"), "with the answer, not some time later"
    assert metrics(first)['wsg_history_dropped_total{reason="session_limit"}'] == 90

    def retention_lowered() -> bool:
        ask(first, "PUT", "/v1/sessions/s3", {"history_retention_ms": None})
        return ask(first, "PUT", "/v1/sessions/s3", {"history_retention_ms": 10}).json["oldest_id"] is None

    until(retention_lowered, "they are 10 ms old, and go with the answer", 0.5)
    assert metrics(first)['wsg_history_dropped_total{reason="retention"}'] == 100
    assert len(await kept(first, "s1")) == 10 and len(await kept(first, "s2")) == 100 and await kept(first, "s3") == []
    before = {session: ask(first, "GET", f"/v1/sessions/{session}").json for session in ("s1", "s2", "s3")}
    first.terminate()
    assert first.wait() == 0

    second = again(serve, first, *flags)
    for session, told in before.items():
        assert ask(second, "GET", f"/v1/sessions/{session}").json == told
    for n in range(101, 151):
        publish(second, "s1", candle(n))
    indexes = [event["data"]["candle_index"] for event in await kept(second, "s1")]
    assert indexes == list(range(indexes[0], 151)) and 10 <= len(indexes) <= 11, "a tenth more for a while"
    publish(second, "s2", candle(101))
    assert len(await kept(second, "s2")) == 101


async def test_a_restart_under_load_is_not_noticed(serve: Serve, data: Path) -> None:
    gateway = serve("--data", str(data))
    engine = PipelinedEngine(gateway, "s1", 1)
    followers = [Follower(gateway, "s1", seed) for seed in range(4)]
    engine.slowest = lambda: slowest(followers)

    async def operate() -> None:
        current = gateway
        for _ in range(3):
            reached = len(engine.acknowledged) + 300
            await eventually(lambda: len(engine.acknowledged) >= reached, "it goes on", 30)
            current.terminate()
            assert await asyncio.to_thread(current.wait, 30) == 0
            current = await asyncio.to_thread(again, serve, current, "--data", str(data))
        engine.end()

    def is_done(follower: Follower) -> bool:
        return engine.is_done and len(follower.seen) >= len(engine.acknowledged)

    await asyncio.wait_for(asyncio.gather(engine.run(), operate(), *(follower.follow(is_done) for follower in followers)), patience(55))
    for follower in followers:
        assert_saw_everything(follower, engine.acknowledged)
        assert follower.visits >= 4


async def test_a_deleted_session_stays_deleted(serve: Serve, data: Path) -> None:
    first = serve("--data", str(data))
    old = publish(first, "s1", candle(1))["id"]
    assert ask(first, "DELETE", "/v1/sessions/s1").status == 204
    first.kill()
    second = again(serve, first, "--data", str(data))
    assert ask(second, "GET", "/v1/sessions/s1").status == 404
    new = publish(second, "s1", candle(2))["id"]
    assert new.endswith("-1") and new != old


async def test_sessions_that_are_kept_are_served_however_few_may_be_known_now(serve: Serve, data: Path) -> None:
    first = serve("--data", str(data))
    ids = {number: publish(first, f"s{number}", candle(1))["id"] for number in range(6)}
    first.terminate()
    assert first.wait() == 0
    second = again(serve, first, "--data", str(data), "--max-sessions", "1", "--workers", "1")
    assert ask(second, "POST", "/v1/sessions/new/events", candle(1)).code == "TOO_MANY_SESSIONS"
    for number, id in ids.items():
        assert publish(second, f"s{number}", candle(2))["id"] == id.removesuffix("-1") + "-2"
    assert metrics(second)["wsg_store_up"] == 1
    for number in ids:
        assert ask(second, "DELETE", f"/v1/sessions/s{number}").status == 204
    publish(second, "new", candle(1))


async def test_events_that_memory_has_no_room_for_are_read_from_the_file(serve: Serve, data: Path) -> None:
    gateway = serve("--data", str(data), "--workers", "1", "--memory-budget", str(1 << 20))
    for start in range(0, 2000, 100):
        publish(gateway, "s1", [candle(n, p="x" * 3000) for n in range(start, start + 100)])
    assert metrics(gateway)["wsg_history_events"] < 500
    page = ask(gateway, "GET", "/v1/sessions/s1/events?limit=1000").json
    assert [event["data"]["candle_index"] for event in page["events"]] == list(range(1000)) and page["next"]
    async with open_tab(gateway, "s1", query="join=all") as tab:
        publishing = asyncio.to_thread(publish, gateway, "s1", [candle(n) for n in range(2000, 2050)])
        events, _ = await asyncio.gather(tab.stream(2050), publishing)
    assert [event["data"]["candle_index"] for event in events] == list(range(2050))
    assert metrics(gateway)["wsg_history_dropped_total{reason=\"gateway_limit\"}"] == 0


# A kill


async def test_a_gateway_killed_again_and_again_loses_nothing_that_was_acknowledged(serve: Serve, data: Path) -> None:
    kills = 20
    chance = random.Random(5)
    gateway = serve("--data", str(data))
    engine = PipelinedEngine(gateway, "s1", 2)
    followers = [Follower(gateway, "s1", seed, cuts=seed < 3) for seed in range(6)]
    engine.slowest = lambda: slowest(followers)

    async def operate() -> None:
        current = gateway
        for _ in range(kills):
            reached = len(engine.acknowledged) + chance.randint(1, 400)
            await eventually(lambda: len(engine.acknowledged) >= reached, "it goes on", 30)
            current.kill()
            current = await asyncio.to_thread(again, serve, current, "--data", str(data))
        engine.end()

    def is_done(follower: Follower) -> bool:
        return engine.is_done and len(follower.seen) >= len(engine.acknowledged)

    await asyncio.wait_for(asyncio.gather(engine.run(), operate(), *(follower.follow(is_done) for follower in followers)), patience(58))
    assert engine.repeated > 0, "no publish was ever in doubt"
    for follower in followers:
        assert_saw_everything(follower, engine.acknowledged)


async def test_what_relaxed_may_lose_is_never_mistaken_for_something_else(serve: Serve, data: Path) -> None:
    flags = ("--data", str(data), "--durability", "relaxed")
    gateway = serve(*flags)
    names: dict[str, int] = {}
    count = 0
    for _ in range(4):
        async with open_tab(gateway, "s1", query="join=all") as tab:
            oldest_not_seen = len(await kept(gateway, "s1"))
            receipts = [publish(gateway, "s1", candle(count + n, n=count + n)) for n in range(50)]
            count += 50
            events = (await tab.stream(oldest_not_seen + 50))
        for event in events:
            assert names.setdefault(event["id"], number(event)) == number(event), "an id names two events"
        last = receipts[-1]["id"]
        gateway.kill()
        gateway = again(serve, gateway, *flags)
        async with open_tab(gateway, "s1", query=f"last_event_id={last}") as tab:
            assert tab.connected["resume"]["recovered"] is False
            assert tab.connected["epoch"] != last.rpartition("-")[0]


async def kept(gateway: Gateway, session: str) -> list[dict[str, Any]]:
    answer = ask(gateway, "GET", f"/v1/sessions/{session}/events?limit=10000")
    return answer.json["events"] if answer.status == 200 else []


# The file


async def test_a_trader_finds_events_in_the_file_while_the_gateway_runs(serve: Serve, data: Path) -> None:
    gateway = serve("--data", str(data))
    publish(gateway, "s1", [candle(1, close=101.5), {"type": "ai_decision", "data": {"action": "BUY"}, "timestamp": "2026-03-15T10:30:00"}])
    publish(gateway, "s2", candle(1))
    with sqlite3.connect(f"file:{data / 'history.sqlite3'}?mode=ro", uri=True) as file:
        rows = file.execute("SELECT sequence, type, timestamp, data FROM history WHERE session_id = 's1' ORDER BY sequence").fetchall()
        decisions = file.execute("SELECT count(*) FROM history WHERE type = 'ai_decision'").fetchone()
    assert [(sequence, type) for sequence, type, _, _ in rows] == [(1, "candle"), (2, "ai_decision")]
    assert rows[1][2] == "2026-03-15T10:30:00" and json.loads(rows[0][3])["close"] == 101.5 and decisions == (1,)
    assert oct((data / "history.sqlite3").stat().st_mode & 0o777) == "0o600"


def refusal(data: Path, *flags: str) -> str:
    ended = run("serve", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--data", str(data), *flags)
    assert ended.returncode == 1, ended
    return ended.stderr


def test_one_directory_serves_one_gateway(serve: Serve, data: Path) -> None:
    gateway = serve("--data", str(data))
    assert str(gateway.pid) in refusal(data)
    publish(gateway, "s1", candle(1))


def test_a_file_that_is_not_ours_is_left_as_it_is(data: Path) -> None:
    for content in (b"no database", b"SQLite format 3\0" + b"\xff" * 4080):
        (data / "history.sqlite3").write_bytes(content)
        assert "history.sqlite3" in refusal(data)
        assert (data / "history.sqlite3").read_bytes() == content
    (data / "history.sqlite3").unlink()
    with sqlite3.connect(data / "history.sqlite3") as file:
        file.execute("CREATE TABLE trades (id)")
    content = (data / "history.sqlite3").read_bytes()
    assert "history.sqlite3" in refusal(data)
    assert (data / "history.sqlite3").read_bytes() == content


def test_a_file_of_a_later_version_is_left_as_it_is(serve: Serve, data: Path) -> None:
    gateway = serve("--data", str(data))
    gateway.terminate()
    gateway.wait()
    with sqlite3.connect(data / "history.sqlite3") as file:
        file.execute("PRAGMA user_version = 99")
    assert "newer" in refusal(data)


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    ended = run("serve", "--data", str(tmp_path / "nowhere"))
    assert ended.returncode == 64 and str(tmp_path / "nowhere") in ended.stderr


@pytest.mark.parametrize("flags", [("--durability", "commit"), ("--durability", "relaxed"), ("--durability", "memory", "--data", "/tmp")])
def test_durability_and_directory_go_together(flags: tuple[str, ...]) -> None:
    ended = run("serve", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", *flags)
    assert ended.returncode == 64 and "durability" in ended.stderr


async def test_a_full_disk_refuses_publishes_and_keeps_clients(serve: Serve, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)], capture_output=True).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        gateway = serve("--data", str(small))
        body = [candle(n, n=n, p="x" * 20_000) for n in range(10)]
        async with open_tab(gateway, "s1") as tab:
            answers = []
            while not answers or answers[-1].status == 200:
                assert len(answers) < 50, "the disk is never full"
                answers.append(ask(gateway, "POST", "/v1/sessions/s1/events", body))
            assert (answers[-1].status, answers[-1].code) == (503, "STORE_FULL")
            assert answers[-1].json["error"]["details"]["outcome"] == "refused"
            events = await tab.stream(10 * (len(answers) - 1))
            assert await tab.is_silent(), "nothing of the refused publish was delivered"
            assert [int(event["id"].rpartition("-")[2]) for event in events] == list(range(1, len(events) + 1))
            subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
            publish(gateway, "s1", body)
            assert [int(event["id"].rpartition("-")[2]) for event in await tab.stream(10)] == [len(events) + n for n in range(1, 11)]
        assert metrics(gateway)['wsg_store_failures_total{reason="full"}'] >= 1 and metrics(gateway)["wsg_store_up"] == 1
        gateway.terminate()
        assert gateway.wait() == 0
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
