"""The control listener of the peers whose library has none: POST /v1/sessions/{session}/events over HTTP/1.1, kept alive and pipelined.

Flow: engine → **PublishListener** → the peer's publish → answer
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, Optional, cast

from contract import BACKLOG
from event_stream import BadEvent, compact

HEAD_BYTES_MAX = 16 * 1024
BODY_BYTES_MAX = 1024 * 1024

_REQUEST_LINE = re.compile(rb"POST /v1/sessions/([A-Za-z0-9._~-]{1,128})/events HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\nContent-Length:[ \t]*(\d{1,9})[ \t]*\r\n", re.IGNORECASE)

Publish = Callable[[str, bytes], dict[str, Any]]
"""Hands an event (session, body) to every member and returns the receipt; raises BadEvent."""


class PublishListener(asyncio.Protocol):
    """One engine's connection."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._buffer = bytearray()
        self._head: Optional[tuple[str, int]] = None
        self._transport: Optional[asyncio.Transport] = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answers all that is whole with one write."""
        if self._transport is None or self._transport.is_closing():
            return
        self._buffer += data
        answers: list[bytes] = []
        try:
            while (request := self._next()) is not None:
                answers.append(self._answer(*request))
        except ValueError as error:
            answers.append(_answer(b"400 Bad Request", {"error": {"code": "BAD_REQUEST", "message": str(error)}}))
            self._transport.write(b"".join(answers))
            self._transport.close()
            return
        if answers:
            self._transport.write(b"".join(answers))

    def _next(self) -> Optional[tuple[str, bytes]]:
        """The next request's session and body once it is whole. Raises ValueError for one that cannot be read."""
        if self._head is None:
            end = self._buffer.find(b"\r\n\r\n")
            if (len(self._buffer) if end < 0 else end) > HEAD_BYTES_MAX:
                raise ValueError(f"a head of more than {HEAD_BYTES_MAX} bytes")
            if end < 0:
                return None
            self._head = _read_head(bytes(self._buffer[: end + 4]))
            del self._buffer[: end + 4]
        session, length = self._head
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        self._head = None
        return session, body

    def _answer(self, session: str, body: bytes) -> bytes:
        try:
            return _answer(b"200 OK", self._publish(session, body))
        except BadEvent as error:
            return _answer(b"400 Bad Request", {"error": {"code": "INVALID_EVENT", "message": str(error)}})


def _read_head(head: bytes) -> tuple[str, int]:
    line, length = _REQUEST_LINE.match(head), _LENGTH.search(head)
    if line is None:
        raise ValueError("only POST /v1/sessions/{session}/events is served")
    if length is None or int(length[1]) > BODY_BYTES_MAX:
        raise ValueError(f"Content-Length is needed, of {BODY_BYTES_MAX} at the most")
    return line[1].decode(), int(length[1])


def _answer(status: bytes, fields: dict[str, Any]) -> bytes:
    body = compact(fields)
    return b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


async def listen(publish: Publish) -> int:
    """Serves from now on, for as long as the loop runs; the port."""
    server = await asyncio.get_running_loop().create_server(lambda: PublishListener(publish), "127.0.0.1", 0, backlog=BACKLOG)
    port: int = server.sockets[0].getsockname()[1]
    return port
