"""The control listener, request by request: what is refused and where, what is kept in order, and what HTTP allows."""

from __future__ import annotations

import json
import socket
from typing import Any, NamedTuple, Optional, Union

import pytest

from control import JSON_TYPE, NDJSON_TYPE, ask, ask_at, candle, publish
from gateway import Gateway
from tabs import open_tab
from wire import RawTab, Wire, control_wire

EVENTS = "/v1/sessions/s1/events"
GOOD = '{"type":"candle","data":{}}'


class Refused(NamedTuple):
    name: str
    method: str
    path: str
    body: Union[bytes, str, None]
    headers: dict[str, str]
    status: int
    code: str
    place: Optional[str] = None
    """None where the answer has no place, or it is not this table's business."""


def refused_json(name: str, body: Union[bytes, str], status: int, code: str, place: Optional[str] = None) -> Refused:
    return Refused(name, "POST", EVENTS, body, JSON_TYPE, status, code, place)


def refused_lines(name: str, body: str, status: int, code: str, place: Optional[str] = None) -> Refused:
    return Refused(name, "POST", EVENTS, body, NDJSON_TYPE, status, code, place)


def nested(depth: int) -> str:
    """An event of so many levels, its own braces included."""
    return '{"type":"candle","data":{"a":' + "[" * (depth - 2) + "]" * (depth - 2) + "}}"


