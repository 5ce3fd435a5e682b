"""The executable's own clients: `load`, `watch` and `publish`."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import subprocess
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Callable, Optional

import pytest

from control import candle, connections, metrics, publish
from gateway import EXECUTABLE, Gateway, environment, run
from waiting import SANITIZED, until
from wire import RawTab

FULL = bool(os.environ.get("WSG_FULL"))
TAMPERED_SECONDS_MAX = 20


@dataclass(frozen=True)
class Frame:
    """A server's frame, whole and unmasked."""

    first: int
    payload: bytes

    @staticmethod
    def read(source: BinaryIO) -> Frame:
        first, length = Frame._take(source, 2)
        if length >= 126:
            length = int.from_bytes(Frame._take(source, 2 if length == 126 else 8), "big")
        return Frame(first, Frame._take(source, length))

    @staticmethod
    def _take(source: BinaryIO, count: int) -> bytes:
        data = source.read(count)
        if len(data) < count:
            raise EOFError
        return data

    @property
    def encoded(self) -> bytes:
        length = len(self.payload)
        if length < 126:
            return bytes([self.first, length]) + self.payload
        return bytes([self.first, 126]) + length.to_bytes(2, "big") + self.payload

    @property
    def inflated(self) -> bytes:
        assert self.first == 0xC1
        return zlib.decompressobj(-15).decompress(self.payload + b"\x00\x00\xff\xff")


def require(subcommand: str) -> None:
    """Skips where the executable does not know the subcommand yet. (An unknown one shows the help of the whole, and exits 64.)"""
    asked = run(subcommand, "--help")
    if asked.returncode != 0 or f"USAGE: websocket-gateway {subcommand}" not in asked.stdout:
        pytest.skip(f"NO {subcommand.upper()}: this build has no `{subcommand}` subcommand")


def test_a_load_of_500_connections_loses_nothing(serve) -> None:
    require("load")
    gateway: Gateway = serve("--max-connections-per-session", "500", "--max-connections", "1000")
    # A sanitizer makes each delivery ten times as long, and what it looks for does not need a million of them.
    events = 10_000 if FULL else 200 if SANITIZED else 2_000
    ended = run(
        "load", "--connect", gateway.listen, "--control", gateway.control, "--connections", "500", "--events", str(events), "--json",
        seconds=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout)
    assert report["lost"] == 0, report


def load(gateway: Gateway, *flags: str, connect: str = "") -> tuple[dict[str, Any], subprocess.CompletedProcess[str]]:
    """A load's report, if it came to that, and how it ended."""
    ended = run("load", "--connect", connect or gateway.listen, "--control", gateway.control, "--json", *flags, seconds=60)
    return json.loads(ended.stdout), ended


def test_a_load_of_compressed_candles_counts_the_bytes_that_the_gateway_counts(gateway: Gateway) -> None:
    report, ended = load(gateway, "--connections", "50", "--sessions", "2", "--events", "100", "--payload", "candles", "--deflate")
    assert ended.returncode == 0, ended.stderr
    assert (report["delivered"], report["compressed"], report["offences"]) == (5_000, 5_000, 0), report
    counted = metrics(gateway)
    assert counted['wsg_deflations_total{window_bits="12"}'] == 200
    # A frame of 126 bytes to 64 KiB has a head of 4, compressed or not.
    assert counted["wsg_deflate_saved_bytes_total"] == report["message_bytes"] + 4 * 5_000 - report["wire_bytes"]
    assert 0.30 < report["wire_ratio"] < 0.37, report
    assert 0 < report["gateway_cpu_s"] <= counted["process_cpu_seconds_total"]
    assert report["gateway_cpu_us_per_delivery"] == pytest.approx(report["gateway_cpu_s"] * 1e6 / 5_000)


@pytest.mark.parametrize("flags", [(), ("--deflate", "--payload", "candles"), ("--sessions", "3")], ids=["plain", "compressed", "sessions"])
def test_a_load_whose_clients_want_every_other_event_gets_those(gateway: Gateway, flags: tuple[str, ...]) -> None:
    report, ended = load(gateway, "--connections", "30", "--filtered", "12", "--events", "25", "--in-flight", "8", *flags)
    assert ended.returncode == 0, ended.stderr
    assert (report["delivered"], report["expected"], report["filtered"]) == (12 * 13 + 18 * 25,) * 2 + (12,), report


