"""What becomes of a link that the gateway does not open."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fake_gateway import Connection, FakeGateway, answer
from websocket_gateway import GatewayError, frames
from websocket_gateway.handshake import open_link
from websocket_gateway.transport import Target


def opened(data: bytes) -> None:
    """Opens a link to a gateway that answers with `data` and hangs up."""

    def script(connection: Connection) -> None:
        connection.expect("GET", "/v1/engine")
        connection.send(data)

    async def run(url: str) -> None:
        await open_link(Target(url, "a-key"))

    with FakeGateway(script) as gateway:
        asyncio.run(run(gateway.url))


def error(code: str, message: str, details: Any = None) -> Any:
    return {"error": {"code": code, "message": message, "details": details}}


@pytest.mark.parametrize(
    ("data", "status", "text"),
    [
        (answer(401, error("UNAUTHORIZED", "no key"), "Connection: close"), 401, "401 UNAUTHORIZED: no key"),
        (answer(403, error("FORBIDDEN", "no scope", {"scope": "publish"})), 403, "403 FORBIDDEN: no scope (scope publish)"),
        (answer(403, error("HOST_NOT_ALLOWED", "a name", {"scope": None})), 403, "403 HOST_NOT_ALLOWED: a name"),
        (answer(503, error("STARTING", "wait", ["scope"]), "Retry-After: 1"), 503, "503 STARTING: wait"),
        (answer(403, "a proxy's words"), 403, "403 HTTP_ERROR: no reason given"),
        (answer(401, error("UNAUTHORIZED", "x" * 8000)), 401, "401 UNAUTHORIZED: " + "x" * 8000),
    ],
)
def test_a_refusal_is_told_with_its_code_message_and_scope(data: bytes, status: int, text: str) -> None:
    with pytest.raises(GatewayError) as caught:
        opened(data)
    assert (caught.value.status, str(caught.value)) == (status, text)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\nno length", "refused: HTTP/1.1 502 Bad Gateway"),
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 9\r\n\r\nnot all", "refused: HTTP/1.1 401 Unauthorized"),
        (answer(401, "x" * 2 * frames.HEAD_BYTES_MAX), "refused: HTTP/1.1 401 Whatever"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"a" * 2 * frames.HEAD_BYTES_MAX, "no answer to the handshake"),
        (b"", "no answer to the handshake"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "the answer is not this handshake's"),
    ],
)
def test_what_is_no_whole_answer_within_the_limits_is_told_as_far_as_it_came(data: bytes, text: str) -> None:
    with pytest.raises(frames.BadFrame, match=f"^{text}$"):
        opened(data)
