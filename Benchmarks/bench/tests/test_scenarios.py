from __future__ import annotations

from pathlib import Path

import pytest

from bench import certificates
from bench.load import Load
from bench.pipelined import Pipelined
from bench.programs import Programs, named_peers
from bench.recipes import GATEWAY, SEALED_GATEWAY
from bench.scenarios import SCENARIOS, Memory, Paired, Pooled, Series, Soak, chosen
from bench.server import Server

PROGRAMS = Programs(Path("/gateway"), Path("/loader"), Path("/floor"), Path("/probe"), Path("/pipeliner"), {"nchan": Path("/nchan")})


def test_no_two_scenarios_have_one_name() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names)


def test_a_full_run_has_fifteen_pairs_where_there_is_a_bound_against_the_floor() -> None:
    bounded = [s for s in SCENARIOS if isinstance(s, Paired) and any(bound.at_most and not bound.by_median for bound in s.bounds)]
    assert [scenario.name for scenario in bounded] == ["lone-500", "flight-500", "lone-5000", "sessions-100", "connect", "echo"]
    assert all(scenario.pairs.full >= 15 for scenario in bounded)


def test_a_quick_run_leaves_out_no_bound_but_those_of_compression() -> None:
    def is_bounded(scenario: object) -> bool:
        if isinstance(scenario, Paired):
            return any(not bound.by_median for bound in scenario.bounds)
        return isinstance(scenario, Pooled) or (isinstance(scenario, Memory) and scenario.bytes_max is not None)

    assert chosen([], is_quick=True) == [scenario for scenario in SCENARIOS if is_bounded(scenario)]


def test_a_full_run_leaves_out_the_soak_alone_which_runs_when_it_is_named() -> None:
    assert [scenario.name for scenario in SCENARIOS if scenario not in chosen([], is_quick=False)] == ["soak"]
    assert [scenario.name for scenario in chosen(["soak"], is_quick=True)] == ["soak"]


def test_a_name_that_nobody_has_is_not_found() -> None:
    with pytest.raises(KeyError):
        chosen(["lone-501"], is_quick=True)


def test_a_curve_has_more_deliveries_in_each_run_than_ticks_can_hide() -> None:
    for series in (scenario for scenario in SCENARIOS if isinstance(scenario, Series)):
        for x, work in series.works:
            assert work.connections % work.sessions == 0
            assert work.events * work.connections >= 10_000, f"{series.name} {x}"


def test_the_loader_is_told_which_processes_count_and_what_they_speak() -> None:
    server = Server(GATEWAY, "127.0.0.1:1", "127.0.0.1:2", (11, 12), "nats", "1.0")
    words = " ".join(Load(500, 300, in_flight=32, rate=100).command(server, "name", PROGRAMS))
    assert words.startswith("/loader load --json")
    for part in ("--server-pid 11 --server-pid 12", "--dialect nats", "--session-prefix name", "--in-flight 32", "--rate 100"):
        assert part in words
    assert "--deflate" not in words and "--publishers" not in words


def test_clients_come_by_tls_where_the_server_speaks_it_and_the_publishers_do_not() -> None:
    server = Server(SEALED_GATEWAY, "127.0.0.1:1", "127.0.0.1:2", (11,), "gateway", "1.0")
    words = " ".join(Load(500, 300).command(server, "name", PROGRAMS))
    assert f"--connect wss://127.0.0.1:1 --ca {certificates.IDENTITY.certificate} --control 127.0.0.1:2" in words
    plain = Server(GATEWAY, "127.0.0.1:1", "127.0.0.1:2", (11,), "gateway", "1.0")
    assert "--connect 127.0.0.1:1 --control" in " ".join(Load(500, 300).command(plain, "name", PROGRAMS))


def test_a_certificate_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = certificates.Identity(tmp_path / "tls/certificate.pem", tmp_path / "tls/key.pem")
    monkeypatch.setattr(certificates, "FOLDER", tmp_path / "tls")
    monkeypatch.setattr(certificates, "IDENTITY", identity)
    assert certificates.make() == identity
    first = identity.certificate.read_bytes()
    assert certificates.make() == identity and identity.certificate.read_bytes() == first
    assert SEALED_GATEWAY.command(PROGRAMS, Path("/ready"))[-6:] == [*identity.flags, "--ready-file", "/ready"]


def test_who_wants_every_other_event_is_expected_to_get_those() -> None:
    assert Load(500, 300).deliveries == 150_000
    assert Load(500, 301, filtered=250).deliveries == 250 * 301 + 250 * 151
    words = " ".join(Load(4, 3, filtered=2).command(Server(GATEWAY, "a:1", "a:2", (1,), "gateway", ""), "n", PROGRAMS))
    assert "--filtered 2" in words


def test_the_pipeliner_publishes_over_http_or_the_link() -> None:
    server = Server(GATEWAY, "127.0.0.1:1", "127.0.0.1:2", (11,), "gateway", "1.0")
    assert Pipelined("link", 500, sessions=3).command(server, "n", PROGRAMS) == "/pipeliner link 2 1 n 1 256 1 500 sessions=3".split()
    assert Pipelined("http", 500).command(server, "n", PROGRAMS)[1] == "gateway"
    assert Pipelined("link", 500, sessions=3).scaled(0.001).events == 3


def test_a_soak_is_as_long_as_is_wanted() -> None:
    [soak] = [scenario for scenario in SCENARIOS if isinstance(scenario, Soak)]
    assert soak.work(2) == Load(500, 12_000, rate=100, seconds_max=180)
    assert soak.work(10).seconds_max == 720
    assert soak.title(3) == "500 connections, 100 events/s, for 3 minutes"


def test_fewer_operations_are_the_same_work() -> None:
    assert Load(500, 300, in_flight=32).scaled(0.1) == Load(500, 30, in_flight=32)
    assert Load(5_000, 30).scaled(0.01).events == 2


def test_guests_are_named_with_their_paths() -> None:
    assert named_peers("mine=/bin/true other=/bin/false") == {"mine": Path("/bin/true"), "other": Path("/bin/false")}
    with pytest.raises(ValueError, match="WSG_BENCH_PEERS"):
        named_peers("mine")
