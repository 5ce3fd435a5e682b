"""Idempotency keys: by its key the gateway knows a publish that comes again."""

from __future__ import annotations

import os
import re
import secrets
import threading

from .errors import GatewayError

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class _Keys:
    """Random for the process and counted within it: no two keys are alike, and none costs a call of the system."""

    def __init__(self) -> None:
        self._prefix = secrets.token_urlsafe(9)
        self._count = 0
        self._lock = threading.Lock()

    def next(self) -> str:
        with self._lock:
            self._count += 1
            return f"{self._prefix}-{self._count}"


_keys = _Keys()


def _renew_after_fork() -> None:
    global _keys
    _keys = _Keys()  # the parent goes on with the old ones


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_after_fork)


def new_key() -> str:
    """A key that nobody has used."""
    return _keys.next()


def checked_key(key: str) -> str:
    """A caller's own key; raises GatewayError for one that cannot stand in a header."""
    if not isinstance(key, str) or _KEY.fullmatch(key) is None:
        raise GatewayError("INVALID_IDEMPOTENCY_KEY", f"a key is 1 to 255 visible ASCII characters, not {key!r}")
    return key
