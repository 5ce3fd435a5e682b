"""The PROXY protocol: what listed proxies say of whose connections they hand on, and what is not believed of anybody else."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from pathlib import Path
from typing import Any, Callable, Optional

import pytest

from certificates import Authority
from control import ask, candle, connections, metrics, publish
from gateway import Gateway, run
from waiting import until
from wire import RawTab, Wire, upgrade_request

Serve = Callable[..., Gateway]

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
BEHIND = ("--trusted-proxies", "127.0.0.1", "--proxy-protocol")


def header(client: Optional[str] = "203.0.113.7", port: int = 5555, tlvs: bytes = b"") -> bytes:
    """Of a connection that a proxy hands on; None: of its own."""
    if client is None:
        return SIGNATURE + b"\x20\x00" + struct.pack(">H", len(tlvs)) + tlvs
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    here = "2001:db8::1" if ":" in client else "10.0.0.1"
    rest = socket.inet_pton(family, client) + socket.inet_pton(family, here) + struct.pack(">HH", port, 443) + tlvs
    return SIGNATURE + (b"\x21\x21" if ":" in client else b"\x21\x11") + struct.pack(">H", len(rest)) + rest


def tlv(count: int) -> bytes:
    return b"\x04" + struct.pack(">H", count) + b"\xab" * count


@pytest.fixture
def behind(serve: Serve) -> Gateway:
    return serve(*BEHIND)


def addresses(gateway: Gateway, session: str = "s1") -> list[str]:
    return sorted(one["remote_address"] for one in connections(gateway, session))


def refusals(gateway: Gateway) -> float:
    return metrics(gateway)['wsg_connections_refused_total{reason="proxy_header"}']


def log(gateway: Gateway, message: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, gateway.stderr.splitlines()) if line["message"] == message]


# Who is believed


@pytest.mark.parametrize("client", ["203.0.113.7", "2001:db8::9", "10.1.2.3"])
def test_the_address_in_the_header_is_the_client(behind: Gateway, client: str) -> None:
    tab = RawTab.opened(behind, "s1", preface=header(client))
    assert addresses(behind) == [client]
    publish(behind, "s1", candle(1))
    assert tab.event("candle")["data"]["candle_index"] == 1


def test_a_connection_of_the_proxys_own_has_its_address(behind: Gateway) -> None:
    with Wire(behind.address, preface=header(None)) as check:
        check.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert check.answer().status in (200, 404)
    tab = RawTab.opened(behind, "s1", preface=header(None, tlvs=tlv(9)))
    assert addresses(behind) == ["127.0.0.1"]
    tab.close()


def test_the_header_may_come_with_what_is_behind_it(behind: Gateway) -> None:
    """In one packet with the request and a message; and the longest that may be."""
    for number, first in enumerate([header(), header(tlvs=tlv(4096 - 15)), header(None, tlvs=b"\0" * 4096)]):
        session = f"s{number}"
        with Wire(behind.address, preface=first + upgrade_request(f"/ws/backtest/{session}").encode() + b"\x89\x80\0\0\0\0") as wire:
            assert wire.answer().status == 101
            seen = b""
            while b"\x8a\x00" not in seen:
                seen += wire.take(1)


@pytest.mark.parametrize("client", ["203.0.113.7", "2001:db8::9"])
def test_the_header_may_come_a_byte_at_a_time(behind: Gateway, client: str) -> None:
    with Wire(behind.address) as wire:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = upgrade_request("/ws/backtest/s1").encode()
        for byte in header(client, tlvs=tlv(20)) + request[:10]:
            wire.send(bytes([byte]))
            time.sleep(0.001)  # each a packet of its own, most of the time
        wire.send(request[10:])
        assert wire.answer().status == 101
        assert addresses(behind) == [client]


def test_it_comes_before_the_handshake_of_tls(serve: Serve, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    gateway = serve(*BEHIND, *authority.issue("gateway").flags, tls=authority.trusting())
    tab = RawTab.opened(gateway, "s1", preface=header())
    assert addresses(gateway) == ["203.0.113.7"]
    publish(gateway, "s1", candle(1))
    assert tab.event("candle")["data"]["candle_index"] == 1
    # In one packet with the ClientHello.
    outgoing, incoming = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = authority.trusting().wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    with socket.create_connection(gateway.address, 5) as raw:
        raw.sendall(header("198.51.100.1") + outgoing.read())
        while True:
            incoming.write(raw.recv(65_536))
            try:
                session.do_handshake()
            except ssl.SSLWantReadError:
                continue
            break
        raw.sendall(outgoing.read())
        session.write(upgrade_request("/ws/backtest/s1").encode())
        raw.sendall(outgoing.read())
        until(lambda: addresses(gateway) == ["198.51.100.1", "203.0.113.7"], "both are there")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        RawTab(gateway, "s1")
    assert refusals(gateway) == 1, "without it an alert is all that is said"


def test_forwarded_for_counts_where_the_client_is_a_proxy_too(serve: Serve) -> None:
    gateway = serve("--trusted-proxies", "127.0.0.1,10.0.0.0/8", "--proxy-protocol")
    tabs = [
        RawTab.opened(gateway, session, preface=header(client), X_Forwarded_For="198.51.100.4")
        for session, client in [("s1", "10.9.9.9"), ("s2", "203.0.113.7")]
    ]
    assert addresses(gateway, "s1") == ["198.51.100.4"]
    assert addresses(gateway, "s2") == ["203.0.113.7"], "a client's own word is not taken"
    for tab in tabs:
        tab.close()


# Who is not


def test_from_anybody_else_it_is_no_request(serve: Serve) -> None:
    gateway = serve("--trusted-proxies", "10.0.0.0/8", "--proxy-protocol")
    with Wire(gateway.address, preface=header()) as wire:
        wire.send(upgrade_request("/ws/backtest/s1"))
        assert wire.answer().status == 400
    tab = RawTab.opened(gateway, "s1")
    assert addresses(gateway) == ["127.0.0.1"], "and a client that comes by itself needs none"
    tab.close()


def test_where_it_is_not_switched_on_it_is_no_request(serve: Serve) -> None:
    gateway = serve("--trusted-proxies", "127.0.0.1")
    with Wire(gateway.address, preface=header()) as wire:
        assert wire.answer().status == 400
    tab = RawTab.opened(gateway, "s1", X_Forwarded_For="198.51.100.4")
    assert addresses(gateway) == ["198.51.100.4"]
    tab.close()


@pytest.mark.parametrize("preface", [header(), b"PROXY TCP4 203.0.113.7 10.0.0.1 5555 443\r\n"], ids=["version 2", "version 1"])
def test_a_header_that_is_not_expected_is_called_by_its_name(serve: Serve, preface: bytes) -> None:
    for gateway, at in ((serve("--trusted-proxies", "127.0.0.1"), "address"), (serve(), "control_address")):
        with Wire(getattr(gateway, at), preface=preface) as wire:
            wire.send(upgrade_request("/ws/backtest/s1"))
            answer = wire.answer()
        message = answer.json["error"]["message"]
        assert answer.status in (400, 501) and message.startswith("a PROXY header, and none is read here")
        until(lambda: log(gateway, "bad request"), "it is told")
        assert log(gateway, "bad request")[0]["reason"] == message[:256]


def test_a_second_header_is_no_request(behind: Gateway) -> None:
    with Wire(behind.address, preface=header() + header("198.51.100.1")) as wire:
        assert wire.answer().status == 400
        assert log(behind, "bad request")[0]["remote_address"] == "203.0.113.7:5555"


def test_the_control_listener_takes_none(behind: Gateway) -> None:
    with Wire(behind.control_address, preface=header()) as wire:
        assert wire.answer().status == 400
    assert ask(behind, "GET", "/healthz").status == 200


BAD = {
    "plain HTTP": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "signature"),
    "version 1": (b"PROXY TCP4 203.0.113.7 10.0.0.1 5555 443\r\nGET / HTTP/1.1\r\n", "version"),
    "a hello of TLS": (b"\x16\x03\x01\x02\x00", "signature"),
    "a wrong signature": (SIGNATURE[:-1] + b"\r", "signature"),
    "another version": (SIGNATURE + b"\x31\x11\0\x0c" + b"\0" * 12, "version"),
    "another command": (SIGNATURE + b"\x2f\x11\0\x0c" + b"\0" * 12, "command"),
    "another family": (SIGNATURE + b"\x21\x44\0\x0c" + b"\0" * 12, "family"),
    "addresses cut short": (SIGNATURE + b"\x21\x11\0\x0b" + b"\0" * 11, "short"),
    "one byte too long": (SIGNATURE + b"\x21\x11" + struct.pack(">H", 4097), "long"),
    "as long as can be said": (SIGNATURE + b"\x20\x00\xff\xff", "long"),
}


@pytest.mark.parametrize("name", BAD)
def test_anything_else_is_refused_and_told(behind: Gateway, name: str) -> None:
    data, reason = BAD[name]
    with Wire(behind.address, preface=data) as wire:
        answer = wire.answer()
        assert (answer.status, answer.code) == (400, "PROXY_HEADER_REQUIRED")
        assert wire.at_end()
    (line,) = log(behind, "PROXY header refused")
    assert line["reason"] == reason and line["remote_address"].startswith("127.0.0.1:")
    assert refusals(behind) == 1
    assert metrics(behind)['wsg_http_connections{listener="public"}'] == 0


# Time, number, and leaving


def test_a_header_that_is_not_finished_in_time_is_refused(serve: Serve) -> None:
    gateway = serve(*BEHIND, "--request-head-timeout", "0.3")
    begun = [Wire(gateway.address, preface=header()[:count]) for count in (0, 1, 15, 16, 27)]
    began = time.monotonic()
    for wire in begun:
        assert wire.answer().code == "PROXY_HEADER_REQUIRED"
        assert wire.at_end()
    assert 0.25 < time.monotonic() - began < 5
    assert {line["reason"] for line in log(gateway, "PROXY header refused")} == {"timeout"}
    # A drip is no progress.
    with Wire(gateway.address) as wire:
        stops = threading.Event()

        def drip() -> None:
            for byte in header(tlvs=tlv(4000)):
                try:
                    wire.send(bytes([byte]))
                except OSError:
                    return
                if stops.wait(0.02):
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            assert wire.answer().code == "PROXY_HEADER_REQUIRED"
        finally:
            stops.set()
            thread.join()
    with Wire(gateway.address, preface=header()) as wire:
        assert wire.answer().status == 408, "and the request behind it has its own time"


def test_who_leaves_before_the_end_of_it_leaves_nothing(behind: Gateway) -> None:
    RawTab.opened(behind, "s1", preface=header()).close()
    until(lambda: not connections(behind, "s1"), "it has gone")
    before = behind.sockets
    for count in (0, 1, 12, 16, 20, 27):
        for resets in (False, True):
            wire = Wire(behind.address, preface=header()[:count])
            wire.reset() if resets else wire.close()
    until(lambda: behind.sockets <= before, "all descriptors are back")
    assert refusals(behind) == 0 and not log(behind, "PROXY header refused"), "a balancer looks like that whether we live"
    assert metrics(behind)['wsg_connections_accepted_total{listener="public"}'] == 13


def test_the_address_in_the_header_is_what_limits_count(serve: Serve) -> None:
    gateway = serve(*BEHIND, "--max-connections-per-address", "2")
    held = [RawTab.opened(gateway, "s1", preface=header("203.0.113.7", port)) for port in (1, 2)]
    with Wire(gateway.address, preface=header("203.0.113.7", 3)) as wire:
        answer = wire.answer()
        assert (answer.status, answer.code) == (503, "ADDRESS_LIMIT")
    RawTab.opened(gateway, "s1", preface=header("203.0.113.8"))
    # One network of IPv6 counts as one.
    held += [RawTab.opened(gateway, "s1", preface=header(f"2001:db8::{n}")) for n in (1, 2)]
    with Wire(gateway.address, preface=header("2001:db8::3")) as wire:
        assert wire.answer().code == "ADDRESS_LIMIT"
    held[0].close()
    until(lambda: RawTab(gateway, "s1", preface=header("203.0.113.7")).is_open, "room again")


def test_the_address_in_the_header_has_a_rate(serve: Serve) -> None:
    gateway = serve(*BEHIND, "--connection-rate-per-address", "1", "--connection-burst-per-address", "3")

    def come(client: Optional[str]) -> int:
        with Wire(gateway.address, preface=header(client)) as wire:
            wire.send(upgrade_request("/ws/backtest/s1"))
            return wire.answer().status

    assert [come("203.0.113.7") for _ in range(4)] == [101, 101, 101, 429]
    assert come("198.51.100.1") == 101
    # As with X-Forwarded-For, whoever is handed on counts; the proxy itself does not.
    assert [come("127.0.0.2") for _ in range(4)][-1] == 429
    assert {come(None) for _ in range(6)} == {101}


def test_who_has_not_finished_it_counts_as_a_client(serve: Serve) -> None:
    gateway = serve(*BEHIND, "--max-connections", "3")
    held = [Wire(gateway.address, preface=header()[:10]) for _ in range(3)]
    until(lambda: metrics(gateway)['wsg_connections_accepted_total{listener="public"}'] == 3, "all three are accepted")
    with Wire(gateway.address, preface=header()) as wire:
        assert wire.answer().code == "CONNECTION_LIMIT"
    held[0].send(header()[10:])
    held[0].send(upgrade_request("/ws/backtest/s1"))
    assert held[0].answer().status == 101
    held.pop().close()
    until(lambda: RawTab(gateway, "s1", preface=header()).is_open, "room again")


def test_a_drain_does_not_wait_for_it(behind: Gateway) -> None:
    half = Wire(behind.address, preface=header()[:20])
    until(lambda: metrics(behind)['wsg_connections_accepted_total{listener="public"}'] == 1, "it is accepted")
    behind.terminate()
    assert half.at_end()
    assert behind.wait() == 0


def test_a_hundred_handed_on_at_once_cut_at_another_place_each_are_all_served(behind: Gateway) -> None:
    wires = []
    for number in range(100):
        data = header(f"10.0.0.{number + 1}", tlvs=tlv(number % 40)) + upgrade_request("/ws/backtest/s1").encode()
        wires.append((Wire(behind.address, preface=data[:number]), data[number:]))
    for wire, rest in wires:
        wire.send(rest)
    for wire, _ in wires:
        assert wire.answer().status == 101
    assert len(set(addresses(behind))) == 100


def test_it_needs_the_proxies_that_send_it() -> None:
    ended = run("serve", "--check", "--proxy-protocol")
    assert (ended.returncode, ended.stderr) == (64, "websocket-gateway: proxy-protocol: needs the proxies that send it; pass --trusted-proxies\n")
