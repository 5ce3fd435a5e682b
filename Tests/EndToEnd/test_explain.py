"""Why a user lost the connection, or saw less than everything: a connection's story, the newest closures, and `watch --explain`."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Optional

import pytest

from control import ask, candle, connections, metrics, publish
from gateway import EXECUTABLE, Gateway, environment, run
from streams import RawStream
from test_closing import masked
from waiting import patience, until
from wire import BINARY, TEXT, RawTab

BIG = "x" * 65_000
QUEUE_BYTES = 131_072
CLOSURES_MAX = 256


def known(gateway: Gateway, connection: str) -> dict[str, Any]:
    answer = ask(gateway, "GET", f"/v1/connections/{connection}")
    assert answer.status == 200, answer
    return answer.json


def closure(gateway: Gateway, connection: str) -> Optional[dict[str, Any]]:
    answer = ask(gateway, "GET", f"/v1/connections/{connection}")
    if answer.status == 200:
        return None
    assert (answer.status, answer.code) == (404, "CONNECTION_NOT_FOUND"), answer
    return answer.json["error"]["details"].get("closure")


def closures(gateway: Gateway, query: str = "") -> list[dict[str, Any]]:
    return ask(gateway, "GET", f"/v1/closures{query}").json["closures"]


def kinds(connection: dict[str, Any]) -> list[str]:
    return [moment["moment"] for moment in connection["story"]]


def make_lag(gateway: Gateway, session: str) -> int:
    """Publishes until the socket takes nothing any more, and returns how many events that took."""
    for number in range(1, 500):
        if publish(gateway, session, candle(number, text=BIG))["queued"] == 1:
            return number
    raise AssertionError("the socket takes everything")


# The story


async def test_a_slow_reader_that_falls_behind_and_catches_up_is_explained(serve) -> None:
    gateway: Gateway = serve("--max-write-queue-bytes", str(QUEUE_BYTES), "--write-timeout", "60")
    count = 150
    with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536) as slow, RawTab.opened(gateway, "s1") as other:
        id = slow.connected["connection_id"]
        assert known(gateway, id)["story"] == [] and known(gateway, id)["story_dropped"] == 0

        def read(tab: RawTab) -> list[int]:
            return [tab.event("candle")["data"]["candle_index"] for _ in range(count)]

        reading = asyncio.create_task(asyncio.to_thread(read, other))
        for number in range(count):
            await asyncio.to_thread(publish, gateway, "s1", candle(number, text=BIG))
        lagged, behind = known(gateway, id)["story"]
        assert (lagged["moment"], lagged["count"]) == ("lagged", 1) and 0 < lagged["queued_bytes"] <= len(BIG) + 200
        assert (behind["moment"], behind["count"]) == ("fell_behind", 1) and 0 < behind["queued_bytes"] <= QUEUE_BYTES
        assert lagged["at"] <= behind["at"] == behind["last_at"]
        place = int(behind["after_id"].rpartition("-")[2])

        assert await asyncio.to_thread(read, slow) == list(range(count))
        until(lambda: metrics(gateway)["wsg_connections_behind"] == 0, "it is live again")
        story = known(gateway, id)["story"]
        assert kinds({"story": story})[:3] == ["lagged", "fell_behind", "caught_up"]
        assert story[2]["events"] == count - place and story[2]["duration_ms"] >= 0
        await reading
        assert "story" not in connections(gateway, "s1")[0], "a list leaves the stories out"
        slow.send_close()
        record = until(lambda: closure(gateway, id), "it is closed")
        assert record["story"][:3] == story[:3] and record["delivered"] == count
        assert (record["by"], record["reason"], record["queued_bytes"], record["lag"]) == ("client", "client_left", 0, 0)
        assert record["connected_at"] < story[0]["at"] < record["closed_at"]


def test_what_was_left_out_lost_and_too_fast_is_in_the_story(serve) -> None:
    gateway: Gateway = serve(
        "--max-write-queue-bytes", str(QUEUE_BYTES), "--write-timeout", "60", "--max-history-events", "20", "--message-burst", "5",
        "--message-rate", "1",
    )  # fmt: skip
    with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536) as slow:
        id = slow.connected["connection_id"]
        make_lag(gateway, "s1")
        publish(gateway, "s1", [{"type": "stats_update", "data": {"n": n}} for n in range(10)])
        for number in range(60):
            head = publish(gateway, "s1", candle(number, text=BIG))["sequence"]
        for _ in range(12):
            slow.send_frame(TEXT, '{"action":"look"}')
        while slow.event().get("id", "").rpartition("-")[2] != str(head):
            pass
        until(lambda: "caught_up" in kinds(known(gateway, id)), "it is live again")
        story = {moment["moment"]: moment for moment in known(gateway, id)["story"]}
    assert set(story) >= {"lagged", "fell_behind", "conflated", "lost", "rate_limited", "caught_up"}, story
    assert story["conflated"]["events"] == 9 and story["conflated"]["types"] == ["stats_update"]
    assert story["lost"]["events"] >= 1 and story["lost"]["first_id"] != story["lost"]["last_id"]
    assert 5 <= story["rate_limited"]["count"] <= 7


# Why it ended


@dataclass
class Cause:
    reason: str
    by: str
    code: int
    end: Callable[[Gateway, RawTab], object]
    flags: tuple[str, ...] = ()
    violation: Optional[str] = None
    options: dict[str, Any] = field(default_factory=dict)


def disconnect(gateway: Gateway, tab: RawTab) -> None:
    ask(gateway, "DELETE", f"/v1/connections/{tab.connected['connection_id']}")


def lag_and_wait(gateway: Gateway, tab: RawTab) -> None:
    make_lag(gateway, "s1")


def fill(gateway: Gateway, tab: RawTab) -> None:
    for number in range(500):
        if publish(gateway, "s1", candle(number, text=BIG))["connections"] == 0:
            return


def flood(gateway: Gateway, tab: RawTab) -> None:
    tab.send(masked(0x81, b"{}") * 20)


SMALL = {"receive_buffer_bytes": 65_536}
CAUSES = {
    "left": Cause("client_left", "client", 1000, lambda gateway, tab: tab.send_close(1000)),
    "left with a code of its own": Cause("client_left", "client", 4000, lambda gateway, tab: tab.send_close(4000)),
    "left without a code": Cause("client_left", "client", 1005, lambda gateway, tab: tab.send_close(None)),
    "ended": Cause("ended_without_close", "network", 1006, lambda gateway, tab: tab.close()),
    "reset": Cause("reset", "network", 1006, lambda gateway, tab: tab.reset()),
    "session over": Cause("session_ended", "gateway", 1000, lambda gateway, tab: ask(gateway, "DELETE", "/v1/sessions/s1")),
    "disconnected": Cause("disconnected", "gateway", 1000, disconnect),
    "draining": Cause("draining", "gateway", 1012, lambda gateway, tab: gateway.terminate()),
    "no progress": Cause("slow_no_progress", "gateway", 4408, lag_and_wait, ("--write-timeout", "0.3"), options=SMALL),
    "queue full": Cause(
        "slow_queue_full", "gateway", 4408, fill, ("--max-history-events", "0", "--max-write-queue-bytes", "100000"), options=SMALL
    ),
    "stale": Cause("stale", "gateway", 4411, lambda gateway, tab: None, ("--stale-timeout", "0.3")),
    "cleaned up": Cause(
        "cleaned_up", "gateway", 4411,
        lambda gateway, tab: until(
            lambda: ask(gateway, "POST", "/v1/connections/cleanup", {"max_age_seconds": 0.01}).json["cleaned"], "it was silent"
        ),
    ),  # fmt: skip
    "violation": Cause("protocol_violation", "gateway", 1002, lambda gateway, tab: tab.send(masked(0x83)), violation="reserved_opcode"),
    "not UTF-8": Cause("protocol_violation", "gateway", 1007, lambda gateway, tab: tab.send(masked(0x81, b"\xff")), violation="invalid_utf8"),
    "binary": Cause("protocol_violation", "gateway", 1003, lambda gateway, tab: tab.send_frame(BINARY), violation="binary_message"),
    "unfinished": Cause(
        "protocol_violation", "gateway", 1008, lambda gateway, tab: tab.send_frame(TEXT, "{", fin=False), ("--message-timeout", "0.3"),
        "message_unfinished",
    ),  # fmt: skip
    "flood": Cause(
        "rate_limited", "gateway", 4429, flood, ("--message-rate", "1", "--message-burst", "1", "--max-message-excess", "5")
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CAUSES)
def test_a_client_that_is_closed_has_its_record(serve, name: str) -> None:
    cause = CAUSES[name]
    gateway: Gateway = serve(*cause.flags)
    tab = RawTab.opened(gateway, "s1", kind="forward", **cause.options)
    try:
        id = tab.connected["connection_id"]
        cause.end(gateway, tab)
        record = until(lambda: closure(gateway, id), "it has left its session")
        assert (record["reason"], record["by"], record["close_code"]) == (cause.reason, cause.by, cause.code)
        assert record["violation"] == cause.violation
        assert (record["connection_id"], record["session_id"], record["kind"], record["transport"]) == (id, "s1", "forward", "websocket")
        assert record["remote_address"] == "127.0.0.1" and record["connected_at"] < record["closed_at"]
        assert set(record) == {
            "connection_id", "session_id", "kind", "transport", "remote_address", "connected_at", "closed_at", "close_code", "by", "reason",
            "violation", "delivered", "last_id", "queued_bytes", "lag", "rtt_ms", "story", "story_dropped",
        }  # fmt: skip
        slow = cause.code == 4408
        assert (record["queued_bytes"] > 0 and "lagged" in kinds(record)) == slow, record
        assert closures(gateway) == [record], "once"
    finally:
        tab.close()


def test_a_refused_client_has_a_record_without_a_session(gateway: Gateway) -> None:
    assert ask(gateway, "PUT", "/v1/sessions/s1", {"kind": "forward"}).status == 201
    with RawTab(gateway, "s1", Sec_WebSocket_Protocol="wsg.v1") as tab:
        assert tab.close_frame()[0] == 4403
        (record,) = until(lambda: closures(gateway), "it is noted")
    assert (record["reason"], record["by"], record["close_code"], record["session_id"]) == ("refused", "gateway", 4403, None)


def test_an_event_stream_has_its_record_too(gateway: Gateway) -> None:
    with RawStream.opened(gateway, "s1") as stream:
        id = stream.connected["connection_id"]
    record = until(lambda: closure(gateway, id), "it has left")
    assert (record["reason"], record["by"], record["close_code"], record["transport"]) == ("client_left", "client", 1001, "sse")


# The list


def test_closures_are_newest_first_of_one_session_or_all_and_bounded(serve) -> None:
    gateway: Gateway = serve("--workers", "1", "--connection-burst-per-address", "100000")
    ids = []
    for number in range(CLOSURES_MAX + 10):
        with RawTab.opened(gateway, f"s{number % 2}") as tab:
            ids.append(tab.connected["connection_id"])
            tab.send_close()
            assert tab.close_frame()[0] == 1000
    until(lambda: closure(gateway, ids[-1]), "the last has left")
    kept = closures(gateway, "?limit=1000")
    assert [record["connection_id"] for record in kept] == ids[: -CLOSURES_MAX - 1 : -1]
    assert len(closures(gateway)) == 100 and closures(gateway) == kept[:100]
    assert closures(gateway, "?session_id=s1&limit=5") == [record for record in kept if record["session_id"] == "s1"][:5]
    assert closures(gateway, "?session_id=unknown") == []
    assert closure(gateway, ids[0]) is None and closure(gateway, ids[-1]) == kept[0]


def test_closures_of_all_workers_are_in_one_order(serve) -> None:
    gateway: Gateway = serve("--workers", "3")
    ids = []
    for _ in range(30):
        with RawTab.opened(gateway, "s1") as tab:
            ids.append(tab.connected["connection_id"])
            tab.send_close()
            tab.close_frame()
    # A worker may be interrupted between its Close frame and its note.
    records = until(lambda: len(found := closures(gateway)) == len(ids) and found, "all have left")
    assert {record["connection_id"] for record in records} == set(ids)
    times = [record["closed_at"] for record in records]
    assert times == sorted(times, reverse=True)
    assert closures(gateway, "?limit=7") == records[:7]


@pytest.mark.parametrize("query", ["?limit=0", "?limit=1001", "?limit=x", "?after=1", "?session_id=a/b", "?session_id="])
def test_a_question_that_is_none_is_refused(shared: Gateway, query: str) -> None:
    assert ask(shared, "GET", f"/v1/closures{query}").code in ("INVALID_QUERY", "INVALID_SESSION_ID")


def test_closures_are_read_only(shared: Gateway) -> None:
    answer = ask(shared, "POST", "/v1/closures", {})
    assert answer.status == 405 and answer.headers["allow"] == "GET"


# watch --explain


def explained(errors: str) -> list[str]:
    """What was said, without the times of day."""
    return [re.sub(r"\d\d:\d\d:\d\d\.\d{3}", "TIME", line.removeprefix("websocket-gateway: ")) for line in errors.splitlines()]


class Watch:
    def __init__(self, gateway: Gateway, *flags: str) -> None:
        command = [str(EXECUTABLE), "watch", "s1", "--connect", gateway.listen, "--explain", "--control", gateway.control, *flags]
        self.process = subprocess.Popen(
            command, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        until(lambda: self.process.poll() is not None or connections(gateway, "s1"), "it has joined")

    def end(self) -> list[str]:
        try:
            _, errors = self.process.communicate(timeout=patience(20))
        finally:
            self.process.kill()
        return explained(errors)


def test_watch_explains_how_it_fell_behind_and_why_it_was_closed(serve) -> None:
    gateway: Gateway = serve("--max-write-queue-bytes", "1048576", "--write-timeout", "60")
    watch = Watch(gateway)
    watch.process.send_signal(signal.SIGSTOP)
    make_lag(gateway, "s1")
    for number in range(40):
        publish(gateway, "s1", [candle(number, text=BIG), *({"type": "stats_update", "data": {"n": n}} for n in range(5))])
    watch.process.send_signal(signal.SIGCONT)
    until(lambda: metrics(gateway)["wsg_connections_behind"] == 0, "it has caught up")
    (connection,) = connections(gateway, "s1")
    until(lambda: known(gateway, connection["connection_id"])["queued_bytes"] == 0, "it has taken everything")
    assert ask(gateway, "DELETE", "/v1/sessions/s1").status == 204
    lines = watch.end()
    assert watch.process.returncode == 0, lines
    text = "\n".join(lines)
    assert "GAP" not in text
    assert re.search(r"TIME.* your socket did not take everything: ", text), text
    assert re.search(r"^TIME your queue was full at [\d,]+\.\d (Ki|Mi)B \(after …-\d+\); what follows came from the history$", text, re.M), text
    assert re.search(r"^TIME caught up: \d+ events in [\d.]+ m?s$", text, re.M), text
    assert re.search(r"left out by policy, because newer ones followed: \d+ events \(stats_update\)$", text, re.M), text
    assert re.search(r"^TIME closed by the gateway with 1000: the session is over; delivered \d+ events up to …-\d+$", text, re.M), text


def test_watch_explains_a_healthy_connection_at_its_own_end(gateway: Gateway) -> None:
    watch = Watch(gateway, "--count", "2")
    publish(gateway, "s1", [candle(1), candle(2), candle(3)])
    assert watch.end() == ["nothing noteworthy has happened to this connection"]
    assert watch.process.returncode == 0


def test_watch_explains_who_disconnected_it_and_ends_on_ctrl_c(gateway: Gateway) -> None:
    watch = Watch(gateway)
    (connection,) = connections(gateway, "s1")
    ask(gateway, "DELETE", f"/v1/connections/{connection['connection_id']}")
    lines = watch.end()
    assert lines[-1] == "TIME closed by the gateway with 1000: an engine disconnected this client; delivered 0 events", lines
    interrupted = Watch(gateway)
    interrupted.process.send_signal(signal.SIGINT)
    assert interrupted.end() == ["nothing noteworthy has happened to this connection"] and interrupted.process.returncode == 0


def test_watch_says_where_nobody_can_be_asked(gateway: Gateway) -> None:
    command = ["watch", "s1", "--connect", gateway.listen, "--explain", "--control", "127.0.0.1:1", "--count", "1"]
    with subprocess.Popen(
        [str(EXECUTABLE), *command], env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        until(lambda: connections(gateway, "s1"), "it has joined")
        publish(gateway, "s1", candle(1))
        _, errors = process.communicate(timeout=patience(10))
    assert process.returncode == 0 and "cannot explain: nothing listens on 127.0.0.1:1" in errors, errors


def test_control_without_explain_is_refused() -> None:
    ended = run("watch", "s1", "--control", "127.0.0.1:1")
    assert ended.returncode == 64 and "--control is for --explain" in ended.stderr
