"""A real browser, whose page follows the existing front end's rules: what it shows must be what was published."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest
from websocket_gateway import (
    Event,
    WebSocketManager,
    create_ai_decision_event,
    create_ai_thinking_event,
    create_candle_event,
    create_position_closed_event,
    create_position_opened_event,
    create_session_completed_event,
    create_session_initialized_event,
    create_stats_update_event,
)

from certificates import Authority
from control import ask, candle, connections, publish
from gateway import Gateway
from pages import CHROMIUM, NO_CHROMIUM, START_SECONDS, PageServer
from waiting import eventually, until

PAGE_FILES = {"/": Path(__file__).parent / "browser/session.html"}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)


def backtest(session: str) -> list[Event]:
    """A whole session as the engine of the existing system tells it."""
    events = [create_session_initialized_event(session, {"symbol": "BTCUSDT", "candles": 30})]
    for number in range(30):
        events.append(create_candle_event({"candle_index": number, "open": 1.5, "close": number + 0.25}, {"rsi": None}))
        events.append(create_ai_thinking_event(f"candle {number} … é 😀 </script>", is_complete=True))
        if number % 10 == 5:
            events.append(create_position_opened_event({"id": f"p{number}", "size": 0.001}))
            events.append(create_ai_decision_event({"action": "hold", "confidence": 0.5}))
        if number % 10 == 9:
            events.append(create_position_closed_event({"id": f"p{number}", "pnl": -1e-7}))
            events.append(create_stats_update_event({"equity": 10_000 + number}))
    return events + [create_session_completed_event("r1", {"pnl": 12.5})]


async def test_a_page_sees_a_whole_backtest_through_a_cleanup_and_a_move_to_another_gateway(
    serve: Callable[..., Gateway], page: PageServer, browse: Callable[..., None]
) -> None:
    first = serve("--stale-timeout", "0", "--drain-timeout", "5", "--close-timeout", "2")
    browse(first.url("s1"))
    await eventually(lambda: connections(first, "s1"), "the page has joined", START_SECONDS)
    events = backtest("s1")
    third = len(events) // 3

    async with WebSocketManager(first.control_url) as engine:
        for event in events[:third]:
            assert await engine.broadcast_to_session("s1", event) == 1
        # Closed as stale: the page comes back by itself.
        (old,) = connections(first, "s1")
        assert await engine.cleanup_stale_connections(max_age_seconds=0) == 1
        await eventually(
            lambda: any(one["connection_id"] != old["connection_id"] for one in connections(first, "s1")), "the page is back after 4411"
        )
        for event in events[third : 2 * third]:
            assert await engine.broadcast_to_session("s1", event) == 1

    # Drained, and another gateway takes the address: the page comes back once more.
    first.terminate()
    assert await eventually(lambda: first.process.poll() is not None, "the first gateway has drained")
    assert first.process.returncode == 0
    second = serve(listen=first.listen)
    await eventually(lambda: connections(second, "s1"), "the page is back after 1012")
    async with WebSocketManager(second.control_url) as engine:
        await engine.publish("s1", events[2 * third :])
    story = await eventually(
        lambda: page.story if any(one["type"] == "session_completed" for one in page.story.get("seen", [])) else None,
        "the page saw the end",
    )

    published = [{"type": event.type, "data": event.data} for event in events]
    assert story["seen"] == published
    assert story["duplicates"] == 0
    codes = [close["code"] for close in story["closes"]]
    assert codes[0] == 4411 and codes[1] == 1012
    assert story["closes"][1]["reason"].startswith("draining; retry-after-ms=")
    # While nothing listened the browser says 1006, and the page tries again.
    assert set(codes[2:]) <= {1006} and story["gaveUp"] is False


@pytest.mark.parametrize("trusts", [True, False])
def test_a_page_watches_by_tls_and_stays_out_where_it_trusts_nobody(
    serve: Callable[..., Gateway], page: PageServer, browse: Callable[..., None], tmp_path: Path, trusts: bool
) -> None:
    authority = Authority(tmp_path)
    identity = authority.issue("gateway")
    gateway = serve(*identity.flags, tls=authority.trusting())
    browse(gateway.url("s1"), trusted=identity.key_fingerprint if trusts else "")
    if trusts:
        until(lambda: connections(gateway, "s1"), "the page has joined", START_SECONDS)
        publish(gateway, "s1", candle(1))
        assert ask(gateway, "DELETE", "/v1/sessions/s1").status == 204
        story = until(lambda: page.story if page.story.get("closes") else None, "the page saw the close")
        assert [close["code"] for close in story["closes"]] == [1000]
        assert story["seen"] == [{"type": "candle", "data": {"candle_index": 1}}]
    else:
        story = until(lambda: page.story if page.story.get("gaveUp") else None, "the page gave up", START_SECONDS)
        assert [close["code"] for close in story["closes"]] == [1006] * 6 and story["connected"] == []


def test_a_page_stays_away_after_its_session_was_deleted(gateway: Gateway, page: PageServer, browse: Callable[..., None]) -> None:
    browse(gateway.url("s1"))
    until(lambda: connections(gateway, "s1"), "the page has joined", START_SECONDS)
    publish(gateway, "s1", candle(1))
    assert ask(gateway, "DELETE", "/v1/sessions/s1").status == 204
    story = until(lambda: page.story if page.story.get("closes") else None, "the page saw the close")
    assert [close["code"] for close in story["closes"]] == [1000] and story["gaveUp"] is False
    assert story["seen"] == [{"type": "candle", "data": {"candle_index": 1}}]


def test_a_page_that_is_refused_gives_up_after_five_tries(gateway: Gateway, page: PageServer, browse: Callable[..., None]) -> None:
    ask(gateway, "PUT", "/v1/sessions/s1", {"kind": "backtest"})
    browse(gateway.url("s1", kind="forward"))
    story = until(lambda: page.story if page.story.get("gaveUp") else None, "the page gave up", START_SECONDS)
    assert [close["code"] for close in story["closes"]] == [1006] * 6
    assert story["connected"] == []


def test_a_page_of_an_origin_that_is_not_listed_is_kept_out(serve, page: PageServer, browse: Callable[..., None]) -> None:
    gateway = serve("--allowed-origins", f"http://127.0.0.1:{page.server_port}")
    browse(gateway.url("s1"), host="localhost")
    story = until(lambda: page.story if page.story.get("gaveUp") else None, "the page gave up", START_SECONDS)
    assert story["connected"] == []
    page.story = {}
    browse(gateway.url("s1"), host="127.0.0.1")
    until(lambda: connections(gateway, "s1"), "the listed page has joined", START_SECONDS)
