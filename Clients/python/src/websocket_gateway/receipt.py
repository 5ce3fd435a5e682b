"""What the gateway says became of published events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Receipt:
    """The answer to a publish. For several events the counts are sums over them."""

    first_id: str
    last_id: str
    sequence: int
    """Of the last event."""
    count: int
    """Events published."""
    connections: int
    """Members they were meant for."""
    sent: int
    """Taken whole by the kernel when the answer was written."""
    queued: int
    """Waiting for their clients."""
    conflated: int
    """Left out because a newer event of their kind replaced them."""
    dropped: int
    """Not delivered."""

    @property
    def id(self) -> str:
        """Of the event; of the last one where there were several."""
        return self.last_id

    @property
    def delivered(self) -> int:
        """What the existing manager counted as sent: sent and queued."""
        return self.sent + self.queued

    @classmethod
    def from_answer(cls, fields: Mapping[str, Any]) -> Receipt:
        """Lenient where it can be: the events are published, and a missing count is no reason to say otherwise."""
        last_id = str(fields.get("last_id") or fields.get("id") or "")
        digits = last_id.rpartition("-")[2]
        return cls(
            first_id=str(fields.get("first_id") or last_id),
            last_id=last_id,
            sequence=count_of(fields, "sequence") or (int(digits) if digits.isascii() and digits.isdigit() else 0),
            count=count_of(fields, "count") if "count" in fields else 1,
            connections=count_of(fields, "connections"),
            sent=count_of(fields, "sent"),
            queued=count_of(fields, "queued"),
            conflated=count_of(fields, "conflated"),
            dropped=count_of(fields, "dropped"),
        )


def count_of(fields: Mapping[str, Any], name: str) -> int:
    """The number of that name, or 0."""
    value = fields.get(name)
    return value if isinstance(value, int) else 0
