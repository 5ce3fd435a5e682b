"""The engine link: one WebSocket over which an engine publishes, serves sessions and answers their clients' commands.

    async with EngineLink() as link:
        await link.serve(session_id, on_command)
        await link.publish(session_id, create_candle_event(candle, indicators))

Flow: engine ⇄ **EngineLink** ⇄ gateway ⇄ browsers

It belongs to one event loop. When the connection is lost it comes back by itself, serves its sessions again, and sends
again, in order, what has no answer yet: each publish has a key, so it is published once.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import logging
import os
import random
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Optional, Union

from . import frames
from .encoding import encode
from .errors import OUTCOME_NOT_SENT, OUTCOME_REFUSED, OUTCOME_UNKNOWN, GatewayError, GatewayUnavailable
from .events import AnyEvent, event_to_dict
from .handshake import open_link
from .keys import checked_key, new_key
from .receipt import Receipt
from .transport import Target

SILENCE_SECONDS_MAX = 40.0
"""Half of it without a word from the gateway, and it is pinged; all of it, and the connection is given up."""
BACKOFF_SECONDS = (0.1, 5.0)
WAITING_MAX = 10_000
"""Publishes without an answer; further ones wait for room."""

_KEY_REFUSED = {401, 403}
_UNAVAILABLE = {"STOPPED", "STORE_FULL", "STORE_FAILED", "TOO_MANY_SESSIONS"}

_log = logging.getLogger("websocket_gateway")


@dataclass(frozen=True)
class Command:
    """What a client of a served session asks for."""

    session_id: str
    connection_id: str
    subject: Optional[str]
    """Of the client's token; None: anonymous."""
    action: str
    """"pause", "resume", "stop" or any other, in small letters."""
    payload: Mapping[str, Any] = field(default_factory=dict)
    """The client's whole object."""


