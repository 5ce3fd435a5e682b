"""A client of another language and library: the JDK's own WebSocket, one source file, nothing to install."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from control import candle, connections, publish
from gateway import Gateway, environment
from waiting import until

CLIENT = Path(__file__).parent / "java/Client.java"

pytestmark = pytest.mark.skipif(shutil.which("java") is None, reason="NO JAVA: put a JDK of 11 or later on PATH")


def test_the_jdks_websocket_receives_pings_and_closes(gateway: Gateway) -> None:
    command = ["java", str(CLIENT), gateway.url("s1"), "3"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as client:
        try:
            until(lambda: client.poll() is not None or connections(gateway, "s1"), "the client has joined", seconds=30)
            data: list[dict[str, Any]] = [{"text": "é😀"}, {"price": 1.50}, {"big": "x" * 100_000}]
            ids = [publish(gateway, "s1", candle(number, **more))["id"] for number, more in enumerate(data)]
            output, errors = client.communicate(timeout=30)
        finally:
            client.kill()
    assert client.returncode == 0, errors
    *messages, closed = output.splitlines()
    connected, *events, heartbeat = (json.loads(message) for message in messages)
    assert connected["type"] == "connected"
    assert [event["id"] for event in events] == ids
    assert [event["data"] for event in events] == [{"candle_index": number, **more} for number, more in enumerate(data)]
    assert (heartbeat["type"], heartbeat["data"]["delivered"]) == ("heartbeat", 3)
    # Since JDK 11 the listener is told the code the server echoed.
    assert closed.startswith("closed 1000")
