from __future__ import annotations

import os
import socket
import ssl
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Optional

import pytest

from fake_gateway import (
    PATIENCE_SECONDS,
    REFUSED,
    Answering,
    Connection,
    FakeGateway,
    answer,
    closed_port,
    receipt,
)
from websocket_gateway import GatewayUnavailable
from websocket_gateway.answers import Answer
from websocket_gateway.pipeline import Pipeline, Request
from websocket_gateway.transport import Channel, Target, Transport


def make(url: str, timeout: float = PATIENCE_SECONDS, retry_for: float = 5.0, idle: float = 30.0) -> Transport:
    return Transport(Target(url, None), timeout, retry_for, idle)


def post(transport: Transport, body: str = "{}", session: str = "s", key: Optional[str] = None) -> Future[Answer]:
    wire = transport.target.request("POST", f"/v1/sessions/{session}/events", body, key)
    return transport.submit(Request(wire, order=session, keyed=key is not None))


def get(transport: Transport, path: str = "/v1/sessions/s") -> Future[Answer]:
    return transport.submit(Request(transport.target.request("GET", path), repeatable=True))


def status(future: Future[Answer]) -> int:
    return future.result(PATIENCE_SECONDS).status


def outcome(future: Future[Answer]) -> str:
    error = future.exception(PATIENCE_SECONDS)
    assert isinstance(error, GatewayUnavailable)
    return error.outcome


def close(transport: Transport) -> None:
    transport.close().result(PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://gateway:8081/v1", None),
        ("ftp://gateway", None),
        ("gateway:8081", None),
        ("http://", None),
        ("http://gateway/v1", None),
        ("http://gateway?x=1", None),
        ("http://user:secret@gateway", None),
        ("http://gate way", None),
        ("http://gateway:99999", None),
        ("unix:", None),
        ("unix:gateway.sock", None),
        ("unix:/run/a\0b", None),
        ("http://gateway", "secret\r\nX: y"),
        ("http://gateway", "secr\u00e9t"),
    ],
)
def test_a_target_that_is_not_usable_is_refused_without_telling_secrets(url: str, key: Optional[str]) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        Target(url, key)
    assert "secret" not in str(caught.value)
    assert "secr\u00e9t" not in str(caught.value)


def test_an_encrypted_target_has_a_context_that_verifies_and_its_own_port() -> None:
    target = Target("https://gateway", None)
    assert target.port == 443
    assert target.tls is not None and target.tls.check_hostname and target.tls.verify_mode == ssl.CERT_REQUIRED
    own = ssl.create_default_context()
    assert Target("https://gateway:8081", None, own).tls is own
    assert Target("http://gateway", None).tls is None
    with pytest.raises(ValueError, match="https"):
        Target("http://gateway", None, own)


def test_a_target_may_be_a_unix_domain_socket() -> None:
    target = Target("unix:/run/gateway.sock", None)
    assert target.path == "/run/gateway.sock"
    assert target.tls is None
    assert target.request("GET", "/v1/sessions").startswith(b"GET /v1/sessions HTTP/1.1\r\nHost: localhost\r\n")
    with pytest.raises(ValueError, match="https"):
        Target("unix:/run/gateway.sock", None, ssl.create_default_context())


def test_requests_go_over_a_unix_domain_socket(tmp_path: Path) -> None:
    path = tmp_path / "gateway.sock"
    with FakeGateway(family=socket.AF_UNIX, path=path) as gateway:
        transport = make(gateway.url)
        assert status(post(transport)) == 200
        close(transport)
    transport = make(f"unix:{tmp_path}/nothing.sock", retry_for=0.2)
    future = post(transport)
    assert outcome(future) == "not_sent"
    assert f"unix:{tmp_path}/nothing.sock: " in str(future.exception())
    close(transport)


def test_a_request_is_these_bytes() -> None:
    target = Target("http://[::1]:8081/", "k3y")
    assert target.request("POST", "/v1/events", '{"a":"\u00e9"}') == (
        b"POST /v1/events HTTP/1.1\r\nHost: [::1]:8081\r\nUser-Agent: websocket-gateway-client\r\n"
        b"Authorization: Bearer k3y\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n"
        b'{"a":"\xc3\xa9"}'
    )
    assert target.request("POST", "/v1/events", "{}", "k-1") == (
        b"POST /v1/events HTTP/1.1\r\nHost: [::1]:8081\r\nUser-Agent: websocket-gateway-client\r\n"
        b"Authorization: Bearer k3y\r\nContent-Type: application/json\r\nIdempotency-Key: k-1\r\nContent-Length: 2\r\n\r\n{}"
    )
    assert Target("http://Gateway", None).request("GET", "/v1/sessions") == (
        b"GET /v1/sessions HTTP/1.1\r\nHost: gateway:80\r\nUser-Agent: websocket-gateway-client\r\n\r\n"
    )


