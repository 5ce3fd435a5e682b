"""The client's side of RFC 6455, as much as the engine link needs. Knows no socket; everything a peer can grow has a limit.

Flow: socket → **FrameReader** → EngineLink → **frame** → socket
"""

from __future__ import annotations

import base64
import hashlib
import os

MESSAGE_BYTES_MAX = 4 * 1024 * 1024
HEAD_BYTES_MAX = 16 * 1024

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
_CONTINUATION, _BINARY = 0x0, 0x2
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class BadFrame(Exception):
    """What came is not a WebSocket within the limits: nothing after it can be trusted."""


def new_key() -> str:
    """A Sec-WebSocket-Key."""
    return base64.b64encode(os.urandom(16)).decode()


def accept_of(key: str) -> str:
    """The Sec-WebSocket-Accept that answers this key."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()


def check_upgrade(head: bytes, key: str) -> None:
    """The answer's head, to its empty line; raises BadFrame where it is not the 101 that answers this key (§4.1)."""
    lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    if not lines[0].startswith("HTTP/1.1 101 "):
        raise BadFrame(f"refused: {lines[0][:80]}")
    if fields.get("sec-websocket-accept") != accept_of(key) or fields.get("upgrade", "").lower() != "websocket":
        raise BadFrame("the answer is not this handshake's")


def frame(opcode: int, payload: bytes) -> bytes:
    """One whole frame, masked as a client must (§5.3)."""
    count = len(payload)
    if count < 126:
        head = bytes((0x80 | opcode, 0x80 | count))
    elif count < 65_536:
        head = bytes((0x80 | opcode, 0x80 | 126)) + count.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0x80 | 127)) + count.to_bytes(8, "big")
    mask = os.urandom(4)
    pad = (mask * (count // 4 + 1))[:count]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(count, "big")
    return head + mask + masked


class FrameReader:
    """Feed it what was received; it returns the messages and control frames that are whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._message: list[bytes] = []
        self._is_open = False

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """(opcode, payload) each. Raises BadFrame; the reader is of no use after that."""
        self._buffer += data
        whole: list[tuple[int, bytes]] = []
        at = 0
        while True:
            taken = self._take(at, whole)
            if taken == 0:
                break
            at += taken
        del self._buffer[:at]
        return whole

    def _take(self, at: int, whole: list[tuple[int, bytes]]) -> int:
        """How many bytes the frame at `at` has; 0 where it is not all there."""
        buffer = self._buffer
        if len(buffer) - at < 2:
            return 0
        first, second = buffer[at], buffer[at + 1]
        if first & 0x70 or second & 0x80:
            raise BadFrame("reserved bits, or a mask, in a server's frame")
        length, head = second & 0x7F, 2
        if length >= 126:
            head = 4 if length == 126 else 10
            if len(buffer) - at < head:
                return 0
            length = int.from_bytes(buffer[at + 2 : at + head], "big")
        if length > MESSAGE_BYTES_MAX:
            raise BadFrame(f"a frame of {length} bytes")
        if len(buffer) - at < head + length:
            return 0
        self._put(first & 0x0F, bool(first & 0x80), bytes(buffer[at + head : at + head + length]), whole)
        return head + length

    def _put(self, opcode: int, is_last: bool, payload: bytes, whole: list[tuple[int, bytes]]) -> None:
        if opcode in (CLOSE, PING, PONG):
            if not is_last or len(payload) > 125:
                raise BadFrame("a control frame that is not whole and short")
            whole.append((opcode, payload))
            return
        if opcode not in (_CONTINUATION, TEXT, _BINARY) or (opcode == _CONTINUATION) != self._is_open:
            raise BadFrame(f"a frame of opcode {opcode} where none belongs")
        if opcode == _BINARY:
            raise BadFrame("a binary message")
        self._message.append(payload)
        self._is_open = not is_last
        if sum(map(len, self._message)) > MESSAGE_BYTES_MAX:
            raise BadFrame("a message that is too long")
        if is_last:
            whole.append((TEXT, b"".join(self._message)))
            self._message = []
