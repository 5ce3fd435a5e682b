"""The judges judged: each thing that a siege demands is taken away once, and it must be noticed. And the table of lifted limits is true."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from typing import Callable

import pytest

from control import ask
from gateway import REPOSITORY, Gateway, run
from limits_off import LARGEST, known_settings, without
from siege import Siege
from waiting import SANITIZED, until
from wire import RawTab, Wire


@pytest.fixture
def besieged(serve: Callable[..., Gateway]) -> Iterator[Siege]:
    """A siege that no fixture judges."""
    siege = Siege(serve())
    yield siege
    siege.stop()


def test_a_siege_in_which_nothing_happens_is_judged_well(besieged: Siege) -> None:
    besieged.judge()
    assert besieged.bystander.received > 1


def test_an_event_too_few_or_too_many_is_noticed(besieged: Siege) -> None:
    ask(besieged.gateway, "POST", f"/v1/sessions/{besieged.bystander.SESSION}/events", {"type": "price_update", "data": {"n": -1}})
    with pytest.raises(AssertionError, match="the bystander was harmed"):
        besieged.judge()


def test_a_bystander_that_is_closed_is_noticed(besieged: Siege) -> None:
    ask(besieged.gateway, "DELETE", f"/v1/sessions/{besieged.bystander.SESSION}")
    with pytest.raises(AssertionError, match="the bystander was harmed"):
        besieged.judge()


def test_a_socket_that_stays_is_noticed(besieged: Siege, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waiting.DEADLINE_SECONDS", 0.3)
    with Wire(besieged.gateway.address):
        with pytest.raises(AssertionError, match="sockets, as before"):
            besieged.judge()


def test_a_socket_too_few_is_noticed(serve: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = serve()
    with RawTab.opened(gateway, "s1") as tab:
        siege = Siege(gateway)
        tab.reset()
        monkeypatch.setattr("waiting.DEADLINE_SECONDS", 0.3)
        with pytest.raises(AssertionError, match="sockets, as before"):
            siege.judge()
    siege.stop()


def test_a_late_event_is_noticed(besieged: Siege) -> None:
    besieged.gateway.process.send_signal(signal.SIGSTOP)
    seen = besieged.bystander.received
    with pytest.raises(AssertionError, match="not within"):
        until(lambda: besieged.bystander.received > seen + 1, "events go on though the gateway stands still", seconds=0.5)
    besieged.gateway.process.send_signal(signal.SIGCONT)
    besieged.LATENCY_SECONDS_MAX = 0.2
    with pytest.raises(AssertionError, match="an event took"):
        besieged.judge()


def test_a_gateway_that_died_is_noticed(serve: Callable[..., Gateway]) -> None:
    gateway = serve()
    siege = Siege(gateway)
    gateway.expects_end = True
    gateway.process.kill()
    gateway.process.wait()
    with pytest.raises(AssertionError, match="the gateway died"):
        siege.judge()
    siege.stop()
    gateway.process.returncode = 0


@pytest.mark.skipif(bool(SANITIZED), reason="SANITIZED: memory is not judged")
def test_memory_that_was_used_in_between_is_noticed_though_it_is_given_back(besieged: Siege) -> None:
    # A mebibyte of body is held until it is found to be no JSON.
    besieged.memory_bytes_max = 1 << 19
    assert ask(besieged.gateway, "POST", "/v1/sessions/s1/events", " " * 1_048_576).status == 400
    with pytest.raises(AssertionError, match="memory grew"):
        besieged.judge()


# The table of limits

EXCEPTIONS = {"--max-control-connections", "--max-event-bytes"}
"""Not at the end of their range, for the reasons that the table gives."""

NO_LIMITS = {
    "workers", "deflate-threshold-bytes", "heartbeat-interval", "jwks-refresh-interval", "jwks-unknown-key-interval", "jwks-timeout",
}
"""Settings with a range that keep nobody from anything."""


def documented() -> dict[str, str]:
    """Every setting with a range and its upper end, of docs/OPERATING.md; a time has the range that all times have."""
    text = (REPOSITORY / "docs/OPERATING.md").read_text()
    rows = re.findall(r"^\| `([a-z-]+)` \| ([^|]*) \| ([^|]*) \|", text, re.MULTILINE)
    ends = {}
    for name, _, values in rows:
        if end := re.search(r" to ([0-9,]+|max-[a-z-]+)", values):
            ends[f"--{name}"] = end[1].replace(",", "")
        elif name.endswith(("-timeout", "-interval")):
            ends[f"--{name}"] = "10000000"
    return {name: end for name, end in ends.items() if name.lstrip("-") not in NO_LIMITS}


def test_every_documented_limit_is_in_the_table_at_the_end_of_its_range() -> None:
    for name, end in documented().items():
        assert name in LARGEST
        if name not in EXCEPTIONS:
            assert LARGEST[name] == end, name


def test_the_executable_takes_them_all() -> None:
    flags = [part for name, value in LARGEST.items() if name in known_settings() for part in (name, value)]
    ended = run("serve", "--check", *flags)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_lifted_setting_is_taken_out_of_the_flags_however_it_is_written() -> None:
    flags = [
        "--workers",
        "3",
        "--max-connections",
        "5",
        "--max-sessions=4",
        "--registered-sessions-only",
        "--max-connections-per-session",
        "6",
    ]
    kept = ["--workers", "3", "--registered-sessions-only", "--max-connections-per-session", "6"]
    assert without(flags, {"--max-connections", "--max-sessions"}) == kept