def test_requests_are_pipelined_in_order_on_one_connection() -> None:
    count = 500

    def script(connection: Connection) -> None:
        connection.expect("POST", "/v1/sessions/s/events")
        connection.send(answer(200, receipt(0)))
        # Nothing is answered before a whole pipeline is there.
        for start in range(1, count, 100):
            bodies = [connection.expect("POST", "/v1/sessions/s/events").body for _ in range(min(100, count - start))]
            assert bodies == [str(n).encode() for n in range(start, start + len(bodies))]
            connection.send(b"".join(answer(200, receipt(n)) for n in range(start, start + len(bodies))))
        assert connection.read() is None

    with FakeGateway(script) as gateway:
        transport = make(gateway.url)
        futures = [post(transport, str(n)) for n in range(count)]
        assert [future.result(PATIENCE_SECONDS).object()["sequence"] for future in futures] == list(range(count))
        close(transport)
        assert gateway.accepted == 1


def test_answers_may_come_a_byte_at_a_time() -> None:
    def script(connection: Connection) -> None:
        connection.read()
        for byte in answer(200, receipt(7)):
            connection.send(bytes([byte]))
        assert connection.read() is None

    with FakeGateway(script) as gateway:
        transport = make(gateway.url)
        assert post(transport).result(PATIENCE_SECONDS).object()["sequence"] == 7
        close(transport)


def test_a_gateway_that_does_not_read_while_it_writes_is_no_deadlock() -> None:
    big = {"filler": "x" * 400_000}
    body = '"' + "y" * 900_000 + '"'

    def script(connection: Connection) -> None:
        for _ in range(20):
            connection.read()
            connection.send(answer(200, big))

    with FakeGateway(script) as gateway:
        transport = make(gateway.url)
        assert [status(future) for future in [post(transport, body) for _ in range(20)]] == [200] * 20
        close(transport)


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("sent", [0, 1, 30, len(answer(200, receipt())) - 1])
def test_a_gateway_lost_before_the_whole_answer_leaves_the_outcome_unknown(sent: int, reset: bool) -> None:
    def script(connection: Connection) -> None:
        connection.read()
        connection.send(answer(200, receipt())[:sent])
        if reset:
            connection.reset()

    well = Answering()
    with FakeGateway(script, well) as gateway:
        transport = make(gateway.url)
        first, read = post(transport, '{"type":"first"}'), get(transport)
        assert outcome(first) == "unknown"
        assert status(read) == 404
        assert status(post(transport, '{"type":"second"}')) == 200
        close(transport)
        assert [request.method for request in well.received] == ["GET", "POST"]


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("sent", [0, 1, 30, len(answer(200, receipt())) - 1])
def test_a_gateway_lost_before_the_whole_answer_is_asked_again_where_there_is_a_key(sent: int, reset: bool) -> None:
    def script(connection: Connection) -> None:
        connection.read()
        connection.send(answer(200, receipt())[:sent])
        if reset:
            connection.reset()

    well = Answering()
    with FakeGateway(script, well) as gateway:
        transport = make(gateway.url)
        futures = [post(transport, f'{{"type":"e{n}"}}', key=f"k{n}") for n in range(3)]
        assert [status(future) for future in futures] == [200] * 3
        close(transport)
        assert well.types() == ["e0", "e1", "e2"]
        assert [request.headers["idempotency-key"] for request in well.received] == ["k0", "k1", "k2"]


def test_a_connection_lost_in_sending_is_followed_by_another_at_once() -> None:
    send, lost = Channel._send, threading.Event()

    def losing(self: Channel) -> None:
        send(self)
        if not lost.is_set():
            lost.set()
            self._lose("the network is down")

    with FakeGateway(Connection.read_to_end, Answering()) as gateway, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Channel, "_send", losing)
        transport = make(gateway.url, retry_for=1.0)
        assert status(post(transport, key="k")) == 200
        close(transport)


def test_a_connection_closed_while_idle_is_left_for_a_new_one() -> None:
    closed = threading.Event()

    def script(connection: Connection) -> None:
        connection.read()
        connection.send(answer(200, receipt()))
        connection.close()
        closed.set()

    well = Answering()
    with FakeGateway(script, script, well) as gateway:
        transport = make(gateway.url)
        for _ in range(2):
            assert status(post(transport)) == 200
            assert closed.wait(PATIENCE_SECONDS)
            closed.clear()
        assert status(post(transport)) == 200
        close(transport)
        assert len(well.received) == 1


def test_what_stands_behind_a_closing_answer_goes_to_the_next_connection_once() -> None:
    def script(connection: Connection) -> None:
        connection.read()
        connection.send(answer(200, receipt(1)))
        for _ in range(3):
            connection.read()
        connection.send(answer(200, receipt(2), "Connection: close"))

    well = Answering()
    with FakeGateway(script, well) as gateway:
        transport = make(gateway.url)
        assert status(post(transport)) == 200
        futures = [post(transport, f'{{"type":"e{n}"}}') for n in range(3)]
        assert [status(future) for future in futures] == [200] * 3
        close(transport)
        assert well.types() == ["e1", "e2"]


