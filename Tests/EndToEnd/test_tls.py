"""TLS as clients meet it: real ones, strict ones, old ones, and some that mean no good."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, Optional

import pytest
from websockets.asyncio.client import connect

from certificates import Authority, Identity
from control import candle, metrics, publish
from gateway import Gateway, environment, run
from tabs import open_tab
from waiting import patience, unhurried, until
from websocket_gateway import GatewayUnavailable, WebSocketManager, create_candle_event
from wire import CLOSE, RawTab, Wire

Serve = Callable[..., Gateway]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def identity(authority: Authority) -> Identity:
    return authority.issue("gateway")


@pytest.fixture
def gateway(serve: Serve, authority: Authority, identity: Identity) -> Gateway:
    """Clients come by TLS, engines do not."""
    return serve(*identity.flags, tls=authority.trusting())


def result(gateway: Gateway, name: str) -> float:
    return metrics(gateway)[f'wsg_tls_handshakes_total{{result="{name}"}}']


def raw(gateway: Gateway) -> socket.socket:
    """TCP alone."""
    return socket.create_connection(gateway.address, timeout=patience(5))


def rest(connection: socket.socket) -> bytes:
    """Everything until its end, however that comes."""
    data = b""
    try:
        while piece := connection.recv(65_536):
            data += piece
    except ConnectionError:
        pass
    return data


# Who comes


@pytest.mark.parametrize("library", ["websockets", "aiohttp"])
async def test_python_clients_watch_over_wss(gateway: Gateway, library: str) -> None:
    async with open_tab(gateway, "s1", library=library) as tab:
        assert publish(gateway, "s1", [candle(i) for i in range(50)])["sent"] == 50
        assert [event["data"]["candle_index"] for event in await tab.stream(50)] == list(range(50))
        await tab.send('{"action":"ping"}')
        assert (await tab.event())["type"] == "heartbeat"
        assert await tab.close() == 1000
    assert result(gateway, "completed") == 1


@pytest.mark.skipif(not shutil.which("node"), reason="NO NODE: put node 20 or later on PATH")
def test_node_watches_over_wss(gateway: Gateway, authority: Authority) -> None:
    script = """
        const socket = new WebSocket(process.argv[1]);
        socket.onmessage = (event) => {
            const message = JSON.parse(event.data);
            console.log(message.type);
            if (message.type === 'candle') socket.close(1000);
        };
        socket.onclose = (event) => { console.log(event.code); };
        socket.onerror = (event) => { console.log('error', event.error ?? event.message); };
    """
    node = subprocess.Popen(
        ["node", "--no-warnings", "--experimental-websocket", "-e", script, gateway.url("s1")],
        stdout=subprocess.PIPE, text=True, env=environment() | {"NODE_EXTRA_CA_CERTS": str(authority.identity.certificate)},
    )  # fmt: skip
    try:
        assert node.stdout
        assert node.stdout.readline() == "connected\n"
        publish(gateway, "s1", candle(1))
        assert node.stdout.readline() == "candle\n"
        assert node.stdout.readline() == "1000\n"
        assert node.wait(patience(10)) == 0
    finally:
        node.kill()
        node.wait()


@pytest.mark.skipif(not shutil.which("curl"), reason="NO CURL: put curl on PATH")
def test_curl_is_answered_over_https_on_both_listeners(serve: Serve, authority: Authority, identity: Identity) -> None:
    gateway = serve(*identity.flags, "--control-tls", tls=authority.trusting(), control_tls=authority.trusting())

    def curl(*arguments: str, body: Any = None) -> tuple[int, bytes]:
        ended = subprocess.run(
            ["curl", "-sS", "--max-time", "10", "--cacert", str(authority.identity.certificate), *arguments],
            input=json.dumps(body).encode(), capture_output=True,
        )  # fmt: skip
        return ended.returncode, ended.stdout

    control = f"https://{gateway.control}"
    assert curl(f"{control}/healthz")[0] == 0
    # Half a mebibyte up, and the whole page of metrics down.
    posts = ("-H", "Content-Type: application/json", "--data-binary", "@-")
    code, body = curl(f"{control}/v1/sessions/s1/events", *posts, body=candle(1, p="x" * 500_000))
    assert (code, json.loads(body)["connections"]) == (0, 0), body
    code, page = curl(f"{control}/metrics")
    assert code == 0 and page.count(b"wsg_tls_handshakes_total{") > 10
    code, body = curl(f"https://{gateway.listen}/nothing")
    assert code == 0 and json.loads(body)["error"]["code"] == "NOT_FOUND"


async def test_the_python_client_publishes_and_serves_over_https(serve: Serve, authority: Authority, identity: Identity) -> None:
    gateway = serve(*identity.flags, "--control-tls", tls=authority.trusting(), control_tls=authority.trusting())
    url = f"https://{gateway.control}"
    async with WebSocketManager(url, ssl_context=authority.trusting()) as engine, open_tab(gateway, "s1") as tab:
        async with engine.engine_link() as link:
            await link.serve("s1", lambda command: {"done": command.action})
            await tab.send('{"action":"pause","ref":"r1"}')
            assert (await tab.event("command_ack"))["data"] == {"action": "pause", "ref": "r1", "done": "pause"}
        # More than a record each way, many at once.
        many = [engine.publish("s1", create_candle_event({"candle_index": index, "p": "x" * 30_000}, {})) for index in range(50)]
        receipts = await asyncio.gather(*many)
        assert [receipt.sequence for receipt in receipts] == list(range(1, 51))
        for index in range(50):
            assert (await tab.event("candle"))["data"]["candle"]["candle_index"] == index
    async with WebSocketManager(url, retry_for=0.5) as stranger:
        with pytest.raises(GatewayUnavailable, match="certificate"):
            await stranger.publish("s1", create_candle_event({"candle_index": 1}, {}))


def test_openssl_agrees_on_http_1_1_and_on_tls_1_3(gateway: Gateway, authority: Authority) -> None:
    said = s_client(gateway, authority, "-alpn", "h2,http/1.1", "-servername", "localhost", "-verify_hostname", "localhost")
    assert "ALPN protocol: http/1.1" in said
    assert "TLSv1.3" in said
    assert "Verify return code: 0 (ok)" in said
    assert "Compression: NONE" in said


def s_client(gateway: Gateway, authority: Authority, *arguments: str) -> str:
    """What `openssl s_client` says of one connection."""
    ended = subprocess.run(
        ["openssl", "s_client", "-connect", gateway.listen, "-CAfile", str(authority.identity.certificate), *arguments],
        input="", capture_output=True, text=True, timeout=patience(20),
    )  # fmt: skip
    return ended.stdout + ended.stderr


def test_openssl_asks_for_new_keys_and_reads_on(gateway: Gateway, authority: Authority) -> None:
    """Its command `K` is a key update that asks for another (RFC 8446 §4.6.3): records of three keys, both ways."""
    command = ["openssl", "s_client", "-crlf", "-connect", gateway.listen, "-CAfile", str(authority.identity.certificate)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        assert client.stdin is not None and client.stdout is not None
        said = b""
        for answers in (1, 2, 3):
            client.stdin.write(b"GET /nothing HTTP/1.1\nHost: gateway\n\n")
            client.stdin.flush()
            while said.count(b"HTTP/1.1 404") < answers:
                assert (more := os.read(client.stdout.fileno(), 65536)), said
                said += more
            client.stdin.write(b"K\n")
            client.stdin.flush()
            while said.count(b"KEYUPDATE") < answers:
                assert (more := os.read(client.stdout.fileno(), 65536)), said
                said += more
        client.stdin.close()


# Which TLS


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(gateway: Gateway, authority: Authority, version: ssl.TLSVersion) -> None:
    context = authority.trusting()
    context.minimum_version = context.maximum_version = version
    with context.wrap_socket(raw(gateway), server_hostname="localhost") as sealed:
        assert sealed.version() == version.name.replace("_", ".")
        name = sealed.cipher()[0]
        assert "GCM" in name or "CHACHA20" in name
        assert version is ssl.TLSVersion.TLSv1_3 or name.startswith("ECDHE")


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_older_ones_are_refused(gateway: Gateway, authority: Authority, version: str) -> None:
    said = s_client(gateway, authority, version, "-cipher", "DEFAULT@SECLEVEL=0")
    assert "alert protocol version" in said, said
    assert result(gateway, "version") == 1


def test_ciphers_without_forward_secrecy_are_refused(gateway: Gateway, authority: Authority) -> None:
    said = s_client(gateway, authority, "-tls1_2", "-cipher", "AES128-SHA256:ECDHE-ECDSA-AES128-SHA")
    assert "alert handshake failure" in said, said
    assert result(gateway, "cipher") == 1


def test_who_speaks_other_protocols_only_is_told(gateway: Gateway, authority: Authority) -> None:
    said = s_client(gateway, authority, "-alpn", "h2")
    assert "alert no application protocol" in said, said
    assert result(gateway, "alpn") == 1


def test_renegotiation_is_refused(gateway: Gateway, authority: Authority) -> None:
    said = subprocess.run(
        ["openssl", "s_client", "-connect", gateway.listen, "-tls1_2", "-CAfile", str(authority.identity.certificate)],
        input="R\n", capture_output=True, text=True, timeout=patience(20),
    )  # fmt: skip
    assert "no renegotiation" in said.stdout + said.stderr


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_that_comes_back_resumes(gateway: Gateway, authority: Authority, version: ssl.TLSVersion) -> None:
    context = authority.trusting()
    context.minimum_version = context.maximum_version = version
    session: Optional[ssl.SSLSession] = None
    for is_first in (True, False):
        with context.wrap_socket(raw(gateway), server_hostname="localhost", session=session) as sealed:
            # The ticket comes with the first bytes (TLS 1.3).
            sealed.sendall(b"GET /nothing HTTP/1.1\r\nHost: gateway\r\n\r\n")
            assert sealed.recv(4096).startswith(b"HTTP/1.1 404")
            assert sealed.session_reused is not is_first
            session = sealed.session
    assert (result(gateway, "completed"), result(gateway, "resumed")) == (1, 1)


# What clients make of certificates


def refusal(gateway: Gateway, context: ssl.SSLContext, host: str = "localhost") -> str:
    """Why the client will not have it; empty where it will."""
    try:
        with context.wrap_socket(raw(gateway), server_hostname=host):
            return ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_message


CERTIFICATES = {
    "good": (lambda a: a.issue("good"), "", None),
    "of an rsa key": (lambda a: a.issue("of-rsa", rsa=True), "", None),
    "self-signed": (lambda a: a.self_signed("alone"), "self-signed certificate", None),
    "of another host": (lambda a: a.issue("elsewhere", host="elsewhere.test"), "Hostname mismatch, certificate is not valid for 'localhost'.", None),
    "expired": (lambda a: a.issue("expired", ends="20210101000000Z"), "certificate has expired", "has expired; clients will refuse it"),
    "not yet valid": (lambda a: a.issue("early", begins="20980101000000Z"), "certificate is not yet valid", "is not valid yet"),
}  # fmt: skip


@pytest.mark.parametrize("kind", CERTIFICATES)
def test_a_certificate_as_clients_and_the_log_see_it(serve: Serve, authority: Authority, kind: str) -> None:
    make, expected, warning = CERTIFICATES[kind]
    identity = make(authority)
    gateway = serve(*identity.flags)
    assert refusal(gateway, authority.trusting()) == expected
    assert ("warning" in gateway.stderr) == (warning is not None)
    assert (warning or "") in gateway.stderr
    if expected:
        until(lambda: result(gateway, "alert") + result(gateway, "abandoned") + result(gateway, "completed") == 1, "it is counted")
    # `--check` says the same, and does not fail for it.
    checked = run("serve", *identity.flags, "--check")
    assert checked.returncode == 0 and (warning or "") in checked.stderr


def test_a_chain_is_sent_whole_and_missed_where_it_is_not(serve: Serve, authority: Authority, tmp_path: Path) -> None:
    between = authority.issue("between", intermediate=True)
    leaf = authority.issue("leaf", by=between)
    broken = serve(*leaf.flags)
    assert refusal(broken, authority.trusting()) == "unable to get local issuer certificate"
    chain = tmp_path / "chain.pem"
    chain.write_bytes(leaf.certificate.read_bytes() + between.certificate.read_bytes())
    whole = serve(*Identity(chain, leaf.key).flags)
    assert refusal(whole, authority.trusting()) == ""


# Files that cannot be used


def test_what_is_wrong_with_a_file_is_said_before_the_start(authority: Authority, identity: Identity, tmp_path: Path) -> None:
    other = authority.issue("other")
    text = tmp_path / "text.pem"
    text.write_text("hello")
    missing = tmp_path / "missing.pem"
    table = [
        (("--tls-certificate", str(identity.certificate)), "tls-certificate: needs its key as well; pass --tls-key"),
        (("--tls-key", str(identity.key)), "tls-key: needs its certificate as well; pass --tls-certificate"),
        (("--control-tls",), "control-tls: needs a certificate; pass --tls-certificate and --tls-key"),
        ((*identity.flags, "--control-client-ca", str(text)), "control-client-ca: is of no use without --control-tls"),
        (Identity(missing, identity.key).flags, f"tls-certificate: {missing} cannot be read: no such file or directory"),
        (Identity(tmp_path, identity.key).flags, f"tls-certificate: {tmp_path} cannot be read: illegal operation on a directory"),
        (Identity(identity.certificate, missing).flags, f"tls-key: {missing} cannot be read: no such file or directory"),
        (Identity(text, identity.key).flags, f"tls-certificate: {text} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"),
        (Identity(identity.certificate, text).flags, f"tls-key: {text} holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)"),
        (
            Identity(identity.certificate, other.key).flags,
            f"tls-key: {other.key} is not the key of the certificate in {identity.certificate}",
        ),
        (
            (*identity.flags, "--control-tls", "--control-client-ca", str(text)),
            f"control-client-ca: {text} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)",
        ),
    ]
    for flags, reason in table:
        ended = run("serve", *flags, "--check")
        assert (ended.returncode, ended.stderr) == (64, f"websocket-gateway: {reason}\n")


# Clients with certificates


def test_the_control_listener_may_ask_for_certificates(serve: Serve, authority: Authority, identity: Identity, tmp_path: Path) -> None:
    engines = Authority(tmp_path, "engines")
    engine = engines.issue("engine")
    ours = authority.trusting(client=engine)
    gateway = serve(
        *identity.flags, "--control-tls", "--control-client-ca", str(engines.identity.certificate), tls=authority.trusting(), control_tls=ours
    )
    assert publish(gateway, "s1", candle(1))["connections"] == 0
    # Of the public listener nobody is asked.
    with RawTab.opened(gateway, "s1"):
        pass
    for context in (authority.trusting(), authority.trusting(client=Authority(tmp_path, "strangers").issue("stranger"))):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            # A client of TLS 1.3 is done before it is judged: it hears of it when it reads.
            with context.wrap_socket(socket.create_connection(gateway.control_address, timeout=patience(5)), server_hostname="127.0.0.1") as sealed:
                sealed.sendall(b"GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n")
                assert sealed.recv(100) == b""
                raise ConnectionError("it was closed without a word")
    # Such a listener may be beyond loopback.
    beyond = (*identity.flags, "--control", "0.0.0.0:0", "--check", "--control-tls")
    assert run("serve", *beyond, "--control-client-ca", str(engines.identity.certificate)).returncode == 0
    assert run("serve", *beyond).returncode == 64
    assert result(gateway, "no_certificate") == 1
    assert result(gateway, "bad_certificate") == 1


# Ends


def test_the_gateway_says_that_it_ends(gateway: Gateway, authority: Authority) -> None:
    for request, last in ((b"GET /nothing HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n", b"}"), (b"nonsense\r\n\r\n", b"}")):
        # Without close_notify this raises: an end that anybody on the way could have made.
        with authority.trusting().wrap_socket(raw(gateway), server_hostname="localhost", suppress_ragged_eofs=False) as sealed:
            sealed.sendall(request)
            assert rest(sealed).rstrip().endswith(last)
    with RawTab.opened(gateway, "s1") as tab:
        tab.socket.suppress_ragged_eofs = False
        tab.send_close(1000)
        assert tab.frame().opcode == CLOSE
        assert tab.socket.recv(1) == b""


def test_a_client_that_says_only_tls_goodbye_has_left(gateway: Gateway) -> None:
    with RawTab.opened(gateway, "s1") as tab:
        publish(gateway, "s1", candle(1))
        tab.event("candle")
        tab.socket.unwrap()
        until(lambda: metrics(gateway)['wsg_connections{kind="backtest"}'] == 0, "it has left")
    until(lambda: result(gateway, "completed") == 1, "it was counted once")


# Who reads slowly


def test_a_client_that_does_not_read_catches_up_in_order(serve: Serve, authority: Authority, identity: Identity) -> None:
    gateway = serve(
        *identity.flags, "--max-write-queue-bytes", "200000", "--write-timeout", str(unhurried(30)), tls=authority.trusting()
    )
    with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536) as slow, RawTab.opened(gateway, "s1") as quick:
        count = 0
        while metrics(gateway)["wsg_connections_behind"] == 0:
            assert count < 500, "it never falls behind"
            publish(gateway, "s1", candle(count, p="x" * 60_000))
            assert quick.event("candle")["data"]["candle_index"] == count
            count += 1
        assert [slow.event("candle")["data"]["candle_index"] for _ in range(count)] == list(range(count))
        until(lambda: metrics(gateway)["wsg_connections_behind"] == 0, "it has caught up")
        assert publish(gateway, "s1", candle(count))["sent"] == 2
        assert slow.event("candle")["data"]["candle_index"] == count
        assert metrics(gateway)["wsg_queued_bytes"] == 0


def test_a_client_that_never_reads_is_closed(serve: Serve, authority: Authority, identity: Identity) -> None:
    gateway = serve(
        *identity.flags, "--max-write-queue-bytes", "200000", "--write-timeout", "0.5", "--close-timeout", "0.5", tls=authority.trusting()
    )
    with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536):
        for i in range(200):
            publish(gateway, "s1", candle(i, p="x" * 60_000))
            if metrics(gateway)["wsg_connections_behind"] == 1:
                break
        until(lambda: metrics(gateway)['wsg_connections{kind="backtest"}'] == 0, "it is closed")
        until(lambda: metrics(gateway)['wsg_closes_total{code="4408"}'] == 1, "it is counted")


# Handshakes


HALVES = [b"", b"\x16", b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4"]


@pytest.mark.limit("--tls-handshake-timeout")
@pytest.mark.parametrize("half", HALVES, ids=["nothing", "a byte", "half a hello"])
def test_a_handshake_has_its_time(serve: Serve, authority: Authority, identity: Identity, half: bytes) -> None:
    gateway = serve(*identity.flags, "--tls-handshake-timeout", "0.5", tls=authority.trusting())
    with raw(gateway) as connection:
        began = time.monotonic()
        connection.sendall(half)
        until(lambda: metrics(gateway)["wsg_tls_handshakes_open"] == 1, "it is under way")
        assert rest(connection) == b""
        assert 0.4 < time.monotonic() - began < patience(3)
    assert result(gateway, "timeout") == 1
    assert metrics(gateway)["wsg_tls_handshakes_open"] == 0


@pytest.mark.limit("--max-tls-handshakes")
def test_no_more_handshakes_than_may_be_are_under_way(serve: Serve, authority: Authority, identity: Identity) -> None:
    gateway = serve(*identity.flags, "--workers", "1", "--max-tls-handshakes", "4", "--tls-handshake-timeout", "30", tls=authority.trusting())
    with RawTab.opened(gateway, "s1") as tab:
        waiting = [raw(gateway) for _ in range(4)]
        until(lambda: metrics(gateway)["wsg_tls_handshakes_open"] == 4, "they are under way")
        with raw(gateway) as refused:
            # A fatal alert, and the end.
            assert rest(refused) == bytes([21, 3, 3, 0, 2, 2, 80])
        assert result(gateway, "limit") == 1
        # Who is in is not disturbed, and a place is free when one leaves.
        publish(gateway, "s1", candle(1))
        assert tab.event("candle")["data"]["candle_index"] == 1
        waiting.pop().close()
        until(lambda: result(gateway, "abandoned") == 1, "one has left")
        with RawTab.opened(gateway, "s2"):
            pass
        for connection in waiting:
            connection.close()


def test_who_is_over_a_limit_of_connections_is_told_by_an_alert(serve: Serve, authority: Authority, identity: Identity) -> None:
    gateway = serve(*identity.flags, "--max-connections", "1", tls=authority.trusting())
    with RawTab.opened(gateway, "s1"), raw(gateway) as refused:
        assert rest(refused) == bytes([21, 3, 3, 0, 2, 2, 80])
    assert metrics(gateway)['wsg_connections_refused_total{reason="gateway_limit"}'] == 1


def test_plain_http_is_answered_in_plain_http(gateway: Gateway) -> None:
    with raw(gateway) as connection:
        connection.sendall(b"GET /ws/backtest/s1 HTTP/1.1\r\nHost: gateway\r\n\r\n")
        answer = rest(connection)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "TLS_REQUIRED"
    assert result(gateway, "plain_http") == 1


GARBAGE = {
    "zeros": b"\x00" * 4096,
    "text": b"SSH-2.0-OpenSSH_9.2\r\n" + b"x" * 100,
    "a record of garbage": b"\x16\x03\x01\x02\x00" + b"\xa5" * 512,
    "application data first": b"\x17\x03\x03\x00\x20" + b"\xa5" * 32,
    "an alert first": b"\x15\x03\x03\x00\x02\x02\x28",
    "a hello of 16 MiB": b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + b"\x00" * 16_380,
    "100,000 random bytes": bytes((i * 7919 + (i >> 3) * 31) & 0xFF for i in range(100_000)),
}


def test_garbage_closes_the_connection_and_nothing_else(gateway: Gateway) -> None:
    with RawTab.opened(gateway, "s1") as tab:
        for kind, data in GARBAGE.items():
            with raw(gateway) as connection:
                try:
                    connection.sendall(data)
                except ConnectionError:
                    pass
                assert len(rest(connection)) < 100, kind
        until(lambda: metrics(gateway)["wsg_tls_handshakes_open"] == 0, "all are gone")
        publish(gateway, "s1", candle(1))
        assert tab.event("candle")["data"]["candle_index"] == 1
    assert sum(value for name, value in metrics(gateway).items() if name.startswith("wsg_tls_handshakes_total")) == len(GARBAGE) + 1


def test_a_record_changed_on_its_way_ends_the_connection(gateway: Gateway, authority: Authority) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = authority.trusting().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with raw(gateway) as connection:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
                incoming.write(connection.recv(65_536))
        connection.sendall(outgoing.read())
        tls.write(b"GET /nothing HTTP/1.1\r\nHost: g\r\n\r\n")
        record = bytearray(outgoing.read())
        record[-1] ^= 1
        connection.sendall(record)
        incoming.write(rest(connection))
    with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
        tls.read()


# Reloading


@pytest.fixture
def replaced(authority: Authority, tmp_path: Path) -> Iterator[Callable[[Identity], Identity]]:
    """Puts an identity in the place of the one before."""
    place = Identity(tmp_path / "tls.pem", tmp_path / "tls.key")

    def put(identity: Identity) -> Identity:
        for source, target in ((identity.certificate, place.certificate), (identity.key, place.key)):
            beside = target.with_suffix(".new")
            beside.write_bytes(source.read_bytes())
            beside.rename(target)
        return place

    yield put


def serial(gateway: Gateway, context: ssl.SSLContext) -> str:
    with context.wrap_socket(raw(gateway), server_hostname="localhost") as sealed:
        certificate = sealed.getpeercert()
        assert certificate
        return str(certificate["serialNumber"])


def reload(gateway: Gateway, says: str, times: int = 1) -> None:
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: gateway.stderr.count(says) >= times, f"{says} is in the log")


def test_a_new_certificate_is_used_after_a_hangup_and_nobody_is_disturbed(
    serve: Serve, authority: Authority, replaced: Callable[[Identity], Identity]
) -> None:
    place = replaced(authority.issue("first"))
    gateway = serve(*place.flags, tls=authority.trusting())
    with RawTab.opened(gateway, "s1") as tab:
        before = serial(gateway, authority.trusting())
        replaced(authority.issue("second"))
        assert serial(gateway, authority.trusting()) == before
        reload(gateway, "SIGHUP: reloaded")
        assert serial(gateway, authority.trusting()) != before
        publish(gateway, "s1", candle(1))
        assert tab.event("candle")["data"]["candle_index"] == 1


def test_a_bad_file_changes_nothing_and_says_why(serve: Serve, authority: Authority, replaced: Callable[[Identity], Identity]) -> None:
    good = authority.issue("kept")
    place = replaced(good)
    gateway = serve(*place.flags, tls=authority.trusting())
    before = serial(gateway, authority.trusting())
    place.key.write_bytes(authority.issue("of-another").key.read_bytes())
    reload(gateway, "SIGHUP: not reloaded")
    assert "is not the key of the certificate" in gateway.stderr
    place.certificate.unlink()
    reload(gateway, "SIGHUP: not reloaded", 2)
    assert serial(gateway, authority.trusting()) == before
    replaced(authority.issue("mended"))
    reload(gateway, "SIGHUP: reloaded")
    assert serial(gateway, authority.trusting()) != before


async def test_reloads_under_load_drop_nothing(serve: Serve, authority: Authority, replaced: Callable[[Identity], Identity]) -> None:
    place = replaced(authority.issue("loaded-0"))
    context = authority.trusting()
    gateway = serve(*place.flags, tls=context)
    identities = [authority.issue(f"loaded-{i}") for i in range(1, 6)]
    events = 300
    tabs = [await connect(gateway.url("s1"), ssl=context, ping_interval=None, proxy=None) for _ in range(20)]
    comers: list[int] = []
    isOver = threading.Event()

    def engine() -> None:
        for i in range(events):
            publish(gateway, "s1", candle(i))
            if i % 50 == 25:
                replaced(identities[i // 50 % len(identities)])
                reload(gateway, "SIGHUP: reloaded", i // 50 + 1)
        isOver.set()

    async def come() -> None:
        while not isOver.is_set():
            async with connect(gateway.url("s1"), ssl=context, ping_interval=None, proxy=None) as tab:
                assert json.loads(await tab.recv())["type"] == "connected"
                comers.append(1)

    async def watch(tab: Any) -> list[int]:
        seen: list[int] = []
        while len(seen) < events:
            event = json.loads(await asyncio.wait_for(tab.recv(), patience(20)))
            if event["type"] == "candle":
                seen.append(event["data"]["candle_index"])
        return seen

    working = asyncio.to_thread(engine)
    everything = await asyncio.gather(working, come(), *(watch(tab) for tab in tabs))
    assert all(seen == list(range(events)) for seen in everything[2:])
    assert len(comers) > 5
    for tab in tabs:
        await tab.close()
    assert metrics(gateway)['wsg_closes_total{code="1006"}'] == 0


def test_after_a_reload_a_ticket_of_before_is_worth_nothing(gateway: Gateway, authority: Authority) -> None:
    context = authority.trusting()
    session: Optional[ssl.SSLSession] = None
    for _ in range(2):
        with context.wrap_socket(raw(gateway), server_hostname="localhost", session=session) as sealed:
            sealed.sendall(b"GET /nothing HTTP/1.1\r\nHost: gateway\r\n\r\n")
            assert sealed.recv(4096).startswith(b"HTTP/1.1 404")
            assert not sealed.session_reused
            session = sealed.session
        reload(gateway, "SIGHUP: reloaded")


# The end of the gateway


def test_a_drain_tells_sealed_clients_too(gateway: Gateway) -> None:
    with RawTab.opened(gateway, "s1") as tab, raw(gateway) as half:
        until(lambda: metrics(gateway)["wsg_tls_handshakes_open"] == 1, "a handshake is under way")
        gateway.terminate()
        assert tab.close_frame()[0] == 1012
        tab.send_close(1012)
        assert tab.at_end()
        assert rest(half) == b""
    assert gateway.wait(5) == 0
