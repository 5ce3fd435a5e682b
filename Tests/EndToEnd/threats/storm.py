"""Attacks that go on for as long as they are let, in a process of their own: `storm.py NAME HOST PORT`.

It says `under way` once the attack is, and ends when its standard input does. It runs at the lowest priority: attackers bring their own
processors, and what is to be measured is the gateway's work for them, not theirs.
"""

from __future__ import annotations

import base64
import os
import resource
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Callable

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from frames import FIN, MILLION, RSV1, bomb, frame  # noqa: E402

PING, TEXT = 0x9, 0x1
SECONDS_MAX = 60
HERD = 2000
SLOWLORISES = 500

Address = tuple[str, int]


def request(session: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /ws/backtest/{session} HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    ).encode()


def upgraded(address: Address) -> socket.socket:
    one = socket.create_connection(address, timeout=10)
    one.sendall(request("storm"))
    received = b""
    while b"connected" not in received:
        data = one.recv(65_536)
        if not data:
            raise ConnectionError("refused")
        received += data
    return one


def until_closed(one: socket.socket) -> None:
    with suppress(OSError):
        while one.recv(262_144):
            pass


def bombs(address: Address) -> Iterator[None]:
    """One bomb of 64 MiB after another, each on a connection of its own: the last one was ended for it."""
    message = frame(FIN | RSV1 | TEXT, bomb())
    while True:
        with upgraded(address) as one:
            one.sendall(message)
            until_closed(one)
        yield


def fragments(address: Address) -> Iterator[None]:
    """A million one-byte fragments, again and again."""
    message = frame(TEXT, b"x") + frame(0x0, b"x") * (MILLION - 1)
    while True:
        with upgraded(address) as one, suppress(OSError):
            one.sendall(message)
            one.shutdown(socket.SHUT_WR)
            until_closed(one)
        yield


def pings(address: Address) -> Iterator[None]:
    """As many pings as the gateway takes, and every pong read; a new connection when that one is ended."""
    flood = frame(FIN | PING, b"x" * 125) * 500
    while True:
        with upgraded(address) as one, suppress(OSError):
            one.setblocking(False)
            while True:
                readable, _, _ = select.select([one], [one], [])
                if readable and not one.recv(262_144):
                    break
                with suppress(BlockingIOError):
                    one.send(flood)
                yield
        yield


def unread_pings(address: Address) -> Iterator[None]:
    """The same without reading: the pongs have nowhere to go."""
    flood = frame(FIN | PING) * 10_000
    while True:
        with upgraded(address) as one, suppress(OSError):
            one.settimeout(0.5)
            while True:
                one.send(flood)
                yield
        yield


def idle(address: Address) -> Iterator[None]:
    """Two thousand sockets that say nothing; whoever is sent away comes back."""
    herd = [socket.create_connection(address) for _ in range(HERD)]
    poll = select.poll()
    by_number = {one.fileno(): one for one in herd}
    for number in by_number:
        poll.register(number, select.POLLIN)
    while True:
        for number, _ in poll.poll(50):
            poll.unregister(number)
            by_number.pop(number).close()
            one = socket.create_connection(address)
            by_number[one.fileno()] = one
            poll.register(one.fileno(), select.POLLIN)
        yield


def slowloris(address: Address) -> Iterator[None]:
    """Five hundred requests, of each a byte in 50 ms; whoever is sent away begins again."""
    head = request("storm")[:-4] + b"x" * 5000
    herd = [(socket.create_connection(address), 0) for _ in range(SLOWLORISES)]
    while True:
        begun = time.monotonic()
        for i, (one, place) in enumerate(herd):
            try:
                one.send(head[place : place + 1])
                herd[i] = (one, place + 1)
            except OSError:
                one.close()
                herd[i] = (socket.create_connection(address), 0)
        yield
        select.select([], [], [], max(0.0, 0.05 - (time.monotonic() - begun)))


def nothing(address: Address) -> Iterator[None]:
    """What everything is compared with: the process is there, and does nothing."""
    while True:
        select.select([sys.stdin], [], [], 0.05)
        yield


STORMS: dict[str, Callable[[Address], Iterator[None]]] = {
    "bombs": bombs,
    "fragments": fragments,
    "pings": pings,
    "unread pings": unread_pings,
    "idle": idle,
    "slowloris": slowloris,
    "nothing": nothing,
}


@contextmanager
def storm(name: str, address: Address) -> Iterator[None]:
    """The attack goes on within."""
    command = [sys.executable, str(HERE / "storm.py"), name, address[0], str(address[1])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout and process.stderr
        try:
            assert process.stdout.readline() == "under way\n", process.stderr.read()
            yield
            assert process.poll() is None, f"the attack ended by itself: {process.stderr.read()}"
        finally:
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def main(name: str, host: str, port: str) -> None:
    os.nice(19)
    # A descriptor for each of the herd.
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    deadline = time.monotonic() + SECONDS_MAX
    for number, _ in enumerate(STORMS[name]((host, int(port)))):
        if number == 0:
            print("under way", flush=True)
        if select.select([sys.stdin], [], [], 0)[0] or time.monotonic() > deadline:
            break


if __name__ == "__main__":
    main(*sys.argv[1:])
