"""One session's stream of events, as the Python peers keep it: ids, times, and what the engine and a new client are told."""

from __future__ import annotations

import json
import secrets
import string
from datetime import datetime, timedelta, timezone
from typing import Any, Optional

EPOCH_CHARACTERS = 13


class BadEvent(ValueError):
    """What was published is not {"type": …, "data": {…}}."""


def timestamp(time: datetime) -> str:
    """`2026-03-15T10:30:00.123456Z`; `time` is UTC."""
    return time.isoformat(timespec="microseconds") + "Z"


def now() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)


class EventStream:
    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self._epoch = "".join(secrets.choice(string.digits + string.ascii_lowercase) for _ in range(EPOCH_CHARACTERS))
        self._sequence = 0
        self._last_time = datetime.min

    def next(self) -> tuple[str, str]:
        """The next event's id, and a time that no other event of the stream has."""
        self._sequence += 1
        self._last_time = max(now(), self._last_time + timedelta(microseconds=1))
        return f"{self._epoch}-{self._sequence}", timestamp(self._last_time)

    def encode(self, body: bytes) -> tuple[str, bytes]:
        """The id of a published event and the message for its clients; the data's bytes stay as they are. Raises BadEvent."""
        try:
            event = json.loads(body)
        except ValueError as error:
            raise BadEvent(f"not JSON: {error}") from error
        if not isinstance(event, dict) or list(event) != ["type", "data"]:
            raise BadEvent('not {"type": …, "data": {…}}')
        id, time = self.next()
        return id, b'{"id":"%b",%b,"timestamp":"%b"}' % (id.encode(), body.strip()[1:-1], time.encode())

    def connected(self) -> dict[str, Any]:
        """The first message on every connection: where the stream stands now."""
        last_id: Optional[str] = f"{self._epoch}-{self._sequence}" if self._sequence > 0 else None
        data = {"session_id": self.session_id, "epoch": self._epoch if last_id else None, "last_id": last_id}
        return {"type": "connected", "data": data, "timestamp": timestamp(now())}


def receipt(id: str, connections: int) -> dict[str, Any]:
    """These servers know whom they handed an event to, and not what became of it."""
    return {"id": id, "connections": connections, "sent": connections, "queued": 0, "conflated": 0, "dropped": 0}


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
