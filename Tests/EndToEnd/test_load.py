"""`load` as a measure of servers: their processes, other dialects, latencies one by one."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from control import ask, metrics
from gateway import Gateway, run
from peers import FakeNATS, FakeNchan, Meddle, Peer, honest

PEERS = [FakeNchan, FakeNATS]


def load(*flags: str, seconds: float = 30) -> tuple[dict[str, Any], subprocess.CompletedProcess[str]]:
    """A load's report, if it came to that, and how it ended."""
    ended = run("load", "--json", *flags, seconds=seconds)
    return json.loads(ended.stdout) if ended.stdout else {}, ended


def of(gateway: Gateway) -> list[str]:
    return ["--connect", gateway.listen, "--control", gateway.control]


def test_the_processes_named_are_measured_and_the_gateway_is_not_asked(gateway: Gateway) -> None:
    report, ended = load(*of(gateway), "--connections", "20", "--events", "200", "--server-pid", str(gateway.pid), "--histogram")
    assert ended.returncode == 0, ended.stderr
    assert report["gateway_cpu_s"] is None and report["gateway_cpu_us_per_delivery"] is None
    counted = metrics(gateway)
    assert 0 < report["server_cpu_s"] <= counted["process_cpu_seconds_total"]
    assert report["server_cpu_us_per_delivery"] == pytest.approx(report["server_cpu_s"] * 1e6 / 4_000)
    # Ticks of 10 ms, one for each of two clocks and two looks.
    assert report["server_user_s"] + report["server_system_s"] == pytest.approx(report["server_cpu_s"], abs=0.04)
    assert report["machine_busy_s"] >= 0
    assert sum(count for _, count in report["latency_buckets"]) == report["delivered"] == 4_000
    bounds = [bound for bound, _ in report["latency_buckets"]]
    assert bounds == sorted(set(bounds)) and bounds[-1] >= report["latency_ms"]["max"] * 1e6


def test_the_gateway_tells_its_own_time_where_no_process_is_named(gateway: Gateway) -> None:
    report, ended = load(*of(gateway), "--connections", "5", "--events", "20")
    assert ended.returncode == 0, ended.stderr
    assert report["gateway_cpu_s"] is not None and report["machine_busy_s"] is not None
    assert [report[f"server_{name}"] for name in ("cpu_s", "user_s", "system_s", "cpu_us_per_delivery")] == [None] * 4
    assert "latency_buckets" not in report


def test_a_process_that_does_not_exist_is_named_before_anything_is_opened() -> None:
    # Nothing listens there either; that is not what is said.
    addresses = ["--connect", "127.0.0.1:1", "--control", "127.0.0.1:1"]
    ended = run("load", *addresses, "--server-pid", str(os.getpid()), "--server-pid", "1073741824")
    assert ended.returncode == 64
    assert "--server-pid: there is no process 1073741824" in ended.stderr
    assert ended.stdout == ""


def test_a_process_that_ends_during_the_run_fails_it() -> None:
    with subprocess.Popen(["sleep", "100"]) as victim:

        def end_it(reader: int, number: int, event: bytes) -> list[bytes]:
            victim.kill()
            victim.wait()
            return [event]

        with FakeNATS(end_it) as peer:
            report, ended = load(*peer.flags, "--connections", "2", "--events", "5", "--server-pid", str(victim.pid))
    assert ended.returncode == 1
    assert report["failure"] == f"--server-pid: there is no process {victim.pid}"
    assert report["server_cpu_s"] is None


@pytest.mark.parametrize("kind", PEERS)
@pytest.mark.parametrize(
    "flags", ["--in-flight 1", "--in-flight 8 --payload candles", "--event-bytes 70000", "--publishers 2 --in-flight 4"]
)
def test_other_servers_are_checked_as_the_gateway_is(kind: type[Peer], flags: str) -> None:
    sizes = ["--connections", "6", "--sessions", "3", "--events", "30"]
    with kind() as peer:
        report, ended = load(*peer.flags, *sizes, "--server-pid", str(os.getpid()), *flags.split())
    assert ended.returncode == 0, ended.stderr
    assert (report["dialect"], report["delivered"], report["published"], report["offences"]) == (kind.dialect, 180, 90, 0), report
    assert report["receipts"] is None and report["gateway_cpu_s"] is None
    assert report["server_cpu_s"] > 0
    assert peer.publishers == report["publishers"] == (2 if "--publishers" in flags else 3)
    assert report["wire_bytes"] > report["message_bytes"] > 90 * report["event_bytes"]
    if isinstance(peer, FakeNATS):
        assert peer.pongs >= 6


