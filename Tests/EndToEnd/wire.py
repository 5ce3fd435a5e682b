"""Bytes on a socket: for what a well-behaved library would never send, or would hide."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any, Optional, TypeVar, Union

from control import Answer
from gateway import Gateway, sealed
from waiting import patience

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
CONTINUATION = 0x0

FRAME_SECONDS_MAX = 10
"""How long to look for a frame among others."""

Self = TypeVar("Self", bound="Wire")


class Wire:
    """A connected socket with a read buffer."""

    def __init__(
        self, address: tuple[str, int], receive_buffer_bytes: Optional[int] = None, seconds: float = 5, preface: bytes = b""
    ) -> None:
        """`preface` is sent before anything else, TLS included."""
        self.socket = socket.socket()
        if receive_buffer_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.socket.settimeout(patience(seconds))
        self.socket.connect(address)
        self.socket.sendall(preface)
        if address in sealed:
            self.socket = sealed[address].wrap_socket(self.socket, server_hostname=address[0])
        self.buffer = bytearray()

    def send(self, data: Union[bytes, str]) -> None:
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def _fill(self) -> None:
        data = self.socket.recv(262_144)
        if not data:
            raise EOFError("the peer has closed the connection")
        self.buffer += data

    def take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self._fill()
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def take_until(self, end: bytes) -> bytes:
        while (at := self.buffer.find(end)) < 0:
            self._fill()
        return self.take(at + len(end))

    def at_end(self) -> bool:
        """Waits for the peer's next byte or its FIN: True for the FIN (or a reset)."""
        if self.buffer:
            return False
        try:
            self._fill()
        except (EOFError, ConnectionError):
            return True
        return False

    def answer(self, of_head: bool = False) -> Answer:
        """Reads one HTTP response."""
        head = self.take_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        status = int(head[0].split(" ")[1])
        has_no_body = of_head or status < 200 or status == 204
        return Answer(status, headers, b"" if has_no_body else self.take(int(headers["content-length"])))

    def reset(self) -> None:
        """Ends the connection with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def control_wire(gateway: Gateway) -> Wire:
    return Wire(gateway.control_address)


@dataclass(frozen=True)
class Frame:
    fin: bool
    opcode: int
    payload: bytes

    @property
    def event(self) -> Any:
        assert self.opcode == TEXT and self.fin, self
        return json.loads(self.payload)

    @property
    def close(self) -> tuple[Optional[int], str]:
        """Code and reason."""
        assert self.opcode == CLOSE, self
        return (struct.unpack(">H", self.payload[:2])[0], self.payload[2:].decode()) if self.payload else (None, "")


def upgrade_request(path: str, host: str = "gateway", **headers: str) -> str:
    fields = {
        "Host": host, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
    } | {name.replace("_", "-"): value for name, value in headers.items()}  # fmt: skip
    return f"GET {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"


class RawTab(Wire):
    """A WebSocket client that does only what it is told: no pong, no close, no reading."""

    def __init__(
        self,
        gateway: Gateway,
        session: str,
        kind: str = "backtest",
        query: str = "",
        receive_buffer_bytes: Optional[int] = None,
        early: bytes = b"",
        preface: bytes = b"",
        **headers: str,
    ) -> None:
        """`early` is sent with the request, before its answer is known."""
        super().__init__(gateway.address, receive_buffer_bytes, preface=preface)
        path = f"/ws/{kind}/{session}" + (f"?{query}" if query else "")
        self.send(upgrade_request(path, **headers).encode() + early)
        self.answer_to_upgrade = self.answer()
        self.is_open = self.answer_to_upgrade.status == 101

    @staticmethod
    def opened(gateway: Gateway, session: str, **options: Any) -> RawTab:
        """Connected, and past its `connected` event."""
        tab = RawTab(gateway, session, **options)
        assert tab.is_open, tab.answer_to_upgrade
        tab.connected = tab.frame().event["data"]
        return tab

    connected: dict[str, Any]

    def frame(self) -> Frame:
        first, second = self.take(2)
        length = second & 0x7F
        assert not second & 0x80, "a server does not mask"
        if length == 126:
            (length,) = struct.unpack(">H", self.take(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self.take(8))
        return Frame(bool(first & 0x80), first & 0x0F, self.take(length))

    def event(self, type: Optional[str] = None) -> dict[str, Any]:
        """The next event, or the next of that type."""
        deadline = time.monotonic() + patience(FRAME_SECONDS_MAX)
        while True:
            frame = self.frame()
            assert time.monotonic() < deadline, f"no {type} among what comes"
            if frame.opcode == TEXT and (type is None or frame.event["type"] == type):
                return frame.event

    def close_frame(self) -> tuple[Optional[int], str]:
        """Code and reason of the close frame, whatever comes before it."""
        deadline = time.monotonic() + patience(FRAME_SECONDS_MAX)
        while (frame := self.frame()).opcode != CLOSE:
            assert time.monotonic() < deadline, "no close frame among what comes"
        return frame.close

    def send_frame(self, opcode: int, payload: Union[bytes, str] = b"", fin: bool = True) -> None:
        payload = payload.encode() if isinstance(payload, str) else payload
        mask = os.urandom(4)
        head = bytes([opcode | (0x80 if fin else 0)])
        if len(payload) < 126:
            head += bytes([0x80 | len(payload)])
        elif len(payload) < 65536:
            head += bytes([0x80 | 126]) + struct.pack(">H", len(payload))
        else:
            head += bytes([0x80 | 127]) + struct.pack(">Q", len(payload))
        self.send(head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)))

    def send_close(self, code: Optional[int] = 1000, reason: str = "") -> None:
        self.send_frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason.encode())
