"""What an operator sees: starts and refusals to start, settings from three places, drains, signals, logs."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from control import ask, candle, connections, metrics, publish
from gateway import REPOSITORY, Gateway, run
from tabs import open_tab
from waiting import eventually, until
from wire import RawTab, Wire

Serve = Callable[..., Gateway]

DRAINING = re.compile(r"draining; retry-after-ms=([0-9]+)")


# Draining


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_a_signal_tells_clients_to_come_back_elsewhere_and_ends_with_0(serve: Serve, number: signal.Signals) -> None:
    gateway = serve()
    async with open_tab(gateway, "s1") as one, open_tab(gateway, "s2", library="aiohttp") as other:
        publish(gateway, "s1", candle(1))
        gateway.terminate(number)
        assert (await one.event())["data"] == {"candle_index": 1}
        for tab in (one, other):
            code, reason = await tab.closed()
            said = DRAINING.fullmatch(reason)
            assert code == 1012 and said, (code, reason)
            assert 0 < int(said[1]) < 60_000
    assert gateway.wait(5) == 0


@pytest.mark.limit("--drain-timeout")
def test_while_it_drains_it_is_not_ready_but_alive_and_engines_may_go_on(serve: Serve) -> None:
    gateway = serve("--drain-timeout", "1.5", "--close-timeout", "30")
    # Answers no close frame, so the drain lasts until its time is over.
    with RawTab.opened(gateway, "s1") as holding, RawTab.opened(gateway, "s1") as another:
        assert ask(gateway, "GET", "/readyz").status == 200
        began = time.monotonic()
        gateway.terminate()
        refused = until(lambda: answer if (answer := ask(gateway, "GET", "/readyz")).status != 200 else None, "it is not ready")
        assert (refused.status, refused.code) == (503, "DRAINING")
        assert int(refused.headers["retry-after"]) > 0
        assert ask(gateway, "GET", "/healthz").status == 200
        assert publish(gateway, "s1", candle(1))["connections"] == 0
        assert holding.close_frame()[0] == another.close_frame()[0] == 1012
        assert gateway.wait(10) == 0
        assert 1.4 <= time.monotonic() - began < 5
        assert holding.at_end()


def test_while_it_drains_newcomers_are_not_let_in(serve: Serve) -> None:
    gateway = serve("--drain-timeout", "20", "--close-timeout", "30")
    with RawTab.opened(gateway, "s1"):
        gateway.terminate()
        until(lambda: ask(gateway, "GET", "/readyz").status == 503, "it drains")

        def refusal() -> str:
            try:
                with RawTab(gateway, "s1") as tab:
                    return f"{tab.answer_to_upgrade.status}"
            except (ConnectionError, EOFError):
                return "refused"

        # In the first moments one that waited in the accept queue is answered; then nobody listens.
        until(lambda: refusal() == "refused" or None, "the public listener is closed")
        gateway.terminate()
        assert gateway.wait(5) == 0


def test_a_second_signal_ends_a_drain_at_once(serve: Serve) -> None:
    gateway = serve("--drain-timeout", "60", "--close-timeout", "60")
    with RawTab.opened(gateway, "s1"):
        gateway.terminate()
        until(lambda: ask(gateway, "GET", "/readyz").status == 503, "it drains")
        assert gateway.process.poll() is None
        began = time.monotonic()
        gateway.terminate()
        assert gateway.wait(5) == 0
        assert time.monotonic() - began < 2


def test_a_hangup_changes_nothing(serve: Serve) -> None:
    gateway = serve()
    with RawTab.opened(gateway, "s1") as tab:
        gateway.process.send_signal(signal.SIGHUP)
        until(lambda: "SIGHUP" in gateway.stderr, "the hangup is noticed")
        assert publish(gateway, "s1", candle(1))["sent"] == 1
        assert tab.event()["data"] == {"candle_index": 1}


# Starting


def test_the_ready_file_tells_the_addresses_and_goes_at_the_end(serve: Serve) -> None:
    gateway = serve()
    assert list(gateway.ready) == ["listen", "control", "pid"]
    assert gateway.ready["pid"] == gateway.pid
    assert gateway.address[1] > 0 and gateway.control_address[1] > 0
    gateway.terminate()
    assert gateway.wait(5) == 0
    assert not gateway.ready_file.exists()


@pytest.mark.parametrize("which", ["listen", "control"])
def test_a_second_gateway_on_the_same_port_says_so_in_one_line_and_exits_1(gateway: Gateway, tmp_path: Path, which: str) -> None:
    addresses = {"listen": "127.0.0.1:0", "control": "127.0.0.1:0"} | {which: getattr(gateway, which)}
    ready_file = tmp_path / "second.json"
    ended = run("serve", "--listen", addresses["listen"], "--control", addresses["control"], "--ready-file", str(ready_file))
    assert ended.returncode == 1
    assert one_line(ended.stderr) and addresses[which] in ended.stderr
    assert not ready_file.exists()
    assert ask(gateway, "GET", "/readyz").status == 200


def one_line(text: str) -> bool:
    return text.startswith("websocket-gateway: ") and text.count("\n") == 1 and text.endswith("\n")


def test_check_says_that_the_settings_are_fine_and_opens_nothing(gateway: Gateway) -> None:
    # The port is taken: whoever opened it would fail.
    ended = run("serve", "--check", "--listen", gateway.listen, "--max-connections", "7")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout


BAD_VALUES = {
    "listen": ["nowhere", "example.com:80", "127.0.0.1", "127.0.0.1:65536", "0.0.0.0:0", "[::]:0"],
    "control": ["nowhere", "127.0.0.1:x", "0.0.0.0:0", "unix:c.sock", "unix:/" + "p" * 107],
    "workers": ["many", "0", "65", "-1", "1.5"],
    "allow-anonymous": ["maybe"],
    "allowed-origins": ["app.example.com", "https://app.example.com/", "https://user@app.example.com"],
    "registered-sessions-only": ["perhaps"],
    "trusted-proxies": ["10.0.0.0/33", "proxy.example.com", "10.0.0.0/x", "2001:db8::/129"],
    "proxy-protocol": ["maybe", "true"],
    "jwt-secret-file": ["/nowhere", "/dev/null"],
    "jwks": ["/nowhere", "/dev/null", "http://issuer.example/jwks.json"],
    "jwks-ca": ["/nowhere"],
    "jwks-refresh-interval": ["soon", "0"],
    "jwks-unknown-key-interval": ["soon", "0"],
    "jwks-timeout": ["soon", "0", "61"],
    "jwt-issuer": ["https://issuer.example"],
    "jwt-audience": ["gateway"],
    "api-key-file": ["/nowhere", "/dev/null"],
    "publish-rate-per-key": ["-1", "fast"],
    "token-expiry": ["never"],
    "max-connection-lifetime": ["soon", "-1", "0.001"],
    "auth-failure-rate-per-address": ["0", "10/min"],
    "max-connections": ["many", "0", "-5", "99999999999999999999"],
    "max-connections-per-session": ["0", "1e3"],
    "max-connections-per-address": ["0"],
    "max-control-connections": ["0", "100001"],
    "max-sessions": ["0", "x"],
    "message-rate": ["0", "fast"],
    "message-burst": ["0", "x"],
    "message-byte-rate": ["0", "64KiB"],
    "message-byte-burst": ["65535", "x"],
    "max-message-excess": ["0", "x"],
    "connection-rate-per-address": ["0", "20/s"],
    "connection-burst-per-address": ["0", "x"],
    "max-request-line-bytes": ["63", "8k"],
    "max-header-line-bytes": ["63", "x"],
    "max-headers-bytes": ["255", "x"],
    "max-header-fields": ["7", "x"],
    "max-message-bytes": ["124", "64KiB"],
    "max-message-fragments": ["0", "x"],
    "max-publish-bytes": ["1023", "1MB"],
    "max-event-bytes": ["63", "2000000"],
    "max-write-queue-bytes": ["4095", "x"],
    "data": ["/nowhere", "/dev/null"],
    "durability": ["disk", "relaxed", "commit"],
    "max-history-events": ["-1", "10000001", "x"],
    "max-history-bytes": ["4095", "x"],
    "memory-budget": ["4095", "x"],
    "history-retention": ["0", "-1", "x"],
    "deflate": ["maybe"],
    "deflate-threshold-bytes": ["-1", "x"],
    "request-head-timeout": ["soon", "0", "-1", "nan", "inf", "0.001", "1e9"],
    "request-body-timeout": ["soon", "0"],
    "idle-timeout": ["10s", "0"],
    "heartbeat-interval": ["soon", "0"],
    "stale-timeout": ["never", "-1", "0.001"],
    "close-timeout": ["soon", "0"],
    "write-timeout": ["soon", "0"],
    "message-timeout": ["soon", "0"],
    "command-timeout": ["soon", "0"],
    "stop-command-timeout": ["soon", "0"],
    "drain-timeout": ["soon", "0"],
    "session-idle-timeout": ["soon", "0"],
    "tls-certificate": ["/nowhere"],
    "tls-key": ["/nowhere"],
    "control-tls": ["maybe", "true"],
    "control-client-ca": ["/nowhere"],
    "max-tls-handshakes": ["0", "x"],
    "tls-handshake-timeout": ["soon", "0"],
    "max-commands-in-flight": ["0", "1025", "x"],
    "log-level": ["loud"],
}

SWITCHES = {"allow-anonymous", "registered-sessions-only", "control-tls", "proxy-protocol"}
"""Flags without a value on the command line."""


def test_the_table_of_bad_values_names_every_setting() -> None:
    source = REPOSITORY / "Sources/WebSocketGateway/Settings/SettingRow.swift"
    rows = source.read_text().partition("static let all")[2].partition("    ]\n")[0]
    assert set(re.findall(r'"([a-z]+(?:-[a-z]+)*)"', rows)) == set(BAD_VALUES)


@pytest.mark.parametrize("name", BAD_VALUES)
def test_a_bad_value_is_refused_in_one_line_wherever_it_stands(tmp_path: Path, name: str) -> None:
    config = tmp_path / "gateway.conf"
    variable = "WSG_" + name.upper().replace("-", "_")
    for number, value in enumerate(BAD_VALUES[name]):
        attempts = {"environment": run("serve", "--check", variables={variable: value})}
        # The ways share one reader; the first value goes all of them.
        if number == 0 and name not in SWITCHES:
            attempts["flag"] = run("serve", "--check", f"--{name}={value}")
        if number == 0:
            config.write_text(f"# settings\n\n{name} = {value}\n")
            attempts["file"] = run("serve", "--check", "--config", str(config))
        for where, ended in attempts.items():
            assert (ended.returncode, ended.stdout) == (64, ""), (where, value, ended)
            assert one_line(ended.stderr), (where, value, ended.stderr)
            assert name in ended.stderr or variable in ended.stderr, (where, value, ended.stderr)


UNKNOWN_KEYS = [
    ("max-connection = 5\n", "max-connection"),
    ("listen 127.0.0.1:0\n", "line 1"),
    ("= 5\n", "line 1"),
    ("workers = 1\nworkers = 2\n", "line 2"),
]


@pytest.mark.parametrize("text,named", UNKNOWN_KEYS)
def test_a_settings_file_that_is_not_understood_is_refused_in_one_line(tmp_path: Path, text: str, named: str) -> None:
    config = tmp_path / "gateway.conf"
    config.write_text(text)
    ended = run("serve", "--check", "--config", str(config))
    assert ended.returncode == 64 and one_line(ended.stderr) and named in ended.stderr, ended


def test_a_stale_timeout_below_the_heartbeats_is_warned_of_at_check_and_start(serve: Serve, tmp_path: Path) -> None:
    checked = run("serve", "--check", "--stale-timeout", "10")
    assert checked.returncode == 0 and checked.stderr.startswith("websocket-gateway: warning: stale-timeout (10 s)"), checked
    config = tmp_path / "gateway.conf"
    config.write_text("stale-timeout = 10\n")
    gateway = serve("--config", str(config))

    def warned() -> int:
        lines = [json.loads(line) for line in gateway.stderr.splitlines()]
        return sum(line["level"] == "warning" and line["message"].startswith("stale-timeout (10 s)") for line in lines)

    until(lambda: warned() == 1, "it is warned of at the start")
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: warned() == 2, "it is warned of at a reload")


def test_a_hash_within_a_value_is_the_values(serve: Serve, tmp_path: Path) -> None:
    """An audience cut at it let in whoever has a token for another."""
    config, secret = tmp_path / "gateway.conf", tmp_path / "secret"
    secret.write_bytes(b"s" * 32)

    def audience(line: str) -> Any:
        config.write_text(f"{line}\njwt-secret-file = {secret} # there\n")
        gateway = serve("--config", str(config))
        config.write_text(f"jwt-audience = other\njwt-secret-file = {secret}\n")
        gateway.process.send_signal(signal.SIGHUP)
        until(lambda: "SIGHUP: reloaded" in gateway.stderr, "what was is told")
        (told,) = [line for line in map(json.loads, gateway.stderr.splitlines()) if line["message"] == "SIGHUP: reloaded"]
        return told["jwt-audience"]

    assert audience("jwt-audience = api#prod") == "api#prod → other"
    assert audience('jwt-audience = "api #prod" # ours') == "api #prod → other"


def test_a_settings_file_that_is_not_there_or_not_text_is_refused_in_one_line(tmp_path: Path) -> None:
    binary = tmp_path / "binary.conf"
    binary.write_bytes(b"workers = \xff\n")
    for path in (tmp_path / "missing.conf", binary, tmp_path):
        ended = run("serve", "--check", "--config", str(path))
        assert ended.returncode == 64 and one_line(ended.stderr), ended


def test_an_unknown_variable_of_ours_is_refused_and_others_are_not() -> None:
    ended = run("serve", "--check", variables={"WSG_MAX_CONNECTION": "5"})
    assert ended.returncode == 64 and one_line(ended.stderr) and "WSG_MAX_CONNECTION" in ended.stderr
    others = {"WSGX": "5", "WSG_API_KEY": "the Python client's", "WSG_CONTROL_URL": "http://127.0.0.1:1"}
    assert run("serve", "--check", variables=others).returncode == 0


def test_an_unknown_flag_is_refused() -> None:
    ended = run("serve", "--max-connection", "5")
    assert ended.returncode == 64 and "max-connection" in ended.stderr


def test_a_flag_wins_over_the_environment_and_the_environment_over_the_file(serve: Serve, tmp_path: Path) -> None:
    config = tmp_path / "gateway.conf"
    config.write_text('max-connections = 5 # comment\nmax-connections-per-session = 1\nallowed-origins = "https://a.example"\n')
    environment = {"WSG_MAX_CONNECTIONS": "6", "WSG_MAX_CONNECTIONS_PER_SESSION": "2"}

    def limits(gateway: Gateway) -> tuple[float, int]:
        """Of the gateway, and of a session."""
        tabs = [RawTab(gateway, "s1") for _ in range(4)]
        inside = sum(tab.is_open for tab in tabs)
        for tab in tabs:
            tab.close()
        return metrics(gateway)["wsg_connections_limit"], inside

    assert limits(serve("--config", str(config))) == (5, 1)
    assert limits(serve("--config", str(config), variables=environment)) == (6, 2)
    assert limits(serve("--config", str(config), "--max-connections", "7", variables=environment)) == (7, 2)
    by_variable = serve(variables={"WSG_CONFIG": str(config)})
    assert limits(by_variable) == (5, 1)
    with RawTab(by_variable, "s2", Origin="https://a.example") as listed, RawTab(by_variable, "s3", Origin="http://localhost") as other:
        assert listed.is_open and other.answer_to_upgrade.status == 403


# Running


def end_of(tab: RawTab, manner: int) -> None:
    """Ends a connection politely, by FIN, by RST, by half-closing, or by breaking the protocol."""
    if manner == 0:
        tab.send_close(1000)
        tab.close_frame()
    elif manner == 2:
        return tab.reset()
    elif manner == 3:
        tab.socket.shutdown(socket.SHUT_WR)
        while not tab.at_end():
            tab.buffer.clear()
    elif manner == 4:
        tab.send_frame(0x3)  # a reserved opcode
        assert tab.close_frame()[0] == 1002
    tab.close()


def test_descriptors_return_after_200_connections_that_ended_in_every_way(gateway: Gateway) -> None:
    with Wire(gateway.control_address) as wire:
        wire.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        wire.answer()
        start = gateway.descriptors
        for number in range(200):
            tab = RawTab(gateway, f"s{number % 3}")
            end_of(tab, number % 5)
            if number % 10 == 0:
                Wire(gateway.address).reset()
                with Wire(gateway.address) as stranger:
                    stranger.send("nonsense\r\n\r\n")
                    assert stranger.answer().status == 400
        until(lambda: gateway.descriptors <= start, "every descriptor is back")
    samples = metrics(gateway)
    assert samples['wsg_connections{kind="backtest"}'] == 0
    assert samples["wsg_queued_bytes"] == 0
    assert samples['wsg_http_connections{listener="public"}'] == 0


@pytest.mark.limit("--session-idle-timeout")
async def test_a_session_that_nobody_uses_is_forgotten_after_its_idle_time(serve: Serve) -> None:
    gateway = serve("--session-idle-timeout", "0.3")
    publish(gateway, "idle", candle(1))
    async with open_tab(gateway, "watched"):
        publish(gateway, "watched", candle(1))
        await eventually(lambda: ask(gateway, "GET", "/v1/sessions/idle").status == 404, "the idle one is forgotten")
        assert connections(gateway, "watched") and ask(gateway, "GET", "/v1/sessions/watched").status == 200


def test_the_version_is_told() -> None:
    ended = run("--version")
    assert ended.returncode == 0 and re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+\S*\n", ended.stdout)


def test_an_engine_that_publishes_while_it_stops_gets_every_answer(serve: Serve) -> None:
    """Each request is answered, or stands behind an answer that says Connection: close: then it was not looked at."""
    gateway = serve()
    body = '{"type":"candle","data":{}}'
    request = (
        "POST /v1/sessions/s1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )
    wire = Wire(gateway.control_address, seconds=10)
    sequence = 0
    asked_to_stop = False
    for turn in range(100_000):
        wire.send(request * 16)
        if turn == 20:
            gateway.terminate()
            asked_to_stop = True
        for _ in range(16):
            answer = wire.answer()
            if answer.status == 200:
                sequence += 1
                assert answer.json["sequence"] == sequence
            else:
                assert (answer.status, answer.json["error"]["code"]) == (503, "STOPPED")
                assert asked_to_stop
            if answer.headers.get("connection") == "close":
                break
        else:
            continue
        break
    assert asked_to_stop and sequence >= 16 * 20
    assert wire.at_end()
    assert gateway.wait(10) == 0
