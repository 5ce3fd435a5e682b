"""Other servers that `load` compares with, as little of them as it takes: what arrives is handed on as it is, unless a test meddles."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import re
import socket
import threading
from collections import defaultdict
from collections.abc import Iterator
from typing import BinaryIO, Callable

from waiting import patience

PEER_SECONDS_MAX = 20

Meddle = Callable[[int, int, bytes], list[bytes]]
"""What the reader with the first number gets for the event with the second (both from 0), instead of it."""


def honest(reader: int, number: int, event: bytes) -> list[bytes]:
    return [event]


def frame(first: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        return bytes([first, length]) + payload
    if length < 65_536:
        return bytes([first, 126]) + length.to_bytes(2, "big") + payload
    return bytes([first, 127]) + length.to_bytes(8, "big") + payload


class Reader:
    """A subscriber's connection."""

    def __init__(self, number: int, connection: socket.socket) -> None:
        self.number = number
        self.lock = threading.Lock()
        self._connection = connection

    def send(self, data: bytes) -> None:
        with self.lock:
            self._connection.sendall(data)


class Peer:
    """Two listeners and a thread for each connection, ended by `close`."""

    dialect = ""

    def __init__(self, meddle: Meddle = honest) -> None:
        self._meddle = meddle
        self._lock = threading.Lock()
        self._readers: dict[str, list[Reader]] = defaultdict(list)
        self._reader_numbers = itertools.count()
        self._event_numbers: dict[str, Iterator[int]] = defaultdict(itertools.count)
        self.publishers = 0
        self._listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        for listener, serve in zip(self._listeners, (self._serve_reader, self._serve_publisher)):
            self._start(self._accept, listener, serve)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        for end in self._listeners + self._sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PEER_SECONDS_MAX)
            assert not thread.is_alive()
        for end in self._listeners + self._sockets:
            end.close()

    @property
    def flags(self) -> list[str]:
        listen, control = ("{}:{}".format(*listener.getsockname()) for listener in self._listeners)
        return ["--dialect", self.dialect, "--connect", listen, "--control", control]

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        self._threads.append(threading.Thread(target=work, args=arguments))
        self._threads[-1].start()

    def _accept(self, listener: socket.socket, serve: Callable[[socket.socket, BinaryIO], None]) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(patience(PEER_SECONDS_MAX))
            self._sockets.append(connection)
            self._start(self._serve, connection, serve)

    @staticmethod
    def _serve(connection: socket.socket, serve: Callable[[socket.socket, BinaryIO], None]) -> None:
        with contextlib.suppress(OSError, EOFError), connection.makefile("rb") as source:
            serve(connection, source)

    def _serve_reader(self, connection: socket.socket, source: BinaryIO) -> None:
        raise NotImplementedError

    def _serve_publisher(self, connection: socket.socket, source: BinaryIO) -> None:
        raise NotImplementedError

    def _deliver(self, reader: Reader, session: str, event: bytes) -> None:
        raise NotImplementedError

    def _join(self, session: str, reader: Reader) -> None:
        with self._lock:
            self._readers[session].append(reader)

    def _publish(self, session: str, event: bytes) -> None:
        with self._lock:
            number = next(self._event_numbers[session])
            for reader in self._readers[session]:
                for meddled in self._meddle(reader.number, number, event):
                    self._deliver(reader, session, meddled)

    def _next_reader(self, connection: socket.socket) -> Reader:
        with self._lock:
            return Reader(next(self._reader_numbers), connection)

    # HTTP and WebSocket

    @staticmethod
    def _take(source: BinaryIO, count: int) -> bytes:
        data = source.read(count)
        if len(data) < count:
            raise EOFError
        return data

    @staticmethod
    def _head(source: BinaryIO) -> tuple[str, dict[str, str]]:
        """A request's target and headers."""
        lines: list[str] = []
        while (line := source.readline()) != b"\r\n":
            if not line:
                raise EOFError
            lines.append(line.decode().rstrip("\r\n"))
        fields = [line.partition(": ") for line in lines[1:]]
        return lines[0].split(" ")[1], {name.lower(): value for name, _, value in fields}

    @staticmethod
    def _upgrade(connection: socket.socket, headers: dict[str, str]) -> None:
        key = headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        head = f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}"
        connection.sendall(f"{head}\r\n\r\n".encode())

    def _client_frame(self, source: BinaryIO) -> tuple[int, bytes]:
        first, length = self._take(source, 2)
        assert length & 0x80, "a client's frame is masked"
        length &= 0x7F
        if length >= 126:
            length = int.from_bytes(self._take(source, 2 if length == 126 else 8), "big")
        mask = self._take(source, 4)
        return first, bytes(byte ^ mask[index % 4] for index, byte in enumerate(self._take(source, length)))


