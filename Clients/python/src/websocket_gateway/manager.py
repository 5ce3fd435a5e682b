"""Reach the clients of a session through the gateway. Replaces AlphaLab's `websocket.manager`.

Flow: engine → **WebSocketManager** → transport → gateway → browsers
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import Any, NoReturn, Optional, Union

from .answers import Answer, BadAnswer
from .encoding import encode
from .errors import OUTCOME_REFUSED, OUTCOME_UNKNOWN, GatewayError, GatewayUnavailable
from .events import AnyEvent, event_to_dict
from .keys import checked_key, new_key
from .link import EngineLink
from .pipeline import EVERY_SESSION, Request
from .receipt import Receipt, count_of
from .transport import Target, Transport

CONTROL_URL_DEFAULT = "http://127.0.0.1:8081"
PAGES_MAX = 10_000

_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):?(\d\d))?")


class WebSocketManager:
    """The existing manager's methods, answered by the gateway, and a few more.

    The `async` methods work in any event loop, also in one after another. The others wait for the gateway where they
    are called, like any blocking call: a round trip, and never more than the limits below. All may be called from any
    thread. Requests go out in the order of the calls, so a count after a publish knows of it.

    control_url, api_key: where the gateway's control listener is (http://host:port, https://host:port or unix:/path),
        and its key. Where they are not given, the environment's WSG_CONTROL_URL and WSG_API_KEY are read at the first
        use; else http://127.0.0.1:8081 and none.
    timeout: seconds without an answer from a connected gateway, after which the connection is given up. A call ends
        with GatewayUnavailable then, unless it may be repeated.
    retry_for: seconds for which a gateway that cannot be reached, or answers 503 with Retry-After, is tried again. No
        try begins later; the last one has its `timeout`.
    idempotent: each publish to a session, or to all, carries a key, by which the gateway knows it when it comes again.
        So a publish whose answer did not come is repeated for `retry_for`, and published once. False for gateways that
        answer such a key with 501: an answer that did not come is GatewayUnavailable with the outcome "unknown" then.
    ssl_context: for a control URL that begins with https://, where the authorities that this machine trusts are not the
        gateway's, or it asks for a client's certificate.

    Raises GatewayError for what the gateway will not take, GatewayUnavailable for a gateway that is not there.
    """

    def __init__(
        self,
        control_url: Optional[str] = None,
        api_key: Optional[str] = None,
        timeout: float = 10.0,
        retry_for: float = 5.0,
        idempotent: bool = True,
        ssl_context: Optional[ssl.SSLContext] = None,
    ) -> None:
        self._control_url = control_url
        self._api_key = api_key
        self._timeout = timeout
        self._retry_for = retry_for
        self._idempotent = idempotent
        self._ssl_context = ssl_context
        self._transport: Optional[Transport] = None
        self._transport_lock = threading.Lock()
        if control_url is not None:
            self._transport = self._make_transport()

    # The existing interface

    async def connect(self, websocket: object, session_id: str) -> NoReturn:
        """Browsers connect to the gateway itself; raises RuntimeError saying so."""
        raise RuntimeError(
            "browsers connect to the gateway itself, not to the engine: point them at "
            f"/ws/backtest/{session_id} or /ws/forward/{session_id} of the gateway's public address, and remove the "
            "engine's own WebSocket routes, which called websocket_manager.connect()"
        )

    async def disconnect(self, connection_id: str) -> None:
        """Close one connection; nothing happens if it is gone already."""
        if _is_id(connection_id):
            await self._ask("DELETE", f"/v1/connections/{connection_id}", repeatable=True, missing_is_fine=True)

    def get_session_connections(self, session_id: str) -> list[str]:
        """The ids of the session's connections."""
        path = f"/v1/sessions/{_checked(session_id)}/connections"
        return [str(item.get("connection_id", "")) for item in self._list_now(path, "connections")]

    def get_connection_count(self, session_id: Optional[str] = None) -> int:
        """Connections of the session, or of all."""
        if session_id is None:
            return sum(count_of(item, "connections") for item in self._list_now("/v1/sessions", "sessions"))
        session = self._get_now(f"/v1/sessions/{_checked(session_id)}")
        return 0 if session is None else count_of(session, "connections")

    def is_connected(self, connection_id: str) -> bool:
        return _is_id(connection_id) and self._get_now(f"/v1/connections/{connection_id}") is not None

    def get_connection_metadata(self, connection_id: str) -> Optional[dict[str, Any]]:
        """What the gateway knows of the connection, or None if it is gone.

        `session_id`, `connected_at` and `last_heartbeat` (naive UTC datetimes) as ever, and connection_id, kind,
        remote_address, subject, rtt_ms, queued_bytes, lag.
        """
        metadata = self._get_now(f"/v1/connections/{connection_id}") if _is_id(connection_id) else None
        if metadata is not None:
            for name in ("connected_at", "last_heartbeat"):
                if isinstance(metadata.get(name), str):
                    metadata[name] = _naive_utc(metadata[name])
        return metadata

    async def send_to_connection(self, connection_id: str, event: AnyEvent) -> bool:
        """Send to one connection alone; False if it is gone."""
        if not _is_id(connection_id):
            return False
        path = f"/v1/connections/{connection_id}/events"
        fields = await self._ask(
            "POST", path, encode(event_to_dict(event)), order=f"connection {connection_id}", missing_is_fine=True
        )
        return fields is not None and count_of(fields, "sent") + count_of(fields, "queued") > 0

    async def broadcast_to_session(self, session_id: str, event: AnyEvent) -> int:
        """Publish to a session; how many connections it was sent to or waits for."""
        return (await self.publish(session_id, event)).delivered

    async def broadcast_to_all(self, event: AnyEvent, idempotency_key: Optional[str] = None) -> int:
        """Publish to every open session; how many connections it was sent to or waits for.

        idempotency_key: as of `publish`. A broadcast that comes again does not reach sessions that were opened since.
        """
        body, key = encode(event_to_dict(event)), self._key(idempotency_key)
        fields = await self._ask("POST", "/v1/events", body, order=EVERY_SESSION, key=key) or {}
        return count_of(fields, "sent") + count_of(fields, "queued")

    async def cleanup_stale_connections(self, max_age_seconds: float = 300) -> int:
        """Close the connections that were not heard for longer; how many there were."""
        body = encode({"max_age_seconds": max_age_seconds})
        return count_of(await self._ask("POST", "/v1/connections/cleanup", body) or {}, "cleaned")

    # What is new

    async def publish(
        self,
        session_id: str,
        events: Union[AnyEvent, Sequence[AnyEvent]],
        idempotency_key: Optional[str] = None,
    ) -> Receipt:
        """Publish one event, or several in their order, all or none; the receipt says what became of them.

        idempotency_key: 1 to 255 visible ASCII characters, for who may have to publish the same again beyond this call,
            say after a restart. The same key and the same events, timestamps included, are published once within five
            minutes and get the first receipt; other events are refused (409 IDEMPOTENCY_KEY_REUSED). Without one each
            call has a key of its own.
        """
        body = encode([event_to_dict(one) for one in events] if isinstance(events, Sequence) else event_to_dict(events))
        path = f"/v1/sessions/{_checked(session_id)}/events"
        key = self._key(idempotency_key)
        return Receipt.from_answer(await self._ask("POST", path, body, order=session_id, key=key) or {})

    async def register_session(
        self,
        session_id: str,
        kind: Optional[str] = None,
        owner: Optional[str] = None,
        max_connections: Optional[int] = None,
        join: Union[str, int, None] = None,
        policies: Optional[Mapping[str, str]] = None,
        max_history_events: Optional[int] = None,
        max_history_bytes: Optional[int] = None,
        history_retention_ms: Optional[int] = None,
    ) -> dict[str, Any]:
        """Register a session, or change what is given.

        kind: "backtest" or "forward"; owner: the subject of the tokens it is open to; join: what a client that names
        no event gets first: "live", "all", or a number of latest events; policies: "deliver" or "latest" by event type,
        in place of those given before: of a "latest" type a slow client may get the newest event of each key only.
        max_history_events (0 keeps none), max_history_bytes, history_retention_ms: less history than the gateway keeps of
        any session; more is refused.
        """
        settings = {
            "kind": kind,
            "owner": owner,
            "max_connections": max_connections,
            "join": join,
            "policies": policies,
            "max_history_events": max_history_events,
            "max_history_bytes": max_history_bytes,
            "history_retention_ms": history_retention_ms,
        }
        body = encode({name: value for name, value in settings.items() if value is not None})
        return await self._ask("PUT", f"/v1/sessions/{_checked(session_id)}", body, repeatable=True) or {}

    async def delete_session(self, session_id: str) -> bool:
        """End a session: its clients are told goodbye, its history goes. False if there was none."""
        path = f"/v1/sessions/{_checked(session_id)}"
        return await self._ask("DELETE", path, order=session_id, forgets_keys=True, missing_is_fine=True) is not None

    async def list_sessions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after: Optional[str] = None
        for _ in range(PAGES_MAX):
            fields = await self._ask("GET", _page("/v1/sessions", after), repeatable=True) or {}
            after = _take_page(fields, "sessions", found)
            if after is None:
                break
        return found

    async def get_session(self, session_id: str) -> Optional[dict[str, Any]]:
        """Counts, epoch, last id; None if the gateway does not know it."""
        path = f"/v1/sessions/{_checked(session_id)}"
        return await self._ask("GET", path, repeatable=True, missing_is_fine=True)

    def engine_link(self) -> EngineLink:
        """A new engine link to the same gateway, for an engine that answers its clients' commands. See `link.py`."""
        return EngineLink(self._control_url, self._api_key, timeout=self._timeout, ssl_context=self._ssl_context)

    def close(self) -> None:
        """Wait for the answers to what was called before, and close the connection. It opens again when used."""
        if self._transport is not None:
            self._transport.close().result()

    async def aclose(self) -> None:
        """`close()` without blocking the event loop."""
        if self._transport is not None:
            await asyncio.wrap_future(self._transport.close())

    async def __aenter__(self) -> WebSocketManager:
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.aclose()

    # Asking the gateway

    def _key(self, given: Optional[str]) -> Optional[str]:
        return checked_key(given) if given is not None else new_key() if self._idempotent else None

    async def _ask(
        self,
        method: str,
        path: str,
        body: Optional[str] = None,
        *,
        order: Optional[str] = None,
        repeatable: bool = False,
        key: Optional[str] = None,
        forgets_keys: bool = False,
        missing_is_fine: bool = False,
    ) -> Optional[dict[str, Any]]:
        transport = self._open()
        wire = transport.target.request(method, path, body, key)
        request = Request(wire, order, repeatable, keyed=key is not None, forgets_keys=forgets_keys)
        answer = await asyncio.wrap_future(transport.submit(request))
        return _judge(answer, missing_is_fine, key is not None)

    def _get_now(self, path: str) -> Optional[dict[str, Any]]:
        transport = self._open()
        return _judge(transport.submit(Request(transport.target.request("GET", path), repeatable=True)).result(), True)

    def _list_now(self, path: str, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after: Optional[str] = None
        for _ in range(PAGES_MAX):
            after = _take_page(self._get_now(_page(path, after)) or {}, name, found)
            if after is None:
                break
        return found

    def _open(self) -> Transport:
        transport = self._transport
        if transport is None:
            with self._transport_lock:
                if self._transport is None:
                    self._transport = self._make_transport()
                transport = self._transport
        return transport

    def _make_transport(self) -> Transport:
        url = self._control_url or os.environ.get("WSG_CONTROL_URL") or CONTROL_URL_DEFAULT
        key = self._api_key if self._api_key is not None else os.environ.get("WSG_API_KEY")
        return Transport(Target(url, key, self._ssl_context), timeout=self._timeout, retry_for=self._retry_for)


def _judge(answer: Answer, missing_is_fine: bool, keyed: bool = False) -> Optional[dict[str, Any]]:
    """The answer's object ({} for 204), None for a 404 that is fine, or the error it stands for."""
    if answer.status == 404 and missing_is_fine:
        return None
    try:
        if 200 <= answer.status < 300:
            return answer.object() if answer.body else {}
    except BadAnswer as error:
        raise GatewayUnavailable(f"the gateway's answer is not understood: {error}", OUTCOME_UNKNOWN) from error
    raise _error_of(answer, keyed)


def _error_of(answer: Answer, keyed: bool) -> Exception:
    code, message, details = answer.error()
    if answer.status in (408, 503) or (answer.status not in (501, 505) and answer.status >= 500):
        refused = answer.status in (408, 503) and not answer.leaves_doubt
        outcome = OUTCOME_REFUSED if refused else OUTCOME_UNKNOWN
        return GatewayUnavailable(f"{answer.status} {code}: {message}", outcome)
    if answer.status == 501 and keyed:
        message += ": for a gateway that takes no Idempotency-Key say WebSocketManager(idempotent=False)"
    return GatewayError(code or "HTTP_ERROR", message, answer.status, details)


def _is_id(text: object) -> bool:
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def _checked(session_id: str) -> str:
    if not _is_id(session_id):
        raise GatewayError("INVALID_SESSION_ID", f"a session id is 1 to 128 of A-Z a-z 0-9 . _ ~ -, not {session_id!r}")
    return session_id


def _page(path: str, after: Optional[str]) -> str:
    return path if after is None else f"{path}?after={after}"


def _take_page(fields: Mapping[str, Any], name: str, found: list[dict[str, Any]]) -> Optional[str]:
    """Adds the page's items to `found`; where the next one begins."""
    items = fields.get(name)
    found.extend(item for item in (items if isinstance(items, list) else []) if isinstance(item, dict))
    after = fields.get("next")
    return after if _is_id(after) else None


def _naive_utc(text: str) -> Union[datetime, str]:
    """`datetime.fromisoformat` of before 3.11 takes neither a Z nor, say, milliseconds. What is no time stays text."""
    match = _TIME.fullmatch(text)
    if match is None:
        return text
    day, clock, fraction, sign, hours, minutes = match.groups()
    at = datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0')[:6].ljust(6, '0')}")
    if sign is not None:
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        at = at.replace(tzinfo=timezone(offset if sign == "+" else -offset)).astimezone(timezone.utc)
    return at.replace(tzinfo=None)


websocket_manager = WebSocketManager()
