"""SIGHUP: the settings are read again, all or nothing, and nobody who is there notices."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Callable

import pytest

from control import ask, candle, metrics, publish
from engines import linked
from gateway import Gateway, run
from tabs import open_tab
from waiting import eventually, until
from wire import TEXT, RawTab, Wire, control_wire, upgrade_request

Serve = Callable[..., Gateway]

pytestmark = pytest.mark.plain("with TLS every reload tells of certificates too, and a limit at the accept has no status")


class Settings:
    """A settings file, and the reloads that the gateway has told of."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines_read = 0

    def write(self, **values: Any) -> None:
        """Names with underscores or dashes."""
        self.path.write_text("".join(f"{name.replace('_', '-')} = {value}\n" for name, value in values.items()))

    def reload(self, gateway: Gateway, **values: Any) -> dict[str, Any]:
        """Writes the file, sends SIGHUP, and returns the line of the log once every worker has what is new."""
        if values:
            self.write(**values)
        return self.hang_up(gateway)

    def hang_up(self, gateway: Gateway) -> dict[str, Any]:
        gateway.process.send_signal(signal.SIGHUP)

        def line() -> Any:
            lines = [text for text in gateway.stderr.split("\n")[:-1] if '"SIGHUP: ' in text]
            return json.loads(lines[self.lines_read]) if len(lines) > self.lines_read else None

        told = until(line, "the log tells of the reload")
        self.lines_read += 1
        assert isinstance(told, dict)
        # It asks every worker, behind what the reload has put into their mailboxes.
        assert ask(gateway, "GET", "/v1/sessions").status == 200
        return told


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "gateway.conf")


def started(serve: Serve, settings: Settings, *flags: str, **values: Any) -> Gateway:
    settings.write(**values)
    return serve("--config", str(settings.path), *flags)


def is_refused(gateway: Gateway) -> bool:
    """Whether a newcomer is turned away at its accept."""
    with Wire(gateway.address) as wire:
        wire.send(upgrade_request("/ws/backtest/newcomer"))
        answer = wire.answer()
    assert answer.status in (101, 503)
    return answer.status == 503


def says(told: dict[str, Any], message: str, **fields: str) -> bool:
    rest = {name: value for name, value in told.items() if name not in ("time", "level", "message")}
    return told["message"] == message and rest == {name.replace("_", "-"): value for name, value in fields.items()}


def test_max_connections_is_raised_and_lowered_under_clients_that_stay(serve: Serve, settings: Settings) -> None:
    gateway = started(serve, settings, max_connections=2)
    with RawTab.opened(gateway, "s1") as one, RawTab.opened(gateway, "s1") as two:
        assert is_refused(gateway)
        assert says(settings.reload(gateway, max_connections=3), "SIGHUP: reloaded", max_connections="2 → 3")
        with RawTab.opened(gateway, "s1") as three:
            assert is_refused(gateway)
            assert says(settings.reload(gateway, max_connections=1), "SIGHUP: reloaded", max_connections="3 → 1")
            assert metrics(gateway)["wsg_connections_limit"] == 1
            assert is_refused(gateway)
            assert publish(gateway, "s1", candle(1))["sent"] == 3
            for tab in (one, two, three):
                assert tab.event("candle")["data"] == {"candle_index": 1}
                tab.send_frame(TEXT, '{"action":"ping"}')
                assert tab.event("heartbeat")["data"]["delivered"] == 1
        two.close()
        until(lambda: metrics(gateway)['wsg_connections{kind="backtest"}'] == 1, "two have left")
        assert is_refused(gateway)
        one.close()
        until(lambda: metrics(gateway)['wsg_connections{kind="backtest"}'] == 0, "all have left")
        until(lambda: not is_refused(gateway), "there is room for one")
    assert metrics(gateway)['wsg_reloads_total{result="reloaded"}'] == 2