def digit_changed(reader: int, number: int, event: bytes) -> list[bytes]:
    if (reader, number) != (0, 2):
        return [event]
    place = event.index(b'"close":') + 8
    return [event[:place] + (b"2" if event[place : place + 1] != b"2" else b"3") + event[place + 1 :]]


def one_left_out(reader: int, number: int, event: bytes) -> list[bytes]:
    return [] if (reader, number) == (0, 2) else [event]


def one_twice(reader: int, number: int, event: bytes) -> list[bytes]:
    return [event, event] if (reader, number) == (0, 2) else [event]


def of_another_run(reader: int, number: int, event: bytes) -> list[bytes]:
    return [event[:7] + b"0123456789abc" + event[20:]] if (reader, number) == (0, 2) else [event]


def a_word_of_its_own(reader: int, number: int, event: bytes) -> list[bytes]:
    return [b'{"type":"hello"}', event] if (reader, number) == (0, 2) else [event]


MEDDLINGS: list[tuple[Meddle, str]] = [
    (digit_changed, "event 3 did not arrive as it was published"),
    (one_left_out, "gap(1): 3 was expected, 4 came"),
    (one_twice, "duplicate: 4 was expected, 3 came"),
    (of_another_run, "an event of another epoch, 3"),
    (a_word_of_its_own, "the gateway said"),
]


@pytest.mark.parametrize("kind", PEERS)
@pytest.mark.parametrize("meddle, offence", MEDDLINGS, ids=[meddle.__name__ for meddle, _ in MEDDLINGS])
def test_what_another_server_did_to_one_event_is_noticed(kind: type[Peer], meddle: Meddle, offence: str) -> None:
    with kind(meddle) as peer:
        report, ended = load(*peer.flags, "--connections", "3", "--events", "10", "--payload", "candles", "--duration", "3")
    assert ended.returncode == 1, report
    assert report["passed"] is False and offence in report["first_offence"], report


def test_an_event_of_one_session_that_came_to_another_is_noticed() -> None:
    """The numbers alone would not tell: both sessions have an event with each."""

    class Mixing(FakeNATS):
        def _publish(self, session: str, event: bytes) -> None:
            super()._publish("load-2" if session == "load-1" else "load-1", event)

    with Mixing() as peer:
        report, ended = load(*peer.flags, "--connections", "2", "--sessions", "2", "--events", "3", "--duration", "3")
    assert ended.returncode == 1
    assert "an event of another epoch, 1" in report["first_offence"], report


def test_what_a_NATS_server_refuses_is_told() -> None:
    class Refusing(FakeNATS):
        INFO = b"-ERR 'maximum connections exceeded'\r\n"

    with Refusing(honest) as peer:
        report, ended = load(*peer.flags, "--connections", "2", "--events", "3")
    assert ended.returncode == 1
    assert "'maximum connections exceeded'" in ended.stderr
    assert report["published"] == 0


def test_what_policy_leaves_out_is_no_loss(serve) -> None:
    gateway: Gateway = serve("--write-timeout", "60")
    ask(gateway, "PUT", "/v1/sessions/load-1", {"policies": {"load": "latest"}})
    flags = ["--connections", "4", "--events", "100", "--event-bytes", "60000", "--in-flight", "64"]
    report, ended = load(*of(gateway), *flags)
    assert ended.returncode == 0, ended.stderr
    # How many depends on how fast the tool reads.
    assert report["passed"] and report["delivered"] + report["conflated"] == report["expected"] == 400 and report["lost"] == 0
    assert metrics(gateway)['wsg_deliveries_conflated_total{type="other"}'] == report["conflated"]
