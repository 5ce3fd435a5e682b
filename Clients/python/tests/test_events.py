from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any

import pytest

import websocket_gateway
from websocket_gateway import Event, EventType, GatewayError, events


def test_an_event_has_the_three_fields_of_the_existing_one() -> None:
    event = Event("candle", {"close": 1.5}, datetime(2026, 3, 15, 10, 30, 0, 123456))
    assert event.to_dict() == {"type": "candle", "data": {"close": 1.5}, "timestamp": "2026-03-15T10:30:00.123456"}
    assert event.to_json() == json.dumps(event.to_dict())


def test_a_key_is_sent_only_where_there_is_one() -> None:
    assert "key" not in websocket_gateway.create_price_update_event({}).to_dict()
    assert websocket_gateway.create_price_update_event({}, key="BTC").to_dict()["key"] == "BTC"
    assert websocket_gateway.create_position_updated_event({}, key="p1").to_dict()["key"] == "p1"


@pytest.mark.parametrize(
    ("mapping", "fields"),
    [
        ({"type": "x", "data": {"a": 1}, "timestamp": "any text"}, {"type": "x", "data": {"a": 1}, "timestamp": "any text"}),
        ({"timestamp": datetime(2026, 3, 15), "data": {}, "type": "x"}, {"type": "x", "data": {}, "timestamp": "2026-03-15T00:00:00"}),
        ({"type": "x", "data": {}, "timestamp": "t", "key": "k"}, {"type": "x", "data": {}, "timestamp": "t", "key": "k"}),
        (MappingProxyType({"type": "x", "data": {}, "timestamp": "t", "key": None}), {"type": "x", "data": {}, "timestamp": "t"}),
        (Event("x", {}, datetime(2026, 3, 15), "k").to_dict(), {"type": "x", "data": {}, "timestamp": "2026-03-15T00:00:00", "key": "k"}),
    ],
)  # fmt: skip
def test_a_mapping_is_an_event_too(mapping: Mapping[str, Any], fields: dict[str, Any]) -> None:
    assert events.event_to_dict(mapping) == fields


def test_a_mapping_without_a_timestamp_has_the_time_of_the_call() -> None:
    stamps = [events.event_to_dict({"type": "x", "data": {}, "timestamp": None})["timestamp"] for _ in range(100)]
    stamps.append(events.event_to_dict({"type": "x", "data": {}})["timestamp"])
    assert stamps == sorted(set(stamps))
    assert stamps[-1] < Event("x", {}).to_dict()["timestamp"]


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"type": "x", "data": {}, "time": 1, "id": 2}, "an event has no 'time', 'id': its names are type, data, timestamp, key"),
        ({"type": "x", "data": {}, 7: 1}, "an event has no 7: its names are type, data, timestamp, key"),
        ({"type": "x", "close": 1.5}, "an event has no 'close': its names are type, data, timestamp, key"),
        ({"type": "x"}, "an event needs 'data': its names are type, data, timestamp, key"),
        ({}, "an event needs 'type', 'data': its names are type, data, timestamp, key"),
    ],
)
def test_a_mapping_with_other_names_is_refused_by_them(mapping: Mapping[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        events.event_to_dict(mapping)
    assert isinstance(caught.value, GatewayError)
    assert caught.value.code == "INVALID_EVENT"


def test_the_timestamp_is_utc_without_a_zone() -> None:
    before = datetime.now(timezone.utc).replace(tzinfo=None)
    event = Event("candle", {})
    assert event.timestamp.tzinfo is None
    assert abs((event.timestamp - before).total_seconds()) < 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?", event.to_dict()["timestamp"])


def test_no_two_events_have_the_same_timestamp() -> None:
    times = [Event("candle", {}).timestamp for _ in range(20_000)]
    assert times == sorted(set(times))


def test_a_clock_that_was_set_back_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_last_time", datetime(9999, 1, 1))
    assert events.event_time().year < 9999


@pytest.mark.parametrize(
    ("event", "type_", "data"),
    [
        (events.create_session_initialized_event("s", {"a": 1}), "session_initialized", {"session_id": "s", "config": {"a": 1}}),
        (events.create_session_completed_event("r", {"w": 1}), "session_completed", {"result_id": "r", "final_stats": {"w": 1}}),
        (events.create_session_paused_event(), "session_paused", {}),
        (events.create_session_resumed_event({"at": 1}), "session_resumed", {"at": 1}),
        (events.create_candle_event({"c": 1}, {"rsi": 2}), "candle", {"candle": {"c": 1}, "indicators": {"rsi": 2}}),
        (events.create_ai_thinking_event("hm"), "ai_thinking", {"text": "hm", "is_complete": False}),
        (events.create_ai_decision_event({"action": "LONG"}), "ai_decision", {"action": "LONG"}),
        (events.create_position_opened_event({"p": 1}), "position_opened", {"p": 1}),
        (events.create_position_closed_event({"t": 1}), "position_closed", {"t": 1}),
        (events.create_position_updated_event({"p": 1}), "position_updated", {"p": 1}),
        (events.create_stats_update_event({"s": 1}), "stats_update", {"s": 1}),
        (events.create_countdown_update_event(30, "t"), "countdown_update", {"seconds_remaining": 30, "next_candle_time": "t"}),
        (events.create_auto_stop_triggered_event("loss", {"s": 1}), "auto_stop_triggered", {"reason": "loss", "stats": {"s": 1}}),
        (events.create_indicator_readiness_event({"rsi": True}), "indicator_readiness", {"rsi": True}),
        (events.create_price_update_event({"price": 1}), "price_update", {"price": 1}),
        (events.create_heartbeat_event(), "heartbeat", {}),
        (events.create_error_event("E", "m"), "error", {"error_code": "E", "message": "m", "details": {}}),
        (events.create_error_event("E", "m", {"d": 1}), "error", {"error_code": "E", "message": "m", "details": {"d": 1}}),
    ],
)  # fmt: skip
def test_each_constructor_makes_the_existing_shape(event: Event, type_: str, data: dict[str, object]) -> None:
    assert (event.type, event.data) == (type_, data)


def test_every_type_has_its_constructor_and_its_place_in_the_package() -> None:
    types = {value for name, value in vars(EventType).items() if name.isupper()}
    assert len(types) == 17
    for name in types:
        assert hasattr(events, f"create_{name}_event")
        assert f"create_{name}_event" in websocket_gateway.__all__


def test_data_that_is_not_expressible_is_an_error_when_it_is_encoded() -> None:
    with pytest.raises(GatewayError):
        Event("candle", {"a": object()}).to_json()