async def test_rates_hold_from_the_next_message_on(serve: Serve, settings: Settings) -> None:
    gateway = started(serve, settings, message_rate=1, message_burst=3, max_message_excess=1000)
    async with open_tab(gateway, "s1") as tab:
        for _ in range(6):
            await tab.send('{"action":"ping"}')
        for _ in range(3):
            assert (await tab.event())["type"] == "heartbeat"
        assert (await tab.event())["data"]["error_code"] == "RATE_LIMITED"
        await asyncio.to_thread(settings.reload, gateway, message_rate=100000, message_burst=100000)
        for _ in range(200):
            await tab.send('{"action":"ping"}')
        for _ in range(200):
            assert (await tab.event())["type"] == "heartbeat"
        await asyncio.to_thread(settings.reload, gateway, message_rate=1, message_burst=1, max_message_excess=1000)
        dropped = metrics(gateway)['wsg_rate_limited_total{rate="messages"}']
        for _ in range(6):
            await tab.send('{"action":"ping"}')
        # One passes, and as many more as seconds do.
        await eventually(lambda: metrics(gateway)['wsg_rate_limited_total{rate="messages"}'] >= dropped + 3, "most are dropped")


async def test_the_commands_that_may_wait_are_more_or_fewer_from_the_next_on(serve: Serve, settings: Settings) -> None:
    gateway = started(serve, settings, max_commands_in_flight=2)
    async with linked(gateway) as engine, open_tab(gateway, "s1") as tab:
        await engine.serve("s1")

        async def ask_for(*actions: str) -> None:
            for action in actions:
                await tab.send(json.dumps({"action": action}))

        async def refused() -> str:
            data = (await tab.event("error"))["data"]
            assert data["error_code"] == "RATE_LIMITED"
            return data["details"]["action"]

        await ask_for("a", "b", "c")
        assert await refused() == "c"
        await asyncio.to_thread(settings.reload, gateway, max_commands_in_flight=3)
        await ask_for("d", "e")
        assert await refused() == "e"
        await asyncio.to_thread(settings.reload, gateway, max_commands_in_flight=1)
        for action in ("a", "b"):
            await engine.reply(await engine.command(action))
            assert (await tab.event("command_ack"))["data"]["action"] == action
        await ask_for("f")
        assert await refused() == "f"
        await engine.reply(await engine.command("d"))
        await tab.event("command_ack")
        await ask_for("g")
        assert await engine.command("g")


def test_sizes_hold_for_the_connections_made_from_then_on(serve: Serve, settings: Settings) -> None:
    gateway = started(serve, settings, max_message_bytes=2000, max_publish_bytes=4096, max_event_bytes=4096)
    long = json.dumps({"action": "ping", "x": "x" * 1000})
    body = json.dumps(candle(1, text="x" * 2000))
    request = f"POST /v1/sessions/s1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    with RawTab.opened(gateway, "s1") as earlier, control_wire(gateway) as engine:
        for _ in range(2):  # the second by its head alone
            engine.send(request)
            assert engine.answer().status == 200
        settings.reload(gateway, max_message_bytes=500, max_publish_bytes=1024, max_event_bytes=1024)
        with RawTab.opened(gateway, "s1") as later, control_wire(gateway) as other:
            for tab in (earlier, later):
                tab.send_frame(TEXT, long)
            earlier.event("heartbeat")
            assert later.close_frame()[0] == 1009
            # What one event may have is asked of each event, and what one request may have of each connection.
            engine.send(request)
            answer = engine.answer()
            assert (answer.status, answer.code) == (413, "EVENT_TOO_LARGE")
            other.send(request)
            answer = other.answer()
            assert (answer.status, answer.code) == (413, "PAYLOAD_TOO_LARGE")
    settings.reload(gateway, max_message_bytes=2000)
    with RawTab.opened(gateway, "s1") as tab:
        tab.send_frame(TEXT, long)
        tab.event("heartbeat")
    assert ask(gateway, "POST", "/v1/sessions/s1/events", body, {"Content-Type": "application/json"}).status == 200
    assert ask(gateway, "POST", "/v1/sessions/s1/events", body, {"Content-Type": "application/json"}).status == 200


