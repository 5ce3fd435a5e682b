"""JSON as the gateway wants it: strict RFC 8259, made from what trading code really puts into its dicts.

Flow: Event → **encode** → transport → gateway

- `datetime`, `date` and `time` become `isoformat()`; `timedelta` its seconds; `UUID` its text; an `Enum` its value.
- `Decimal` becomes a JSON number with exactly its digits: ``Decimal("64250.10")`` is ``64250.10``. The gateway never
  re-encodes numbers, so the digits reach the browser; what JavaScript then makes of more than 17 is a double.
- Dataclasses, pydantic models (`model_dump()`), other mappings, sets, numpy arrays and scalars (`tolist()`, `item()`).
- NaN and infinities, which JSON cannot say, become null, with one logged warning for each process.

Anything else raises `GatewayError`.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import re
import secrets
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from .errors import GatewayError

NESTING_MAX = 64
"""The gateway refuses deeper JSON; here it also ends a structure that contains itself."""

_log = logging.getLogger("websocket_gateway")

# json's C encoder cannot be made to write a number that is not an int or a float. So a Decimal leaves it as a string
# that begins with a mark nobody outside this process can know, and loses mark and quotes afterwards.
_DECIMAL_MARK = secrets.token_hex(16) + ":"
_DECIMAL_PATTERN = re.compile(f'"{_DECIMAL_MARK}([^"]*)"')

_warned_of_non_finite = False


def encode(value: Any, *, spaced: bool = False) -> str:
    """The JSON text of `value`, compact unless `spaced`. Raises GatewayError (INVALID_EVENT) where there is none."""
    encoder = _SPACED if spaced else _COMPACT
    try:
        try:
            text = encoder.encode(value)
        except ValueError:  # a number that is not finite, or a structure that contains itself
            text = encoder.encode(_without_non_finite(value, 0))
    except (TypeError, ValueError, RecursionError) as error:
        if isinstance(error, GatewayError):
            raise
        raise GatewayError("INVALID_EVENT", f"not expressible as JSON: {error}") from error
    if _DECIMAL_MARK in text:
        text = _DECIMAL_PATTERN.sub(r"\1", text)
    return text


def _plain(value: Any) -> Any:
    """One step from `value` towards what JSON has; json calls it for whatever it does not know."""
    if isinstance(value, Decimal):
        if value.is_finite():
            return _DECIMAL_MARK + str(value)
        return _null_for(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return list(value)
    for method in ("model_dump", "tolist", "item"):
        convert = getattr(value, method, None)
        if callable(convert) and not isinstance(value, type):
            converted = convert()
            if type(converted) is not type(value):  # numpy's longdouble.item() is a longdouble again
                return converted
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _without_non_finite(value: Any, depth: int) -> Any:
    """A copy of `value` made of JSON's own kinds, with None for every number that is not finite."""
    if depth > NESTING_MAX:
        raise GatewayError("INVALID_EVENT", f"nested deeper than {NESTING_MAX}, or contains itself")
    if isinstance(value, float):
        return value if math.isfinite(value) else _null_for(value)
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, dict):
        return {key: _without_non_finite(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_non_finite(item, depth + 1) for item in value]
    return _without_non_finite(_plain(value), depth + 1)


def _null_for(value: object) -> None:
    global _warned_of_non_finite
    if not _warned_of_non_finite:
        _warned_of_non_finite = True
        _log.warning("%s in an event is sent as null: JSON has no such number (said once per process)", value)


_COMPACT = json.JSONEncoder(allow_nan=False, default=_plain, separators=(",", ":"))
_SPACED = json.JSONEncoder(allow_nan=False, default=_plain)
