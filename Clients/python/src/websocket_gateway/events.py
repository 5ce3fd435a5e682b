"""The events of a trading session, and how to make them. Replaces AlphaLab's `websocket.events`."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Optional, Protocol, Union

from .encoding import encode
from .errors import GatewayError

_last_time = datetime.min
_time_lock = threading.Lock()


def event_time() -> datetime:
    """UTC now with no tzinfo, as `datetime.utcnow()` gave it, and no two alike.

    The front end takes events of one type and time for the same one, and a loop makes more than one in a microsecond.
    """
    global _last_time
    with _time_lock:
        now = datetime.now(timezone.utc).replace(tzinfo=None)
        if timedelta(0) <= _last_time - now < timedelta(seconds=1):  # further back, the clock was set
            now = _last_time + timedelta(microseconds=1)
        _last_time = now
    return now


def _renew_lock_after_fork() -> None:
    global _time_lock
    _time_lock = threading.Lock()  # another thread of the parent may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock_after_fork)


@dataclass
class Event:
    """One message for the clients of a session.

    `key` is for event types the gateway delivers as `latest`: it names what the event is about, say a position's id,
    so that a newer one replaces an older one that still waits. Clients do not see it.
    """

    type: str
    data: dict[str, Any]
    timestamp: datetime = field(default_factory=event_time)
    key: Optional[str] = None

    def to_dict(self) -> dict[str, Any]:
        """Type, data and timestamp (ISO 8601), and the key if there is one."""
        return event_to_dict(self)

    def to_json(self) -> str:
        """`to_dict()` as JSON text; raises GatewayError where the data is not expressible as JSON."""
        return encode(self.to_dict(), spaced=True)


class EventLike(Protocol):
    """An Event, or one of the existing `websocket.events`: engines may move over one import at a time."""

    @property
    def type(self) -> str: ...
    @property
    def data(self) -> Mapping[str, Any]: ...
    @property
    def timestamp(self) -> datetime: ...


AnyEvent = Union[EventLike, Mapping[str, Any]]
"""Or a mapping: `type` and `data`, and if wanted `timestamp` (a datetime or text; else it is now) and `key`."""

_NAMES = ("type", "data", "timestamp", "key")


def event_to_dict(event: AnyEvent) -> dict[str, Any]:
    """The event as the gateway takes it. Raises GatewayError for a mapping that has other names, or not both needed."""
    if isinstance(event, Mapping):
        return _mapping_to_dict(event)
    fields: dict[str, Any] = {"type": event.type, "data": event.data, "timestamp": event.timestamp.isoformat()}
    key = getattr(event, "key", None)
    if key is not None:
        fields["key"] = key
    return fields


def _mapping_to_dict(event: Mapping[str, Any]) -> dict[str, Any]:
    unknown = [name for name in event if name not in _NAMES]
    missing = [name for name in _NAMES[:2] if name not in event]
    if unknown or missing:
        found = f"has no {', '.join(map(repr, unknown))}" if unknown else f"needs {', '.join(map(repr, missing))}"
        raise GatewayError("INVALID_EVENT", f"an event {found}: its names are {', '.join(_NAMES)}")
    timestamp = event.get("timestamp")
    if timestamp is None:
        timestamp = event_time()
    fields = {
        "type": event["type"],
        "data": event["data"],
        "timestamp": timestamp.isoformat() if isinstance(timestamp, datetime) else timestamp,
    }
    if event.get("key") is not None:
        fields["key"] = event["key"]
    return fields


class EventType:
    """The types in use. The gateway passes any other that matches ``[a-z][a-z0-9_]{0,63}`` as well."""

    SESSION_INITIALIZED = "session_initialized"
    SESSION_COMPLETED = "session_completed"
    SESSION_PAUSED = "session_paused"
    SESSION_RESUMED = "session_resumed"
    CANDLE = "candle"
    AI_THINKING = "ai_thinking"
    AI_DECISION = "ai_decision"
    POSITION_OPENED = "position_opened"
    POSITION_CLOSED = "position_closed"
    POSITION_UPDATED = "position_updated"
    STATS_UPDATE = "stats_update"
    COUNTDOWN_UPDATE = "countdown_update"
    AUTO_STOP_TRIGGERED = "auto_stop_triggered"
    INDICATOR_READINESS = "indicator_readiness"
    PRICE_UPDATE = "price_update"
    HEARTBEAT = "heartbeat"
    ERROR = "error"


def create_session_initialized_event(session_id: str, config: dict[str, Any]) -> Event:
    """The session is ready; data: {session_id, config}."""
    return Event(EventType.SESSION_INITIALIZED, {"session_id": session_id, "config": config})


def create_session_completed_event(result_id: str, final_stats: dict[str, Any]) -> Event:
    """The session has ended; data: {result_id, final_stats}."""
    return Event(EventType.SESSION_COMPLETED, {"result_id": result_id, "final_stats": final_stats})


def create_session_paused_event(data: Optional[dict[str, Any]] = None) -> Event:
    """The session was paused; data: as given, or empty."""
    return Event(EventType.SESSION_PAUSED, data if data is not None else {})


def create_session_resumed_event(data: Optional[dict[str, Any]] = None) -> Event:
    """The session goes on; data: as given, or empty."""
    return Event(EventType.SESSION_RESUMED, data if data is not None else {})


def create_candle_event(candle: dict[str, Any], indicators: dict[str, Any]) -> Event:
    """A candle was processed; data: {candle, indicators}."""
    return Event(EventType.CANDLE, {"candle": candle, "indicators": indicators})


def create_ai_thinking_event(text: str, is_complete: bool = False) -> Event:
    """A piece of the model's reasoning; data: {text, is_complete}."""
    return Event(EventType.AI_THINKING, {"text": text, "is_complete": is_complete})