def test_a_load_that_offers_no_compression_gets_none(gateway: Gateway) -> None:
    report, ended = load(gateway, "--connections", "20", "--events", "50", "--payload", "candles", "--in-flight", "8")
    assert ended.returncode == 0, ended.stderr
    assert (report["compressed"], report["wire_bytes"]) == (0, report["message_bytes"] + 4 * 1_000), report
    assert metrics(gateway)["wsg_deflate_saved_bytes_total"] == 0


def test_events_below_the_threshold_come_as_they_are_and_pass_although_compression_is_agreed(serve) -> None:
    gateway: Gateway = serve("--deflate-threshold-bytes", "2000")
    report, ended = load(gateway, "--connections", "5", "--events", "20", "--payload", "candles", "--event-bytes", "700", "--deflate")
    assert ended.returncode == 0, ended.stderr
    assert (report["delivered"], report["compressed"]) == (100, 0), report


def test_a_load_that_asks_for_compression_fails_where_the_gateway_declines(serve) -> None:
    gateway: Gateway = serve("--deflate", "false")
    report, ended = load(gateway, "--connections", "5", "--events", "20", "--deflate")
    assert ended.returncode == 1
    assert "does not agree on permessage-deflate" in ended.stderr
    assert report["passed"] is False and report["published"] == 0


Tamper = Callable[[Frame, Frame], bytes]


class TamperingProxy:
    """Stands between a load and its gateway, and does something to the first connection's second and third event."""

    def __init__(self, gateway: Gateway, tamper: Tamper) -> None:
        self._gateway = gateway
        self._tamper = tamper
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def listen(self) -> str:
        return "{}:{}".format(*self._listener.getsockname())

    def _accept(self) -> None:
        for number in itertools.count():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._gateway.address, timeout=TAMPERED_SECONDS_MAX)
            client.settimeout(TAMPERED_SECONDS_MAX)
            self._sockets += [client, server]
            tamper = self._tamper if number == 0 else None
            for work in (self._pump(client, server), self._deliver(server, client, tamper)):
                self._threads.append(threading.Thread(target=self._finish, args=(work, client, server)))
                self._threads[-1].start()

    @staticmethod
    def _finish(work: Iterator[None], *ends: socket.socket) -> None:
        try:
            for _ in work:
                pass
        except (OSError, EOFError):
            pass
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _pump(client: socket.socket, server: socket.socket) -> Iterator[None]:
        while data := client.recv(65_536):
            yield server.sendall(data)

    @staticmethod
    def _deliver(server: socket.socket, client: socket.socket, tamper: Optional[Tamper]) -> Iterator[None]:
        with server.makefile("rb") as source:
            while (line := source.readline()) != b"\r\n":
                yield client.sendall(line)
            client.sendall(line)
            for number in itertools.count():
                frame = Frame.read(source)
                if tamper and number == 2:
                    yield client.sendall(tamper(frame, Frame.read(source)))
                else:
                    yield client.sendall(frame.encoded)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(TAMPERED_SECONDS_MAX)
        for end in self._sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(TAMPERED_SECONDS_MAX)
            assert not thread.is_alive()
        for end in self._sockets:
            end.close()


def digit_changed(payload: bytes, name: bytes) -> bytes:
    """The first digit of the number that is called so is another."""
    place = payload.index(name) + len(name) + 2
    return payload[:place] + (b"1" if payload[place : place + 1] != b"1" else b"2") + payload[place + 1 :]


