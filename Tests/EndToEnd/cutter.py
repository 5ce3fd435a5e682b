"""An unreliable network before a gateway: a TCP proxy that cuts its connections, in the middle of a message as well as between two."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Optional

from gateway import Gateway

CHUNK_BYTES = 4096


class Cutter:
    def __init__(self, gateway: Gateway, bytes_max: Optional[int], seed: int, control: bool) -> None:
        self._gateway = gateway
        self._address = gateway.control_address if control else gateway.address
        self._bytes_max = bytes_max
        self._random = random.Random(seed)
        self._server: Optional[asyncio.Server] = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.connections = 0

    def url(self, session: str, query: str = "") -> str:
        return self._gateway.url(session, query=query).replace(self._gateway.listen, f"127.0.0.1:{self.port}")

    @property
    def control_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def listen(self) -> None:
        """Lets connections through again, on the same port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Ends every connection with an RST, and refuses new ones."""
        if self._server:
            self._server.close()
        for writer in self._open:
            writer.transport.abort()  # type: ignore[attr-defined]

    async def stop(self) -> None:
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._address)
        except OSError:
            return writer.transport.abort()  # type: ignore[attr-defined]
        ends = {writer, far_writer}
        self._open |= ends
        budget = self._random.randint(1, self._bytes_max) if self._bytes_max else None
        upward = asyncio.ensure_future(self._pump(reader, far_writer, None))
        try:
            await self._pump(far_reader, writer, budget)
        finally:
            upward.cancel()
            self._open -= ends
            for end in ends:
                end.transport.abort()  # type: ignore[attr-defined]

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, budget: Optional[int]) -> None:
        """Until its end, or so many bytes."""
        try:
            while budget is None or budget > 0:
                data = await reader.read(CHUNK_BYTES if budget is None else min(CHUNK_BYTES, budget))
                if not data:
                    # What was written is on its way first.
                    writer.close()
                    return await writer.wait_closed()
                writer.write(data)
                await writer.drain()
                if budget is not None:
                    budget -= len(data)
        except OSError:
            pass


@asynccontextmanager
async def cutting(gateway: Gateway, bytes_max: Optional[int] = None, seed: int = 1, control: bool = False) -> AsyncIterator[Cutter]:
    """Each connection is cut after 1 to `bytes_max` bytes from the gateway; without it only `cut()` cuts. Before the public listener, or the control one."""
    cutter = Cutter(gateway, bytes_max, seed, control)
    await cutter.listen()
    try:
        yield cutter
    finally:
        await cutter.stop()
