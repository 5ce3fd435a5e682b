"""One connection to the gateway's control listener, owned by one background thread.

Flow: manager → **Transport** → Channel (thread, socket) ⇄ gateway

Callers on any thread and in any event loop hand over requests and get futures; the thread writes them in that order,
many before the first answer is back. Nothing here blocks an event loop. The thread is a daemon, starts with the first
request and ends when there was none for a while. After a fork the child starts anew and leaves the parent's socket be.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import selectors
import socket
import ssl
import threading
import time
from collections import deque
from concurrent.futures import Future
from typing import Optional
from urllib.parse import urlsplit

from .answers import Answer
from .errors import OUTCOME_UNKNOWN, GatewayUnavailable
from .pipeline import Pipeline, Request

CONNECT_SECONDS_MAX = 5.0
IDLE_SECONDS_MAX = 30.0
"""The gateway closes idle connections after 75 s. Leaving first means never to send into its closing."""

RECEIVE_BYTES = 256 * 1024

_NOT_NOW = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

_log = logging.getLogger("websocket_gateway")

_channel_lock = threading.Lock()


def _renew_lock_after_fork() -> None:
    global _channel_lock
    _channel_lock = threading.Lock()  # another thread of the parent may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock_after_fork)


class Target:
    """Where the gateway is, and how requests to it begin."""

    def __init__(
        self, control_url: str, api_key: Optional[str], ssl_context: Optional[ssl.SSLContext] = None
    ) -> None:
        """Raises ValueError, without repeating the key, where one of them is not usable."""
        self.path: Optional[str] = None
        """Of a Unix-domain socket; None: host and port count."""
        self.tls: Optional[ssl.SSLContext] = None
        """None: the connection is not encrypted."""
        if control_url.startswith("unix:"):
            self.path = control_url[len("unix:") :]
            if not self.path.startswith("/") or "\0" in self.path:
                raise ValueError(f"a control socket must look like unix:/path, not {control_url!r}")
            if ssl_context is not None:
                raise ValueError("an SSL context is for https:// alone")
            self.host, self.port = "localhost", 0
            self._set_fields("localhost", api_key)
            return
        parts = urlsplit(control_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"the control URL must look like http://host:port, https://host:port or unix:/path, not {control_url!r}")
        if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
            raise ValueError(f"the control URL must be {parts.scheme}://host:port alone")
        if ssl_context is not None and parts.scheme == "http":
            raise ValueError("an SSL context is for https:// alone")
        if not re.fullmatch(r"[A-Za-z0-9._:%-]+", parts.hostname):
            raise ValueError("the control URL's host has characters no host has")
        self.host = parts.hostname
        self.port = {"http": 80, "https": 443}[parts.scheme] if parts.port is None else parts.port
        if parts.scheme == "https":
            self.tls = ssl_context or ssl.create_default_context()
        host = f"[{self.host.partition('%')[0]}]" if ":" in self.host else self.host
        self._set_fields(f"{host}:{self.port}", api_key)

    def _set_fields(self, host: str, api_key: Optional[str]) -> None:
        fields = f"Host: {host}\r\nUser-Agent: websocket-gateway-client\r\n"
        if api_key:
            if not re.fullmatch(r"[\x21-\x7e]+", api_key):
                raise ValueError("the API key has characters that cannot stand in an HTTP header")
            fields += f"Authorization: Bearer {api_key}\r\n"
        self._fields = fields

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.host}:{self.port}" if self.path is None else f"unix:{self.path}"

    def connect(self, timeout: float) -> socket.socket:
        """A connection, not yet encrypted. Raises OSError or UnicodeError."""
        if self.path is None:
            connection = socket.create_connection((self.host, self.port), timeout=timeout)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(timeout)
            connection.connect(self.path)
        except BaseException:
            connection.close()
            raise
        return connection

    def request(self, method: str, path: str, body: Optional[str] = None, key: Optional[str] = None) -> bytes:
        """One request in bytes. `path` must be fit to stand in a request line, `key` in a header."""
        if body is None:
            return f"{method} {path} HTTP/1.1\r\n{self._fields}\r\n".encode("ascii")
        content = body.encode("utf-8")
        idempotency = "" if key is None else f"Idempotency-Key: {key}\r\n"
        head = (
            f"{method} {path} HTTP/1.1\r\n{self._fields}Content-Type: application/json\r\n{idempotency}"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        return head.encode("ascii") + content


class Transport:
    """Safe to use from any thread."""

    def __init__(
        self, target: Target, timeout: float, retry_for: float, idle_seconds_max: float = IDLE_SECONDS_MAX
    ) -> None:
        self.target = target
        self._timeout = timeout
        self._retry_for = retry_for
        self._idle_seconds_max = idle_seconds_max
        self._channel: Optional[Channel] = None

    def submit(self, request: Request) -> Future[Answer]:
        """Requests go out in the order of these calls."""
        with _channel_lock:
            channel = self._channel
            if channel is not None and channel.pid != os.getpid():
                channel.forget()
                channel = None
            if channel is None or not channel.offer(request):
                channel = Channel(self.target, Pipeline(self._retry_for, self._timeout), self._idle_seconds_max)
                channel.offer(request)
                channel.start()
                self._channel = channel
        return request.future

    def close(self) -> Future[None]:
        """Done when everything submitted before is answered and the connection closed. Submitting again reopens."""
        with _channel_lock:
            channel, self._channel = self._channel, None
        if channel is None or channel.pid != os.getpid():
            nothing: Future[None] = Future()
            nothing.set_result(None)
            return nothing
        channel.finish()
        return channel.ended


class Channel:
    """The thread, its socket, and the inbox through which requests reach it. Only `offer`, `finish` and `forget` are
    for other threads; `_lock` guards `_inbox`, `_finishing`, `_ended` and `_sleeping`; all else is the thread's own."""

    def __init__(self, target: Target, pipeline: Pipeline, idle_seconds_max: float) -> None:
        self.pid = os.getpid()
        self.ended: Future[None] = Future()
        self.ended.set_running_or_notify_cancel()  # nobody's to cancel
        self._target = target
        self._pipeline = pipeline
        self._idle_seconds_max = idle_seconds_max
        self._lock = threading.Lock()
        self._inbox: deque[Request] = deque()
        self._finishing = False
        self._ended = False
        self._sleeping = False
        self._selector = selectors.DefaultSelector()
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)
        self._selector.register(self._wake_receiver, selectors.EVENT_READ)
        self._socket: Optional[socket.socket] = None
        self._unsent = bytearray()
        self._watches_writing = False

    # For any thread

    def start(self) -> None:
        threading.Thread(target=self._run, name="websocket-gateway", daemon=True).start()

    def offer(self, request: Request) -> bool:
        """False: this channel has ended or is about to."""
        with self._lock:
            if self._finishing or self._ended:
                return False
            self._inbox.append(request)
            self._wake()
        return True

    def finish(self) -> None:
        """End when all is answered."""
        with self._lock:
            self._finishing = True
            if not self._ended:
                self._wake()

    def forget(self) -> None:
        """In a forked child: gives back the descriptors; the parent's thread and connection go on."""
        with contextlib.suppress(OSError):  # a kqueue is not inherited
            self._selector.close()
        for one in (self._wake_receiver, self._wake_sender, self._socket):
            if one is not None:
                one.close()

    def _wake(self) -> None:
        if self._sleeping:
            self._sleeping = False
            with contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
                self._wake_sender.send(b"\0")

    # The thread

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        except BaseException as error:
            _log.exception("the connection to the gateway ended by a fault of this client")
            self._end(GatewayUnavailable(f"a fault of this client: {error!r}", OUTCOME_UNKNOWN))
        else:
            self._end(None)

    def _turn(self) -> bool:
        now = time.monotonic()
        self._collect(now)
        if self._pipeline.expire(now):
            self._close_socket()
        if self._pipeline.may_send(now):
            if self._socket is not None and not self._pipeline.awaits_answers:
                self._receive()  # has the peer ended this idle connection? Then nothing goes into it.
            if self._socket is None and not self._connect():
                return True
            self._send()
            if self._socket is None:  # lost just now, and nothing would wake us for the next one
                return True
        idle = self._pipeline.is_idle
        if idle:
            with self._lock:
                if self._finishing and not self._inbox:
                    self._ended = True
                    return False
        return self._sleep(idle)

    def _collect(self, now: float) -> None:
        with self._lock:
            arrived, self._inbox = self._inbox, deque()
        for request in arrived:
            self._pipeline.add(request, now)

    def _sleep(self, idle: bool) -> bool:
        """Until something happens; False where nothing did for so long that the thread may end."""
        now = time.monotonic()
        wake_at = now + self._idle_seconds_max if idle else self._pipeline.deadline(now)
        with self._lock:
            self._sleeping = not self._inbox
            wait = 0.0 if self._inbox else None if wake_at is None else max(0.0, wake_at - now)
        ready = self._selector.select(wait)
        with self._lock:
            self._sleeping = False
            if idle and not ready and not self._inbox:
                self._ended = True
                return False
        for key, events in ready:
            if key.fileobj is self._wake_receiver:
                self._wake_receiver.recv(1024)
            elif events & selectors.EVENT_READ:
                while self._receive() and self._holds_more():
                    pass
            elif events & selectors.EVENT_WRITE:
                self._send()
        return True

    def _connect(self) -> bool:
        now = time.monotonic()
        gives_up_at = self._pipeline.deadline(now)
        seconds = CONNECT_SECONDS_MAX if gives_up_at is None else gives_up_at - now
        seconds = max(0.05, min(CONNECT_SECONDS_MAX, seconds, self._pipeline.retry_for))
        try:
            connection = self._target.connect(seconds)
            if self._target.tls is not None:
                connection = self._secured(connection, self._target.tls)
        except (OSError, UnicodeError) as error:
            self._pipeline.not_connected(f"{self._target.name}: {error}", time.monotonic())
            return False
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ)
        self._socket = connection
        self._pipeline.opened(time.monotonic())
        return True

    def _secured(self, connection: socket.socket, tls: ssl.SSLContext) -> ssl.SSLSocket:
        """After the handshake, each step of which has the connection's time-out."""
        try:
            return tls.wrap_socket(connection, server_hostname=self._target.host)
        except BaseException:
            connection.close()
            raise

    def _holds_more(self) -> bool:
        """Decrypted already, so that nothing would tell of it."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def _send(self) -> None:
        self._unsent += self._pipeline.take(time.monotonic())
        while self._unsent and self._socket is not None:
            try:
                count = self._socket.send(self._unsent)
            except _NOT_NOW:
                break
            except OSError as error:
                self._receive_rest(error)
                return
            del self._unsent[:count]
            self._pipeline.sent(count)
        if self._socket is not None and bool(self._unsent) != self._watches_writing:
            self._watches_writing = bool(self._unsent)
            writing = selectors.EVENT_WRITE if self._watches_writing else 0
            self._selector.modify(self._socket, selectors.EVENT_READ | writing)

    def _receive(self) -> bool:
        """True: there may be more."""
        if self._socket is None:
            return False
        try:
            data = self._socket.recv(RECEIVE_BYTES)
        except _NOT_NOW:
            return False
        except OSError as error:
            self._lose(str(error))
            return False
        if not data:
            self._lose("it closed the connection")
        elif not self._pipeline.received(data, time.monotonic()):
            self._close_socket()
        return self._socket is not None

    def _receive_rest(self, send_error: OSError) -> None:
        """The peer takes no more; but what it had answered before that counts."""
        while self._receive():
            pass
        self._lose(str(send_error))

    def _lose(self, reason: str) -> None:
        if self._socket is not None:
            self._close_socket()
            self._pipeline.lost(reason, time.monotonic())

    def _close_socket(self) -> None:
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None
        self._unsent.clear()
        self._watches_writing = False

    def _end(self, error: Optional[GatewayUnavailable]) -> None:
        with self._lock:
            self._ended = True
            left, self._inbox = self._inbox, deque()
        for request in left:
            self._pipeline.add(request, time.monotonic())
        if error is not None:
            self._pipeline.abandon(error)
        self._close_socket()
        self._selector.close()
        self._wake_receiver.close()
        with self._lock:
            self._wake_sender.close()
        self.ended.set_result(None)
