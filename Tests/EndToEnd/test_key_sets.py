"""Key sets at a URL: fetched, fetched again, and kept whatever becomes of the server."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from certificates import Authority
from control import ask, metrics
from gateway import Gateway, run
from issuer import Issuer, claims
from key_server import KeyServer, SilentServer
from strace import Trace
from waiting import patience, until
from wire import Wire, upgrade_request

Serve = Callable[..., Gateway]
Publish = Callable[..., KeyServer]

ISSUER, SUCCESSOR = Issuer(), Issuer()
OLD = ISSUER.token("EdDSA", claims())
"""Signed with the key that the issuer begins with."""


def key_set(*parts: tuple[Issuer, str]) -> str:
    """The EdDSA key of each issuer, under that name."""
    keys = [next(key for key in json.loads(issuer.key_set())["keys"] if key["alg"] == "EdDSA") | {"kid": name} for issuer, name in parts]
    return json.dumps({"keys": keys})


BEFORE = key_set((ISSUER, "EdDSA"))
AFTER = key_set((SUCCESSOR, "new"))
NEW = SUCCESSOR.token("EdDSA", claims(), kid="new")


@pytest.fixture
def publish() -> Iterator[Publish]:
    servers: list[KeyServer] = []

    def start(document: str = BEFORE, **options: Any) -> KeyServer:
        servers.append(KeyServer(document, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def answer(gateway: Gateway, token: str) -> bytes:
    """The head of the answer to a client with that token."""
    with Wire(gateway.address) as wire:
        wire.send(upgrade_request(f"/ws/backtest/s1?token={token}"))
        return wire.take_until(b"\r\n\r\n")


def status(gateway: Gateway, token: str) -> int:
    return int(answer(gateway, token).split(b" ")[1])


def fetches(gateway: Gateway) -> dict[str, int]:
    """How many ended how, of those that there were."""
    found = {}
    for name, value in metrics(gateway).items():
        if (match := re.fullmatch(r'wsg_key_set_fetches_total\{result="(\w+)"\}', name)) and value:
            found[match[1]] = int(value)
    return found


def told(gateway: Gateway, message: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, gateway.stderr.splitlines()) if line["message"] == message]


FAILED = "token keys cannot be fetched"


# Fetched


def test_keys_are_there_before_the_first_client(serve: Serve, publish: Publish) -> None:
    server = publish()
    gateway = serve("--jwks", server.url)
    assert status(gateway, OLD) == 101
    assert status(gateway, NEW) == 401
    assert server.requests[0] == "/jwks.json"
    assert len(server.agents) == 1 and server.agents.pop().startswith("websocket-gateway/")
    assert not server.others, "nothing is told but what is asked for"
    shown = metrics(gateway)
    assert shown["wsg_token_keys"] == 1
    assert 0 <= shown["wsg_key_set_age_seconds"] < patience(10)
    assert told(gateway, "token keys fetched")[0]["keys"] == "1"


def test_https_is_verified_against_the_authorities_given(serve: Serve, publish: Publish, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = publish(identity=authority.issue("issuer"))
    gateway = serve("--jwks", server.url, "--jwks-ca", str(authority.identity.certificate))
    assert status(gateway, OLD) == 101
    assert fetches(gateway) == {"changed": 1}


def test_a_proxy_of_the_environment_is_not_asked(serve: Serve, publish: Publish) -> None:
    server, proxy = publish(), publish(AFTER)
    address = proxy.url.removesuffix("/jwks.json")
    variables = {name: address for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY")}
    gateway = serve("--jwks", server.url, variables=variables)
    assert status(gateway, OLD) == 101
    assert proxy.requests == []


def test_check_asks_nobody(publish: Publish) -> None:
    server = publish()
    checked = run("serve", "--check", "--jwks", server.url)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert server.requests == []


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--jwks", "http://issuer.example/jwks.json"), "is not https"),
        (("--jwks", "ftp://issuer.example/jwks.json"), "neither a file nor an https URL"),
        (("--jwks", "https://anna:geheim@issuer.example/"), "a name or a password"),
        (("--jwks", "https://issuer.example/", "--jwks-ca", "/nowhere"), "/nowhere"),
        (("--jwks", "https://issuer.example/", "--jwks-ca", "/dev/null"), "/dev/null"),
        (("--jwks-ca", "/dev/null"), "no use"),
        (("--jwks", "https://issuer.example/", "--jwks-timeout", "61"), "60 seconds"),
    ],
)
def test_what_cannot_be_used_stops_the_start_with_one_line(flags: tuple[str, ...], reason: str) -> None:
    ended = run("serve", "--check", *flags)
    assert ended.returncode == 64
    assert reason in ended.stderr and ended.stderr.count("\n") == 1
    assert "geheim" not in ended.stderr


# Keys that change


def test_a_new_key_is_found_by_the_first_token_that_names_it(serve: Serve, publish: Publish) -> None:
    server = publish()
    gateway = serve("--jwks", server.url)
    assert status(gateway, OLD) == 101
    server.document = AFTER.encode()
    assert status(gateway, NEW) == 401, "nobody waits for the fetch"
    until(lambda: status(gateway, NEW) == 101, "the new key is known")
    assert status(gateway, OLD) == 401, "the old one was taken back, and who was known by it is looked at again"
    assert fetches(gateway) == {"changed": 2}
    assert len(server.requests) == 2


def test_a_storm_of_unknown_keys_is_one_fetch(serve: Serve, publish: Publish) -> None:
    server = publish()
    gateway = serve("--jwks", server.url, "--jwks-unknown-key-interval", "600")
    begun = time.monotonic()
    head, payload, signature = OLD.split(".")
    for number in range(1000):
        token = ISSUER.token("EdDSA", claims(), kid=f"unknown-{number}") if number % 100 == 0 else NEW
        assert status(gateway, token) == 401
    until(lambda: fetches(gateway) == {"changed": 1, "unchanged": 1}, "the one fetch for all of them has ended")
    assert len(server.requests) == 2, f"{time.monotonic() - begun:.1f} s"
    assert metrics(gateway)['wsg_authentications_total{outcome="unknown_key"}'] == 1000
    assert status(gateway, OLD) == 101


def test_an_unknown_key_that_comes_too_early_has_its_fetch_when_the_interval_is_over(serve: Serve, publish: Publish) -> None:
    server = publish()
    gateway = serve("--jwks", server.url, "--jwks-unknown-key-interval", "1")
    assert status(gateway, ISSUER.token("EdDSA", claims(), kid="nobodys")) == 401
    until(lambda: len(server.requests) == 2, "it was looked for")
    server.document = AFTER.encode()
    assert status(gateway, NEW) == 401
    # It is not asked for again.
    until(lambda: fetches(gateway).get("changed") == 2, "the new key was fetched")
    assert status(gateway, NEW) == 101


def test_keys_are_fetched_again_every_interval_and_the_same_are_no_news(serve: Serve, publish: Publish) -> None:
    server = publish()
    gateway = serve("--jwks", server.url, "--jwks-refresh-interval", "0.05")
    until(lambda: len(server.requests) >= 5, "five fetches")
    assert len(told(gateway, "token keys fetched")) == 1
    server.document = AFTER.encode()
    until(lambda: status(gateway, NEW) == 101, "the new key is known")
    assert len(told(gateway, "token keys fetched")) == 2


def test_sighup_fetches_now(serve: Serve, publish: Publish) -> None:
    server = publish()
    gateway = serve("--jwks", server.url)
    server.document = key_set((ISSUER, "EdDSA"), (SUCCESSOR, "new")).encode()
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: metrics(gateway)["wsg_token_keys"] == 2, "both keys are there")
    assert [status(gateway, token) for token in (OLD, NEW)] == [101, 101]
    assert "token keys, being fetched" in told(gateway, "SIGHUP: reloaded")[0]["what"]


def test_sighup_reads_the_authorities_again(serve: Serve, publish: Publish, tmp_path: Path) -> None:
    right, wrong = Authority(tmp_path, "right"), Authority(tmp_path, "wrong")
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(wrong.identity.certificate.read_bytes())
    server = publish(identity=right.issue("issuer"))
    gateway = serve("--jwks", server.url, "--jwks-ca", str(trusted))
    assert status(gateway, OLD) == 503
    trusted.write_text("none")
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: told(gateway, "SIGHUP: not reloaded; everything stays as it was"), "a bad file is refused")
    trusted.write_bytes(right.identity.certificate.read_bytes())
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: status(gateway, OLD) == 101, "the server is trusted")


# A server that fails


def stop(server: KeyServer) -> None:
    server.stop()


def hang(server: KeyServer) -> None:
    server.speaks.clear()


def answering(document: str, status: int = 200, **fields: str) -> Callable[[KeyServer], None]:
    def change(server: KeyServer) -> None:
        server.document, server.status, server.fields = document.encode(), status, fields

    return change


FAILURES: dict[str, tuple[Callable[[KeyServer], None], str]] = {
    "hanging": (hang, "timeout"),
    "500": (answering(AFTER, 500), "status"),
    "204": (answering("", 204), "status"),
    "a redirect": (answering(AFTER, 302, Location="/other.json"), "status"),
    "a redirect with a document": (answering(AFTER, 301, Location="https://127.0.0.1:1/"), "status"),
    "too large": (answering(AFTER + " " * 65_537), "too_large"),
    "shorter than it says": (answering(AFTER, **{"Content-Length": "5000", "Connection": "close"}), "broken"),
    "garbage": (answering("<html>it works</html>"), "invalid"),
    "nothing": (answering(""), "invalid"),
    "a set of no keys": (answering('{"keys":[]}'), "invalid"),
    "a set with two keys of one name": (answering(key_set((SUCCESSOR, "new"), (ISSUER, "new"))), "invalid"),
    "a set with a name twice": (answering('{"keys":[],' + AFTER[1:]), "invalid"),
    "a set of too many keys": (answering(key_set(*[(SUCCESSOR, f"k{number}") for number in range(33)])), "invalid"),
    "half a set": (answering(AFTER[: len(AFTER) // 2]), "invalid"),
    "compressed": (answering("\x1f\x8b\x08", **{"Content-Encoding": "gzip"}), "invalid"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_whatever_the_server_does_the_last_good_keys_stay(serve: Serve, publish: Publish, name: str) -> None:
    fail, result = FAILURES[name]
    server = publish()
    gateway = serve("--jwks", server.url, "--jwks-refresh-interval", "0.05", "--jwks-timeout", "0.2")
    assert status(gateway, OLD) == 101
    fail(server)
    until(lambda: fetches(gateway).get(result, 0) >= 3, f"three that were {result}: {fetches(gateway)}")
    assert set(fetches(gateway)) <= {"changed", "unchanged", result}
    assert [status(gateway, token) for token in (OLD, NEW)] == [101, 401]
    lines = told(gateway, FAILED)
    assert [line["result"] for line in lines] == [result], "told once, not with each fetch"
    assert "stay in force" in lines[0]["consequence"]
    server.speaks.set()
    answering(AFTER)(server)
    until(lambda: status(gateway, NEW) == 101, "it is well again")


def test_a_server_that_has_gone_is_tried_again_less_and_less(serve: Serve, publish: Publish) -> None:
    server = publish()
    gateway = serve("--jwks", server.url)
    server.stop()
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: fetches(gateway).get("unreachable", 0) >= 2, "it was tried again")
    assert status(gateway, OLD) == 101
    assert metrics(gateway)["wsg_key_set_age_seconds"] > 0.9


@pytest.mark.parametrize("which", ["self-signed", "of another authority", "of another host", "expired", "not valid yet", "plain http"])
def test_a_server_that_cannot_prove_who_it_is_gives_no_keys(serve: Serve, publish: Publish, tmp_path: Path, which: str) -> None:
    authority = Authority(tmp_path)
    identity = {
        "self-signed": lambda: authority.self_signed("issuer"),
        "of another authority": lambda: Authority(tmp_path, "other").issue("issuer"),
        "of another host": lambda: authority.issue("issuer", host="issuer.example"),
        "expired": lambda: authority.issue("issuer", begins="20200101000000Z", ends="20210101000000Z"),
        "not valid yet": lambda: authority.issue("issuer", begins="20980101000000Z"),
        "plain http": lambda: None,
    }[which]()
    server = publish(identity=identity)
    url = server.url.replace("http://", "https://")
    gateway = serve("--jwks", url, "--jwks-ca", str(authority.identity.certificate))
    assert set(fetches(gateway)) == {"tls"}
    assert server.requests == [], "nothing is asked of whom we do not trust"
    assert status(gateway, OLD) == 503
    assert told(gateway, FAILED)[0]["result"] == "tls"


def test_the_systems_authorities_are_asked_where_none_are_named_and_only_there(serve: Serve, publish: Publish, tmp_path: Path) -> None:
    Trace.need(tmp_path)
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    server = publish(identity=other.issue("issuer"))
    for name, flags in {"named": ("--jwks-ca", str(authority.identity.certificate)), "none": ()}.items():
        trace = Trace(tmp_path / f"trace-{name}", ["openat"])
        gateway = serve("--jwks", server.url, *flags, under=trace.command)
        assert set(fetches(gateway)) == {"tls"}
        gateway.terminate()
        assert gateway.wait() == 0
        opened = [call.text for call in trace.calls(gateway.pid)]
        assert any("/etc/ssl/certs" in text for text in opened) == (name == "none")


# Before there are keys


def test_without_keys_it_is_not_ready_unless_who_has_no_token_is_let_in(serve: Serve, publish: Publish) -> None:
    server = publish()
    server.status = 500
    flags = ("--jwks", server.url, "--jwks-refresh-interval", "0.05")
    gateway, open_to_all = serve(*flags), serve(*flags, "--allow-anonymous")
    answer = ask(gateway, "GET", "/readyz")
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "NO_KEYS", "5")
    assert ask(gateway, "GET", "/healthz").status == 200, "it lives"
    assert ask(open_to_all, "GET", "/readyz").status == 200
    server.status = 200
    until(lambda: ask(gateway, "GET", "/readyz").status == 200, "the first good fetch makes it ready")
    server.status = 500
    until(lambda: fetches(gateway).get("status", 0) >= 3, "the server fails again")
    assert ask(gateway, "GET", "/readyz").status == 200, "the last good keys stay"


def test_without_keys_a_token_is_answered_503_and_the_gateway_lives(serve: Serve, publish: Publish) -> None:
    server = publish()
    answering("", 500)(server)
    gateway = serve("--jwks", server.url)
    head = answer(gateway, OLD)
    assert head.startswith(b"HTTP/1.1 503 ") and b"\r\nretry-after: 5\r\n" in head.lower()
    assert answer(gateway, "x.y.z").split(b"\r\n")[0] == head.split(b"\r\n")[0], "it says nothing of the token"
    with Wire(gateway.address) as wire:
        wire.send(upgrade_request("/ws/backtest/s1"))
        assert wire.take_until(b"\r\n\r\n").startswith(b"HTTP/1.1 401 "), "a token will be needed all the same"
    shown = metrics(gateway)
    assert shown["wsg_token_keys"] == 0
    assert shown['wsg_authentications_total{outcome="no_keys"}'] == 2
    assert shown['wsg_handshakes_total{outcome="no_keys"}'] == 2
    assert "every token is refused" in told(gateway, FAILED)[0]["consequence"]
    answering(BEFORE)(server)
    until(lambda: status(gateway, OLD) == 101, "the keys came by themselves")
    assert fetches(gateway)["changed"] == 1


def test_the_start_waits_for_a_silent_server_as_long_as_it_is_told_and_no_longer(serve: Serve) -> None:
    server = SilentServer()
    try:
        for scheme in ("http", "https"):
            begun = time.monotonic()
            gateway = serve("--jwks", f"{scheme}://127.0.0.1:{server.port}/jwks.json", "--jwks-timeout", "0.3")
            assert 0.3 <= time.monotonic() - begun < patience(8)
            assert status(gateway, OLD) == 503
            assert fetches(gateway)["timeout"] >= 1
    finally:
        server.stop()


def test_a_stop_does_not_wait_for_a_fetch(serve: Serve, publish: Publish) -> None:
    server = publish()
    gateway = serve("--jwks", server.url, "--jwks-timeout", "60")
    server.speaks.clear()
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: len(server.requests) == 2, "the fetch is under way")
    begun = time.monotonic()
    gateway.terminate()
    assert gateway.wait(10) == 0
    assert time.monotonic() - begun < patience(5)


def test_a_fetch_under_way_holds_up_nobody(serve: Serve, publish: Publish) -> None:
    server = publish()
    gateway = serve("--jwks", server.url, "--jwks-timeout", "60")
    server.speaks.clear()
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: len(server.requests) == 2, "the fetch is under way")
    begun = time.monotonic()
    for _ in range(20):
        assert [status(gateway, token) for token in (OLD, NEW)] == [101, 401]
    assert time.monotonic() - begun < patience(5)
    assert len(server.requests) == 2


def test_a_server_that_sends_a_byte_at_a_time_is_left_when_the_time_is_over(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        def drip() -> None:
            try:
                peer, _ = listening.accept()
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
                while True:
                    peer.sendall(b" ")
                    time.sleep(0.02)
            except OSError:
                pass

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        gateway = serve("--jwks", url, "--jwks-timeout", "0.5")
        assert fetches(gateway)["timeout"] == 1
        thread.join(patience(5))
        assert not thread.is_alive(), "the connection was given back"
