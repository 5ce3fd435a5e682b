"""An engine that pipelines its publishes, each with a key, and repeats what has no answer: over however many gateways."""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from typing import Callable, Optional

from gateway import Gateway

WINDOW = 64
LEAD_MAX = 4_000
"""Events ahead of who reads slowest: well within the 10,000 that a session keeps."""


class PipelinedEngine:
    """Publishes numbered candles to one session until told to end."""

    def __init__(self, gateway: Gateway, session: str, seed: int) -> None:
        self.address, self.session = gateway.control_address, session
        self.acknowledged: dict[int, str] = {}
        """The id that each number was given."""
        self.repeated = 0
        self.slowest: Callable[[], int] = lambda: len(self.acknowledged)
        """How far who reads slowest has come: an engine that pipelines may be many times as fast as a tab in Python."""
        self._next = 0
        self._unanswered: deque[int] = deque()
        self._ends_at: Optional[int] = None
        self._prefix = f"{random.Random(seed).getrandbits(64):x}"

    def end(self) -> None:
        """No new numbers; those begun are finished."""
        self._ends_at = self._next

    @property
    def is_done(self) -> bool:
        return self._ends_at is not None and not self._unanswered

    async def run(self) -> None:
        while not self.is_done:
            try:
                reader, writer = await asyncio.open_connection(*self.address)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            try:
                await self._converse(reader, writer)
            except (OSError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.repeated += len(self._unanswered)
        for number in self._unanswered:
            writer.write(self._request(number))
        while not self.is_done:
            while len(self._unanswered) < WINDOW and self._ends_at is None and self._next < self.slowest() + LEAD_MAX:
                self._unanswered.append(self._next)
                writer.write(self._request(self._next))
                self._next += 1
            await writer.drain()
            if not self._unanswered:
                await asyncio.sleep(0.01)
                continue
            status, answer = await self._answer(reader)
            if status == 503:
                return  # it is stopping: everything from here on is asked again
            assert status == 200, (status, answer)
            self.acknowledged[self._unanswered.popleft()] = answer["id"]

    def _request(self, number: int) -> bytes:
        body = json.dumps({"type": "candle", "data": {"n": number, "p": "x" * (number % 700)}}).encode()
        return (
            f"POST /v1/sessions/{self.session}/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: {self._prefix}-{number}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    @staticmethod
    async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length:"))
        return int(head.split(" ")[1]), json.loads(await reader.readexactly(length))
