"""Under `commit` nobody hears of an event before it is on disk: in the order of the gateway's system calls, which strace tells."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Callable

from gateway import Gateway
from strace import Call, Trace
from streams import RawStream
from wire import RawTab, Wire, control_wire

CALLS = ("fsync", "fdatasync", "pwrite64", "recvfrom", "sendto", "sendmsg", "write", "writev")
SENDING = ("sendto", "sendmsg", "write", "writev")
ONE_BY_ONE = 40
PIPELINED = 200
EVENTS = range(1, ONE_BY_ONE + PIPELINED + 1)
LOG = "history.sqlite3-wal>"


def request(number: int) -> str:
    body = json.dumps({"type": "candle", "data": {"n": number}}, separators=(",", ":"))
    return (
        f"POST /v1/sessions/s1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: k{number}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )


def publish_all(wire: Wire) -> None:
    for number in EVENTS[:ONE_BY_ONE]:
        wire.send(request(number))
        assert wire.answer().json["sequence"] == number
    wire.send("".join(map(request, EVENTS[ONE_BY_ONE:])))
    for number in EVENTS[ONE_BY_ONE:]:
        assert wire.answer().json["sequence"] == number


def first_seen(calls: list[Call], pattern: str) -> dict[int, Call]:
    """The first call with each number in what it read or sent."""
    found: dict[int, Call] = {}
    for call in calls:
        for number in re.findall(pattern, call.text):
            found.setdefault(int(number), call)
    return found


def is_synced(calls: list[Call], after: Call, before: Call) -> bool:
    """Whether something was written to the log after the one, and a sync of the log succeeded that began behind it and ended before the other began."""
    written = [call.ended for call in calls if call.name == "pwrite64" and LOG in call.text and after.ended < call.began]
    return any(
        call.name in ("fsync", "fdatasync") and LOG in call.text and call.result == 0 and written and written[0] < call.began
        and call.ended < before.began
        for call in calls
    )  # fmt: skip


def ahead_of_the_disk(serve: Callable[..., Gateway], directory: Path, durability: str) -> tuple[set[int], set[int]]:
    """The events that were acknowledged, and those that were delivered, before they were on disk."""
    Trace.need(directory)
    trace, data = Trace(directory / "trace", CALLS), directory / "data"
    data.mkdir()
    gateway = serve("--data", str(data), "--durability", durability, under=trace.command)
    with ExitStack() as stack:
        # On several workers, by chance.
        tabs = [stack.enter_context(RawTab.opened(gateway, "s1")) for _ in range(4)]
        stream = stack.enter_context(RawStream(gateway, "s1"))
        publish_all(stack.enter_context(control_wire(gateway)))
        for tab in tabs:
            assert [tab.event("candle")["data"]["n"] for _ in EVENTS] == list(EVENTS)
        stream.take_until(f'"n":{EVENTS[-1]}}}'.encode())
    gateway.terminate()
    assert gateway.wait() == 0
    calls = trace.calls(gateway.pid)
    sends = [call for call in calls if call.name in SENDING and "<socket:" in call.text]
    reads = first_seen([call for call in calls if call.name == "recvfrom"], r'\{\\"n\\":(\d+)\}')
    answers = first_seen(sends, r'\\"sequence\\":(\d+)')
    deliveries = first_seen(sends, r'\{\\"n\\":(\d+)\}')
    assert set(reads) == set(answers) == set(deliveries) == set(EVENTS), "the trace has everything"

    def too_early(told: dict[int, Call]) -> set[int]:
        return {number for number in EVENTS if not is_synced(calls, reads[number], told[number])}

    return too_early(answers), too_early(deliveries)


def test_under_commit_an_event_is_synced_before_it_is_acknowledged_or_delivered(serve: Callable[..., Gateway], tmp_path: Path) -> None:
    assert ahead_of_the_disk(serve, tmp_path, "commit") == (set(), set())


def test_under_relaxed_events_go_out_before_they_are_synced(serve: Callable[..., Gateway], tmp_path: Path) -> None:
    """Which is what that durability is for, and shows that the test above can fail."""
    acknowledged, delivered = ahead_of_the_disk(serve, tmp_path, "relaxed")
    assert len(acknowledged) > len(EVENTS) / 2 and len(delivered) > len(EVENTS) / 2
