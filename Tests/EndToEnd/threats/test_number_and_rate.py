"""Number and rate: how many there may be, how fast they may come, and that whoever is refused leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from contextlib import ExitStack
from typing import Any, Callable

import pytest

from control import ask, ask_at, candle, connections, metrics, publish
from frames import FIN, RSV1, deflated, frame
from gateway import EXECUTABLE, Gateway, environment
from siege import DEFLATE, Siege
from waiting import patience, until
from wire import PING, PONG, TEXT, RawTab, Wire, control_wire, upgrade_request

StartSiege = Callable[..., Siege]

MIB = 1 << 20
BYSTANDER = 1
"""Its tab is a client, its engine holds a control connection, and its session is one."""

BEHIND_A_PROXY = ("--trusted-proxies", "127.0.0.1,10.0.0.0/8")
UNHURRIED = ("--connection-burst-per-address", "1000000")
"""For tests of numbers behind a proxy, which open connections faster than a person does."""


def from_address(address: str) -> dict[str, Any]:
    return {"X_Forwarded_For": address}


def assert_refused(tab: RawTab, status: int, code: str) -> None:
    answer = tab.answer_to_upgrade
    assert (answer.status, answer.code) == (status, code), answer
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["retry-after"]) > 0


def opens(gateway: Gateway, session: str = "s1", **headers: Any) -> bool:
    """Whether one more is let in now; it leaves at once."""
    with RawTab(gateway, session, **headers) as tab:
        return tab.is_open


def leave(tab: RawTab) -> None:
    tab.send_close(1000)
    tab.close_frame()
    tab.close()


# The gateway's connections


@pytest.mark.limit("--max-connections")
@pytest.mark.plain("over TLS an alert says so")
def test_a_full_gateway_refuses_with_503_and_has_room_again_when_one_leaves(siege: StartSiege) -> None:
    gateway = siege("--max-connections", str(BYSTANDER + 3)).gateway
    with ExitStack() as stack:
        tabs = [stack.enter_context(RawTab.opened(gateway, f"s{number}")) for number in range(3)]
        with RawTab(gateway, "s0") as extra:
            assert_refused(extra, 503, "CONNECTION_LIMIT")
            assert extra.at_end()
        for number, tab in enumerate(tabs):
            assert publish(gateway, f"s{number}", candle(number))["sent"] == 1
            assert tab.event()["data"] == {"candle_index": number}
        assert metrics(gateway)['wsg_connections_refused_total{reason="gateway_limit"}'] == 1
        leave(tabs[0])
        until(lambda: opens(gateway), "there is room again")


@pytest.mark.limit("--max-connections")
@pytest.mark.parametrize("manner", ["close", "stay"])
@pytest.mark.plain("over TLS an alert says so")
def test_a_storm_on_a_full_gateway_is_refused_one_by_one_and_costs_nothing(siege: StartSiege, manner: str) -> None:
    """Whoever is refused has a moment to read why, but no more than 64 at a time for each worker."""
    one = siege("--max-connections", str(BYSTANDER + 1), "--workers", "2")
    one.memory_bytes_max = 2 * MIB
    with ExitStack() as stack:
        stack.enter_context(RawTab.opened(one.gateway, "s1"))
        before = one.gateway.sockets
        for _ in range(1000):
            wire = Wire(one.gateway.address)
            if manner == "stay":
                stack.enter_context(wire)
            else:
                wire.close()
        until(
            lambda: metrics(one.gateway)['wsg_connections_refused_total{reason="gateway_limit"}'] == 1000,
            "all are refused",
        )
        assert one.gateway.sockets <= before + 2 * 64 + 2
        until(lambda: one.gateway.sockets == before, "they are gone though they do not leave")


@pytest.mark.limit("--request-head-timeout")
@pytest.mark.plain("over TLS an alert says so")
def test_many_connections_that_say_nothing_keep_nobody_out_for_long(siege: StartSiege) -> None:
    gateway = siege("--max-connections", str(BYSTANDER + 5), "--request-head-timeout", "0.7", "--close-timeout", "0.2").gateway
    with ExitStack() as stack:
        silent = [stack.enter_context(Wire(gateway.address)) for _ in range(5)]
        until(lambda: metrics(gateway)['wsg_http_connections{listener="public"}'] == 5, "all are accepted")
        with RawTab(gateway, "s1") as refused:
            assert_refused(refused, 503, "CONNECTION_LIMIT")
        until(lambda: opens(gateway), "the silent ones were sent away")
        answer = silent[0].answer()
        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (408, "REQUEST_TIMEOUT")


@pytest.mark.limit("--max-control-connections")
def test_a_full_control_listener_refuses_with_503_and_has_room_again_when_one_leaves(siege: StartSiege) -> None:
    gateway = siege("--max-control-connections", str(BYSTANDER + 2)).gateway
    with ExitStack() as stack:
        engines = [stack.enter_context(control_wire(gateway)) for _ in range(2)]
        for wire in engines:
            wire.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert wire.answer().status == 200
        refused = ask_at(gateway.control_address, "GET", "/healthz")
        assert (refused.status, refused.code) == (503, "CONTROL_LIMIT")
        assert int(refused.headers["retry-after"]) > 0
        assert opens(gateway), "clients have their own limit"
        engines[0].close()
        until(lambda: ask_at(gateway.control_address, "GET", "/healthz").status == 200, "there is room again")


# A session's connections


@pytest.mark.limit("--max-connections-per-session")
def test_a_full_session_refuses_with_503_and_other_sessions_do_not(siege: StartSiege) -> None:
    gateway = siege("--max-connections-per-session", "2").gateway
    with RawTab.opened(gateway, "s1") as first, RawTab.opened(gateway, "s1"):
        with RawTab(gateway, "s1") as third:
            assert_refused(third, 503, "SESSION_LIMIT")
        assert opens(gateway, "s2")
        assert publish(gateway, "s1", candle(1))["connections"] == 2
        first.reset()
        until(lambda: opens(gateway), "there is room again")


@pytest.mark.limit("--max-connections-per-session")
def test_a_session_takes_a_hundred_connections_by_default(siege: StartSiege) -> None:
    gateway = siege().gateway
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(RawTab.opened(gateway, "s1"))
        with RawTab(gateway, "s1") as extra:
            assert_refused(extra, 503, "SESSION_LIMIT")
        assert publish(gateway, "s1", candle(1))["sent"] == 100


# Sessions


@pytest.mark.limit("--max-sessions")
def test_a_gateway_that_knows_enough_sessions_takes_no_more_and_serves_those_it_knows(siege: StartSiege) -> None:
    gateway = siege("--max-sessions", str(BYSTANDER + 2), "--workers", "1").gateway
    assert publish(gateway, "s1", candle(1))["sequence"] == 1
    with RawTab.opened(gateway, "s2") as tab:
        for number in range(20):
            with RawTab(gateway, f"more-{number}") as refused:
                assert_refused(refused, 503, "TOO_MANY_SESSIONS")
            answer = ask(gateway, "POST", f"/v1/sessions/more-{number}/events", candle(1))
            assert (answer.status, answer.code) == (503, "TOO_MANY_SESSIONS")
            answer = ask(gateway, "PUT", f"/v1/sessions/more-{number}", {"kind": "backtest"})
            assert (answer.status, answer.code) == (503, "TOO_MANY_SESSIONS")
            assert ask(gateway, "GET", f"/v1/sessions/more-{number}").status == 404
        assert publish(gateway, "s1", candle(2))["sequence"] == 2
        assert publish(gateway, "s2", candle(1))["sent"] == 1 and tab.event("candle")
        assert ask(gateway, "DELETE", "/v1/sessions/s1").status == 204
        assert publish(gateway, "more", candle(1))["sequence"] == 1


@pytest.mark.limit("--max-sessions")
def test_ten_thousand_invented_sessions_are_refused_and_leave_nothing(siege: StartSiege) -> None:
    """A client can name any session: where there is no room the name is not kept."""
    one = siege("--max-sessions", str(BYSTANDER + 9), "--workers", "1")
    with ExitStack() as stack:
        for number in range(9):
            stack.enter_context(RawTab.opened(one.gateway, f"known-{number}"))
        one.begin()
        one.memory_bytes_max = 2 * MIB
        for first in range(0, 10_000, 100):
            with Wire(one.gateway.address) as wire:
                wire.send("".join(upgrade_request(f"/ws/backtest/invented-{number}") for number in range(first, first + 100)))
                for _ in range(100):
                    assert wire.answer().code == "TOO_MANY_SESSIONS"
        assert metrics(one.gateway)["wsg_sessions"] == BYSTANDER + 9
        one.sockets_before -= 9


# Addresses


@pytest.mark.limit("--max-connections-per-address")
def test_an_address_behind_a_trusted_proxy_has_its_own_limit(siege: StartSiege) -> None:
    gateway = siege(*BEHIND_A_PROXY, "--max-connections-per-address", "2").gateway
    mine = from_address("198.51.100.1, 203.0.113.7, 10.1.2.3")
    with RawTab.opened(gateway, "s1", **mine) as first, RawTab.opened(gateway, "s2", **mine):
        assert connections(gateway, "s1")[0]["remote_address"] == "203.0.113.7"
        with RawTab(gateway, "s3", **mine) as third:
            assert_refused(third, 503, "ADDRESS_LIMIT")
        assert opens(gateway, "s3", **from_address("203.0.113.8"))
        assert opens(gateway, "s3"), "the proxy itself is not counted"
        leave(first)
        until(lambda: opens(gateway, "s3", **mine), "there is room again")


@pytest.mark.limit("--max-connections-per-address")
def test_the_addresses_of_one_ipv6_network_count_as_one(siege: StartSiege) -> None:
    gateway = siege(*BEHIND_A_PROXY, "--max-connections-per-address", "2").gateway
    with ExitStack() as stack:
        for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::2"):
            stack.enter_context(RawTab.opened(gateway, "s1", **from_address(address)))
        with RawTab(gateway, "s1", **from_address("2001:db8:1:2:3::9")) as third:
            assert_refused(third, 503, "ADDRESS_LIMIT")
        assert opens(gateway, **from_address("2001:db8:1:3::1"))
        # The same network in other words: with a port, in brackets, in capitals, with zeros.
        for address in ("[2001:db8:1:2::7]:4711", "2001:DB8:1:2::A", "2001:0db8:0001:0002:0000:0000:0000:0001"):
            assert not opens(gateway, **from_address(address)), address


@pytest.mark.limit("--max-connections-per-address")
def test_an_address_takes_two_hundred_connections_by_default_over_all_its_sessions(siege: StartSiege) -> None:
    one = siege(*BEHIND_A_PROXY, *UNHURRIED)
    with ExitStack() as stack:
        for number in range(200):
            stack.enter_context(RawTab.opened(one.gateway, f"s{number % 5}", **from_address("203.0.113.7")))
        with RawTab(one.gateway, "s9", **from_address("203.0.113.7")) as extra:
            assert_refused(extra, 503, "ADDRESS_LIMIT")
        assert opens(one.gateway, "s9", **from_address("203.0.113.8"))


def test_who_is_refused_uses_up_nobodys_allowance(siege: StartSiege) -> None:
    """Neither after it has left, nor while it asks on and on over one connection, each time as another."""
    gateway = siege(*BEHIND_A_PROXY, *UNHURRIED, "--max-connections-per-address", "2", "--max-connections-per-session", "1").gateway
    ask(gateway, "PUT", "/v1/sessions/forward-only", {"kind": "forward"})
    mine = "203.0.113.7"
    requests = [
        upgrade_request("/ws/backtest/full", **from_address(mine)),
        upgrade_request("/ws/backtest/forward-only", **from_address(mine)),
        upgrade_request("/ws/backtest/s1", **from_address(mine), Origin="https://evil.example"),
        upgrade_request("/ws/nowhere/s1", **from_address(mine)),
    ]
    with RawTab.opened(gateway, "full", **from_address("198.51.100.1")), RawTab.opened(gateway, "s1", **from_address(mine)):
        for request in requests:
            for _ in range(10):
                with Wire(gateway.address) as wire:
                    wire.send(request)
                    assert wire.answer().status in (403, 404, 503)
        until(lambda: opens(gateway, "s2", **from_address(mine)), "its second place is free")
        with Wire(gateway.address) as wire:
            for number in range(90):
                wire.send(upgrade_request("/ws/backtest/full", **from_address(f"203.0.113.{number}")))
                assert wire.answer().code == "SESSION_LIMIT"
            for number in range(90):
                assert opens(gateway, f"other-{number}", **from_address(f"203.0.113.{number}")), number


# Descriptors

LOW = 400


def low(siege: StartSiege) -> Siege:
    return siege("--max-control-connections", "16", descriptors_max=LOW)


@pytest.mark.plain("over TLS an alert says so")
def test_a_low_descriptor_limit_lowers_the_number_of_connections_and_is_told(siege: StartSiege) -> None:
    gateway = low(siege).gateway
    allowed = int(metrics(gateway)["wsg_connections_limit"])
    assert 0 < allowed < LOW - 16
    (warning,) = [line for line in gateway.stderr.splitlines() if json.loads(line)["level"] == "warning"]
    assert "descriptor" in warning and str(allowed) in warning
    with ExitStack() as stack:
        for number in range(allowed - BYSTANDER):
            stack.enter_context(RawTab.opened(gateway, f"s{number}"))
        with RawTab(gateway, "s") as extra:
            assert_refused(extra, 503, "CONNECTION_LIMIT")


def test_a_descriptor_limit_without_room_for_clients_stops_the_start_in_one_line() -> None:
    command = ["sh", "-c", 'ulimit -n "$1" && shift && exec "$@"', "sh", "64", str(EXECUTABLE), "serve", "--listen", "127.0.0.1:0"]
    ended = subprocess.run([*command, "--control", "127.0.0.1:0"], env=environment(), capture_output=True, text=True, timeout=patience(10))
    assert (ended.returncode, ended.stdout) == (64, "")
    assert ended.stderr.startswith("websocket-gateway: ") and ended.stderr.count("\n") == 1
    assert "max-control-connections" in ended.stderr


@pytest.mark.parametrize("strangers", ["silent clients", "tabs"])
@pytest.mark.plain("over TLS an alert says so")
def test_clients_that_take_every_descriptor_they_can_get_leave_the_engines_theirs(siege: StartSiege, strangers: str) -> None:
    """Those who are refused have descriptors too, until they leave or their second is over."""
    one = low(siege)
    with ExitStack() as stack:
        for number in range(int(metrics(one.gateway)["wsg_connections_limit"]) - BYSTANDER):
            if strangers == "tabs":
                stack.enter_context(RawTab.opened(one.gateway, f"s{number}"))
            else:
                stack.enter_context(Wire(one.gateway.address))
        # The storm goes on while engines come.
        for _ in range(16 - BYSTANDER):
            for _ in range(40):
                stack.enter_context(Wire(one.gateway.address))
            engine = stack.enter_context(control_wire(one.gateway))
            engine.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert engine.answer().status == 200
        engine.send("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        scrape = engine.answer().body.decode()
    assert "\nwsg_accept_errors_total 0\n" in scrape, "somebody had to wait for a descriptor"


# The rate of connections

SLOWLY = (*BEHIND_A_PROXY, "--connection-rate-per-address", "1", "--connection-burst-per-address", "5")
CONNECTION_RATE = ("--connection-rate-per-address", "--connection-burst-per-address")


@pytest.mark.limit(*CONNECTION_RATE)
def test_an_address_that_connects_too_fast_is_told_429_and_when_to_come_back(siege: StartSiege) -> None:
    gateway = siege(*SLOWLY, shared=True).gateway
    mine = from_address("203.0.113.1")
    for _ in range(5):
        assert opens(gateway, **mine)
    with RawTab(gateway, "s1", **mine) as refused:
        assert_refused(refused, 429, "RATE_LIMITED")
        assert refused.answer_to_upgrade.headers["retry-after"] == "1"
    assert opens(gateway, **from_address("203.0.113.2")), "another address may"
    for _ in range(20):
        assert opens(gateway), "the proxy itself is not counted"
    began = time.monotonic()
    until(lambda: opens(gateway, **mine), "it may again")
    assert time.monotonic() - began < patience(3), "being refused does not make it wait longer"
    assert not opens(gateway, **mine), "but once"


@pytest.mark.limit(*CONNECTION_RATE)
def test_the_addresses_of_one_ipv6_network_have_one_rate(siege: StartSiege) -> None:
    gateway = siege(*SLOWLY, shared=True).gateway
    for number in range(5):
        assert opens(gateway, **from_address(f"2001:db8:7:7:{number}::1"))
    assert not opens(gateway, **from_address("2001:db8:7:7:ffff::1"))
    assert opens(gateway, **from_address("2001:db8:7:8::1"))


@pytest.mark.limit(*CONNECTION_RATE)
def test_a_browser_that_connects_too_fast_reads_why(siege: StartSiege) -> None:
    gateway = siege(*SLOWLY, shared=True).gateway
    mine = from_address("203.0.113.3")
    for _ in range(5):
        assert opens(gateway, **mine)
    with RawTab(gateway, "s1", Sec_WebSocket_Protocol="wsg.v1", **mine) as tab:
        assert tab.is_open
        assert is_rate_limited(tab.frame().event)
        assert tab.close_frame()[0] == 4429


def ask_on(gateway: Gateway, addresses: list[str]) -> list[int]:
    """Over one connection, which may ask a hundred times, for a session that is full."""
    request = upgrade_request("/ws/backtest/full", X_Forwarded_For="?")
    with Wire(gateway.address) as wire:
        wire.send("".join(request.replace("?", address) for address in addresses))
        answers = b""
        while answers.count(b"}}}") < len(addresses):
            answers += wire.socket.recv(65_536)
    return [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", answers)]


@pytest.mark.limit(*CONNECTION_RATE)
def test_asking_on_over_one_connection_is_no_way_around_the_rate(siege: StartSiege) -> None:
    gateway = siege(*SLOWLY, "--max-connections-per-session", "1", shared=True).gateway
    with RawTab.opened(gateway, "full"):
        statuses = ask_on(gateway, ["203.0.113.4"] * 50)
    assert statuses == [503] * 5 + [429] * 45


@pytest.mark.skipif(not os.environ.get("WSG_FULL"), reason="66,000 REQUESTS: set WSG_FULL")
def test_who_invents_addresses_makes_the_table_forget_and_not_grow(siege: StartSiege) -> None:
    """Two generations of 32,768 each. What is forgotten is an address's debt, which shows that it is."""
    rate = ("--connection-rate-per-address", "1", "--connection-burst-per-address", "90")
    one = siege(*BEHIND_A_PROXY, *rate, "--max-connections-per-session", "1", "--workers", "1")
    one.memory_bytes_max = 12 * MIB
    with RawTab.opened(one.gateway, "full"):
        assert ask_on(one.gateway, ["203.0.113.7"] * 90) == [503] * 90
        assert ask_on(one.gateway, ["203.0.113.7"] * 90).count(429) > 70
        for first in range(0, 2 * 32_768 + 100, 100):
            assert ask_on(one.gateway, [f"11.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(first, first + 100)]) == [503] * 100
        assert ask_on(one.gateway, ["203.0.113.7"] * 90) == [503] * 90


# The rate of messages

PING_COMMAND = b'{"action":"ping"}'
COMMAND = frame(FIN | TEXT, PING_COMMAND)
FEW = ("--message-rate", "1", "--message-burst", "10", "--max-message-excess", "20")


def read_until_silent(tab: RawTab) -> list[dict[str, Any]]:
    """Every event that was said before an engine's, which is delivered at once."""
    events = []
    while (event := tab.event())["type"] != "candle":
        events.append(event)
    return events


def is_rate_limited(event: dict[str, Any]) -> bool:
    return event["type"] == "error" and event["data"]["error_code"] == "RATE_LIMITED"


@pytest.mark.limit("--message-rate", "--message-burst")
def test_messages_over_the_rate_are_told_once_a_second_and_dropped(siege: StartSiege) -> None:
    gateway = siege(*FEW, shared=True).gateway
    with RawTab.opened(gateway, "s1") as tab, RawTab.opened(gateway, "s1") as mate:
        tab.send(COMMAND * 25)
        until(lambda: metrics(gateway)['wsg_client_messages_total{kind="text"}'] >= 25, "all are read")
        publish(gateway, "s1", candle(1))
        events = read_until_silent(tab)
        heartbeats = [event for event in events if event["type"] == "heartbeat"]
        # One more for every second that a busy machine takes.
        assert 10 <= len(heartbeats) <= 12
        assert [event for event in events if event not in heartbeats] == [next(filter(is_rate_limited, events))]
        assert mate.event()["data"] == {"candle_index": 1}, "its neighbour gets its events and nothing else"
        tab.send_close(1000)
        assert tab.close_frame()[0] == 1000, "leaving is never too fast"


@pytest.mark.limit("--message-rate", "--message-burst", "--max-message-excess")
def test_a_client_that_goes_on_over_the_rate_is_closed_with_4429(siege: StartSiege) -> None:
    gateway = siege(*FEW, shared=True).gateway
    with RawTab.opened(gateway, "s1") as tab:
        tab.send(COMMAND * 29)
        tab.send(frame(FIN | PONG))  # the twentieth too many, a pong: control frames count
        tab.send(COMMAND * 3)
        assert tab.close_frame() == (4429, "too many messages")


def test_a_client_within_its_rate_is_answered_each_time(siege: StartSiege) -> None:
    gateway = siege(*FEW, shared=True).gateway
    with RawTab.opened(gateway, "s1") as tab:
        tab.send(COMMAND * 10)
        for _ in range(10):
            assert tab.event()["type"] == "heartbeat"
        for _ in range(2):
            # The bucket gains one a second. Nothing comes meanwhile.
            with pytest.raises(TimeoutError):
                tab.socket.settimeout(1.1)
                tab.frame()
            tab.socket.settimeout(patience(5))
            tab.send(COMMAND)
            assert tab.event()["type"] == "heartbeat"


BYTES_FEW = ("--max-message-bytes", "1000", "--message-byte-rate", "1", "--message-byte-burst", "3000")


@pytest.mark.limit("--message-byte-rate", "--message-byte-burst")
@pytest.mark.parametrize("form", ["plain", "in fragments", "compressed"])
def test_bytes_over_the_rate_are_told_and_dropped_and_inflated_ones_count(siege: StartSiege, form: str) -> None:
    gateway = siege(*BYTES_FEW, shared=True).gateway
    message = PING_COMMAND + b" " * (1000 - len(PING_COMMAND))
    sent = {
        "plain": frame(FIN | TEXT, message),
        "in fragments": b"".join(
            [frame(TEXT, message[:1]), *[frame(0, message[at : at + 100]) for at in range(1, 901, 100)], frame(FIN, message[901:])]
        ),
        "compressed": frame(FIN | RSV1 | TEXT, deflated(message)),
    }[form]
    with RawTab.opened(gateway, "s1", Sec_WebSocket_Extensions=DEFLATE) as tab:
        tab.send(sent * 5)
        for _ in range(3):
            assert tab.event()["type"] == "heartbeat"
        assert is_rate_limited(tab.event())
        tab.send(frame(FIN | PING, b"now"))
        publish(gateway, "s1", candle(1))
        assert tab.event()["type"] == "candle", "the fifth was dropped"


def test_by_default_fifty_messages_a_second_and_a_hundred_at_once_are_answered(siege: StartSiege) -> None:
    gateway = siege(shared=True).gateway
    with RawTab.opened(gateway, "s1") as tab:
        tab.send(COMMAND * 100)
        for _ in range(100):
            assert tab.event()["type"] == "heartbeat"
        tab.send(COMMAND * 120)
        events = []
        while (frame_read := tab.frame()).opcode == TEXT:
            events.append(frame_read.event)
        assert frame_read.close == (4429, "too many messages")
        assert any(map(is_rate_limited, events))
        # 100 too many, less what the bucket gained meanwhile.
        assert len(events) <= 20
