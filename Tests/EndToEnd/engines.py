"""An engine on its link, played by the websockets library: it says and hears JSON, and does only what the test tells it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Optional

import websockets
from websockets.asyncio.client import ClientConnection, connect

from gateway import Gateway
from waiting import patience

SECONDS = 10


class Link:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._refs = itertools.count(1)
        self._waiting: list[dict[str, Any]] = []

    async def say(self, op: str, **members: Any) -> None:
        await self.connection.send(json.dumps({"op": op, **members}))

    async def heard(self, op: str, **members: Any) -> dict[str, Any]:
        """The next message of that op with these members; others wait for their turn."""

        def fits(message: dict[str, Any]) -> bool:
            return message["op"] == op and all(message.get(name) == value for name, value in members.items())

        for message in self._waiting:
            if fits(message):
                self._waiting.remove(message)
                return message
        while True:
            text = await asyncio.wait_for(self.connection.recv(), patience(SECONDS))
            assert isinstance(text, str)
            message = json.loads(text)
            if fits(message):
                return message
            self._waiting.append(message)

    async def serve(self, session: str) -> dict[str, Any]:
        await self.say("serve", session_id=session)
        return await self.heard("serving", session_id=session)

    async def publish(self, session: str, type: str, data: Optional[dict[str, Any]] = None, **members: Any) -> dict[str, Any]:
        ref = f"p{next(self._refs)}"
        await self.say("publish", ref=ref, session_id=session, event={"type": type, "data": data or {}}, **members)
        return await self.heard("published", ref=ref)

    async def command(self, action: Optional[str] = None) -> dict[str, Any]:
        return await self.heard("command", **({"action": action} if action else {}))

    async def reply(self, command: dict[str, Any], ok: bool = True, **members: Any) -> None:
        await self.say("reply", command_id=command["command_id"], ok=ok, **members)

    async def closed(self) -> tuple[Optional[int], str]:
        try:
            while True:
                await asyncio.wait_for(self.connection.recv(), patience(SECONDS))
        except websockets.ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")


@asynccontextmanager
async def linked(gateway: Gateway, key: Optional[str] = None) -> AsyncIterator[Link]:
    headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
    async with connect(f"ws://{gateway.control}/v1/engine", compression=None, max_size=1 << 21, additional_headers=headers) as connection:
        yield Link(connection)