BODIES = [
    refused_json("NaN in the fourth event", f'[{GOOD},{GOOD},{GOOD},{{"type":"candle","data":{{"price":NaN}}}}]', 400, "INVALID_JSON", "[3].data.price"),
    refused_json("Infinity", '{"type":"candle","data":{"a":[1,-Infinity]}}', 400, "INVALID_JSON", "data.a[1]"),
    refused_json("a leading zero", '{"type":"candle","data":{"a":01}}', 400, "INVALID_JSON", "data.a"),
    refused_json("a trailing comma", '{"type":"candle","data":{"a":1,}}', 400, "INVALID_JSON"),
    refused_json("single quotes", "{'type':'candle','data':{}}", 400, "INVALID_JSON"),
    refused_json("a comment", '{"type":"candle","data":{}/**/}', 400, "INVALID_JSON"),
    refused_json("text after the event", GOOD + "x", 400, "INVALID_JSON"),
    refused_json("two events without a comma", f"[{GOOD} {GOOD}]", 400, "INVALID_JSON"),
    refused_json("an unfinished event", GOOD[:-1], 400, "INVALID_JSON"),
    refused_json("an unfinished escape", '{"type":"candle","data":{"a":"\\u12"}}', 400, "INVALID_JSON", "data.a"),
    refused_json("a raw control character", '{"type":"candle","data":{"a":"\x01"}}', 400, "INVALID_JSON", "data.a"),
    refused_json("bad UTF-8", b'{"type":"candle","data":{"a":"\xff"}}', 400, "INVALID_JSON", "data.a"),
    refused_json("a byte order mark", b"\xef\xbb\xbf" + GOOD.encode(), 400, "INVALID_JSON"),
    refused_json("an empty body", "", 400, "INVALID_JSON"),
    refused_json("65 levels", nested(65), 400, "INVALID_JSON"),
    refused_json("100,000 levels", "[" * 100_000, 400, "INVALID_JSON"),
    refused_json("a number", "1", 400, "INVALID_EVENT", ""),
    refused_json("an array in the array", f"[{GOOD},[]]", 400, "INVALID_EVENT", "[1]"),
    refused_json("a duplicate key", '{"type":"candle","data":{},"type":"candle"}', 400, "INVALID_EVENT", "type"),
    refused_json("an unknown key", '{"type":"candle","data":{},"extra":1}', 400, "INVALID_EVENT", "extra"),
    refused_json("an unknown key in the second event", f'[{GOOD},{{"type":"candle","data":{{}},"extra":1}}]', 400, "INVALID_EVENT", "[1].extra"),
    refused_json("a key with an escape", '{"typ\\u0065":"candle","data":{}}', 400, "INVALID_EVENT"),
    refused_json("an id", '{"id":"a-1","type":"candle","data":{}}', 400, "INVALID_EVENT", "id"),
    refused_json("no type", '{"data":{}}', 400, "INVALID_EVENT"),
    refused_json("no data", '{"type":"candle"}', 400, "INVALID_EVENT"),
    refused_json("a type that is a number", '{"type":1,"data":{}}', 400, "INVALID_EVENT", "type"),
    refused_json("a type in capitals", '{"type":"Candle","data":{}}', 400, "INVALID_EVENT", "type"),
    refused_json("a type of 65 characters", '{"type":"' + "a" * 65 + '","data":{}}', 400, "INVALID_EVENT", "type"),
    refused_json("data that is null", '{"type":"candle","data":null}', 400, "INVALID_EVENT", "data"),
    refused_json("data that is an array", '{"type":"candle","data":[]}', 400, "INVALID_EVENT", "data"),
    refused_json("a timestamp that is a number", '{"type":"candle","data":{},"timestamp":1}', 400, "INVALID_EVENT", "timestamp"),
    refused_json("a key that is empty", '{"type":"candle","data":{},"key":""}', 400, "INVALID_EVENT", "key"),
    *(refused_json(f"the reserved type {t}", f'{{"type":"{t}","data":{{}}}}', 400, "RESERVED_TYPE", "type") for t in ("connected", "conflated", "lost", "closed")),
    refused_json("an empty batch", " [ ] ", 400, "EMPTY_BATCH", ""),
    refused_json("10,001 events", "[" + ",".join([GOOD] * 10_001) + "]", 413, "BATCH_TOO_LARGE"),
    refused_json("more than a mebibyte", " " * 1_048_577, 413, "PAYLOAD_TOO_LARGE"),
    refused_lines("a fault in a line", f'{GOOD}\n\n{{"type":"candle","data":{{"price":NaN}}}}\n', 400, "INVALID_JSON", "line 3: data.price"),
    refused_lines("a rule broken in a line", f'{GOOD}\n{{"type":"candle"}}\n', 400, "INVALID_EVENT", "line 2"),
    refused_lines("an array in a line", f"[{GOOD}]\n", 400, "INVALID_EVENT", "line 1"),
    refused_lines("two events in a line", f"{GOOD}{GOOD}\n", 400, "INVALID_JSON", "line 1"),
    refused_lines("an event over two lines", '{"type":"candle",\n"data":{}}\n', 400, "INVALID_JSON", "line 1"),
    refused_lines("blank lines only", "\n \r\n\t\n", 400, "EMPTY_BATCH"),
]  # fmt: skip

