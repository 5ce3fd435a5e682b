"""A client's connection before it is a WebSocket: its answers come whole and in order, and say what was wrong and when.

(How long it may take: threats/test_time.py.)
"""

from __future__ import annotations

import re

import pytest
from gateway import Gateway
from waiting import until
from wire import TEXT, Wire, control_wire, upgrade_request

ASK = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


def test_an_upgrade_waits_until_the_answers_before_it_are_written(gateway: Gateway) -> None:
    with Wire(gateway.address, receive_buffer_bytes=4096) as client:
        # More 404s than both kernels hold: the gateway must stop in the middle of one, and go on when they are read.
        client.send(ASK * 60 + upgrade_request("/ws/backtest/s"))
        statuses = [client.answer().status for _ in range(61)]
        assert statuses == [404] * 60 + [101]
        assert client.take(2)[0] == 0x80 | TEXT, "`connected` follows"


def test_who_never_upgrades_is_asked_to_leave_after_a_hundred_requests(gateway: Gateway) -> None:
    with Wire(gateway.address) as client:
        client.send(ASK * 150)
        answers = [client.answer() for _ in range(100)]
        assert [answer.headers.get("connection") for answer in answers] == [None] * 99 + ["close"]
        assert client.at_end()


@pytest.mark.parametrize("request_line", ["GET /ws/backtest/s", "GET /nowhere", "HEAD /x", "BREW /x"])
def test_every_answer_tells_its_date(gateway: Gateway, request_line: str) -> None:
    with Wire(gateway.address) as client:
        client.send(f"{request_line} HTTP/1.1\r\nHost: a\r\n\r\n")
        date = client.answer(of_head=request_line.startswith("HEAD")).headers["date"]
        assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] 20\d\d \d\d:\d\d:\d\d GMT", date), date
    assert "date" in publish_answer(gateway)


def publish_answer(gateway: Gateway) -> dict[str, str]:
    with control_wire(gateway) as engine:
        body = '{"type":"candle","data":{}}'
        engine.send(
            "POST /v1/sessions/s/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        return dict(engine.answer().headers)


@pytest.mark.parametrize("fault", ["Host: b\r\n\r\n", "Content-Length: x\r\n\r\n", "Upgrade: websocket\r\nContent-Length: 5\r\n\r\n", " folded\r\n"])
def test_a_head_request_that_breaks_a_rule_is_answered_without_content(gateway: Gateway, fault: str) -> None:
    with Wire(gateway.address) as client:
        client.send(f"HEAD / HTTP/1.1\r\nHost: a\r\n{fault}")
        answer = client.answer(of_head=True)
        assert (answer.status, client.buffer, client.at_end()) == (400, b"", True)
        assert int(answer.headers["content-length"]) > 0


@pytest.mark.parametrize("framing", ["Content-Length: 6", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("offers", ["Upgrade: websocket\r\nUpgrade: h2c", "Upgrade: h2c\r\nUpgrade: websocket"])
def test_an_upgrade_with_a_body_is_refused_whatever_else_it_offers(gateway: Gateway, offers: str, framing: str) -> None:
    request = upgrade_request("/ws/backtest/s").replace("Upgrade: websocket", offers, 1)
    with Wire(gateway.address) as client:
        client.send(request.replace("\r\n\r\n", f"\r\n{framing}\r\n\r\n"))
        assert client.answer().status == 400
        assert client.at_end()


def test_what_was_refused_is_told_in_the_log_with_its_place_and_rule(gateway: Gateway) -> None:
    with Wire(gateway.address) as client:
        client.send(ASK + "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert [client.answer().status, client.answer().status] == [404, 400]
    line = until(lambda: next((line for line in gateway.stderr.splitlines() if "bad request" in line), None), "the log's line")
    assert '"violation":"hostDuplicate"' in line and '"section":"RFC 9112 §3.2"' in line, line
    assert f'"offset":"{len(ASK) + 34}"' in line and '"status":"400"' in line and '"listener":"public"' in line, line