class CommandFailed(Exception):
    """Raise it in a handler: the client gets an `error` with this code, message and data.

    code: "COMMAND_FAILED", "UNKNOWN_COMMAND", "INVALID_COMMAND" or "FORBIDDEN".
    """

    def __init__(self, message: str, code: str = "COMMAND_FAILED", data: Optional[Mapping[str, Any]] = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.data = data


class UnknownCommand(CommandFailed):
    """Raise it in a handler for an action that it does not know."""

    def __init__(self, action: str) -> None:
        super().__init__(f"there is no command {action}", "UNKNOWN_COMMAND")


Answer = Optional[Mapping[str, Any]]
Handler = Callable[[Command], Union[Answer, Awaitable[Answer]]]
Presence = Callable[[str, bool, int], None]


class _Waiting:
    def __init__(self, text: str, future: asyncio.Future[dict[str, Any]]) -> None:
        self.frame = frames.frame(frames.TEXT, text.encode())
        self.future = future
        self.was_sent = False


class _Served:
    """A session, its handler, and the commands that wait for it: handled one after another."""

    def __init__(self, handler: Handler, on_presence: Optional[Presence]) -> None:
        self.handler = handler
        self.on_presence = on_presence
        self.commands: asyncio.Queue[Optional[tuple[str, Command]]] = asyncio.Queue()
        self.task: Optional[asyncio.Task[None]] = None


class EngineLink:
    """
    control_url, api_key: as of WebSocketManager, from the environment where they are not given.
    timeout: seconds without an answer from a connected gateway after which a call ends with GatewayUnavailable.
    retry_for: seconds more for which a gateway that is not there is waited for.
    ssl_context: as of WebSocketManager.

    A key that is refused (401, 403) is GatewayError at once, unless the link was open before: then keys may be on their
    way to be changed, and it goes on trying. GatewayUnavailable says what the last try met.
    """

    def __init__(
        self,
        control_url: Optional[str] = None,
        api_key: Optional[str] = None,
        timeout: float = 10.0,
        retry_for: float = 30.0,
        ssl_context: Optional[ssl.SSLContext] = None,
    ) -> None:
        self._target = Target(
            control_url or os.environ.get("WSG_CONTROL_URL") or "http://127.0.0.1:8081",
            api_key if api_key is not None else os.environ.get("WSG_API_KEY"),
            ssl_context,
        )
        self._patience = timeout + retry_for
        self._served: dict[str, _Served] = {}
        self._waiting: dict[int, _Waiting] = {}
        self._next_ref = 0
        self._writer: Optional[asyncio.StreamWriter] = None
        self._task: Optional[asyncio.Task[None]] = None
        self._room: Optional[asyncio.Semaphore] = None
        self._retry_after: Optional[float] = None
        self._trouble: Optional[Exception] = None
        """Of the last try to open the link; None while it is open, and until the next try after it was lost."""
        self._was_open = False
        self._is_closed = False

    # For engines

    async def serve(
        self, session_id: str, handler: Handler, on_presence: Optional[Presence] = None
    ) -> int:
        """Answer the session's commands from now on, over reconnects too; how many clients it has now.

        handler: called with each Command, one after another in a session, a coroutine function or not. What it returns,
            a dict or None, stands in the client's `command_ack`; it raises CommandFailed where it did not do it.
        on_presence: called with (connection_id, is_here, connections) when a client comes or goes.

        The engine that claims a session last serves it: where another has, this one's handler is called no more.
        """
        _checked(session_id)
        self._stop_serving(session_id)
        served = self._served[session_id] = _Served(handler, on_presence)
        served.task = asyncio.get_running_loop().create_task(self._handle_commands(served))
        try:
            answer = await self._ask({"op": "serve", "session_id": session_id})
        except BaseException:
            self._stop_serving(session_id)
            raise
        return int(answer.get("connections", 0))

    async def release(self, session_id: str) -> None:
        """Serve the session no more."""
        if session_id in self._served:
            self._stop_serving(session_id)
            await self._ask({"op": "release", "session_id": session_id})

    async def publish(
        self,
        session_id: str,
        events: Union[AnyEvent, Sequence[AnyEvent]],
        idempotency_key: Optional[str] = None,
    ) -> Receipt:
        """Publish one event, or several in their order, all or none. Calls may be made at once: they keep their order."""
        key = checked_key(idempotency_key) if idempotency_key is not None else new_key()
        message: dict[str, Any] = {"op": "publish", "session_id": _checked(session_id), "key": key}
        if isinstance(events, Sequence):
            message["events"] = [event_to_dict(one) for one in events]
        else:
            message["event"] = event_to_dict(events)
        return Receipt.from_answer(await self._ask(message))

    async def aclose(self) -> None:
        """Ends the link: clients' commands have no engine from now on, and calls without an answer fail."""
        self._is_closed = True
        tasks = [served.task for served in self._served.values() if served.task is not None]
        self._served.clear()
        for task in tasks:
            task.cancel()
        if self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.write(frames.frame(frames.CLOSE, (1000).to_bytes(2, "big")))
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for waiting in self._waiting.values():
            _fail(waiting, "the link was closed")

    async def __aenter__(self) -> EngineLink:
        self._begin()
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.aclose()

    # Asking

    def _begin(self) -> None:
        if self._is_closed:
            raise RuntimeError("this link was closed; make another")
        if self._room is None:
            self._room = asyncio.Semaphore(WAITING_MAX)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        self._begin()
        assert self._room is not None
        self._next_ref += 1
        ref = self._next_ref
        message["ref"] = ref
        waiting = _Waiting(encode(message), asyncio.get_running_loop().create_future())
        await self._room.acquire()  # at once while there is room, so that calls keep their order
        self._waiting[ref] = waiting
        try:
            self._begin()  # again: the key may have been refused meanwhile
            self._send_waiting(waiting)
            answer = await asyncio.wait_for(waiting.future, self._patience)
        except asyncio.TimeoutError:
            outcome = OUTCOME_UNKNOWN if waiting.was_sent else OUTCOME_NOT_SENT
            raise GatewayUnavailable(self._silence(), outcome) from None
        finally:
            self._waiting.pop(ref, None)
            self._room.release()
        if answer["op"] != "error":
            return answer
        code, text, details = str(answer.get("code")), str(answer.get("message")), answer.get("details")
        if code in _UNAVAILABLE:
            unknown = isinstance(details, dict) and details.get("outcome") == "unknown"
            raise GatewayUnavailable(f"{code}: {text}", OUTCOME_UNKNOWN if unknown else OUTCOME_REFUSED)
        raise GatewayError(code, text, details=details)

    def _silence(self) -> str:
        """Why no answer came in time."""
        if self._trouble is None:
            return "the gateway did not answer in time"
        return f"no engine link to {self._target.name}: {_words(self._trouble)}"

    def _send_waiting(self, waiting: _Waiting) -> None:
        if self._writer is not None:
            waiting.was_sent = True
            self._writer.write(waiting.frame)

    def _say(self, message: Mapping[str, Any]) -> None:
        if self._writer is not None:
            self._writer.write(frames.frame(frames.TEXT, encode(message).encode()))

    # The connection

    async def _run(self) -> None:
        """Cancelled by `aclose`. Before Python 3.12 `wait_for` forgets that where what it waits for is there in the same
        moment, so each turn looks whether the link is closed."""
        delay = BACKOFF_SECONDS[0]
        while not self._is_closed:
            self._retry_after = None
            try:
                reader, writer, rest = await self._connect()
            except (OSError, asyncio.TimeoutError, frames.BadFrame, GatewayError) as error:
                _log.warning("no engine link to %s: %s", self._target.name, _words(error))
                self._trouble = error
                if isinstance(error, GatewayError) and error.status in _KEY_REFUSED and not self._was_open:
                    return self._refused(error)
            else:
                delay = BACKOFF_SECONDS[0]
                self._trouble, self._was_open = None, True
                try:
                    if not self._is_closed:
                        self._opened(writer)
                        await self._read(reader, rest)
                except (OSError, frames.BadFrame) as error:
                    _log.warning("the engine link was lost: %s", error)
                except Exception:
                    _log.exception("the engine link was lost by a fault of this client")
                finally:
                    self._writer = None
                    writer.close()
            if self._is_closed:
                return
            wait = random.uniform(delay / 2, delay) if self._retry_after is None else self._retry_after
            await asyncio.sleep(wait)
            delay = min(delay * 2, BACKOFF_SECONDS[1])

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
        return await open_link(self._target)

    def _refused(self, error: GatewayError) -> None:
        """Ends every call, each with an error of its own; the next call tries again."""
        for waiting in self._waiting.values():
            if not waiting.future.done():
                waiting.future.set_exception(GatewayError(error.code, error.message, error.status, error.details))

    def _opened(self, writer: asyncio.StreamWriter) -> None:
        """Claims first, so that what is published next has its engine; then what has no answer, in its order."""
        self._writer = writer
        for session_id in self._served:
            self._say({"op": "serve", "session_id": session_id})
        for waiting in self._waiting.values():
            self._send_waiting(waiting)

    async def _read(self, reader: asyncio.StreamReader, rest: bytes) -> None:
        incoming = frames.FrameReader()
        is_pinged = False
        data = rest
        while not self._is_closed:
            for opcode, payload in incoming.feed(data):
                if opcode == frames.CLOSE:
                    return self._closed(payload)
                self._take(opcode, payload)
            try:
                data = await asyncio.wait_for(reader.read(65_536), SILENCE_SECONDS_MAX / 2)
            except asyncio.TimeoutError:
                if is_pinged:
                    raise frames.BadFrame("the gateway was not heard") from None
                is_pinged, data = True, b""
                if self._writer is not None:
                    self._writer.write(frames.frame(frames.PING, b""))
                continue
            if not data and not self._is_closed:
                raise frames.BadFrame("the gateway ended the connection")
            is_pinged = False

    def _closed(self, payload: bytes) -> None:
        reason = payload[2:].decode("utf-8", "replace")
        _log.warning("the gateway closed the engine link: %s %s", int.from_bytes(payload[:2], "big"), reason)
        found = re.search(r"retry-after-ms=(\d{1,6})", reason)
        self._retry_after = int(found[1]) / 1000 if found else None
        if self._writer is not None:
            self._writer.write(frames.frame(frames.CLOSE, payload[:2]))

    # What the gateway says

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == frames.PING and self._writer is not None:
            self._writer.write(frames.frame(frames.PONG, payload))
        if opcode != frames.TEXT:
            return
        try:
            message = json.loads(payload)
            op, ref = message["op"], message.get("ref")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise frames.BadFrame(f"a message that is not the link's: {error}") from error
        if isinstance(ref, int):
            waiting = self._waiting.get(ref)
            if waiting is not None and not waiting.future.done():
                waiting.future.set_result(message)
        elif op == "command":
            self._command(message)
        elif op in ("connected", "disconnected"):
            self._presence(message)
        elif op in ("replaced", "released"):
            _log.warning("session %s is served here no more: it was %s", message.get("session_id"), op)
            self._stop_serving(str(message.get("session_id")))
        elif op == "expired":
            _log.warning(
                "the answer to command %s reached nobody: it came after the deadline, or the link was lost in between",
                message.get("command_id"),
            )
        elif op == "error":
            text = f"{message.get('code')}: {message.get('message')}"
            _log.warning("the gateway refused what this link said: %s", text[:500])

    def _presence(self, message: Mapping[str, Any]) -> None:
        served = self._served.get(str(message.get("session_id")))
        if served is not None and served.on_presence is not None:
            try:
                served.on_presence(
                    str(message.get("connection_id")), message["op"] == "connected", int(message.get("connections", 0))
                )
            except Exception:
                _log.exception("on_presence failed")

    def _command(self, message: Mapping[str, Any]) -> None:
        command = Command(
            str(message.get("session_id")),
            str(message.get("connection_id")),
            message.get("subject"),
            str(message.get("action")),
            message.get("payload") or {},
        )
        served = self._served.get(command.session_id)
        if served is None:
            self._reply(str(message.get("command_id")), ok=False, message="this session is not served here any more")
        else:
            served.commands.put_nowait((str(message.get("command_id")), command))

    def _reply(self, command_id: str, **members: Any) -> None:
        self._say({"op": "reply", "command_id": command_id, **members})

    async def _handle_commands(self, served: _Served) -> None:
        while True:
            item = await served.commands.get()
            if item is None:
                return
            command_id, command = item
            try:
                result = served.handler(command)
                data = await result if inspect.isawaitable(result) else result
                self._reply(command_id, ok=True, data=dict(data or {}))
            except CommandFailed as failed:
                self._reply(
                    command_id, ok=False, error_code=failed.code, message=failed.message[:1000], data=dict(failed.data or {})
                )
            except Exception:
                _log.exception("the handler of %s failed", command.action)
                self._reply(command_id, ok=False, message="the engine failed; its log says why")

    def _stop_serving(self, session_id: str) -> None:
        """No further command comes; those that came are handled, and answered while the link lives."""
        served = self._served.pop(session_id, None)
        if served is not None:
            served.commands.put_nowait(None)


def _fail(waiting: _Waiting, reason: str) -> None:
    if not waiting.future.done():
        outcome = OUTCOME_UNKNOWN if waiting.was_sent else OUTCOME_NOT_SENT
        waiting.future.set_exception(GatewayUnavailable(reason, outcome))


def _words(trouble: Exception) -> str:
    return str(trouble) or "time-out"  # asyncio's says nothing


_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")


def _checked(session_id: str) -> str:
    if not isinstance(session_id, str) or _ID.fullmatch(session_id) is None:
        raise GatewayError("INVALID_SESSION_ID", f"a session id is 1 to 128 of A-Z a-z 0-9 . _ ~ -, not {session_id!r}")
    return session_id