def test_heartbeats_come_at_the_new_interval_and_a_shorter_stale_time_closes_nobody_who_answers(serve: Serve, settings: Settings) -> None:
    gateway = started(serve, settings, heartbeat_interval=1000, stale_timeout=2000)
    with RawTab.opened(gateway, "s1") as tab:
        told = settings.reload(gateway, heartbeat_interval=0.05, stale_timeout=1000)
        assert says(told, "SIGHUP: reloaded", heartbeat_interval="1000 → 0.05", stale_timeout="2000 → 1000")
        for _ in range(5):
            tab.event("heartbeat")
        settings.reload(gateway, heartbeat_interval=0.05, stale_timeout=0.3)
        assert tab.close_frame()[0] == 4411


async def test_time_outs_run_anew_from_the_reload_for_what_is_under_way(serve: Serve, settings: Settings) -> None:
    names = ("request-head-timeout", "idle-timeout", "message-timeout", "command-timeout")
    gateway = started(serve, settings, **{name: 1000 for name in names})
    async with linked(gateway) as engine, open_tab(gateway, "s1") as tab:
        await engine.serve("s1")
        with control_wire(gateway) as idle, Wire(gateway.address) as begun, RawTab.opened(gateway, "s1") as talking:
            idle.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert idle.answer().status == 200
            begun.send("GET /ws/backtest/s1 HTTP/1.1\r\n")
            talking.send_frame(TEXT, "{", fin=False)
            await asyncio.to_thread(settings.reload, gateway, **{name: 0.3 for name in names})
            assert await asyncio.to_thread(idle.at_end)
            assert (await asyncio.to_thread(begun.answer)).status == 408
            assert (await asyncio.to_thread(talking.close_frame))[0] == 1008
        await tab.send('{"action":"pause"}')
        assert (await tab.event("error"))["data"]["error_code"] == "COMMAND_TIMEOUT"
        assert await tab.is_silent()


def test_a_drain_takes_the_time_of_now(serve: Serve, settings: Settings) -> None:
    gateway = started(serve, settings, drain_timeout=1000, close_timeout=1000)
    with RawTab.opened(gateway, "s1"):
        settings.reload(gateway, drain_timeout=0.3, close_timeout=1000)
        gateway.terminate()
        assert gateway.wait(5) == 0


def test_what_newcomers_are_asked_and_offered_changes_and_those_who_are_in_stay(serve: Serve, settings: Settings) -> None:
    gateway = started(serve, settings, registered_sessions_only="no")
    offer = {"Sec_WebSocket_Extensions": "permessage-deflate"}

    def come(session: str) -> tuple[int, bool]:
        with RawTab(gateway, session, **offer) as tab:
            return tab.answer_to_upgrade.status, "sec-websocket-extensions" in tab.answer_to_upgrade.headers

    assert come("s1") == (101, True)
    with RawTab.opened(gateway, "s2") as tab:
        settings.reload(gateway, registered_sessions_only="yes", deflate="off")
        assert come("s1") == (404, False)
        publish(gateway, "s2", candle(1))
        assert tab.event("candle")["data"] == {"candle_index": 1}
        assert come("s2") == (101, False)
        settings.reload(gateway, registered_sessions_only="no")
        assert come("s1") == (101, True)


def test_the_rates_of_addresses_and_keys_change_for_who_had_used_them_up(serve: Serve, settings: Settings, tmp_path: Path) -> None:
    made = run("api-key", "engine", "--scopes", "publish,manage,read")
    (tmp_path / "keys").write_text(made.stdout)
    key = {"Authorization": f"Bearer {made.stderr.split()[-1]}", "Content-Type": "application/json"}
    low = {"publish_rate_per_key": 1, "connection_rate_per_address": 1, "connection_burst_per_address": 3}
    fixed = {"api_key_file": tmp_path / "keys", "trusted_proxies": "127.0.0.1"}
    gateway = started(serve, settings, **low, **fixed)

    def comes() -> int:
        with RawTab(gateway, "s1", X_Forwarded_For="203.0.113.1") as tab:
            return tab.answer_to_upgrade.status

    def publishes() -> int:
        return ask(gateway, "POST", "/v1/sessions/s1/events", [candle(number) for number in range(100)], key).status

    assert [comes() for _ in range(5)] == [101, 101, 101, 429, 429]
    assert [publishes() for _ in range(2)] == [200, 429]
    settings.write(publish_rate_per_key=100000, connection_rate_per_address=1000000, connection_burst_per_address=1000000, **fixed)
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: "SIGHUP: reloaded" in gateway.stderr, "it is reloaded")
    # As a whole at each worker, which it reaches a moment later.
    until(lambda: comes() == 101, "the address is let in")
    until(lambda: publishes() == 200, "the key publishes")
    assert [comes() for _ in range(30)] == [101] * 30
    assert [publishes() for _ in range(30)] == [200] * 30


