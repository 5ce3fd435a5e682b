"""What can go wrong, and whose fault it is: the caller's (GatewayError) or the world's (GatewayUnavailable)."""

from __future__ import annotations

from typing import Any, Optional

OUTCOME_NOT_SENT = "not_sent"
OUTCOME_REFUSED = "refused"
OUTCOME_UNKNOWN = "unknown"


class GatewayError(ValueError):
    """The request was wrong, and sending it again would be wrong again.

    Either the gateway said so (`status` is the HTTP status) or it was seen before anything was sent (`status` is
    None). Nothing was published: the gateway does nothing by halves.
    """

    def __init__(self, code: str, message: str, status: Optional[int] = None, details: Any = None) -> None:
        super().__init__(f"{code}: {message}" if status is None else f"{status} {code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.details = details


class GatewayUnavailable(ConnectionError):
    """No usable answer came in time.

    `outcome` says what became of the request:

    - ``"not_sent"``: it never left this process whole, so the gateway did not take it;
    - ``"refused"``: the gateway answered that it takes nothing now;
    - ``"unknown"``: it was sent and no answer came; of a publish with a key, not to its repetitions either. The gateway
      may or may not have published it. To send it again may publish it twice, so that is left to the caller; with the
      same `idempotency_key` and the same events it does not, within five minutes of the first time.
    """

    def __init__(self, message: str, outcome: str) -> None:
        super().__init__(f"{message} (outcome: {outcome})")
        self.outcome = outcome

    @property
    def safe_to_repeat(self) -> bool:
        """True where the gateway certainly did not take the request."""
        return self.outcome != OUTCOME_UNKNOWN
