from __future__ import annotations

import collections
import json
import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest

from websocket_gateway import GatewayError, encoding
from websocket_gateway.encoding import encode


class Side(Enum):
    LONG = "long"


class Text(str, Enum):
    A = "a"


class Number(IntEnum):
    TWO = 2


@dataclass
class Position:
    side: Side
    entry: Decimal


class Scalar:
    """Stands for numpy's."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def item(self) -> Any:
        return self._value


class Model:
    """Stands for pydantic's."""

    def model_dump(self) -> dict[str, Any]:
        return {"a": Decimal("1.0")}


class Stubborn:
    """Stands for numpy's longdouble."""

    def item(self) -> Stubborn:
        return Stubborn()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, 2.5, None, True, "x"]}, '{"a":[1,2.5,null,true,"x"]}'),
        (datetime(2026, 3, 15, 10, 30), '"2026-03-15T10:30:00"'),
        (datetime(2026, 3, 15, 10, 30, tzinfo=timezone.utc), '"2026-03-15T10:30:00+00:00"'),
        (date(2026, 3, 15), '"2026-03-15"'),
        (timedelta(minutes=1), "60.0"),
        (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        ([Side.LONG, Text.A, Number.TWO], '["long","a",2]'),
        (Position(Side.LONG, Decimal("64250.10")), '{"side":"long","entry":64250.10}'),
        (MappingProxyType({"a": 1}), '{"a":1}'),
        (collections.OrderedDict(a=(1, 2)), '{"a":[1,2]}'),
        (frozenset([1]), "[1]"),
        ([Scalar(1.5), Scalar(Decimal(1))], "[1.5,1]"),
        (Model(), '{"a":1.0}'),
        ("\ud800 é", '"\\ud800 \\u00e9"'),
    ],
)
def test_what_trading_code_has_becomes_json(value: Any, text: str) -> None:
    assert encode(value) == text


@pytest.mark.parametrize("digits", ["0", "-0", "0.10", "64250.10", "1E+3", "1E-7", "0.1234567890123456789012345678901"])
def test_a_decimal_keeps_its_digits_and_is_a_number(digits: str) -> None:
    text = encode({"price": Decimal(digits)})
    assert text == f'{{"price":{digits}}}'
    assert json.loads(text, parse_float=Decimal, parse_int=Decimal)["price"] == Decimal(digits)


def test_a_string_that_looks_like_a_number_stays_a_string() -> None:
    assert encode([Decimal("1.0"), "1.0", ":1.0"]) == '[1.0,"1.0",":1.0"]'


def test_numbers_json_does_not_have_become_null_and_are_told_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "_warned_of_non_finite", False)
    value = {"a": float("nan"), "b": [float("inf"), 1.5], "c": Decimal("NaN"), "d": Scalar(-float("inf")), "e": "nan"}
    with caplog.at_level(logging.WARNING):
        assert encode(value) == '{"a":null,"b":[null,1.5],"c":null,"d":null,"e":"nan"}'
        assert encode({"f": float("nan"), "at": datetime(2026, 1, 1), "p": Decimal("1.50")}) == (
            '{"f":null,"at":"2026-01-01T00:00:00","p":1.50}'
        )
    assert len(caplog.records) == 1


def contains_itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [object(), b"bytes", {(1, 2): 3}, Side, Position, Stubborn(), contains_itself(), nested(100_000)],
    ids=["object", "bytes", "key", "enum class", "dataclass class", "stubborn", "contains itself", "very deep"],
)
def test_what_is_not_expressible_is_the_callers_error(value: Any) -> None:
    with pytest.raises(GatewayError) as caught:
        encode({"data": value})
    assert caught.value.code == "INVALID_EVENT"
    assert caught.value.status is None


def test_numpy_scalars_and_arrays_become_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    value = [numpy.float64(1.5), numpy.float32(0.5), numpy.int64(7), numpy.bool_(True), numpy.array([[1, 2]])]
    assert encode(value) == "[1.5,0.5,7,true,[[1,2]]]"
    assert encode([numpy.float32("nan"), numpy.float64("inf")]) == "[null,null]"
    with pytest.raises(GatewayError):
        encode(numpy.longdouble(1))