def create_ai_decision_event(decision: dict[str, Any]) -> Event:
    """The model has decided; data: the decision."""
    return Event(EventType.AI_DECISION, decision)


def create_position_opened_event(position: dict[str, Any]) -> Event:
    """A position was opened; data: the position."""
    return Event(EventType.POSITION_OPENED, position)


def create_position_closed_event(trade: dict[str, Any]) -> Event:
    """A position was closed; data: the trade."""
    return Event(EventType.POSITION_CLOSED, trade)


def create_position_updated_event(position: dict[str, Any], key: Optional[str] = None) -> Event:
    """A position changed; data: the position. With a `key` (its id), a client that lags gets only the latest."""
    return Event(EventType.POSITION_UPDATED, position, key=key)


def create_stats_update_event(stats: dict[str, Any]) -> Event:
    """The statistics changed; data: the statistics."""
    return Event(EventType.STATS_UPDATE, stats)


def create_countdown_update_event(seconds_remaining: int, next_candle_time: str) -> Event:
    """Time to the next candle; data: {seconds_remaining, next_candle_time}."""
    return Event(
        EventType.COUNTDOWN_UPDATE, {"seconds_remaining": seconds_remaining, "next_candle_time": next_candle_time}
    )


def create_auto_stop_triggered_event(reason: str, stats: dict[str, Any]) -> Event:
    """The engine stopped by its own rule; data: {reason, stats}."""
    return Event(EventType.AUTO_STOP_TRIGGERED, {"reason": reason, "stats": stats})


def create_indicator_readiness_event(readiness: dict[str, Any]) -> Event:
    """Which indicators have enough candles; data: as given."""
    return Event(EventType.INDICATOR_READINESS, readiness)


def create_price_update_event(price: dict[str, Any], key: Optional[str] = None) -> Event:
    """A new price; data: as given. With a `key` (the symbol), a client that lags gets the latest of each."""
    return Event(EventType.PRICE_UPDATE, price, key=key)


def create_heartbeat_event() -> Event:
    """A sign of life from the engine; data: empty. (The gateway sends its own to every connection.)"""
    return Event(EventType.HEARTBEAT, {})


def create_error_event(error_code: str, message: str, details: Optional[dict[str, Any]] = None) -> Event:
    """Something went wrong; data: {error_code, message, details}."""
    return Event(EventType.ERROR, {"error_code": error_code, "message": message, "details": details or {}})
