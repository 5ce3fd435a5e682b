"""Event streams as bytes on a socket, read as the HTML Standard has a browser read them."""

from __future__ import annotations

import json
import time
from typing import Any, Optional

from control import Answer
from gateway import Gateway
from waiting import patience
from wire import Wire

EVENT_SECONDS_MAX = 10
"""How long to look for an event among others."""


def stream_request(path: str, method: str = "GET", **headers: str) -> str:
    fields = {"Host": "gateway", "Accept": "text/event-stream"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"


class Reader:
    """The fields of one event after another."""

    def __init__(self) -> None:
        self.last_id = ""
        self.retry: Optional[int] = None

    def read(self, block: str) -> Optional[dict[str, Any]]:
        """The message of an event's lines; None where they are no event."""
        data = []
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            assert name in ("id", "data", "retry"), f"an unexpected line: {line!r}"
            if name == "id":
                self.last_id = value
            elif name == "retry":
                self.retry = int(value)
            else:
                data.append(value)
        if not data:
            return None
        message = json.loads("\n".join(data))
        if "id" in message:
            assert message["id"] == self.last_id
        return message


class RawStream(Wire):
    """A client that does only what it is told."""

    def __init__(
        self,
        gateway: Gateway,
        session: str,
        kind: str = "backtest",
        query: str = "",
        receive_buffer_bytes: Optional[int] = None,
        behind: bytes = b"",
        method: str = "GET",
        **headers: str,
    ) -> None:
        """`behind` is sent with the request, before its answer is known."""
        super().__init__(gateway.address, receive_buffer_bytes)
        path = f"/sse/{kind}/{session}" + (f"?{query}" if query else "")
        self.send(stream_request(path, method, **headers).encode() + behind)
        head = self.take_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        self.status = int(head[0].split(" ")[1])
        self.is_open = self.status == 200
        length = int(self.headers.get("content-length", 0)) if method != "HEAD" else 0
        self.answer_to_request = Answer(self.status, self.headers, b"" if self.is_open else self.take(length))
        self.reader = Reader()

    @staticmethod
    def opened(gateway: Gateway, session: str, **options: Any) -> RawStream:
        """Connected, and past its `connected` event."""
        stream = RawStream(gateway, session, **options)
        assert stream.is_open, stream.answer_to_request
        stream.connected = stream.event("connected")["data"]
        return stream

    connected: dict[str, Any]

    @property
    def last_id(self) -> str:
        return self.reader.last_id

    def event(self, type: Optional[str] = None) -> dict[str, Any]:
        """The next event, or the next of that type."""
        deadline = time.monotonic() + patience(EVENT_SECONDS_MAX)
        while True:
            message = self.reader.read(self.take_until(b"\n\n").decode().removesuffix("\n\n"))
            assert time.monotonic() < deadline, f"no {type} among what comes"
            if message and (type is None or message["type"] == type):
                return message

    def closed(self) -> tuple[int, str]:
        """Code and reason of the last event, whatever comes before it; the end of the stream follows."""
        data = self.event("closed")["data"]
        assert self.at_end()
        return data["code"], data["reason"]
