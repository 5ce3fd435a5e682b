"""The JavaScript client against the real gateway, in node and in a browser: what it hands out must be what the engine's receipts say."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any, Callable, Optional

import pytest

from control import ask, candle, connections, publish
from cutter import cutting
from engines import linked
from gateway import REPOSITORY, Gateway, environment
from pages import CHROMIUM, NO_CHROMIUM, START_SECONDS, Browsers, PageServer
from waiting import eventually, patience

HERE = Path(__file__).resolve().parent
SOURCES = REPOSITORY / "Clients/javascript/src"
PAGE_FILES = {"/": HERE / "browser/client.html"} | {f"/src/{file.name}": file for file in SOURCES.glob("*.js")}

COMPLETED = {"type": "session_completed", "data": {}}


def node_version() -> int:
    node = shutil.which("node")
    return int(subprocess.check_output([node, "-p", "parseInt(process.versions.node)"])) if node else 0


needs_node = pytest.mark.skipif(node_version() < 20, reason="NO NODE: put node 20 or later on PATH")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)


class Follower:
    """A node process that follows a session, and what it was told, by name."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.told: dict[str, list[Any]] = defaultdict(list)
        self._reading = asyncio.ensure_future(self._read())

    @property
    def ids(self) -> list[str]:
        return [event["id"] for event in self.told["event"]]

    @property
    def state(self) -> dict[str, Any]:
        return self.told["state"][-1] if self.told["state"] else {}

    async def _read(self) -> None:
        assert self.process.stdout
        async for line in self.process.stdout:
            name, detail = json.loads(line)
            self.told[name].append(detail)

    async def end(self) -> None:
        """Waits until it ended by itself, and all it told is here."""
        await asyncio.wait_for(self._reading, patience(30))
        assert await asyncio.wait_for(self.process.wait(), patience(30)) == 0


Follow = Callable[..., Awaitable[Follower]]


@pytest.fixture
def follow() -> Iterator[Follow]:
    processes: list[asyncio.subprocess.Process] = []

    async def start(url: str, **options: Any) -> Follower:
        process = await asyncio.create_subprocess_exec(
            "node", "--experimental-websocket", "--no-warnings", str(HERE / "javascript/follow.js"), str(SOURCES / "session.js"), url,
            json.dumps(options), env=environment(), stdout=asyncio.subprocess.PIPE, limit=1 << 20,
        )  # fmt: skip
        processes.append(process)
        follower = Follower(process)
        await eventually(lambda: "state" in follower.told, "node has begun", START_SECONDS)
        return follower

    yield start
    for process in processes:
        if process.returncode is None:
            process.kill()


async def publish_all(gateway: Gateway, count: int, at_once: int = 20) -> list[str]:
    """Publishes a session to its end; the ids by the engine's receipts."""
    epoch, ids = "", []
    for start in range(0, count, at_once):
        receipt = await asyncio.to_thread(publish, gateway, "s1", [candle(start + n, text="é" * 20) for n in range(at_once)])
        epoch, _, first = receipt["first_id"].partition("-")
        ids += [f"{epoch}-{int(first) + n}" for n in range(at_once)]
    ids.append((await asyncio.to_thread(publish, gateway, "s1", COMPLETED))["id"])
    return ids


@needs_node
@pytest.mark.parametrize("join", ["live", None, "all"])
async def test_a_client_cut_again_and_again_hands_out_every_event_once(gateway: Gateway, follow: Follow, join: Optional[str]) -> None:
    async with cutting(gateway, bytes_max=20_000) as network:
        follower = await follow(network.url("s1"), join=join)
        # Joined while nothing was published: whichever way it joins, every event is its own.
        await eventually(lambda: follower.told["connected"], "it is connected")
        published = await publish_all(gateway, 2000)
        await follower.end()
    assert follower.ids == published
    assert follower.told["gap"] == follower.told["lost"] == follower.told["error"] == []
    assert len(follower.told["connected"]) > 10
    assert all(one["resume"] is None or one["resume"]["recovered"] for one in follower.told["connected"])


@needs_node
async def test_a_filtered_client_that_is_cut_gets_all_it_wants_once(gateway: Gateway, follow: Follow) -> None:
    async with cutting(gateway, bytes_max=4000) as network:
        follower = await follow(network.url("s1"), join="all", types=["stats_update", "session_completed"])
        wanted = []
        for number in range(400):
            kind = "stats_update" if number % 3 == 0 else "candle"
            receipt = await asyncio.to_thread(publish, gateway, "s1", {"type": kind, "data": {"n": number}})
            wanted += [receipt["id"]] if kind == "stats_update" else []
        wanted.append((await asyncio.to_thread(publish, gateway, "s1", COMPLETED))["id"])
        await follower.end()
    assert follower.ids == wanted
    assert follower.told["gap"] == follower.told["lost"] == []
    assert len(follower.told["connected"]) > 3