def deflated(payload: bytes) -> Frame:
    """By another compressor than the gateway's, with other settings."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return Frame(0xC1, (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4])


def changed(name: bytes) -> Tamper:
    return lambda a, b: Frame(a.first, digit_changed(a.payload, name)).encoded + b.encoded


TAMPERINGS: list[tuple[str, str, Tamper, str]] = [
    ("a candle's price", "", changed(b"close"), "did not arrive as it was published"),
    ("the time of sending", "", changed(b"sent_at"), "was not published by us"),
    ("one left out", "", lambda a, b: b.encoded, "gap(1): 2 was expected, 3 came"),
    ("one twice", "", lambda a, b: a.encoded + a.encoded + b.encoded, "duplicate: 3 was expected, 2 came"),
    ("two in the wrong order", "", lambda a, b: b.encoded + a.encoded, "gap(1): 2 was expected, 3 came"),
    ("compressed, which was not agreed", "", lambda a, b: deflated(a.payload).encoded + b.encoded, "a frame it should not"),
    (
        "a price, then compressed",
        "--deflate",
        lambda a, b: deflated(digit_changed(a.inflated, b"close")).encoded + b.encoded,
        "did not arrive as it was published",
    ),
    # 11 is no type of block (RFC 1951 §3.2.3).
    ("no DEFLATE data", "--deflate", lambda a, b: Frame(a.first, b"\x06" + a.payload[1:]).encoded + b.encoded, "RFC 7692 §7.2.2"),
]


@pytest.mark.parametrize("flag, tamper, offence", [row[1:] for row in TAMPERINGS], ids=[row[0] for row in TAMPERINGS])
def test_a_load_notices_what_happened_to_one_event_on_one_connection(gateway: Gateway, flag: str, tamper: Tamper, offence: str) -> None:
    proxy = TamperingProxy(gateway, tamper)
    try:
        flags = ["--connections", "3", "--events", "20", "--payload", "candles", "--duration", "3", *filter(None, [flag])]
        report, ended = load(gateway, *flags, connect=proxy.listen)
    finally:
        proxy.close()
    assert ended.returncode == 1, report
    assert report["passed"] is False and offence in report["first_offence"], report


def test_a_load_takes_the_same_events_from_another_compressor(gateway: Gateway) -> None:
    proxy = TamperingProxy(gateway, lambda a, b: deflated(a.inflated).encoded + Frame(0x81, b.inflated).encoded)
    try:
        flags = ["--connections", "3", "--events", "20", "--payload", "candles", "--duration", "10", "--deflate"]
        report, ended = load(gateway, *flags, connect=proxy.listen)
    finally:
        proxy.close()
    assert ended.returncode == 0, report
    assert (report["delivered"], report["compressed"]) == (60, 59), report


def test_watch_prints_the_messages_as_they_came_and_ends_after_as_many(gateway: Gateway) -> None:
    require("watch")
    command = [str(EXECUTABLE), "watch", "s1", "--raw", "--count", "4", "--connect", gateway.listen]
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watch:
        try:
            until(lambda: watch.poll() is not None or connections(gateway, "s1"), "it has joined")
            publish(gateway, "s1", '[{"type":"candle","data":{"price":1.50 , "text":"é\\u0041"},"timestamp":"t1"}]')
            publish(gateway, "s1", [candle(number) for number in range(5)])
            output, errors = watch.communicate(timeout=10)
        finally:
            watch.kill()
    assert watch.returncode == 0, errors
    lines = output.splitlines()
    # `--count` counts events of the session; what the gateway says to this connection alone comes on top.
    assert json.loads(lines[0])["type"] == "connected"
    assert '"data":{"price":1.50 , "text":"é\\u0041"},"timestamp":"t1"}' in output
    streamed = [event for event in map(json.loads, lines) if "id" in event]
    assert [int(event["id"].rpartition("-")[2]) for event in streamed] == [1, 2, 3, 4]


def test_publish_sends_the_lines_of_its_input_in_order(gateway: Gateway) -> None:
    require("publish")
    with RawTab.opened(gateway, "s1") as tab:
        lines = "".join(json.dumps(candle(number)) + "\n" for number in range(50))
        ended = run("publish", "s1", "--control", gateway.control, stdin=lines)
        assert ended.returncode == 0, ended.stderr
        assert [tab.event()["data"]["candle_index"] for _ in range(50)] == list(range(50))


def test_publish_says_which_line_was_refused(gateway: Gateway) -> None:
    require("publish")
    ended = run("publish", "s1", "--control", gateway.control, stdin=f'{json.dumps(candle(1))}\n{{"type":"connected","data":{{}}}}\n')
    assert ended.returncode != 0
    assert "RESERVED_TYPE" in ended.stderr or "line 2" in ended.stderr, ended.stderr