def test_the_least_that_is_logged_changes(serve: Serve, settings: Settings) -> None:
    gateway = started(serve, settings, log_level="error")

    def break_a_rule() -> None:
        with RawTab.opened(gateway, "s1") as tab:
            tab.send(b"\xff\xff\xff\xff")
            assert tab.close_frame()[0] == 1002

    break_a_rule()
    assert says(settings.reload(gateway, log_level="debug"), "SIGHUP: reloaded", log_level="error → debug")
    assert "protocol violation" not in gateway.stderr
    break_a_rule()
    until(lambda: "protocol violation" in gateway.stderr, "it is logged now")
    count = gateway.stderr.count("protocol violation")
    assert says(settings.reload(gateway, log_level="critical"), "SIGHUP: reloaded", log_level="debug → critical")
    break_a_rule()
    # Nothing is logged any more: what is written is written before the connection is closed.
    assert gateway.stderr.count("protocol violation") == count


def test_origins_and_proxies_are_asked_of_who_comes_from_then_on(serve: Serve, settings: Settings) -> None:
    gateway = started(serve, settings, allowed_origins="https://a.example")

    def status(origin: str) -> int:
        with RawTab(gateway, "s1", Origin=origin) as tab:
            return tab.answer_to_upgrade.status

    with RawTab.opened(gateway, "s1", Origin="https://a.example") as tab:
        assert (status("https://a.example"), status("https://b.example")) == (101, 403)
        settings.reload(gateway, allowed_origins="https://b.example", trusted_proxies="127.0.0.1", max_connections_per_address=1)
        assert (status("https://a.example"), status("https://b.example")) == (403, 101)
        publish(gateway, "s1", candle(1))
        assert tab.event("candle")["data"] == {"candle_index": 1}
    with RawTab.opened(gateway, "s1", Origin="https://b.example", X_Forwarded_For="203.0.113.1") as one:
        with RawTab(gateway, "s1", Origin="https://b.example", X_Forwarded_For="203.0.113.1") as two:
            assert two.answer_to_upgrade.status == 503
        assert ask(gateway, "GET", f"/v1/connections/{one.connected['connection_id']}").json["remote_address"].startswith("203.0.113.1")


