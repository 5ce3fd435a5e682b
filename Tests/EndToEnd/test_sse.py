"""The same stream over Server-Sent Events: raw, through a library, through a network that cuts, and in a real browser's EventSource."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any, Callable, Optional

import aiohttp
import pytest
from websocket_gateway import WebSocketManager, create_candle_event

from control import ask, candle, connections, metrics, publish
from cutter import Cutter, cutting
from gateway import Gateway
from pages import CHROMIUM, NO_CHROMIUM, START_SECONDS, PageServer
from streams import RawStream, Reader, stream_request
from tabs import open_tab
from waiting import eventually, patience, until
from wire import RawTab

PAGE_FILES = {"/": Path(__file__).parent / "browser/event-stream.html"}
BIG = "x" * 65_000
LISTED = "https://app.example.com"


def sequence(event_id: str) -> int:
    return int(event_id.rpartition("-")[2])


def test_a_stream_is_what_a_websocket_gets(gateway: Gateway) -> None:
    with RawStream.opened(gateway, "s1") as stream, RawTab.opened(gateway, "s1") as tab:
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert (stream.headers["cache-control"], stream.headers["x-accel-buffering"]) == ("no-store", "no")
        assert stream.headers["connection"] == "close" and "content-length" not in stream.headers and "date" in stream.headers
        assert stream.reader.retry is not None and 500 <= stream.reader.retry <= 3000
        assert stream.connected["session_id"] == "s1" and stream.connected["resume"] is None
        lines = '{"type":"candle","data":{\r\n  "candle_index": 1,\n\n\r"text": "é 😀 \\n" }}'.encode()
        assert publish(gateway, "s1", lines, {"Content-Type": "application/json"})["sent"] == 2
        publish(gateway, "s1", [candle(number) for number in range(2, 40)])
        for _ in range(39):
            assert stream.event() == tab.event()
        mine = next(one for one in connections(gateway, "s1") if one["connection_id"] == stream.connected["connection_id"])
        assert mine["transport"] == "sse" and mine["rtt_ms"] is None and mine["lag"] == 0
        assert {one["transport"] for one in connections(gateway, "s1")} == {"sse", "websocket"}
        samples = metrics(gateway)
        assert (samples["wsg_sse_connections"], samples['wsg_connections{kind="backtest"}']) == (1, 2)


async def test_a_library_reads_it(gateway: Gateway) -> None:
    publish(gateway, "s1", [candle(number) for number in range(5)])
    async with aiohttp.ClientSession() as session:
        url = f"http://{gateway.listen}/sse/backtest/s1"
        async with session.get(url, params={"join": "all", "types": "candle"}) as answer:
            assert answer.status == 200 and answer.content_type == "text/event-stream" and answer.charset == "utf-8"
            seen = []
            while len(seen) < 5:
                line = await asyncio.wait_for(answer.content.readline(), patience(10))
                if line.startswith(b"data: "):
                    message = json.loads(line[6:])
                    if "id" in message:
                        seen.append(message["data"]["candle_index"])
            assert seen == list(range(5))
    until(lambda: not connections(gateway, "s1"), "it has left")


class Follower:
    """A client of an unreliable network: it comes back with the last id it has, as a browser does, and keeps all it saw."""

    def __init__(self, cutter: Cutter, session: str, seed: int) -> None:
        self.cutter, self.session = cutter, session
        self.random = random.Random(seed)
        self.seen: list[str] = []
        self.visits = 0

    async def follow(self, count: int) -> None:
        # What a browser keeps over its connections: it comes back with the id that it read last, to the URL it first asked for.
        last_id = ""
        while len(self.seen) < count:
            self.visits += 1
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.cutter.port)
                headers = {"Last_Event_ID": last_id} if last_id else {}
                writer.write(stream_request(f"/sse/backtest/{self.session}?join=all", **headers).encode())
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 "), head
                events = Reader()
                while len(self.seen) < count:
                    block = (await reader.readuntil(b"\n\n")).decode().removesuffix("\n\n")
                    message = events.read(block)
                    if message and message["type"] == "connected" and last_id:
                        assert message["data"]["resume"]["recovered"] is True
                    if message and "id" in message:
                        last_id = message["id"]
                        self.seen.append(last_id)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()


async def test_followers_cut_anywhere_see_every_event_once(gateway: Gateway, engine: WebSocketManager) -> None:
    count, acknowledged = 2000, []

    async def run_engine() -> None:
        for start in range(0, count, 20):
            receipts = [engine.publish("s1", create_candle_event({"candle_index": start + n}, {})) for n in range(20)]
            acknowledged.extend(receipt.id for receipt in await asyncio.gather(*receipts))

    async with cutting(gateway, bytes_max=40_000, seed=7) as cutter:
        followers = [Follower(cutter, "s1", seed) for seed in range(5)]
        await asyncio.wait_for(asyncio.gather(run_engine(), *(follower.follow(count) for follower in followers)), 50)
    for follower in followers:
        assert follower.seen == acknowledged
        assert follower.visits > 5
    assert metrics(gateway)['wsg_resumes_total{outcome="lost"}'] == 0


def test_who_saw_no_event_yet_comes_back_to_where_it_began(gateway: Gateway) -> None:
    publish(gateway, "s1", [candle(number) for number in range(3)])
    with RawStream.opened(gateway, "s1") as stream:
        began = stream.last_id
        assert began == stream.connected["last_id"]
    publish(gateway, "s1", candle(3))
    with RawStream.opened(gateway, "s1", Last_Event_ID=began) as stream:
        assert stream.connected["resume"]["recovered"] is True
        assert stream.event("candle")["data"] == {"candle_index": 3}


def test_the_header_wins_over_the_query_and_a_filter_holds(gateway: Gateway) -> None:
    ids = [publish(gateway, "s1", {"type": "candle" if number % 2 else "mine", "data": {"n": number}})["id"] for number in range(10)]
    with RawStream.opened(gateway, "s1", query=f"last_event_id={ids[0]}&types=mine", Last_Event_ID=ids[5]) as stream:
        assert stream.connected["resume"]["from"] == ids[5]
        publish(gateway, "s1", [{"type": "candle", "data": {}}, {"type": "mine", "data": {"n": 11}}])
        assert [stream.event()["data"]["n"] for _ in range(3)] == [6, 8, 11]
    with RawStream.opened(gateway, "s1", query=f"last_event_id={ids[7]}") as stream:
        assert stream.event()["id"] == ids[8]


async def test_a_stream_that_is_read_slowly_is_behind_for_a_while_and_misses_nothing(serve) -> None:
    gateway: Gateway = serve("--max-write-queue-bytes", "131072", "--write-timeout", "60")
    count = 150
    with RawStream.opened(gateway, "s1", receive_buffer_bytes=65_536) as slow:
        for number in range(count):
            receipt = await asyncio.to_thread(publish, gateway, "s1", candle(number, text=BIG))
            assert receipt["connections"] == 1 == receipt["sent"] + receipt["queued"]
        (waiting,) = connections(gateway, "s1")
        assert waiting["queued_bytes"] <= 131_072 and waiting["lag"] > 50
        assert metrics(gateway)["wsg_connections_behind"] == 1

        def read_all() -> list[int]:
            return [slow.event("candle")["data"]["candle_index"] for _ in range(count)]

        assert await asyncio.to_thread(read_all) == list(range(count))
        until(lambda: metrics(gateway)["wsg_connections_behind"] == 0, "it is live again")
        assert publish(gateway, "s1", candle(count))["sent"] == 1
        assert slow.event("candle")["data"] == {"candle_index": count}


async def test_a_hundred_streams_and_sockets_of_one_session_get_the_same(serve) -> None:
    gateway: Gateway = serve("--workers", "3")
    streams = [RawStream.opened(gateway, "s1", query="types=candle" if number % 5 == 0 else "") for number in range(50)]
    async with open_tab(gateway, "s1") as plain, open_tab(gateway, "s1", library="aiohttp") as other:
        receipts = [publish(gateway, "s1", [candle(n, text="a" * 700), candle(n + 1)]) for n in range(0, 40, 2)]
        assert all(receipt["connections"] == 104 == receipt["sent"] for receipt in receipts)
        expected = await plain.stream(40)
        assert await other.stream(40) == expected
        for stream in streams:
            assert [stream.event() for _ in range(40)] == expected
            stream.close()
    until(lambda: not connections(gateway, "s1"), "all have left")
    assert metrics(gateway)['wsg_closes_total{code="1001"}'] >= 50


def test_a_heartbeat_is_an_event_and_silence_no_fault(serve) -> None:
    gateway: Gateway = serve("--heartbeat-interval", "0.2", "--stale-timeout", "0.5")
    with RawStream.opened(gateway, "s1") as stream:
        publish(gateway, "s1", candle(1))
        beats = [stream.event("heartbeat")["data"] for _ in range(8)]
        assert beats[-1]["delivered"] == 1 and beats[-1]["last_id"] == stream.last_id and beats[-1]["rtt_ms"] is None
        assert ask(gateway, "POST", "/v1/connections/cleanup", {"max_age_seconds": 0}).json == {"cleaned": 0}
        assert metrics(gateway)["wsg_stale_closes_total"] == 0


def test_its_end_is_told_in_an_event(gateway: Gateway) -> None:
    with RawStream.opened(gateway, "s1") as over, RawStream.opened(gateway, "s2") as gone:
        publish(gateway, "s1", candle(1))
        assert ask(gateway, "DELETE", "/v1/sessions/s1").status == 204
        assert over.event("candle")["data"] == {"candle_index": 1}
        assert over.closed() == (1000, "session ended")
        assert ask(gateway, "DELETE", f"/v1/connections/{gone.connected['connection_id']}").status == 204
        assert gone.closed() == (1000, "disconnected")


def test_a_drain_says_when_to_come_back(serve) -> None:
    gateway: Gateway = serve("--drain-timeout", "10", "--close-timeout", "5")
    with RawStream.opened(gateway, "s1") as stream:
        last = publish(gateway, "s1", candle(1))["id"]
        gateway.terminate()
        code, reason = stream.closed()
        assert (code, reason) == (1012, f"draining; retry-after-ms={stream.reader.retry}")
        assert stream.last_id == last
    assert gateway.wait() == 0


@pytest.mark.parametrize(
    ("method", "session", "query", "headers", "status", "code"),
    [
        ("GET", "s1", "", {"Last_Event_ID": "nonsense"}, 400, "INVALID_QUERY"),
        ("GET", "s1", "", {"Last_Event_ID": "16ja9qn78j68j-01"}, 400, "INVALID_QUERY"),
        ("GET", "s1", "last_event_id=nonsense", {}, 400, "INVALID_QUERY"),
        ("GET", "s1", "join=sometimes", {}, 400, "INVALID_QUERY"),
        ("GET", "a%2Fb", "", {}, 400, "INVALID_SESSION_ID"),
        ("GET", "s1", "", {"Origin": "https://evil.example"}, 403, "ORIGIN_NOT_ALLOWED"),
        ("GET", "s1/more", "", {}, 404, "NOT_FOUND"),
        ("POST", "s1", "", {"Content_Length": "0"}, 405, "METHOD_NOT_ALLOWED"),
        ("HEAD", "s1", "", {}, 405, None),
        ("PUT", "s1", "", {"Content_Length": "0"}, 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_a_refusal_is_a_websockets(
    shared: Gateway, method: str, session: str, query: str, headers: dict[str, str], status: int, code: Optional[str]
) -> None:
    with RawStream(shared, session, query=query, method=method, **headers) as stream:
        answer = stream.answer_to_request
        assert answer.status == status, answer
        if code is not None:
            assert answer.code == code and answer.headers["content-type"] == "application/json"
        if status == 405:
            assert answer.headers["allow"] == "GET, OPTIONS"
        # A refusal leaves the connection open for another try.
        stream.send(stream_request("/sse/backtest/s1"))
        assert stream.take_until(b"\r\n").startswith(b"HTTP/1.1 200 ")


def test_only_a_listed_page_may_read(serve) -> None:
    gateway: Gateway = serve("--allowed-origins", LISTED)
    with RawStream.opened(gateway, "s1", Origin=LISTED) as stream:
        assert stream.headers["access-control-allow-origin"] == LISTED and stream.headers["vary"] == "Origin"
    with RawStream.opened(gateway, "s1") as stream:
        assert "access-control-allow-origin" not in stream.headers and stream.headers["vary"] == "Origin"
    for origin in ("https://evil.example", "https://app.example.com.evil.example", "null", f"{LISTED}, {LISTED}"):
        for method in ("GET", "OPTIONS"):
            with RawStream(gateway, "s1", method=method, Origin=origin) as stream:
                assert (stream.status, stream.answer_to_request.code) == (403, "ORIGIN_NOT_ALLOWED")
                assert "access-control-allow-origin" not in stream.headers
    with RawStream(gateway, "s1", query="join=x", Origin=LISTED) as stream:
        assert stream.status == 400 and stream.headers["access-control-allow-origin"] == LISTED
    with RawStream(gateway, "s1", method="OPTIONS", Origin=LISTED, Access_Control_Request_Method="GET") as stream:
        assert stream.status == 204 and stream.headers["access-control-allow-origin"] == LISTED
        assert stream.headers["access-control-allow-headers"] == "Authorization, Last-Event-ID, Cache-Control"
    everybody: Gateway = serve("--allowed-origins", "*")
    with RawStream.opened(everybody, "s1", Origin="https://evil.example") as stream:
        assert stream.headers["access-control-allow-origin"] == "*" and "vary" not in stream.headers


# A real browser


@pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)
async def test_a_browsers_event_source_sees_everything_once_over_cuts_and_stays_away_when_it_is_over(
    gateway: Gateway, page: PageServer, browse: Callable[..., None]
) -> None:
    published: list[dict[str, Any]] = []

    async def tell(count: int) -> None:
        for _ in range(count):
            data = {"n": len(published), "text": "é 😀 </script>"}
            body = '{"type":"candle",\n"data":\r\n' + json.dumps(data, indent=2).replace("\n", "\r\n") + "}"
            await asyncio.to_thread(publish, gateway, "s1", body, {"Content-Type": "application/json"})
            published.append({"type": "candle", "data": data})

    async def seen() -> dict[str, Any]:
        what = f"the page has seen {len(published)} events"
        return await eventually(lambda: page.story if len(page.story.get("seen", [])) >= len(published) else None, what, START_SECONDS)

    await tell(3)
    async with cutting(gateway) as cutter:
        # From another origin than the gateway's: the browser hands the stream over because it is named there.
        browse(f"http://127.0.0.1:{cutter.port}/sse/backtest/s1?join=all")
        await seen()
        for visits in (2, 3):
            cutter.cut()
            await tell(10)
            await cutter.listen()
            await tell(5)
            await seen()
            assert cutter.connections >= visits
        completed = {"type": "session_completed", "data": {"result_id": "r1"}}
        await asyncio.to_thread(publish, gateway, "s1", completed)
        published.append(completed)
        await eventually(lambda: page.story.get("preflighted"), "a script's own request was let through", START_SECONDS)
        assert ask(gateway, "DELETE", "/v1/sessions/s1").status == 204
        story = await eventually(lambda: page.story if page.story.get("closed") else None, "the page was told the end")
        visits = cutter.connections
        # It would be back after three seconds at the latest.
        await asyncio.sleep(3.5)
        assert cutter.connections == visits
    assert story["seen"] == published
    assert [sequence(event_id) for event_id in story["ids"]] == list(range(1, len(published) + 1))
    assert story["closed"] == [{"code": 1000, "reason": "session ended"}] and story["state"] == 2
    assert story["resumed"][0] is None and all(resume["recovered"] for resume in story["resumed"][1:]) and len(story["resumed"]) >= 3
    assert story["preflighted"] == 200


@pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)
async def test_a_browsers_event_source_moves_to_the_next_gateway(
    serve: Callable[..., Gateway], page: PageServer, browse: Callable[..., None]
) -> None:
    first = serve("--drain-timeout", "5", "--close-timeout", "2")
    browse(f"http://{first.listen}/sse/backtest/s1")
    await eventually(lambda: connections(first, "s1"), "the page has joined", START_SECONDS)
    await asyncio.to_thread(publish, first, "s1", candle(1))
    await eventually(lambda: page.story.get("seen"), "the page saw an event")
    first.terminate()
    await eventually(lambda: first.process.poll() is not None, "the first gateway has drained")
    second = serve(listen=first.listen)
    await eventually(lambda: connections(second, "s1"), "the page is back", START_SECONDS)
    await asyncio.to_thread(publish, second, "s1", candle(2))
    story = await eventually(lambda: page.story if len(page.story["seen"]) == 2 else None, "the page saw the next event")
    assert [one["code"] for one in story["closed"]] == [1012]
    assert story["resumed"] == [None, {"recovered": False, "from": story["ids"][0], "oldest_id": None}]