class FakeNchan(Peer):
    dialect = "nchan"

    def _serve_reader(self, connection: socket.socket, source: BinaryIO) -> None:
        target, headers = self._head(source)
        match = re.fullmatch(r"/ws/(?:backtest|forward)/(\S+)", target)
        assert match, target
        reader = self._next_reader(connection)
        # The upgrade is the last thing a reader waits for: it must be a reader by then, and get nothing before.
        with reader.lock:
            self._join(match[1], reader)
            self._upgrade(connection, headers)
        while self._client_frame(source)[0] != 0x88:
            pass

    def _serve_publisher(self, connection: socket.socket, source: BinaryIO) -> None:
        self.publishers += 1
        for number in itertools.count():
            target, headers = self._head(source)
            match = re.fullmatch(r"/v1/sessions/(\S+)/events", target)
            assert match, target
            self._publish(match[1], self._take(source, int(headers["content-length"])))
            status, body = [("201 Created", "queued messages: 1\r\n"), ("202 Accepted", "")][number % 2]
            connection.sendall(f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

    def _deliver(self, reader: Reader, session: str, event: bytes) -> None:
        reader.send(frame(0x81, event))


class FakeNATS(Peer):
    """Cuts what it delivers into frames wherever it likes, keeps some back for the next ones, and asks whether its clients live."""

    dialect = "nats"
    INFO = b'INFO {"server_id":"FAKE","max_payload":1048576}\r\n'
    FRAME_BYTES = (1, 7, 30, 100, 1000, 3000)

    def __init__(self, meddle: Meddle = honest) -> None:
        self.pongs = 0
        self._sizes = itertools.cycle(self.FRAME_BYTES)
        super().__init__(meddle)

    def _frames(self, data: bytes) -> bytes:
        frames = b""
        while data:
            size = next(self._sizes)
            frames += frame(0x82, data[:size])
            data = data[size:]
        return frames

    def _serve_reader(self, connection: socket.socket, source: BinaryIO) -> None:
        _, headers = self._head(source)
        self._upgrade(connection, headers)
        reader = self._next_reader(connection)
        reader.send(self._frames(self.INFO))
        data = b""
        while True:
            first, payload = self._client_frame(source)
            if first == 0x88:
                return
            assert first == 0x82, "NATS' clients send binary frames"
            data += payload
            *lines, data = data.split(b"\r\n")
            for line in lines:
                self._obey(reader, line)

    def _obey(self, reader: Reader, line: bytes) -> None:
        word, _, rest = line.partition(b" ")
        if word == b"SUB":
            subject, sid = rest.split(b" ")
            assert subject.startswith(b"session.") and sid == b"1"
            self._join(subject[len("session.") :].decode(), reader)
        elif word == b"PING":
            reader.send(self._frames(b"PONG\r\nPING\r\n"))
        elif word == b"PONG":
            self.pongs += 1
        else:
            assert word == b"CONNECT", line

    def _serve_publisher(self, connection: socket.socket, source: BinaryIO) -> None:
        self.publishers += 1
        connection.sendall(self.INFO)
        for number in itertools.count():
            line = source.readline()
            word, _, rest = line.rstrip(b"\r\n").partition(b" ")
            if word == b"PUB":
                subject, size = rest.split(b" ")
                event = self._take(source, int(size))
                assert source.readline() == b"\r\n"
                self._publish(subject[len("session.") :].decode(), event)
            elif word == b"PING":
                connection.sendall(b"PONG\r\n" if number % 5 else b"PING\r\nPONG\r\n")
            elif not line:
                return
            else:
                assert word in (b"CONNECT", b"PONG"), line

    def _deliver(self, reader: Reader, session: str, event: bytes) -> None:
        reader.send(self._frames(b"MSG session.%s 1 %d\r\n%s\r\n" % (session.encode(), len(event), event)))
