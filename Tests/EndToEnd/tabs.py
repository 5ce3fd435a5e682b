"""Browser tabs played by the two Python client libraries people use, behind one face."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Optional, Union

import aiohttp
import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway import Gateway
from waiting import patience

SECONDS = 10
MESSAGE_BYTES_MAX = 1 << 21


class Tab:
    """One connection, past its `connected` event."""

    text_of_connected: str

    async def text(self) -> str:
        """The next message as it came."""
        raise NotImplementedError

    async def send(self, message: Union[str, bytes, list[str]]) -> None:
        """Sends a text, a binary, or a text in fragments."""
        raise NotImplementedError

    async def ping(self) -> None:
        """Sends a protocol ping and returns at its pong."""
        raise NotImplementedError

    async def close(self, code: int = 1000, reason: str = "") -> Optional[int]:
        """Closes, and returns the code of the gateway's close frame."""
        raise NotImplementedError

    def cut(self) -> None:
        """Ends the connection without a word (RST), whatever has come and was not looked at."""
        raise NotImplementedError

    async def closed(self) -> tuple[Optional[int], str]:
        """Waits until the gateway closes: its code and reason. Messages before are passed over."""
        raise NotImplementedError

    @property
    def connected(self) -> dict[str, Any]:
        return json.loads(self.text_of_connected)["data"]

    @property
    def connection_id(self) -> str:
        return self.connected["connection_id"]

    async def event(self, type: Optional[str] = None) -> dict[str, Any]:
        """The next event, or the next of that type."""
        while True:
            event = json.loads(await self.text())
            if type is None or event["type"] == type:
                return event

    async def stream(self, count: int) -> list[dict[str, Any]]:
        """The next events of the session's stream: those with an id."""
        events: list[dict[str, Any]] = []
        while len(events) < count:
            event = await self.event()
            if "id" in event:
                events.append(event)
        return events

    async def is_silent(self) -> bool:
        """True when nothing came before the answer to a ping: what was published before would have."""
        await self.send('{"action":"ping"}')
        return (await self.event())["type"] == "heartbeat"


class WebsocketsTab(Tab):
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def text(self) -> str:
        message = await asyncio.wait_for(self.connection.recv(), patience(SECONDS))
        assert isinstance(message, str)
        return message

    async def send(self, message: Union[str, bytes, list[str]]) -> None:
        await self.connection.send(message)

    async def ping(self) -> None:
        await asyncio.wait_for(await self.connection.ping(b"are you there"), patience(SECONDS))

    async def close(self, code: int = 1000, reason: str = "") -> Optional[int]:
        await self.connection.close(code, reason)
        received = self.connection.protocol.close_rcvd
        return received.code if received else None

    def cut(self) -> None:
        self.connection.transport.abort()

    async def closed(self) -> tuple[Optional[int], str]:
        try:
            while True:
                await asyncio.wait_for(self.connection.recv(), patience(SECONDS))
        except websockets.ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")


class AiohttpTab(Tab):
    def __init__(self, socket: Any) -> None:
        self.socket = socket

    async def text(self) -> str:
        return await asyncio.wait_for(self.socket.receive_str(), patience(SECONDS))

    async def send(self, message: Union[str, bytes, list[str]]) -> None:
        if isinstance(message, str):
            await self.socket.send_str(message)
        elif isinstance(message, bytes):
            await self.socket.send_bytes(message)
        else:
            raise NotImplementedError("aiohttp sends no fragments")

    async def ping(self) -> None:
        raise NotImplementedError("aiohttp shows no pongs while it answers pings")

    async def close(self, code: int = 1000, reason: str = "") -> Optional[int]:
        await self.socket.close(code=code, message=reason.encode())
        return self.socket.close_code

    async def closed(self) -> tuple[Optional[int], str]:
        while True:
            message = await asyncio.wait_for(self.socket.receive(), patience(SECONDS))
            if message.type is aiohttp.WSMsgType.CLOSE:
                return message.data, message.extra or ""
            if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.ERROR):
                return None, ""


@asynccontextmanager
async def open_tab(
    gateway: Gateway,
    session: str,
    *,
    kind: str = "backtest",
    query: str = "",
    library: str = "websockets",
    subprotocol: Optional[str] = None,
) -> AsyncIterator[Tab]:
    url = gateway.url(session, kind, query)
    protocols = [Subprotocol(subprotocol)] if subprotocol else []
    tab: Tab
    if library == "websockets":
        # Heartbeats are the gateway's business here; the library's own pings are off.
        async with connect(
            url, max_size=MESSAGE_BYTES_MAX, ping_interval=None, close_timeout=2, subprotocols=protocols or None, proxy=None,
            ssl=gateway.tls,
        ) as connection:
            tab = WebsocketsTab(connection)
            tab.text_of_connected = await tab.text()
            yield tab
    else:
        async with aiohttp.ClientSession() as client, client.ws_connect(url, max_msg_size=MESSAGE_BYTES_MAX, protocols=protocols, ssl=gateway.tls or True) as socket:
            tab = AiohttpTab(socket)
            tab.text_of_connected = await tab.text()
            yield tab
