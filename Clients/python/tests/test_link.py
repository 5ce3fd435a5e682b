"""The engine link's end, in the moments that a real gateway hits by chance."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from fake_gateway import PATIENCE_SECONDS, Connection, FakeGateway, answer, closed_port
from websocket_gateway import EngineLink, Event, GatewayError, GatewayUnavailable, frames


class Written:
    """A writer that goes nowhere."""

    def __init__(self) -> None:
        self.data = b""
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.data += data

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("arrives", ["message", "close", "end"])
def test_a_link_that_is_closed_while_something_arrives_ends(
    turns: int, arrives: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        opened: list[Written] = []
        reader = asyncio.StreamReader()

        async def connect(link: EngineLink) -> tuple[asyncio.StreamReader, Any, bytes]:
            opened.append(Written())
            return reader, opened[-1], b""

        monkeypatch.setattr(EngineLink, "_connect", connect)
        link = await EngineLink("http://127.0.0.1:1").__aenter__()
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(opened) == 1
        if arrives == "end":
            reader.feed_eof()
        else:
            opcode, payload = (frames.TEXT, b'{"op":"expired"}') if arrives == "message" else (frames.CLOSE, b"\x03\xe8")
            # A server's frame has no mask.
            reader.feed_data(bytes([0x80 | opcode, len(payload)]) + payload)
        for _ in range(turns):
            await asyncio.sleep(0)
        await asyncio.wait_for(link.aclose(), 5)
        assert [one.is_closed for one in opened] == [True]

    asyncio.run(run())


EVENT = {"type": "candle", "data": {"close": 1.5}, "timestamp": "t", "key": "k"}
UNAUTHORIZED = answer(401, {"error": {"code": "UNAUTHORIZED", "message": "no key", "details": {}}}, "Connection: close")
FORBIDDEN = answer(403, {"error": {"code": "FORBIDDEN", "message": "no scope", "details": {"scope": "publish"}}})
PUBLISHED = {"op": "published", "id": "e1-1", "sequence": 1, "connections": 1, "sent": 1, "queued": 0}


def refusing(data: bytes) -> Any:
    def script(connection: Connection) -> None:
        connection.expect("GET", "/v1/engine")
        connection.send(data)

    return script


class Opening:
    """The script of a gateway that opens the link and answers so many messages, then hangs up."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.received: list[dict[str, Any]] = []

    def __call__(self, connection: Connection) -> None:
        key = connection.expect("GET", "/v1/engine").headers["sec-websocket-key"]
        connection.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + f"Sec-WebSocket-Accept: {frames.accept_of(key)}\r\n\r\n".encode()
        )
        for _ in range(self._count):
            message = self._read(connection)
            self.received.append(message)
            payload = json.dumps({**PUBLISHED, "ref": message["ref"]}).encode()
            connection.send(bytes([0x81, 126]) + len(payload).to_bytes(2, "big") + payload)

    @staticmethod
    def _read(connection: Connection) -> dict[str, Any]:
        count = connection.read_some(2)[1] & 0x7F
        if count == 126:
            count = int.from_bytes(connection.read_some(2), "big")
        mask, payload = connection.read_some(4), connection.read_some(count)
        message: dict[str, Any] = json.loads(bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)))
        return message


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (UNAUTHORIZED, "401 UNAUTHORIZED: no key"),
        (FORBIDDEN, "403 FORBIDDEN: no scope (scope publish)"),
    ],
)
def test_a_key_that_is_refused_before_the_first_link_ends_every_call_at_once(
    data: bytes, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def run(url: str) -> None:
        async with EngineLink(url, "a-key", timeout=PATIENCE_SECONDS * 6) as link:
            calls = [link.serve("s1", lambda command: None), link.publish("s1", EVENT)]
            ended = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), PATIENCE_SECONDS)
            assert [(type(error), str(error)) for error in ended] == [(GatewayError, text)] * 2

    with FakeGateway(refusing(data)) as gateway:
        asyncio.run(run(gateway.url))
        assert gateway.accepted == 1, "it tries no more by itself"
        assert caplog.messages == [f"no engine link to {gateway.url[len('http://') :]}: {text}"]


def test_the_call_after_a_refusal_tries_again() -> None:
    opening = Opening(1)

    async def run(url: str) -> None:
        async with EngineLink(url, "a-key", timeout=PATIENCE_SECONDS * 6) as link:
            for _ in range(2):
                with pytest.raises(GatewayError, match="UNAUTHORIZED"):
                    await asyncio.wait_for(link.publish("s1", EVENT), PATIENCE_SECONDS)
            assert (await asyncio.wait_for(link.publish("s1", EVENT), PATIENCE_SECONDS)).id == "e1-1"

    with FakeGateway(refusing(UNAUTHORIZED), refusing(UNAUTHORIZED), opening) as gateway:
        asyncio.run(run(gateway.url))


def test_a_key_that_is_refused_after_the_first_link_is_tried_again() -> None:
    first, second = Opening(1), Opening(1)

    async def run(url: str) -> None:
        async with EngineLink(url, "a-key", timeout=PATIENCE_SECONDS) as link:
            await link.publish("s1", EVENT)
            await link.publish("s1", EVENT)

    with FakeGateway(first, refusing(UNAUTHORIZED), refusing(FORBIDDEN), second) as gateway:
        asyncio.run(run(gateway.url))
    assert [message["event"] for message in first.received + second.received] == [EVENT, EVENT]


def test_what_the_last_try_met_is_told_when_the_time_is_up(caplog: pytest.LogCaptureFixture) -> None:
    async def run(url: str) -> str:
        async with EngineLink(url, "a-key", timeout=0.1, retry_for=0.9) as link:
            await link.publish("s1", EVENT)
            with pytest.raises(GatewayUnavailable) as caught:
                await link.publish("s1", EVENT)
            return str(caught.value)

    caplog.set_level(logging.CRITICAL)
    with FakeGateway(Opening(1), refusing(FORBIDDEN)) as gateway:
        told = asyncio.run(run(gateway.url))
        where = gateway.url[len("http://") :]
    assert told.startswith(f"no engine link to {where}: 403 FORBIDDEN: no scope (scope publish) (outcome: ")


def test_a_gateway_that_is_not_there_is_told_with_its_address() -> None:
    port = closed_port()

    async def run() -> None:
        async with EngineLink(f"http://127.0.0.1:{port}", timeout=0.1, retry_for=0.4) as link:
            await link.publish("s1", Event("candle", {}))

    with pytest.raises(GatewayUnavailable, match=rf"^no engine link to 127.0.0.1:{port}: .*\(outcome: not_sent\)$"):
        asyncio.run(run())


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            {"op": "expired", "command_id": "c7"},
            "the answer to command c7 reached nobody: it came after the deadline, or the link was lost in between",
        ),
        (
            {"op": "error", "ref": None, "code": "TOO_MANY_SESSIONS", "message": "full", "details": {}},
            "the gateway refused what this link said: TOO_MANY_SESSIONS: full",
        ),
    ],
)
def test_what_the_gateway_says_of_itself_is_logged_in_words(
    message: dict[str, Any], text: str, caplog: pytest.LogCaptureFixture
) -> None:
    EngineLink("http://127.0.0.1:1")._take(frames.TEXT, json.dumps(message).encode())
    assert caplog.messages == [text]
