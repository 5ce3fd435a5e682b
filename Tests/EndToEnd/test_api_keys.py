"""API keys on the control listener: who may publish, manage and look."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any, Callable, Optional

import pytest

from websockets import InvalidStatus

from control import JSON_TYPE, Answer, ask_at, candle
from engines import linked
from gateway import Gateway, run
from websocket_gateway import EngineLink, GatewayError, WebSocketManager, create_candle_event
from waiting import eventually, patience, until
from wire import Wire

Serve = Callable[..., Gateway]


def make(name: str, scopes: str) -> tuple[str, str]:
    """The key, and its line for the file."""
    made = run("api-key", name, "--scopes", scopes)
    assert made.returncode == 0, made.stderr
    return made.stderr.strip(), made.stdout


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    """A key of each scope, in the file `keys`."""
    made = {scope: make(f"the-{scope}", scope) for scope in ("publish", "manage", "read")}
    (tmp_path / "keys").write_text("# the keys\n" + "".join(line for _, line in made.values()))
    return {scope: key for scope, (key, _) in made.items()}


@pytest.fixture
def guarded(serve: Serve, keys: dict[str, str], tmp_path: Path) -> Gateway:
    return serve("--api-key-file", str(tmp_path / "keys"))


def ask(gateway: Gateway, key: Optional[str], method: str, path: str, body: Any = None, **headers: str) -> Answer:
    fields = (JSON_TYPE if body is not None else {}) | headers
    if key is not None:
        fields["Authorization"] = f"Bearer {key}"
    return ask_at(gateway.control_address, method, path, json.dumps(body) if body is not None else None, fields)


REQUESTS = {
    "publish": [
        ("POST", "/v1/sessions/s1/events", candle(1)), ("POST", "/v1/events", candle(1)),
        ("POST", "/v1/connections/00000000-0000-4000-8000-000000000000/events", candle(1)), ("GET", "/v1/engine", None),
    ],
    "manage": [
        ("PUT", "/v1/sessions/s1", {"owner": "anna"}), ("DELETE", "/v1/sessions/s2", None),
        ("DELETE", "/v1/connections/00000000-0000-4000-8000-000000000000", None), ("POST", "/v1/connections/cleanup", {"max_age_seconds": 300}),
    ],
    "read": [
        ("GET", "/v1/sessions", None), ("GET", "/v1/sessions/s1", None), ("GET", "/v1/sessions/s1/events", None),
        ("GET", "/v1/sessions/s1/connections", None), ("GET", "/v1/closures", None), ("GET", "/metrics", None), ("HEAD", "/metrics", None),
        ("GET", "/v1/connections/00000000-0000-4000-8000-000000000000", None), ("GET", "/nowhere", None),
    ],
}  # fmt: skip


def test_a_key_opens_what_its_scope_says_and_nothing_else(guarded: Gateway, keys: dict[str, str]) -> None:
    for scope, requests in REQUESTS.items():
        for method, path, body in requests:
            for holder, key in keys.items():
                answer = ask(guarded, key, method, path, body)
                if holder == scope:
                    assert answer.status not in (401, 403), (method, path, answer)
                else:
                    assert answer.status == 403, (holder, method, path, answer)
                    if method != "HEAD":
                        assert answer.code == "FORBIDDEN" and answer.json["error"]["details"] == {"scope": scope}


def test_without_a_good_key_every_request_gets_the_same_answer(guarded: Gateway, keys: dict[str, str]) -> None:
    answers = set()
    for requests in REQUESTS.values():
        for method, path, body in requests:
            if method == "HEAD":
                continue
            for key in (None, "", "x", keys["read"][:-1], keys["read"] + "x", keys["read"].upper(), "wsg_" + "A" * 43):
                answer = ask(guarded, key, method, path, body)
                assert answer.status == 401 and answer.headers["www-authenticate"] == "Bearer", (method, path, key, answer)
                answers.add(answer.body)
            for value in (f"Basic {keys['read']}", keys["read"], f"Bearer {keys['read']} {keys['read']}"):
                answer = ask(guarded, None, method, path, body, Authorization=value)
                assert answer.status == 401
                answers.add(answer.body)
    assert len(answers) == 1
    assert json.loads(answers.pop())["error"]["code"] == "UNAUTHORIZED"


def test_two_keys_are_none(guarded: Gateway, keys: dict[str, str]) -> None:
    field = f"Authorization: Bearer {keys['read']}\r\n"
    with Wire(guarded.control_address) as wire:
        wire.send(f"GET /v1/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\n{field}{field}\r\n")
        assert wire.answer().status == 401


def test_health_is_told_to_everybody(guarded: Gateway) -> None:
    assert ask(guarded, None, "GET", "/healthz").status == 200
    assert ask(guarded, None, "GET", "/readyz").status == 200


def test_the_body_of_who_has_no_key_is_not_waited_for(guarded: Gateway) -> None:
    with Wire(guarded.control_address) as wire:
        wire.send("POST /v1/sessions/s1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{")
        answer = wire.answer()
        assert answer.status == 401 and answer.headers["connection"] == "close"
        assert wire.at_end()


def test_a_page_gets_nothing_even_with_a_key_and_a_name_is_fine(guarded: Gateway, keys: dict[str, str]) -> None:
    assert ask(guarded, keys["read"], "GET", "/v1/sessions", Origin="http://127.0.0.1").code == "ORIGIN_NOT_ALLOWED"
    assert ask(guarded, keys["read"], "GET", "/v1/sessions", Host="gateway.internal:8081").status == 200


def test_publishes_on_one_connection_need_the_key_each_time(guarded: Gateway, keys: dict[str, str]) -> None:
    """A head that was seen before is not parsed again: it must be the same to the byte, its key included."""
    body = json.dumps(candle(1))

    def request(key: str) -> str:
        return (
            f"POST /v1/sessions/s1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )

    with Wire(guarded.control_address) as wire:
        for _ in range(5):
            wire.send(request(keys["publish"]) * 3)
            assert [wire.answer().status for _ in range(3)] == [200] * 3
        wire.send(request(keys["read"]))
        assert wire.answer().status == 403
    with Wire(guarded.control_address) as wire:
        wire.send(request(keys["publish"]))
        assert wire.answer().status == 200
        wire.send(request(keys["publish"][:-1] + "!"))
        assert wire.answer().status == 401


def test_a_control_listener_open_to_the_network_wants_keys(keys: dict[str, str], tmp_path: Path) -> None:
    refused = run("serve", "--check", "--control", "0.0.0.0:0")
    assert refused.returncode == 64 and "--api-key-file" in refused.stderr
    assert run("serve", "--check", "--control", "0.0.0.0:0", "--api-key-file", str(tmp_path / "keys")).returncode == 0


@pytest.mark.parametrize(
    "text", ["", "# only words\n", "engine publish\n", "engine publish 00\n", "engine everything " + "0" * 64 + "\n", "wsg_secret_as_it_is publish x\n"]
)
def test_a_file_that_cannot_be_used_stops_the_start_and_its_words_are_not_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad").write_text(text)
    ended = run("serve", "--check", "--api-key-file", str(tmp_path / "bad"))
    assert ended.returncode == 64 and "line " in ended.stderr and ended.stderr.count("\n") == 1
    assert "secret" not in ended.stderr


def test_a_key_publishes_no_faster_than_its_rate(serve: Serve, keys: dict[str, str], tmp_path: Path) -> None:
    other, line = make("another", "publish")
    with (tmp_path / "keys").open("a") as file:
        file.write(line)
    gateway = serve("--api-key-file", str(tmp_path / "keys"), "--publish-rate-per-key", "20")
    first = ask(gateway, keys["publish"], "POST", "/v1/sessions/s1/events", [candle(number) for number in range(100)])
    assert first.status == 200 and first.json["count"] == 100
    second = ask(gateway, keys["publish"], "POST", "/v1/sessions/s1/events", candle(1))
    assert second.status == 429 and second.code == "RATE_LIMITED" and 1 <= int(second.headers["retry-after"]) <= 5
    assert ask(gateway, keys["publish"], "POST", "/v1/events", candle(1)).status == 429
    assert ask(gateway, other, "POST", "/v1/sessions/s1/events", candle(1)).status == 200
    counted = ask(gateway, keys["read"], "GET", "/metrics").body.decode()
    assert 'wsg_api_key_refusals_total{reason="rate"} 2\n' in counted


def test_refusals_are_counted_and_no_key_is_told(guarded: Gateway, keys: dict[str, str]) -> None:
    ask(guarded, None, "GET", "/v1/sessions")
    ask(guarded, "wsg_marked", "GET", "/v1/sessions")
    ask(guarded, keys["publish"], "GET", "/v1/sessions")
    metrics = ask(guarded, keys["read"], "GET", "/metrics").body.decode()
    for reason in ("missing", "unknown", "scope"):
        assert f'wsg_api_key_refusals_total{{reason="{reason}"}} 1\n' in metrics
    assert "wsg_marked" not in guarded.stderr + metrics
    assert not any(key in guarded.stderr + metrics for key in keys.values())


def lines(gateway: Gateway, message: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, gateway.stderr.splitlines()) if line["message"] == message]


def test_a_refusal_is_told_in_the_log_with_the_keys_name_where_it_is_known(guarded: Gateway, keys: dict[str, str]) -> None:
    ask(guarded, None, "GET", "/v1/sessions")
    ask(guarded, "wsg_marked", "POST", "/v1/sessions/s1/events", candle(1))
    ask(guarded, keys["read"], "GET", "/v1/engine")
    ask(guarded, keys["publish"], "DELETE", "/v1/sessions/s1")
    until(lambda: len(lines(guarded, "API key refused")) == 4, "four lines are told")
    told = lines(guarded, "API key refused")
    assert [(line["reason"], line["scope"], line.get("key")) for line in told] == [
        ("missing", "read", None), ("unknown", "publish", None), ("scope", "publish", "the-read"), ("scope", "manage", "the-publish"),
    ]  # fmt: skip
    assert all(line["level"] == "notice" and line["remote_address"].startswith("127.0.0.1:") for line in told)
    assert "wsg_marked" not in guarded.stderr and not any(key in guarded.stderr for key in keys.values())


def test_refusals_without_end_are_ten_lines_a_second_at_the_most(guarded: Gateway, keys: dict[str, str]) -> None:
    began = time.monotonic()
    for _ in range(200):
        assert ask(guarded, keys["read"], "DELETE", "/v1/sessions/s1").status == 403
    seconds = int(time.monotonic() - began) + 2
    assert 1 <= len(lines(guarded, "API key refused")) <= 10 * seconds


async def test_a_links_key_is_named_when_it_opens_and_closes(guarded: Gateway, keys: dict[str, str]) -> None:
    async with linked(guarded, keys["publish"]) as engine:
        assert (await engine.publish("s1", "candle"))["sequence"] == 1
    until(lambda: lines(guarded, "engine link closed"), "its end is told")
    for message in ("engine link opened", "engine link closed"):
        (line,) = lines(guarded, message)
        assert line["key"] == "the-publish"


async def test_the_python_client_shows_its_key(guarded: Gateway, keys: dict[str, str]) -> None:
    async with WebSocketManager(guarded.control_url, keys["publish"]) as engine:
        assert (await engine.publish("s1", create_candle_event({"candle_index": 1}, {}))).sequence == 1
    async with WebSocketManager(guarded.control_url) as stranger:
        with pytest.raises(GatewayError, match="API key"):
            await stranger.publish("s1", create_candle_event({"candle_index": 1}, {}))


def test_the_tools_show_their_keys(guarded: Gateway, keys: dict[str, str]) -> None:
    line = json.dumps(candle(1)) + "\n"
    flags = ("publish", "s1", "--control", guarded.control)
    refused = run(*flags, stdin=line)
    assert refused.returncode == 1 and "API key" in refused.stderr
    assert run(*flags, "--api-key", keys["publish"], stdin=line).returncode == 0
    assert run(*flags, stdin=line, variables={"WSG_API_KEY": keys["publish"]}).returncode == 0


# On the engine link


async def test_a_link_needs_the_scope_publish(guarded: Gateway, keys: dict[str, str]) -> None:
    async with linked(guarded, keys["publish"]) as engine:
        assert (await engine.publish("s1", "candle"))["sequence"] == 1
        await engine.serve("s1")
    for key, status in ((keys["read"], 403), (keys["manage"], 403), ("wsg_none", 401), (None, 401)):
        with pytest.raises(InvalidStatus) as refused:
            async with linked(guarded, key):
                pass
        assert refused.value.response.status_code == status


async def test_the_python_clients_link_tells_at_once_why_its_key_is_refused(guarded: Gateway, keys: dict[str, str]) -> None:
    for key, code, status, scope in (("wsg_none", "UNAUTHORIZED", 401, ""), (keys["read"], "FORBIDDEN", 403, "(scope publish)")):
        async with EngineLink(guarded.control_url, key, timeout=300) as link:
            with pytest.raises(GatewayError) as refused:
                await asyncio.wait_for(link.serve("s1", lambda command: None), patience(10))
            assert (refused.value.code, refused.value.status) == (code, status) and str(refused.value).endswith(scope)


async def test_the_python_clients_link_outlives_that_its_key_is_taken_out_for_a_while(
    serve: Serve, keys: dict[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = serve("--api-key-file", str(tmp_path / "keys"))
    lines = (tmp_path / "keys").read_text()
    async with EngineLink(gateway.control_url, keys["publish"]) as link:
        event = {"type": "candle", "data": {}, "timestamp": "2026-03-15T10:30:00"}
        assert (await link.publish("s1", event)).sequence == 1
        for count, text in enumerate((make("another", "publish")[1], lines), start=1):
            (tmp_path / "keys").write_text(text)
            gateway.process.send_signal(signal.SIGHUP)
            await eventually(lambda: gateway.stderr.count("SIGHUP: reloaded") == count, "the keys are read again")
            if count == 1:
                waiting = asyncio.ensure_future(link.publish("s1", event))
                await eventually(lambda: "401 UNAUTHORIZED" in caplog.text, "the link is refused")
                assert not waiting.done()
        assert (await waiting).sequence == 2


async def test_a_links_events_count_against_its_keys_rate(serve: Serve, keys: dict[str, str], tmp_path: Path) -> None:
    gateway = serve("--api-key-file", str(tmp_path / "keys"), "--publish-rate-per-key", "20")
    async with linked(gateway, keys["publish"]) as engine:
        await engine.say("publish", ref="many", session_id="s1", events=[candle(number) for number in range(100)])
        assert (await engine.heard("published", ref="many"))["count"] == 100
        await engine.say("publish", ref="more", session_id="s1", event=candle(1))
        assert (await engine.heard("error", ref="more"))["code"] == "RATE_LIMITED"
    assert ask(gateway, keys["publish"], "POST", "/v1/sessions/s1/events", candle(1)).status == 429


async def test_when_the_keys_change_links_come_back_with_theirs_and_one_taken_out_does_not(
    serve: Serve, keys: dict[str, str], tmp_path: Path
) -> None:
    gateway = serve("--api-key-file", str(tmp_path / "keys"), "--heartbeat-interval", "1")
    other, line = make("another", "publish")
    async with linked(gateway, keys["publish"]) as leaving, linked(gateway, keys["publish"]) as silent:
        await leaving.publish("s1", "candle")
        await silent.serve("s1")
        (tmp_path / "keys").write_text(line)
        gateway.process.send_signal(signal.SIGHUP)
        until(lambda: "SIGHUP: reloaded" in gateway.stderr, "the keys are read again")
        await leaving.say("publish", session_id="s1", event=candle(1))
        for link in (leaving, silent):
            code, reason = await link.closed()
            assert code == 1012 and reason.startswith("the keys were changed; retry-after-ms=")
    with pytest.raises(InvalidStatus):
        async with linked(gateway, keys["publish"]):
            pass
    async with linked(gateway, other) as engine:
        assert (await engine.publish("s1", "candle"))["sequence"] == 2