def test_a_refused_event_is_sent_again_and_comes_once() -> None:
    def script(connection: Connection) -> None:
        for n in range(3):
            body = connection.expect("POST", "/v1/sessions/s/events").body
            assert body == b"first"
            connection.send(answer(200, receipt()) if n == 2 else answer(503, REFUSED, "Retry-After: 0"))
        assert connection.expect("POST", "/v1/sessions/s/events").body == b"second"
        connection.send(answer(200, receipt()))
        assert connection.read() is None

    with FakeGateway(script) as gateway:
        transport = make(gateway.url)
        futures = [post(transport, "first"), post(transport, "second")]
        assert [status(future) for future in futures] == [200, 200]
        close(transport)


def test_a_body_refused_before_it_was_read_is_answered() -> None:
    def script(connection: Connection) -> None:
        connection.read_some(1000)
        connection.send(answer(413, {"error": {"code": "TOO_LARGE", "message": "at most 1048576 bytes"}}))
        connection.read_to_end()  # as a gateway does for a while, lest a reset overtake its answer

    with FakeGateway(script) as gateway:
        transport = make(gateway.url)
        assert status(post(transport, '"' + "x" * 30_000_000 + '"')) == 413
        close(transport)


def test_a_gateway_that_is_not_there_is_given_up() -> None:
    transport = make(f"http://127.0.0.1:{closed_port()}", retry_for=0.2)
    futures = [post(transport), get(transport)]
    assert [outcome(future) for future in futures] == ["not_sent", "not_sent"]
    assert "refused" in str(futures[0].exception())
    close(transport)


def test_a_gateway_that_comes_back_in_time_gets_the_event() -> None:
    port = closed_port()
    transport = make(f"http://127.0.0.1:{port}", retry_for=PATIENCE_SECONDS)
    tried = threading.Event()
    not_connected = Pipeline.not_connected

    def noticing(self: Pipeline, reason: str, now: float) -> None:
        not_connected(self, reason, now)
        tried.set()

    well = Answering()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pipeline, "not_connected", noticing)
        future = post(transport)
        assert tried.wait(PATIENCE_SECONDS)
        with FakeGateway(well, port=port):
            assert status(future) == 200
            close(transport)
    assert len(well.received) == 1


def test_a_gateway_that_says_nothing_is_given_up() -> None:
    def script(connection: Connection) -> None:
        connection.read()
        assert connection.read() is None

    with FakeGateway(script) as gateway:
        transport = make(gateway.url, timeout=0.1)
        assert outcome(post(transport)) == "unknown"
        close(transport)


def test_a_gateway_that_says_nothing_is_asked_again_on_another_connection_where_there_is_a_key() -> None:
    well = Answering()
    with FakeGateway(Connection.read_to_end, well) as gateway:
        transport = make(gateway.url, timeout=0.1)
        assert status(post(transport, key="k")) == 200
        close(transport)
    assert {request.headers["idempotency-key"] for request in well.received} == {"k"}


def test_an_idle_thread_ends_and_the_next_request_starts_another() -> None:
    well = Answering()
    with FakeGateway(well) as gateway:
        transport = make(gateway.url, idle=0.01)
        assert status(post(transport)) == 200
        channel = transport._channel
        assert channel is not None
        channel.ended.result(PATIENCE_SECONDS)
        assert status(post(transport)) == 200
        close(transport)
        assert gateway.accepted == 2


def test_closing_waits_for_the_answers() -> None:
    may_answer = threading.Event()

    def script(connection: Connection) -> None:
        connection.read()
        assert may_answer.wait(PATIENCE_SECONDS)
        connection.send(answer(200, receipt()))
        assert connection.read() is None

    with FakeGateway(script) as gateway:
        transport = make(gateway.url)
        future = post(transport)
        closed = transport.close()
        assert not closed.done()
        may_answer.set()
        closed.result(PATIENCE_SECONDS)
        assert status(future) == 200
        close(transport)


def test_many_threads_may_share_it_and_each_keeps_its_order() -> None:
    well = Answering()
    with FakeGateway(well) as gateway:
        transport = make(gateway.url)

        def work(name: str) -> None:
            for future in [post(transport, f'{{"type":"{name}{n}"}}', name) for n in range(200)]:
                assert status(future) == 200

        threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        close(transport)
        assert gateway.accepted == 1
        for name in "abcd":
            assert [t for t in well.types() if t[0] == name] == [f"{name}{n}" for n in range(200)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_its_own_connection_and_leaves_the_parents_alone() -> None:
    well = Answering()
    with FakeGateway(well) as gateway:
        transport = make(gateway.url)
        assert status(post(transport, '{"type":"parent"}')) == 200
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if status(post(transport, '{"type":"child"}')) == 200 else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert status(post(transport, '{"type":"parent"}')) == 200
        close(transport)
        assert gateway.accepted == 2
        assert well.types() == ["parent", "child", "parent"]


def test_a_fault_of_this_client_fails_the_calls_and_not_the_next(caplog: pytest.LogCaptureFixture) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError

    with FakeGateway(Answering()) as gateway:
        transport = make(gateway.url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Pipeline, "take", broken)
            assert outcome(post(transport)) == "unknown"
        assert "fault of this client" in caplog.text
        assert status(post(transport)) == 200
        close(transport)
