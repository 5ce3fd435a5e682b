"""The scrape: well-formed to Prometheus' own tools, true to what happened, and of a fixed size."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any, Optional
from urllib.parse import quote
from urllib.request import ProxyHandler, build_opener

import pytest

from control import ask, ask_at, candle, metrics, publish
from gateway import Gateway
from tabs import open_tab
from waiting import eventually, until
from wire import RawTab, control_wire


def find(variable: str, name: str) -> Optional[str]:
    return os.environ.get(variable) or shutil.which(name)


PROMTOOL = find("WSG_PROMTOOL", "promtool")
PROMETHEUS = find("WSG_PROMETHEUS", "prometheus")


@pytest.mark.skipif(PROMTOOL is None, reason="NO PROMTOOL: put it on PATH, or set WSG_PROMTOOL")
async def test_promtool_finds_nothing_to_say_about_a_scrape(gateway: Gateway) -> None:
    async with open_tab(gateway, "s1"):
        publish(gateway, "s1", [candle(number) for number in range(10)])
        scrape = ask(gateway, "GET", "/metrics").body
    assert PROMTOOL is not None
    checked = subprocess.run([PROMTOOL, "check", "metrics"], input=scrape, capture_output=True, timeout=20)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


@pytest.mark.skipif(PROMETHEUS is None, reason="NO PROMETHEUS: put it on PATH, or set WSG_PROMETHEUS")
def test_a_prometheus_server_scrapes_what_was_published(gateway: Gateway, tmp_path: Path) -> None:
    publish(gateway, "s1", [candle(number) for number in range(42)])
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        "scrape_configs:\n"
        f"  - {{job_name: gateway, static_configs: [{{targets: ['{gateway.control}']}}]}}\n"
    )
    with socket.socket() as chosen:  # Prometheus does not tell which port the kernel chose, so it is told.
        chosen.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{chosen.getsockname()[1]}"
    assert PROMETHEUS is not None
    command = [
        PROMETHEUS, f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}", f"--web.listen-address={address}",
        "--log.level=warn",
    ]  # fmt: skip
    opener = build_opener(ProxyHandler({}))

    def query(expression: str) -> list[tuple[dict[str, str], float]]:
        try:
            with opener.open(f"http://{address}/api/v1/query?query={quote(expression)}", timeout=2) as answer:
                result: list[Any] = json.load(answer)["data"]["result"]
                return [(one["metric"], float(one["value"][1])) for one in result]
        except OSError:
            return []  # it is starting

    log = tmp_path / "prometheus.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        until(lambda: server.poll() is not None or [value for _, value in query("up")] == [1.0], "Prometheus has scraped", 30)
        assert server.poll() is None, log.read_text()
        until(lambda: query('wsg_events_published_total{type="candle"} == 42'), "the counter is there")
        assert query("scrape_samples_scraped")[0][1] == len(metrics(gateway))
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


async def test_the_counters_agree_with_what_was_done(gateway: Gateway) -> None:
    async with open_tab(gateway, "s1") as one, open_tab(gateway, "s1", kind="forward") as other:
        publish(gateway, "s1", [candle(number) for number in range(10)])
        publish(gateway, "s1", {"type": "my_own_type", "data": {}})
        assert ask(gateway, "POST", "/v1/sessions/s1/events", "[]").status == 400
        assert ask(gateway, "GET", "/v1/nothing").status == 404
        await one.stream(11)
        await other.stream(11)
        await one.send('{"action":"ping"}')
        await one.event("heartbeat")
        assert await other.close(1001) == 1001
        with RawTab.opened(gateway, "s2") as lost:
            lost.reset()
        assert ask_at(gateway.address, "GET", "/nope").status == 404
        with RawTab(gateway, "s1", Origin="https://evil.example"):
            pass
        # Who has left is gone at once for its own worker, and a moment later for its session's home.
        late = {'wsg_closes_total{code="1001"}': 1, 'wsg_closes_total{code="1006"}': 1, "wsg_sessions": 1}
        await eventually(lambda: late.items() <= metrics(gateway).items(), "both have left, and one session with them")
        samples = metrics(gateway)

    expected = {
        'wsg_connections{kind="backtest"}': 1,
        'wsg_connections{kind="forward"}': 0,
        "wsg_sessions": 1,
        'wsg_handshakes_total{outcome="accepted"}': 3,
        'wsg_handshakes_total{outcome="not_found"}': 1,
        'wsg_handshakes_total{outcome="forbidden"}': 1,
        'wsg_events_published_total{type="candle"}': 10,
        'wsg_events_published_total{type="other"}': 1,
        'wsg_publish_requests_total{outcome="published"}': 2,
        'wsg_publish_requests_total{outcome="refused"}': 1,
        'wsg_deliveries_total{type="candle"}': 20,
        'wsg_deliveries_total{type="other"}': 2,
        'wsg_client_messages_total{kind="text"}': 1,
        'wsg_client_messages_total{kind="close"}': 1,
        'wsg_http_errors_total{status="400"}': 1,
        'wsg_http_errors_total{status="403"}': 1,
        'wsg_http_errors_total{status="404"}': 2,
        'wsg_closes_total{code="1001"}': 1,
        'wsg_closes_total{code="1006"}': 1,
        "wsg_heartbeats_total": 1,
        "wsg_queued_bytes": 0,
        'wsg_publish_to_socket_seconds_count{type="candle"}': 20,
        'wsg_publish_to_socket_seconds_count{type="other"}': 2,
        "wsg_connections_limit": samples["wsg_connections_limit"],
    }
    assert {name: samples.get(name) for name in expected} == expected
    assert samples["process_resident_memory_bytes"] > 1e6
    assert samples["process_open_fds"] > 5
    assert samples["wsg_sent_bytes_total"] > 0 and samples["wsg_received_bytes_total"] > 0


async def test_open_descriptors_and_connections_follow_the_process(gateway: Gateway) -> None:
    async with open_tab(gateway, "s1"):
        with control_wire(gateway) as wire:
            wire.send("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            text = wire.answer().body.decode()
            (line,) = [line for line in text.splitlines() if line.startswith("process_open_fds ")]
            # Counting opens a directory, which is a descriptor too.
            assert abs(int(line.split()[1]) - gateway.descriptors) <= 2
            assert 'wsg_http_connections{listener="control"} 1' in text