@needs_node
async def test_what_was_dropped_while_it_was_away_is_said_with_its_ids(serve, follow: Follow) -> None:
    gateway: Gateway = serve("--max-history-events", "10")
    async with cutting(gateway) as network:
        follower = await follow(network.url("s1"), join="live")
        await eventually(lambda: follower.told["connected"], "it is connected")
        first = await asyncio.to_thread(publish, gateway, "s1", [candle(number) for number in range(5)])
        await eventually(lambda: len(follower.ids) == 5, "it has the first events")
        network.cut()
        await eventually(lambda: not connections(gateway, "s1"), "the gateway has noticed")
        await asyncio.to_thread(publish, gateway, "s1", [candle(number) for number in range(30)])
        await network.listen()
        await eventually(lambda: len(follower.ids) == 15, "it has what is kept")
        publish(gateway, "s1", COMPLETED)
        await follower.end()
    epoch = first["last_id"].partition("-")[0]
    assert follower.told["lost"] == [{"after": first["last_id"], "firstId": f"{epoch}-6", "lastId": f"{epoch}-25"}]
    assert [int(one.partition("-")[2]) for one in follower.ids] == [*range(1, 6), *range(26, 37)]
    (answer,), (refusal,) = follower.told["answer"], follower.told["refusal"]
    assert answer["last_id"] == follower.ids[-1]
    assert (refusal["code"], refusal["details"]["action"]) == ("NO_ENGINE", "pause")
    assert follower.told["gap"] == follower.told["error"] == []


@needs_node
async def test_it_comes_back_to_the_gateway_that_follows_one_that_drained_and_says_that_the_stream_is_another(serve, follow: Follow) -> None:
    first: Gateway = serve("--drain-timeout", "5", "--close-timeout", "2")
    follower = await follow(first.url("s1"), join="live")
    await eventually(lambda: follower.told["connected"], "it is connected")
    before = publish(first, "s1", candle(1))["id"]
    await eventually(lambda: follower.ids == [before], "it has the event")
    first.terminate()
    await eventually(lambda: first.process.poll() is not None, "the first gateway has drained")
    second: Gateway = serve(listen=first.listen)
    await eventually(lambda: connections(second, "s1"), "it is back")
    after = publish(second, "s1", COMPLETED)["id"]
    await follower.end()
    waits = [state for state in follower.told["state"] if state["state"] == "waiting"]
    assert waits[0]["code"] == 1012 and waits[0]["retryInMs"] >= int(waits[0]["reason"].partition("retry-after-ms=")[2])
    assert follower.told["lost"] == [{"after": before, "firstId": None, "lastId": None}]
    assert follower.ids == [before, after] and follower.told["gap"] == []


@needs_node
async def test_it_stays_away_where_it_is_refused_and_when_the_session_ends(gateway: Gateway, follow: Follow) -> None:
    ask(gateway, "PUT", "/v1/sessions/s1", {"kind": "backtest"})
    refused = await follow(gateway.url("s1", kind="forward"))
    await refused.end()
    assert [error["code"] for error in refused.told["error"]] == ["FORBIDDEN"]
    assert (refused.state["state"], refused.state["code"]) == ("closed", 4403)

    follower = await follow(gateway.url("s1"))
    (connection,) = await eventually(lambda: connections(gateway, "s1"), "it has joined")
    ask(gateway, "POST", f"/v1/connections/{connection['connection_id']}/events", {"type": "notice", "data": {"text": "for you"}})
    ask(gateway, "DELETE", "/v1/sessions/s1")
    await follower.end()
    assert [(one["type"], one["data"]) for one in follower.told["direct"]] == [("notice", {"text": "for you"})]
    assert follower.state == {"state": "closed", "code": 1000, "reason": "session ended"}


@needs_browser
async def test_a_page_that_is_cut_again_and_again_sees_every_event_once(gateway: Gateway, page: PageServer, browse: Browsers) -> None:
    async with cutting(gateway, bytes_max=20_000) as network:
        browse(network.url("s1"))
        await eventually(lambda: network.connections, "the page has come", START_SECONDS)
        published = await publish_all(gateway, 2000)
        await eventually(lambda: page.story, "the page saw the end", START_SECONDS)
        assert ask(gateway, "DELETE", "/v1/sessions/s1").status == 204
        story = await eventually(lambda: page.story if page.story.get("closed") else None, "the page saw the close")
    assert story["ids"] == published
    assert (story["gaps"], story["lost"]) == (0, [])
    assert story["connected"] > 10
    assert story["closed"] == {"code": 1000, "reason": "session ended"}


@needs_node
async def test_a_command_is_a_promise_that_an_engine_keeps_or_breaks(gateway: Gateway, follow: Follow) -> None:
    for ok in (True, False):
        session = f"s-{ok}"
        async with linked(gateway) as engine:
            await engine.serve(session)
            follower = await follow(gateway.url(session), join="live")
            await engine.heard("connected")
            await engine.publish(session, "session_completed")
            command = await engine.command("pause")
            await engine.reply(command, ok=ok, data={"position": 1.5}, **({} if ok else {"message": "not now"}))
            await follower.end()
        told = {"action": "pause", "ref": command["payload"]["ref"], "position": 1.5}
        if ok:
            assert follower.told["answer"][1] == told and not follower.told["refusal"]
        else:
            assert follower.told["refusal"] == [{"code": "COMMAND_FAILED", "details": told}]