REQUESTS = [
    Refused("no content type", "POST", EVENTS, GOOD, {}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    Refused("another content type", "POST", EVENTS, GOOD, {"Content-Type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    Refused("a form", "POST", EVENTS, GOOD, {"Content-Type": "application/x-www-form-urlencoded"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    Refused("no such route", "GET", "/", None, {}, 404, "NOT_FOUND"),
    Refused("no such route under v1", "GET", "/v1/nothing", None, {}, 404, "NOT_FOUND"),
    Refused("a slash too many", "GET", "/v1/sessions/", None, {}, 400, "INVALID_SESSION_ID"),
    Refused("a path for clients", "GET", "/ws/backtest/s1", None, {}, 404, "NOT_FOUND"),
    Refused("an unknown session", "GET", "/v1/sessions/unknown", None, {}, 404, "SESSION_NOT_FOUND"),
    Refused("a malformed session id", "POST", "/v1/sessions/a%20b/events", GOOD, JSON_TYPE, 400, "INVALID_SESSION_ID"),
    Refused("a session id that is too long", "PUT", "/v1/sessions/" + "a" * 129, "{}", JSON_TYPE, 400, "INVALID_SESSION_ID"),
    Refused("an unknown query parameter", "POST", EVENTS + "?wit=1", GOOD, JSON_TYPE, 400, "INVALID_QUERY"),
    Refused("an unknown receipt", "POST", EVENTS + "?receipt=maybe", GOOD, JSON_TYPE, 400, "INVALID_QUERY"),
    Refused("a query parameter twice", "POST", EVENTS + "?receipt=none&receipt=full", GOOD, JSON_TYPE, 400, "INVALID_QUERY"),
    Refused("an unknown parameter of the list", "GET", "/v1/sessions?page=2", None, {}, 400, "INVALID_QUERY"),
    Refused("a limit of none", "GET", "/v1/sessions?limit=0", None, {}, 400, "INVALID_QUERY"),
    Refused("a batch for one connection", "POST", "/v1/connections/x/events", f"[{GOOD}]", JSON_TYPE, 400, "INVALID_EVENT"),
    Refused("a key of what has no id", "POST", "/v1/connections/x/events", GOOD, JSON_TYPE | {"Idempotency-Key": "k"}, 501, "NOT_IMPLEMENTED"),
    Refused("a broadcast's key of words", "POST", "/v1/events", GOOD, JSON_TYPE | {"Idempotency-Key": "a b"}, 400, "INVALID_IDEMPOTENCY_KEY"),
    Refused("a broadcast that waits", "POST", "/v1/events?wait=100", GOOD, JSON_TYPE, 400, "INVALID_QUERY"),
    Refused("a broadcast without a receipt", "POST", "/v1/events?receipt=none", GOOD, JSON_TYPE, 400, "INVALID_QUERY"),
    Refused("an empty idempotency key", "POST", EVENTS, GOOD, JSON_TYPE | {"Idempotency-Key": ""}, 400, "INVALID_IDEMPOTENCY_KEY"),
    Refused("an idempotency key of words", "POST", EVENTS, GOOD, JSON_TYPE | {"Idempotency-Key": "a b"}, 400, "INVALID_IDEMPOTENCY_KEY"),
    Refused("a long idempotency key", "POST", EVENTS, GOOD, JSON_TYPE | {"Idempotency-Key": "k" * 256}, 400, "INVALID_IDEMPOTENCY_KEY"),
    Refused("waiting for ever", "POST", EVENTS + "?wait=30001", GOOD, JSON_TYPE, 400, "INVALID_QUERY"),
    Refused("waiting before", "POST", EVENTS + "?wait=-1", GOOD, JSON_TYPE, 400, "INVALID_QUERY"),
    Refused("waiting without a receipt", "POST", EVENTS + "?wait=1&receipt=none", GOOD, JSON_TYPE, 400, "INVALID_QUERY"),
    Refused("a link without an upgrade", "GET", "/v1/engine", None, {}, 426, "UPGRADE_REQUIRED"),
    Refused("a link of a page", "GET", "/v1/engine", None, {"Origin": "http://localhost"}, 403, "ORIGIN_NOT_ALLOWED"),
    Refused("a link with a query", "GET", "/v1/engine?session=1", None, {}, 400, "INVALID_QUERY"),
    Refused("a link by another method", "POST", "/v1/engine", "{}", JSON_TYPE, 405, "METHOD_NOT_ALLOWED"),
    Refused("a history behind no id", "GET", EVENTS + "?after=7", None, {}, 400, "INVALID_QUERY"),
    Refused("a history of no events", "GET", EVENTS + "?limit=0", None, {}, 400, "INVALID_QUERY"),
    Refused("a history by another word", "GET", EVENTS + "?since=7", None, {}, 400, "INVALID_QUERY"),
    Refused("an unknown method", "BREW", EVENTS, None, {}, 501, "NOT_IMPLEMENTED"),
    Refused("another transfer coding", "POST", EVENTS, None, JSON_TYPE | {"Transfer-Encoding": "gzip"}, 501, "NOT_IMPLEMENTED"),
    Refused("a page", "POST", EVENTS, GOOD, JSON_TYPE | {"Origin": "http://localhost"}, 403, "ORIGIN_NOT_ALLOWED"),
    Refused("a page that asks", "GET", "/v1/sessions", None, {"Origin": "http://127.0.0.1:8081"}, 403, "ORIGIN_NOT_ALLOWED"),
    Refused("a registration with an unknown key", "PUT", "/v1/sessions/s1", '{"history":1}', JSON_TYPE, 400, "INVALID_SESSION"),
    Refused("a registration of no kind", "PUT", "/v1/sessions/s1", '{"kind":"live"}', JSON_TYPE, 400, "INVALID_SESSION"),
    Refused("a registration that is a list", "PUT", "/v1/sessions/s1", "[]", JSON_TYPE, 400, "INVALID_REQUEST"),
    Refused("a registration that is no JSON", "PUT", "/v1/sessions/s1", "{", JSON_TYPE, 400, "INVALID_JSON"),
    Refused("a registration in lines", "PUT", "/v1/sessions/s1", "{}", NDJSON_TYPE, 415, "UNSUPPORTED_MEDIA_TYPE"),
    Refused("no connections at all", "PUT", "/v1/sessions/s1", '{"max_connections":0}', JSON_TYPE, 400, "INVALID_SESSION"),
    Refused("a cleanup with an unknown key", "POST", "/v1/connections/cleanup", '{"age":1}', JSON_TYPE, 400, "INVALID_REQUEST"),
    Refused("a cleanup of a negative age", "POST", "/v1/connections/cleanup", '{"max_age_seconds":-1}', JSON_TYPE, 400, "INVALID_REQUEST"),
    Refused("a cleanup of a text", "POST", "/v1/connections/cleanup", '{"max_age_seconds":"1"}', JSON_TYPE, 400, "INVALID_REQUEST"),
]


@pytest.mark.parametrize("case", BODIES + REQUESTS, ids=lambda case: case.name)
def test_a_bad_request_is_refused_with_its_code_and_place_and_publishes_nothing(shared: Gateway, case: Refused) -> None:
    before = publish(shared, "s1", candle(0))["sequence"]
    answer = ask(shared, case.method, case.path, case.body, case.headers)
    assert (answer.status, answer.code) == (case.status, case.code), answer
    assert list(answer.json) == ["error"] and list(answer.json["error"]) == ["code", "message", "details"]
    assert answer.headers["content-type"] == "application/json"
    if case.place is not None:
        assert answer.place == case.place
    assert publish(shared, "s1", candle(1))["sequence"] == before + 1, "nothing was published, and no id was spent"


def test_the_offset_of_a_fault_points_at_its_byte(gateway: Gateway) -> None:
    body = f'[{GOOD}, {{"type":"candle","data":{{"é":"ü","price":NaN}}}}]'
    answer = ask(gateway, "POST", EVENTS, body)
    assert answer.json["error"]["details"]["offset"] == body.encode().index(b"NaN")


METHODS = [
    ("DELETE", "/v1/events", "POST"),
    ("GET", "/v1/events", "POST"),
    ("POST", "/v1/sessions", "GET"),
    ("PATCH", "/v1/sessions/s1", "GET, PUT, DELETE"),
    ("DELETE", EVENTS, "GET, POST"),
    ("POST", "/v1/sessions/s1/connections", "GET"),
    ("PUT", "/v1/connections/x", "GET, DELETE"),
    ("GET", "/v1/connections/cleanup", "POST"),
    ("GET", "/v1/connections/x/events", "POST"),
    ("POST", "/metrics", "GET"),
    ("DELETE", "/healthz", "GET"),
    ("OPTIONS", "/readyz", "GET"),
]


@pytest.mark.parametrize("method,path,allowed", METHODS)
def test_a_wrong_method_is_told_which_are_right(shared: Gateway, method: str, path: str, allowed: str) -> None:
    answer = ask(shared, method, path, "" if method in ("POST", "PUT", "PATCH") else None, JSON_TYPE)
    assert (answer.status, answer.code, answer.headers["allow"]) == (405, "METHOD_NOT_ALLOWED", allowed)


def test_a_refused_request_leaves_the_connection_open_and_an_unreadable_one_closes_it(gateway: Gateway) -> None:
    with control_wire(gateway) as wire:
        for _ in range(2):
            wire.send("POST /v1/sessions/s1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]")
            assert wire.answer().status == 400
        wire.send("POST /v1/sessions/s1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\r\n")
        answer = wire.answer()
        assert (answer.status, answer.code, answer.headers["connection"]) == (411, "LENGTH_REQUIRED", "close")
        assert wire.at_end()


def test_a_whole_batch_is_refused_for_its_last_event(gateway: Gateway) -> None:
    with RawTab.opened(gateway, "s1") as tab:
        body = "[" + ",".join([GOOD] * 999) + ',{"type":"connected","data":{}}]'
        assert ask(gateway, "POST", EVENTS, body).place == "[999].type"
        assert publish(gateway, "s1", candle(7))["sequence"] == 1
        assert tab.event()["data"] == {"candle_index": 7}


def test_the_deepest_event_allowed_is_published(gateway: Gateway) -> None:
    assert publish(gateway, "s1", nested(64))["sequence"] == 1


# Formats of bodies


async def test_ndjson_with_blank_lines_and_either_line_end_is_one_batch(gateway: Gateway) -> None:
    async with open_tab(gateway, "s1") as tab:
        lines = '\n{"type":"candle","data":{"n":1}}\r\n\r\n  {"type":"candle","data":{"n":2}}\n\t\n{"type":"candle","data":{"n":3}}'
        receipt = publish(gateway, "s1", lines, NDJSON_TYPE)
        assert (receipt["count"], receipt["sent"]) == (3, 3)
        assert [event["data"]["n"] for event in await tab.stream(3)] == [1, 2, 3]


def test_a_media_type_may_have_parameters_and_capitals(gateway: Gateway) -> None:
    assert publish(gateway, "s1", GOOD, {"Content-Type": "Application/JSON; charset=utf-8"})["sequence"] == 1


def test_a_batch_of_one_is_answered_as_a_batch(gateway: Gateway) -> None:
    assert publish(gateway, "s1", [candle(1)])["count"] == 1
    assert publish(gateway, "s1", GOOD + "\n", NDJSON_TYPE)["count"] == 1


def publish_request(body: str, path: str = EVENTS, more: str = "") -> str:
    return f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{more}Content-Length: {len(body.encode())}\r\n\r\n{body}"


def test_a_chunked_body_is_read_however_it_is_cut(gateway: Gateway) -> None:
    body = json.dumps(candle(1, text="é"))
    with control_wire(gateway) as wire, RawTab.opened(gateway, "s1") as tab:
        wire.send("POST /v1/sessions/s1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        for size in (1, 2, 3, 100):
            chunk, body = body[:size], body[size:]
            wire.send(f"{len(chunk):x}\r\n{chunk}\r\n" if chunk else "")
        wire.send("0\r\n\r\n")
        assert wire.answer().json["sequence"] == 1
        assert tab.event()["data"] == {"candle_index": 1, "text": "é"}


def test_a_client_that_expects_100_continue_gets_it_before_it_sends_the_body(gateway: Gateway) -> None:
    with control_wire(gateway) as wire:
        request = publish_request(GOOD, more="Expect: 100-continue\r\n")
        wire.send(request[: -len(GOOD)])
        assert wire.answer().status == 100
        wire.send(GOOD)
        assert wire.answer().json["sequence"] == 1


# Order and pipelining


def test_200_publishes_in_one_write_are_answered_in_order_with_ascending_sequences(gateway: Gateway) -> None:
    with control_wire(gateway) as wire, RawTab.opened(gateway, "s1") as tab:
        wire.send("".join(publish_request(json.dumps(candle(number))) for number in range(200)))
        assert [wire.answer().json["sequence"] for _ in range(200)] == list(range(1, 201))
        assert [tab.event()["data"]["candle_index"] for _ in range(200)] == list(range(200))


def test_pipelined_publishes_to_many_sessions_are_answered_in_the_order_of_the_requests(gateway: Gateway) -> None:
    with control_wire(gateway) as wire:
        sessions = [f"s{number % 7}" for number in range(140)]
        wire.send("".join(publish_request(GOOD, path=f"/v1/sessions/{session}/events") for session in sessions))
        epochs: dict[str, set[str]] = {}
        for number, session in enumerate(sessions):
            answer = wire.answer().json
            assert answer["sequence"] == number // 7 + 1
            epochs.setdefault(session, set()).add(answer["id"].rpartition("-")[0])
        assert all(len(of_one) == 1 for of_one in epochs.values())


def test_refusals_keep_their_places_among_pipelined_answers(gateway: Gateway) -> None:
    with control_wire(gateway) as wire:
        wire.send(
            publish_request(GOOD)
            + publish_request("[]")
            + publish_request(GOOD)
            + "GET /nope HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            + publish_request(GOOD)
        )
        assert [wire.answer().status for _ in range(5)] == [200, 400, 200, 404, 200]


# Session and engine share it: a publish that is plain needs no request then (docs/decisions/0029).
ONE_WORKER = ("--workers", "1")


def known_head(wire: Wire) -> None:
    """From now on publishes of up to 99,999 bytes to s1 are known by their heads on this connection."""
    for _ in range(2):
        wire.send(publish_request(GOOD.ljust(10_000)))
        assert wire.answer().status == 200


def test_what_is_refused_of_an_engine_that_is_known_is_refused_in_the_same_words(serve) -> None:
    gateway: Gateway = serve(*ONE_WORKER)
    bodies = [case.body for case in BODIES if case.method == "POST" and case.path == EVENTS and case.headers == JSON_TYPE]
    bodies = [body for body in bodies if body and len(body) < 99_999]
    assert len(bodies) > 20
    with control_wire(gateway) as wire:
        known_head(wire)
        for body in bodies:
            first = ask(gateway, "POST", EVENTS, body, JSON_TYPE)
            text = body if isinstance(body, bytes) else body.encode()
            wire.send(publish_request("x" * len(text)).encode()[: -len(text)] + text)
            again = wire.answer()
            assert (again.status, again.json) == (first.status, first.json), body
        wire.send(publish_request(GOOD))
        assert wire.answer().json["sequence"] == 3, "nothing of them was published"


def test_an_engine_that_is_known_goes_on_with_batches_and_with_a_session_that_began_anew(serve) -> None:
    gateway: Gateway = serve(*ONE_WORKER)
    with control_wire(gateway) as wire:
        known_head(wire)
        wire.send(publish_request(f"[{GOOD}]") + publish_request(f"[{GOOD},{GOOD}]") + publish_request(GOOD))
        assert [wire.answer().json.get("count") for _ in range(3)] == [1, 2, None]
        before = wire_publish(wire)
        assert before["sequence"] == 7
        assert ask(gateway, "DELETE", "/v1/sessions/s1").status == 204
        again = wire_publish(wire)
        assert again["sequence"] == 1 and again["id"].rpartition("-")[0] != before["id"].rpartition("-")[0]
        with RawTab.opened(gateway, "s1") as tab:
            receipt = wire_publish(wire)
            assert (receipt["sequence"], receipt["connections"], receipt["sent"]) == (2, 1, 1)
            assert tab.event()["id"] == receipt["id"]


def test_more_than_one_send_carries_is_whole_and_in_order_for_an_engine_that_is_known(serve) -> None:
    gateway: Gateway = serve(*ONE_WORKER)
    with control_wire(gateway) as wire, RawTab.opened(gateway, "s1") as tab:
        known_head(wire)
        wire.send("".join(publish_request(json.dumps(candle(number, text="x" * 30_000))) for number in range(9)))
        receipts = [wire.answer().json for _ in range(9)]
        # The tab reads only below: some may wait for it.
        assert [(receipt["sequence"], receipt["sent"] + receipt["queued"]) for receipt in receipts] == [(n, 1) for n in range(3, 12)]
        assert [tab.event()["data"].get("candle_index") for _ in range(11)] == [None, None, *range(9)]


def wire_publish(wire: Wire) -> dict[str, Any]:
    wire.send(publish_request(GOOD))
    answer = wire.answer()
    assert answer.status == 200
    return answer.json


@pytest.mark.parametrize("path", ["/healthz", "/v1/sessions", "/nope"])
def test_requests_that_publish_nothing_may_be_pipelined_too(shared: Gateway, path: str) -> None:
    with control_wire(shared) as wire:
        wire.send(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 50)
        assert len({wire.answer().status for _ in range(50)}) == 1


def test_a_get_pipelined_behind_a_publish_sees_it_and_one_before_does_not(gateway: Gateway) -> None:
    get = "GET /v1/sessions/s1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with control_wire(gateway) as wire:
        for sequence in range(1, 30):
            wire.send(get + publish_request(GOOD) + get)
            before, receipt, after = wire.answer(), wire.answer().json, wire.answer()
            if sequence == 1:
                assert before.status == 404
            else:
                assert before.json["last_id"].endswith(f"-{sequence - 1}")
            assert receipt["sequence"] == sequence
            assert after.json["last_id"] == receipt["id"]


def test_an_early_receipt_has_the_id_and_no_counts(gateway: Gateway) -> None:
    with RawTab.opened(gateway, "s1") as tab:
        single = ask(gateway, "POST", EVENTS + "?receipt=none", GOOD, JSON_TYPE)
        assert (single.status, list(single.json), single.json["sequence"]) == (200, ["id", "sequence"], 1)
        batch = ask(gateway, "POST", EVENTS + "?receipt=none", f"[{GOOD},{GOOD}]", JSON_TYPE)
        assert (batch.status, list(batch.json), batch.json["count"]) == (200, ["first_id", "last_id", "count"], 2)
        assert [tab.event()["id"] for _ in range(3)] == [single.json["id"], batch.json["first_id"], batch.json["last_id"]]


def test_an_engine_that_half_closes_gets_its_answers(gateway: Gateway) -> None:
    with control_wire(gateway) as wire:
        wire.send(publish_request(GOOD) * 20)
        wire.socket.shutdown(socket.SHUT_WR)
        assert [wire.answer().json["sequence"] for _ in range(20)] == list(range(1, 21))
        assert wire.at_end()


# HTTP


def test_health_readiness_and_metrics_are_open_to_anybody_who_reaches_the_listener(gateway: Gateway) -> None:
    assert ask(gateway, "GET", "/healthz").json == {"status": "ok"}
    assert ask(gateway, "GET", "/readyz").json == {"status": "ready"}
    scrape = ask(gateway, "GET", "/metrics")
    assert (scrape.status, scrape.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")


def test_http_1_0_is_fine_for_health_and_refused_elsewhere(gateway: Gateway) -> None:
    with control_wire(gateway) as wire:
        wire.send("GET /healthz HTTP/1.0\r\n\r\n")
        answer = wire.answer()
        assert (answer.status, answer.json) == (200, {"status": "ok"})
        assert wire.at_end()
    for path in ("/metrics", "/v1/sessions", "/readyz"):
        with control_wire(gateway) as wire:
            wire.send(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            answer = wire.answer()
            assert (answer.status, answer.code) == (505, "HTTP_VERSION_NOT_SUPPORTED"), path
            assert wire.at_end()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/v1/sessions", "/v1/sessions/s1", "/nope"])
def test_head_is_get_without_the_body(shared: Gateway, path: str) -> None:
    publish(shared, "s1", GOOD)
    get = ask(shared, "GET", path)
    with control_wire(shared) as wire:
        wire.send(f"HEAD {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        head = wire.answer(of_head=True)
        assert head.status == get.status
        assert head.headers["content-type"] == get.headers["content-type"]
        if path != "/metrics":  # its numbers move
            assert head.headers["content-length"] == get.headers["content-length"]
        wire.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert wire.answer().json == {"status": "ok"}, "nothing followed the head"


def test_connection_close_is_obeyed_and_keep_alive_is_the_default(gateway: Gateway) -> None:
    with control_wire(gateway) as wire:
        for _ in range(5):
            wire.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert wire.answer().status == 200
        wire.send(publish_request(GOOD, more="Connection: close\r\n"))
        answer = wire.answer()
        assert (answer.json["sequence"], answer.headers["connection"]) == (1, "close")
        assert wire.at_end()


@pytest.mark.limit("--request-head-timeout", "--request-body-timeout")
def test_a_request_that_stops_half_way_is_told_408(serve) -> None:
    gateway: Gateway = serve("--request-head-timeout", "0.3", "--request-body-timeout", "0.3")
    for beginning in ("GET /healthz HT", publish_request(GOOD)[:-3]):
        with Wire(gateway.control_address) as wire:
            wire.send(beginning)
            answer = wire.answer()
            assert (answer.status, answer.code) == (408, "REQUEST_TIMEOUT")
            assert wire.at_end()


@pytest.mark.limit("--idle-timeout")
def test_an_idle_connection_is_closed_after_the_idle_time(serve) -> None:
    gateway: Gateway = serve("--idle-timeout", "0.3")
    with control_wire(gateway) as wire:
        wire.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert wire.answer().status == 200
        assert wire.at_end()


def test_the_public_listener_serves_no_engine(gateway: Gateway) -> None:
    for path in ("/v1/sessions", EVENTS, "/metrics", "/healthz"):
        assert ask_at(gateway.address, "GET", path).status == 404


def test_a_name_that_resolves_here_is_not_answered_and_numeric_addresses_are(gateway: Gateway) -> None:
    """DNS rebinding: a page under a name of its own sends no Origin with a GET to its own host."""
    for host, status in [
        ("rebind.example.com", 403), ("rebind.example.com:8081", 403), ("127.0.0.1.example.com", 403),
        ("127.0.0.1", 200), ("LOCALHOST:1", 200), ("[::1]:8081", 200),
    ]:  # fmt: skip
        for path in ["/v1/sessions", "/metrics"]:
            wire = Wire(gateway.control_address)
            wire.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
            assert wire.answer().status == status, (host, path)


def test_one_event_is_broadcast_to_all_and_not_several(gateway: Gateway) -> None:
    """Events times sessions is work that one small request could ask for."""
    refused = ask(gateway, "POST", "/v1/events", [{"type": "candle", "data": {}}] * 2)
    assert (refused.status, refused.json["error"]["code"]) == (400, "INVALID_EVENT")


def test_sessions_are_listed_page_by_page_in_order(gateway: Gateway) -> None:
    names = [f"s{number:03}" for number in range(25)]
    for name in reversed(names):
        ask(gateway, "POST", f"/v1/sessions/{name}/events", {"type": "candle", "data": {}})
    seen: list[str] = []
    after = ""
    while True:
        page = ask(gateway, "GET", f"/v1/sessions?limit=4{after}").json
        assert len(page["sessions"]) <= 4
        seen += [session["session_id"] for session in page["sessions"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == names


def test_a_key_given_twice_is_refused(gateway: Gateway) -> None:
    wire = Wire(gateway.control_address)
    body = '{"kind":"forward","kind":"backtest"}'
    wire.send(
        f"PUT /v1/sessions/s1 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    assert wire.answer().status == 400
