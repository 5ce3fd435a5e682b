"""How an engine link is opened (RFC 6455 §4.1), and what the gateway says where it is not.

Flow: EngineLink → **open_link** → socket
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Optional

from . import frames
from .answers import Answer, AnswerParser, BadAnswer
from .errors import GatewayError
from .transport import Target

PATH = "/v1/engine"
CONNECT_SECONDS_MAX = 5.0
"""For the connection, and as much again for the answer."""


async def open_link(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
    """The connection, and what came behind its 101.

    Raises GatewayError for an answer that is not 101, BadFrame for what is no answer, OSError, asyncio.TimeoutError.
    """
    opening = (
        asyncio.open_connection(target.host, target.port, ssl=target.tls)
        if target.path is None
        else asyncio.open_unix_connection(target.path)
    )
    reader, writer = await asyncio.wait_for(opening, CONNECT_SECONDS_MAX)
    try:
        key = frames.new_key()
        fields = (
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n"
        )
        writer.write(target.request("GET", PATH)[:-2] + fields.encode("ascii"))
        rest = await asyncio.wait_for(_rest(reader, key), CONNECT_SECONDS_MAX)
    except BaseException:
        writer.close()
        raise
    return reader, writer, rest


async def _rest(reader: asyncio.StreamReader, key: str) -> bytes:
    """What came behind the 101 that answers this key."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = await reader.read(4096)
        if not more or len(data) > frames.HEAD_BYTES_MAX:
            raise frames.BadFrame("no answer to the handshake")
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101 "):
        refusal = await _answer(reader, data)
        if refusal is not None:
            raise _error_of(refusal)
    frames.check_upgrade(head, key)
    return rest


async def _answer(reader: asyncio.StreamReader, data: bytes) -> Optional[Answer]:
    """The answer that begins with `data`; None where it does not come whole, or is longer than a refusal is."""
    parser, count = AnswerParser(), 0
    with contextlib.suppress(BadAnswer):
        while data and count <= frames.HEAD_BYTES_MAX:
            count += len(data)
            answers = parser.feed(data)
            if answers:
                return answers[0]
            data = await reader.read(4096)
    return None


def _error_of(answer: Answer) -> GatewayError:
    code, message, details = answer.error()
    scope = details.get("scope") if isinstance(details, dict) else None
    if scope is not None:
        message += f" (scope {scope})"
    return GatewayError(code or "HTTP_ERROR", message, answer.status, details)
