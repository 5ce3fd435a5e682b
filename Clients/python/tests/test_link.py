"""The engine link's end, in the moments that a real gateway hits by chance."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from websocket_gateway import EngineLink, frames


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
