"""A gateway of scripted connections: each accepted connection runs the next script, the last one for all that follow.

Scripts see and make bytes; nothing waits for time to pass.
"""

from __future__ import annotations

import contextlib
import json
import queue
import re
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

PATIENCE_SECONDS = 10.0
"""How long a test waits for what must happen."""


@dataclass
class Received:
    """One request, read strictly."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def answer(status: int = 200, body: Any = None, *fields: str) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", *fields]
    if status != 204:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def receipt(sequence: int = 1, **counts: int) -> dict[str, Any]:
    fields: dict[str, Any] = {"id": f"e1-{sequence}", "sequence": sequence, "connections": 2}
    return {**fields, "sent": 1, "queued": 1, "conflated": 0, "dropped": 0, **counts}


REFUSED = {"error": {"code": "DRAINING", "message": "going away", "details": {}}}


class Connection:
    """The gateway's side of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = b""

    def read(self) -> Optional[Received]:
        """The next request; None where the client has closed."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._fill():
                assert self._buffer == b"", f"the client left in the middle of a head: {self._buffer!r}"
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        request_line, *lines = head.decode("ascii").split("\r\n")
        method, path, version = request_line.split(" ")
        assert version == "HTTP/1.1"
        headers: dict[str, str] = {}
        for line in lines:
            match = re.fullmatch(r"([A-Za-z-]+): (\S.*)", line)
            assert match, f"not a header line: {line!r}"
            assert match[1].lower() not in headers, f"twice: {line!r}"
            headers[match[1].lower()] = match[2]
        assert "host" in headers
        length = int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            assert self._fill(), "the client left in the middle of a body"
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Received(method, path, headers, body)

    def expect(self, method: str, path: str) -> Received:
        received = self.read()
        assert received is not None, f"the client left; expected {method} {path}"
        assert (received.method, received.path) == (method, path)
        return received

    def read_some(self, count: int) -> bytes:
        """Exactly so many bytes, wherever requests begin and end."""
        while len(self._buffer) < count:
            assert self._fill()
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def read_to_end(self) -> None:
        with contextlib.suppress(ConnectionError):
            while self._fill():
                self._buffer = b""

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def reset(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        self._socket.close()

    def _fill(self) -> bool:
        data = self._socket.recv(65536)
        self._buffer += data
        return bool(data)


Script = Callable[[Connection], None]


@dataclass
class Answering:
    """The script of a gateway that is well: it answers publishes with receipts and knows nothing else."""

    received: list[Received] = field(default_factory=list)
    sequences: dict[str, int] = field(default_factory=dict)

    def __call__(self, connection: Connection) -> None:
        while (request := connection.read()) is not None:
            self.received.append(request)
            connection.send(self.answer_to(request))

    def answer_to(self, request: Received) -> bytes:
        if request.method == "POST" and request.path.startswith("/v1/sessions/"):
            sequence = self.sequences[request.path] = self.sequences.get(request.path, 0) + 1
            return answer(200, receipt(sequence))
        if request.method == "POST" and request.path == "/v1/events":
            return answer(200, {"sessions": 1, "connections": 1, "sent": 1, "queued": 0, "conflated": 0, "dropped": 0})
        return answer(404, {"error": {"code": "NOT_FOUND", "message": "no such thing"}})

    def types(self) -> list[str]:
        return [request.json()["type"] for request in self.received]


class FakeGateway:
    """Use as a context manager; leaving it raises what went wrong in a script."""

    def __init__(
        self,
        *scripts: Script,
        family: socket.AddressFamily = socket.AF_INET,
        port: int = 0,
        path: Optional[Path] = None,
    ) -> None:
        self._scripts = list(scripts) or [Answering()]
        self._failures: queue.Queue[BaseException] = queue.Queue()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self.accepted = 0
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(str(path) if path else ("::1" if family == socket.AF_INET6 else "127.0.0.1", port))
        self._listener.listen(16)
        if path:
            self.url = f"unix:{path}"
            return
        self.port: int = self._listener.getsockname()[1]
        host = "[::1]" if family == socket.AF_INET6 else "127.0.0.1"
        self.url = f"http://{host}:{self.port}"

    def __enter__(self) -> FakeGateway:
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(PATIENCE_SECONDS)
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RD)
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive(), "a script did not end"
        if error is None and not self._failures.empty():
            raise self._failures.get()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(PATIENCE_SECONDS)
            self._sockets.append(sock)
            script = self._scripts[min(self.accepted, len(self._scripts) - 1)]
            self.accepted += 1
            thread = threading.Thread(target=self._run, args=(script, sock), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, script: Script, sock: socket.socket) -> None:
        try:
            with sock:
                script(Connection(sock))
        except BaseException as error:
            self._failures.put(error)


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