def test_what_only_a_restart_changes_is_refused_by_name_and_nothing_else_changes_either(serve: Serve, settings: Settings, tmp_path: Path) -> None:
    gateway = started(serve, settings, max_connections=2)
    (tmp_path / "data").mkdir()
    told = settings.reload(gateway, max_connections=500, workers=9, data=tmp_path / "data", memory_budget=1 << 30)
    assert told["level"] == "error" and told["message"] == "SIGHUP: not reloaded; everything stays as it was"
    assert told["reason"] == "only a restart changes data, memory-budget"
    assert metrics(gateway)["wsg_connections_limit"] == 2
    assert metrics(gateway)['wsg_reloads_total{result="needs_restart"}'] == 1
    # Of what the flags say the file has no say: the fixture's --workers is the same as before.
    assert says(settings.reload(gateway, max_connections=2, workers=9), "SIGHUP: nothing has changed")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("max-connections = 3\nmax-connektions = 4\n", "line 2: there is no setting"),
        ("max-connections = 3\n\nmessage-rate = many\n", "line 3: message-rate: \"many\" is not a whole number"),
        ("max-connections = 3\nmessage-rate\n", "gateway.conf line 2: not name = value"),
        ("max-connections = 3\nmax-connections = 4\n", "gateway.conf line 2: sets max-connections again, line 1 did already"),
        ("max-connections = 3\nmessage-rate = 0\n", "message-rate: 0 is not within 1 to 1000000000"),
        ("max-connections = 3\nlog-level = loud\n", "line 2: log-level: \"loud\" is not one of trace, debug"),
        ("max-connections = 3\njwt-audience = \"api\n", "gateway.conf line 2: a double quote is opened and not closed"),
        ("max-connections = 3\nallowed-origins = nonsense\n", "allowed-origins"),
        ("max-connections = 3\njwt-issuer = somebody\n", "jwt-issuer: no token is looked at without keys"),
        ("max-connections = 3\nmax-control-connections = 100000\n", "max-control-connections: the descriptor limit"),
        ("\xff\xfe", "is not UTF-8 text"),
        (None, "gateway.conf"),
    ],
    ids=lambda value: str(value)[:40].replace("\n", ";"),
)
def test_a_file_that_cannot_be_used_is_refused_with_its_line_and_nothing_changes(
    serve: Serve, settings: Settings, text: Any, reason: str
) -> None:
    gateway = started(serve, settings, max_connections=2)
    if text is None:
        settings.path.unlink()
    else:
        settings.path.write_bytes(text.encode("latin-1"))
    told = settings.hang_up(gateway)
    assert (told["level"], told["message"]) == ("error", "SIGHUP: not reloaded; everything stays as it was")
    assert reason in told["reason"]
    samples = metrics(gateway)
    assert (samples["wsg_connections_limit"], samples['wsg_reloads_total{result="invalid"}']) == (2, 1)
    # And the mended one is taken.
    assert says(settings.reload(gateway, max_connections=3), "SIGHUP: reloaded", max_connections="2 → 3")


def test_a_flag_wins_over_the_file_at_a_reload_too(serve: Serve, settings: Settings) -> None:
    gateway = started(serve, settings, "--max-connections", "7", max_connections=2)
    assert says(settings.reload(gateway, max_connections=3, max_sessions=5), "SIGHUP: reloaded", max_sessions="100000 → 5")
    assert metrics(gateway)["wsg_connections_limit"] == 7
    # A line that is gone is the default again.
    assert says(settings.reload(gateway, message_rate=60), "SIGHUP: reloaded", message_rate="50 → 60", max_sessions="5 → 100000")


async def test_a_storm_of_reloads_under_load_loses_nothing_and_leaves_the_last(serve: Serve, settings: Settings) -> None:
    gateway = started(serve, settings, max_connections=100)
    events, reloads = 300, 60
    async with AsyncExitStack() as stack:
        tabs = [await stack.enter_async_context(open_tab(gateway, f"s{number % 3}")) for number in range(9)]

        def storm() -> None:
            for number in range(reloads):
                # Every third cannot be used; signals that come together are one.
                settings.write(
                    max_connections=100 + number,
                    message_rate=50 + number if number % 3 else 0,
                    heartbeat_interval=30 + number % 2,
                    max_write_queue_bytes=1_000_000 + number,
                )
                gateway.process.send_signal(signal.SIGHUP)

        def load() -> None:
            for number in range(events):
                for session in ("s0", "s1", "s2"):
                    receipt = publish(gateway, session, candle(number))
                    assert receipt["sent"] + receipt["queued"] == 3

        received = await asyncio.gather(
            asyncio.to_thread(storm), asyncio.to_thread(load), *(tab.stream(events) for tab in tabs)
        )
        for stream in received[2:]:
            assert [event["data"]["candle_index"] for event in stream] == list(range(events))
        settings.write(max_connections=77)
        gateway.process.send_signal(signal.SIGHUP)
        await asyncio.to_thread(until, lambda: metrics(gateway)["wsg_connections_limit"] == 77, "the last is in force")
        for tab in tabs:
            assert await tab.is_silent()


def test_check_says_beforehand_whether_a_file_can_be_used(settings: Settings) -> None:
    settings.write(max_connections=2, log_level="debug")
    assert run("serve", "--check", "--config", str(settings.path)).returncode == 0
    settings.write(log_level="loud")
    refused = run("serve", "--check", "--config", str(settings.path))
    assert refused.returncode == 64 and "line 1: log-level" in refused.stderr
