"""`?wait=`: an engine that runs faster than its tabs read asks to be held back."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from control import ask, candle, metrics
from waiting import unhurried, until
from wire import RawTab

BIG = "x" * 60_000


def fall_behind(gateway) -> int:
    """Publishes until a tab that does not read is behind, and returns how many that took."""
    count = 0
    while metrics(gateway)["wsg_connections_behind"] == 0:
        assert count < 500, "it never falls behind"
        assert ask(gateway, "POST", "/v1/sessions/s1/events", candle(count, p=BIG)).status == 200
        count += 1
    return count


def test_a_publish_waits_until_the_slowest_tab_has_caught_up_and_no_longer(serve) -> None:
    # Nothing is made so slow here that it would be closed for it.
    gateway = serve("--max-write-queue-bytes", "200000", "--write-timeout", str(unhurried(30)))
    with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536) as slow, ThreadPoolExecutor(1) as engine:
        count = fall_behind(gateway)
        # It does not read: the answer comes when the time is over, with the counts of the delivery.
        began = time.monotonic()
        answer = ask(gateway, "POST", "/v1/sessions/s1/events?wait=300", candle(count))
        assert answer.status == 200 and answer.json["queued"] == 1 and time.monotonic() - began >= 0.3
        # It reads: the answer comes then, long before.
        waits = engine.submit(ask, gateway, "POST", "/v1/sessions/s1/events?wait=9000", candle(count + 1))
        until(lambda: ask(gateway, "GET", "/v1/sessions/s1").json["last_id"].endswith(f"-{count + 2}"), "it is published")
        assert not waits.done()
        indices = [slow.event("candle")["data"]["candle_index"] for _ in range(count + 2)]
        assert indices == list(range(count + 2))
        assert waits.result(timeout=8).status == 200
        assert metrics(gateway)["wsg_connections_behind"] == 0


def test_nobody_waits_for_a_tab_that_has_gone_or_a_session_that_has_ended(serve) -> None:
    gateway = serve("--max-write-queue-bytes", "200000", "--write-timeout", str(unhurried(30)))
    with ThreadPoolExecutor(1) as engine:
        with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536):
            count = fall_behind(gateway)
            waits = engine.submit(ask, gateway, "POST", "/v1/sessions/s1/events?wait=9000", candle(count))
            until(lambda: ask(gateway, "GET", "/v1/sessions/s1").json["last_id"].endswith(f"-{count + 1}"), "it is published")
        assert waits.result(timeout=8).status == 200
        with RawTab.opened(gateway, "s1", receive_buffer_bytes=65_536):
            count += 1 + fall_behind(gateway)
            waits = engine.submit(ask, gateway, "POST", "/v1/sessions/s1/events?wait=9000", candle(count))
            until(lambda: ask(gateway, "GET", "/v1/sessions/s1").json["last_id"].endswith(f"-{count + 1}"), "it is published")
            assert ask(gateway, "DELETE", "/v1/sessions/s1").status == 204
            assert waits.result(timeout=8).status == 200
