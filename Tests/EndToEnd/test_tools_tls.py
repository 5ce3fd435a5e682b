"""`watch`, `publish`, `load` and `demo` by TLS: whom they trust, and what they say where they do not."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Callable, Optional

import pytest

from certificates import Authority, Identity
from control import candle, connections, metrics, publish
from gateway import EXECUTABLE, Gateway, environment, run
from waiting import patience, until

Serve = Callable[..., Gateway]

pytestmark = pytest.mark.plain("these gateways have certificates of their own")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def identity(authority: Authority) -> Identity:
    return authority.issue("gateway")


@pytest.fixture
def gateway(serve: Serve, authority: Authority, identity: Identity) -> Gateway:
    """TLS on both listeners."""
    return serve(*identity.flags, "--control-tls", tls=authority.trusting(), control_tls=authority.trusting())


def trusting(authority: Authority) -> tuple[str, str]:
    return ("--ca", str(authority.identity.certificate))


def named(address: str, host: str = "localhost") -> str:
    """The same port by another name."""
    return f"{host}:{address.rpartition(':')[2]}"


def watch(target: str, *flags: str) -> subprocess.CompletedProcess[str]:
    return run("watch", target, *flags)


EVENT = json.dumps(candle(1)) + "\n"

# Who is trusted


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_watch_and_publish_by_tls(gateway: Gateway, authority: Authority, host: str) -> None:
    url = f"wss://{named(gateway.listen, host)}/ws/forward/s1"
    command = [str(EXECUTABLE), "watch", url, "--raw", "--count", "3", *trusting(authority)]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            until(lambda: process.poll() is not None or connections(gateway, "s1"), "it has joined")
            lines = "".join(json.dumps(candle(index, p="x" * 20_000)) + "\n" for index in range(3))
            for_one = f"https://{named(gateway.control, host)}/v1/sessions/s1/events"
            ended = run("publish", for_one, "--batch", "1", *trusting(authority), stdin=lines)
            assert ended.returncode == 0, ended.stderr
            output, errors = process.communicate(timeout=patience(10))
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")
    messages = [json.loads(line) for line in output.splitlines()]
    assert [message["type"] for message in messages] == ["connected", "candle", "candle", "candle"]
    assert [message["data"]["candle_index"] for message in messages[1:]] == [0, 1, 2]


def test_flags_name_the_listeners_as_well(gateway: Gateway, authority: Authority) -> None:
    target = ("--control", f"https://{gateway.control}", *trusting(authority))
    assert run("publish", "s1", *target, stdin=EVENT).returncode == 0
    ended = watch("s1", "--connect", f"wss://{gateway.listen}", "--replay", "max", "--count", "1", *trusting(authority))
    assert ended.returncode == 0 and "candle" in ended.stdout, ended.stderr


def test_watch_explains_by_tls(gateway: Gateway, authority: Authority) -> None:
    publish(gateway, "s1", candle(1))
    by = ("--connect", f"wss://{gateway.listen}", "--control", f"https://{gateway.control}", *trusting(authority))
    ended = watch("s1", "--replay", "max", "--count", "1", "--explain", *by)
    assert ended.returncode == 0 and "nothing noteworthy has happened" in ended.stderr, ended.stderr


def test_load_goes_by_tls_on_both_listeners(gateway: Gateway, authority: Authority) -> None:
    by = ("--connect", f"wss://{gateway.listen}", "--control", f"https://{gateway.control}", *trusting(authority))
    ended = run("load", *by, "--connections", "20", "--events", "50", "--in-flight", "8", "--json", seconds=60)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["delivered"] == 1_000
    assert metrics(gateway)['wsg_tls_handshakes_total{result="completed"}'] >= 21


def test_the_system_s_authorities_are_the_default(gateway: Gateway, authority: Authority) -> None:
    url = f"wss://{named(gateway.listen)}/ws/backtest/s1"
    assert watch(url).returncode == 1
    publish(gateway, "s1", candle(1))
    # OpenSSL's own variable, in the place of a certificate store that this test may not change.
    system = {"SSL_CERT_FILE": str(authority.identity.certificate)}
    ended = run("watch", url, "--replay", "max", "--count", "1", variables=system)
    assert ended.returncode == 0, ended.stderr


# Who is not


def refused(serve: Serve, identity: Identity, ca: Optional[Path], host: str = "localhost") -> list[str]:
    """What both tools say of a gateway with this certificate, host and port aside; neither was let in, nor let anything out."""
    gateway = serve(*identity.flags, "--control-tls")
    trust = ("--ca", str(ca)) if ca else ()
    said = []
    for name, address, arguments in (
        ("watch", gateway.listen, ("--connect", f"wss://{named(gateway.listen, host)}")),
        ("publish", gateway.control, ("--control", f"https://{named(gateway.control, host)}")),
    ):
        ended = run(name, "s1", *arguments, *trust, stdin=EVENT)
        assert (ended.returncode, ended.stdout) == (1, ""), ended
        begins, place = "websocket-gateway: the certificate of ", named(address, host)
        assert ended.stderr.startswith(f"{begins}{place} is not trusted: ") and ended.stderr.count("\n") == 1, ended.stderr
        said.append(ended.stderr.removeprefix(f"{begins}{place} is not trusted: ").rstrip())
    return said


def test_a_self_signed_certificate_is_refused_unless_it_is_the_one_to_trust(serve: Serve, authority: Authority) -> None:
    alone = authority.self_signed("alone")
    assert refused(serve, alone, None) == ["self-signed certificate"] * 2
    assert refused(serve, alone, authority.identity.certificate) == ["self-signed certificate"] * 2
    gateway = serve(*alone.flags, "--control-tls")
    by = ("--control", f"https://{gateway.control}", "--ca", str(alone.certificate))
    assert run("publish", "s1", *by, stdin=EVENT).returncode == 0


def test_a_certificate_of_somebody_else_s_authority_is_refused(serve: Serve, identity: Identity, tmp_path: Path) -> None:
    stranger = Authority(tmp_path)
    # Both authorities have one name: it is the signature that does not fit.
    assert set(refused(serve, identity, stranger.identity.certificate)) <= {
        "unable to get local issuer certificate", "certificate signature failure",
    }  # fmt: skip


def test_a_certificate_for_another_host_is_refused(serve: Serve, authority: Authority) -> None:
    elsewhere = authority.issue("elsewhere", host="elsewhere.test")
    ca = authority.identity.certificate
    assert refused(serve, elsewhere, ca) == ["hostname mismatch"] * 2
    assert refused(serve, elsewhere, ca, host="127.0.0.1") == ["IP address mismatch"] * 2


def test_an_expired_certificate_is_refused_and_one_of_the_future(serve: Serve, authority: Authority) -> None:
    ca = authority.identity.certificate
    expired = authority.issue("expired", begins="20200101000000Z", ends="20210101000000Z")
    assert refused(serve, expired, ca) == ["certificate has expired"] * 2
    early = authority.issue("early", begins="20980101000000Z")
    assert refused(serve, early, ca) == ["certificate is not yet valid"] * 2


def test_a_server_without_tls_is_named_as_such(serve: Serve) -> None:
    gateway = serve()
    ended = watch("s1", "--connect", f"wss://{gateway.listen}")
    assert ended.returncode == 1
    assert f"{gateway.listen} does not speak TLS" in ended.stderr, ended.stderr
    ended = run("publish", "s1", "--control", f"https://{gateway.control}", stdin=EVENT)
    assert ended.returncode == 1
    assert f"{gateway.control} does not speak TLS" in ended.stderr, ended.stderr


def test_without_tls_at_a_listener_with_it_the_gateway_says_so(gateway: Gateway) -> None:
    ended = watch("s1", "--connect", gateway.listen)
    assert ended.returncode == 1 and "TLS_REQUIRED: this port speaks TLS: use https or wss" in ended.stderr, ended.stderr
    ended = run("publish", "s1", "--control", gateway.control, stdin=EVENT)
    assert ended.returncode == 1 and "TLS_REQUIRED" in ended.stderr, ended.stderr


@pytest.fixture(params=[b"", b"\x16\x03\x03\x00\x7a\x02", b"\x15\x03\x03\x00\x02\x02\x50"], ids=["nothing", "half a record", "an alert"])
def closing_server(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server that takes a hello, says what it was told to say, and goes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                connection.sendall(request.param)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.mark.parametrize("lines", [EVENT, ""], ids=["an event", "no event"])
def test_a_server_that_closes_in_the_handshake_is_no_gateway(closing_server: int, lines: str) -> None:
    place = f"localhost:{closing_server}"
    for ended in (
        watch("s1", "--connect", f"wss://{place}"),
        run("publish", "s1", "--control", f"https://{place}", stdin=lines),
        run("load", "--connect", f"wss://{place}", "--control", f"https://{place}", "--connections", "1", "--events", "1"),
    ):
        assert ended.returncode == 1
        closed = f"no TLS with {place}: it closed the connection in the handshake"
        alerted = f"{place} ended TLS with an alert: tlsv1 alert internal error"
        assert closed in ended.stderr or alerted in ended.stderr, ended.stderr


def test_a_name_that_nobody_has_is_told(authority: Authority) -> None:
    ended = watch("s1", "--connect", "wss://nobody.invalid", *trusting(authority))
    assert ended.returncode == 1
    assert "cannot connect to nobody.invalid:443: " in ended.stderr, ended.stderr


# Client certificates


def test_a_gateway_that_asks_for_a_certificate_is_shown_one(serve: Serve, authority: Authority, identity: Identity, tmp_path: Path) -> None:
    engines = Authority(tmp_path, "engines")
    mine, other = engines.issue("engine"), authority.issue("nobody")
    gateway = serve(*identity.flags, "--control-tls", "--control-client-ca", str(engines.identity.certificate))

    def publishing(*flags: str) -> subprocess.CompletedProcess[str]:
        return run("publish", "s1", "--control", f"https://{gateway.control}", *trusting(authority), *flags, stdin=EVENT)

    def showing(shown: Identity) -> tuple[str, ...]:
        return ("--client-certificate", str(shown.certificate), "--client-key", str(shown.key))

    ended = publishing(*showing(mine))
    assert ended.returncode == 0, ended.stderr
    for flags in ((), showing(other)):
        ended = publishing(*flags)
        assert ended.returncode == 1 and "alert" in ended.stderr, ended.stderr
    assert publishing("--client-certificate", str(mine.certificate)).returncode == 64
    ended = publishing("--client-certificate", str(mine.certificate), "--client-key", str(other.key))
    assert ended.returncode == 64 and "is not the key of the certificate in" in ended.stderr, ended.stderr


# Tokens and keys


def test_keys_and_tokens_go_by_tls(serve: Serve, authority: Authority, identity: Identity, tmp_path: Path) -> None:
    made = run("api-key", "engine-1")
    key, line = made.stderr.strip(), made.stdout
    keys = tmp_path / "keys"
    keys.write_text(line)
    gateway = serve(*identity.flags, "--control-tls", "--api-key-file", str(keys))
    by = ("--control", f"https://{gateway.control}", *trusting(authority))
    ended = run("publish", "s1", *by, stdin=EVENT)
    assert ended.returncode == 1 and "401" in ended.stderr, ended.stderr
    assert run("publish", "s1", *by, stdin=EVENT, variables={"WSG_API_KEY": key}).returncode == 0


# The demo


def test_the_demo_names_its_urls_and_is_watched_by_them(authority: Authority, identity: Identity) -> None:
    command = [str(EXECUTABLE), "demo", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--speed", "100", *identity.flags, "--control-tls"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as demo:
        try:
            assert demo.stdout
            lines = [demo.stdout.readline()]
            while "Ctrl-C" not in lines[-1]:
                lines.append(demo.stdout.readline())
                assert lines[-1], lines
            [typed] = [line.split() for line in lines if " watch demo-backtest" in line]
            assert typed[3] == "--connect" and typed[4].startswith("wss://127.0.0.1:"), lines
            assert any("curl -s https://127.0.0.1:" in line for line in lines), lines
            ended = run(*typed[1:], *trusting(authority), "--count", "3")
            assert ended.returncode == 0 and ended.stdout.count("\n") == 4, ended.stderr
        finally:
            demo.terminate()
            demo.wait(patience(10))
