"""The executable's own clients: `load`, `watch` and `publish`."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from control import candle, connections, publish
from gateway import EXECUTABLE, Gateway, environment, run
from waiting import until
from wire import RawTab

FULL = bool(os.environ.get("WSG_FULL"))


def require(subcommand: str) -> None:
    """Skips where the executable does not know the subcommand yet. (An unknown one shows the help of the whole, and exits 64.)"""
    asked = run(subcommand, "--help")
    if asked.returncode != 0 or f"USAGE: websocket-gateway {subcommand}" not in asked.stdout:
        pytest.skip(f"NO {subcommand.upper()}: this build has no `{subcommand}` subcommand")


def test_a_load_of_500_connections_loses_nothing(serve) -> None:
    require("load")
    gateway: Gateway = serve("--max-connections-per-session", "500", "--max-connections", "1000")
    events = 10_000 if FULL else 2_000
    ended = run(
        "load", "--connect", gateway.listen, "--control", gateway.control, "--connections", "500", "--events", str(events), "--json",
        seconds=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout)
    assert report["lost"] == 0, report


def test_watch_prints_the_messages_as_they_came_and_ends_after_as_many(gateway: Gateway) -> None:
    require("watch")
    command = [str(EXECUTABLE), "watch", "s1", "--raw", "--count", "4", "--connect", gateway.listen]
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watch:
        try:
            until(lambda: watch.poll() is not None or connections(gateway, "s1"), "it has joined")
            publish(gateway, "s1", '[{"type":"candle","data":{"price":1.50 , "text":"é\\u0041"},"timestamp":"t1"}]')
            publish(gateway, "s1", [candle(number) for number in range(5)])
            output, errors = watch.communicate(timeout=10)
        finally:
            watch.kill()
    assert watch.returncode == 0, errors
    lines = output.splitlines()
    # `--count` counts events of the session; what the gateway says to this connection alone comes on top.
    assert json.loads(lines[0])["type"] == "connected"
    assert '"data":{"price":1.50 , "text":"é\\u0041"},"timestamp":"t1"}' in output
    streamed = [event for event in map(json.loads, lines) if "id" in event]
    assert [int(event["id"].rpartition("-")[2]) for event in streamed] == [1, 2, 3, 4]


def test_publish_sends_the_lines_of_its_input_in_order(gateway: Gateway) -> None:
    require("publish")
    with RawTab.opened(gateway, "s1") as tab:
        lines = "".join(json.dumps(candle(number)) + "\n" for number in range(50))
        ended = run("publish", "s1", "--control", gateway.control, stdin=lines)
        assert ended.returncode == 0, ended.stderr
        assert [tab.event()["data"]["candle_index"] for _ in range(50)] == list(range(50))


def test_publish_says_which_line_was_refused(gateway: Gateway) -> None:
    require("publish")
    ended = run("publish", "s1", "--control", gateway.control, stdin=f'{json.dumps(candle(1))}\n{{"type":"connected","data":{{}}}}\n')
    assert ended.returncode != 0
    assert "RESERVED_TYPE" in ended.stderr or "line 2" in ended.stderr, ended.stderr
