"""Tabs that misbehave on purpose, and what is expected of the gateway then."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from control import metrics
from frames import FIN, frame
from gateway import Gateway
from limits_off import known_settings
from waiting import patience
from wire import CLOSE, TEXT, Frame, RawTab, Wire

SESSION = "attacked"
PING_COMMAND = b'{"action":"ping"}'

PROTOCOL_ERROR, INVALID_DATA, POLICY, TOO_BIG, SLOW, STALE, RATE_LIMITED = 1002, 1007, 1008, 1009, 4408, 4411, 4429

Headers = dict[str, Any]
DEFLATE: Headers = {"Sec_WebSocket_Extensions": "permessage-deflate"}


def opened(gateway: Gateway, session: str = SESSION, **options: Any) -> RawTab:
    return RawTab.opened(gateway, session, **options)


def violations(gateway: Gateway) -> Counter[str]:
    """How often each rule was broken so far."""
    name = "wsg_protocol_violations_total{violation="
    return Counter({sample[len(name) :].strip('"}'): int(value) for sample, value in metrics(gateway).items() if sample.startswith(name)})


def assert_ended(tab: RawTab, code: int) -> list[Frame]:
    """The gateway's close frame has that code and a reason people can read, and then it sends FIN at once. What came before is returned."""
    before = []
    while (last := tab.frame()).opcode != CLOSE:
        before.append(last)
    assert last.close[0] == code and last.close[1], last
    assert tab.at_end()
    return before


def assert_served(tab: RawTab) -> None:
    """A command is answered: the connection is as good as before."""
    tab.send(frame(FIN | TEXT, PING_COMMAND))
    assert tab.event()["type"] == "heartbeat"


def send_until_ended(wire: Wire, data: bytes, seconds: float = 10) -> int:
    """Sends it again and again, until the gateway breaks the connection: how often. Being read for longer, or blocked, is a failure."""
    deadline = time.monotonic() + patience(seconds)
    for count in range(1_000_000):
        try:
            wire.send(data)
        except ConnectionError:
            return count
        assert time.monotonic() < deadline, "it is still read"
    raise AssertionError("a million times")


def needs(*settings: str) -> None:
    if missing := set(settings) - known_settings():
        pytest.skip(f"NO SETTING: this executable has no {', '.join(sorted(missing))}")


def lifted_rates() -> list[str]:
    """Flags that take the rates of messages away, where the executable has them: for what must hold without their help."""
    rates = ("--message-rate", "--message-burst", "--message-byte-rate", "--message-byte-burst", "--max-message-excess")
    return [part for flag in rates if flag in known_settings() for part in (flag, "1000000000")]
