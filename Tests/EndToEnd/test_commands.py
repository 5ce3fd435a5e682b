"""Commands of clients, answered by engines over their link: each exactly once, whatever becomes of the engine."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from control import ask, candle, metrics, publish
from engines import linked
from gateway import Gateway
from tabs import Tab, open_tab
from waiting import eventually, patience, unhurried


async def send(tab: Tab, action: str, ref: Any = None, **fields: Any) -> None:
    await tab.send(json.dumps({"action": action, **({"ref": ref} if ref is not None else {}), **fields}))


async def answer(tab: Tab) -> dict[str, Any]:
    """The next answer to a command."""
    while True:
        event = await tab.event()
        if event["type"] in ("command_ack", "error") and "id" not in event:
            return event


async def test_an_engine_is_driven_from_three_tabs_and_each_tab_sees_what_became_of_the_session(gateway: Gateway) -> None:
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(linked(gateway))
        tabs = [await stack.enter_async_context(open_tab(gateway, "s1")) for _ in range(3)]
        assert await engine.serve("s1") == {"op": "serving", "session_id": "s1", "connections": 3}
        states = {"pause": "session_paused", "resume": "session_resumed", "stop": "session_completed"}
        for tab, (action, event) in zip(tabs, states.items()):
            await send(tab, action.upper(), f"{action}-1", close_position=True)
            command = await engine.command()
            assert list(command) == ["op", "command_id", "session_id", "connection_id", "subject", "action", "payload"]
            assert (command["session_id"], command["connection_id"], command["subject"]) == ("s1", tab.connection_id, None)
            assert (command["action"], command["payload"]) == (action, {"action": action.upper(), "ref": f"{action}-1", "close_position": True})
            published = await engine.publish("s1", event, {"by": action})
            assert (published["connections"], published["sent"]) == (3, 3)
            # What the engine adds cannot pass for the gateway's own words.
            await engine.reply(command, data={"action": "buy", "position": "closed", "ref": 7})
            for other in tabs:
                assert (await other.event(event))["id"] == published["id"]
            acknowledged = await answer(tab)
            assert acknowledged["type"] == "command_ack"
            assert list(acknowledged["data"].items()) == [("action", action), ("ref", f"{action}-1"), ("position", "closed")]


@pytest.mark.parametrize(
    ("reply", "code", "message", "details"),
    [
        ({"error_code": "UNKNOWN_COMMAND", "message": "no such thing"}, "UNKNOWN_COMMAND", "no such thing", {}),
        ({"error_code": "COMMAND_FAILED", "data": {"position": 1.50}}, "COMMAND_FAILED", None, {"position": 1.5}),
        ({"error_code": "FORBIDDEN"}, "FORBIDDEN", None, {}),
        ({}, "COMMAND_FAILED", None, {}),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_the_engine_will_not_do_is_told_in_its_words(
    gateway: Gateway, reply: dict[str, Any], code: str, message: str, details: dict[str, Any]
) -> None:
    async with linked(gateway) as engine, open_tab(gateway, "s1") as tab:
        await engine.serve("s1")
        await send(tab, "buy", "r1")
        await engine.reply(await engine.command("buy"), ok=False, **reply)
        error = await answer(tab)
        assert error["type"] == "error" and error["data"]["error_code"] == code
        assert error["data"]["details"] == {"action": "buy", "ref": "r1", **details}
        assert message is None or error["data"]["message"] == message


@asynccontextmanager
async def engine_process(gateway: Gateway, session: str) -> AsyncIterator[subprocess.Popen[str]]:
    program = Path(__file__).with_name("frozen_engine.py")
    process = subprocess.Popen(
        [sys.executable, str(program), f"ws://{gateway.control}/v1/engine", session], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        assert (await asyncio.to_thread(process.stdout.readline)).strip() == "serving"
        yield process
    finally:
        process.kill()
        process.wait()


async def test_a_stopped_engine_is_a_command_timeout_within_the_deadline_and_its_late_answer_is_nobodys(serve) -> None:
    gateway: Gateway = serve("--command-timeout", "1", "--stop-command-timeout", "2")
    async with engine_process(gateway, "s1") as process, open_tab(gateway, "s1") as tab:
        await send(tab, "pause", "r1")
        assert (await answer(tab))["type"] == "command_ack"
        process.send_signal(signal.SIGSTOP)
        started = time.monotonic()
        await send(tab, "pause", "r2")
        await send(tab, "stop", "r3")
        for ref, seconds in (("r2", 1), ("r3", 2)):
            error = (await answer(tab))["data"]
            assert (error["error_code"], error["details"]["ref"]) == ("COMMAND_TIMEOUT", ref)
            assert seconds <= time.monotonic() - started < seconds + patience(0.9)
        process.send_signal(signal.SIGCONT)
        # It is executed once: the same ref has the answer that it had.
        await send(tab, "stop", "r3")
        assert (await answer(tab))["data"]["error_code"] == "COMMAND_TIMEOUT"
        await send(tab, "pause", "r4")
        assert (await answer(tab))["data"] == {"action": "pause", "ref": "r4"}
        assert await tab.is_silent()


async def test_a_killed_engine_is_no_engine_at_once(gateway: Gateway) -> None:
    async with engine_process(gateway, "s1") as process, open_tab(gateway, "s1") as tab:
        await send(tab, "hang", "r1")
        await send(tab, "pause", "r2")
        assert (await answer(tab))["data"]["ref"] == "r2"
        process.kill()
        error = (await answer(tab))["data"]
        assert (error["error_code"], error["details"]) == ("NO_ENGINE", {"action": "hang", "ref": "r1"})
        await send(tab, "pause", "r3")
        error = (await answer(tab))["data"]
        assert (error["error_code"], error["details"]) == ("NO_ENGINE", {"action": "pause", "ref": "r3"})


async def test_a_late_reply_is_told_that_it_is_expired(serve) -> None:
    gateway: Gateway = serve("--command-timeout", "0.2")
    async with linked(gateway) as engine, linked(gateway) as other, open_tab(gateway, "s1") as tab:
        await engine.serve("s1")
        await send(tab, "pause")
        command = await engine.command()
        # Nobody answers for another.
        await other.reply(command)
        assert await other.heard("expired") == {"op": "expired", "command_id": command["command_id"]}
        assert (await answer(tab))["data"]["error_code"] == "COMMAND_TIMEOUT"
        await engine.reply(command)
        assert await engine.heard("expired") == {"op": "expired", "command_id": command["command_id"]}
        assert await tab.is_silent()


async def test_a_thousand_commands_in_flight_all_get_exactly_one_answer(serve) -> None:
    gateway: Gateway = serve("--message-rate", "10000", "--message-burst", "10000", "--message-byte-rate", "100000000")
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(linked(gateway))
        await engine.serve("s1")
        tabs = [await stack.enter_async_context(open_tab(gateway, "s1")) for _ in range(40)]
        for number in range(25):
            for index, tab in enumerate(tabs):
                await send(tab, f"do-{number}", f"{index}-{number}")
        commands = [await engine.command() for _ in range(1000)]
        by_connection: dict[str, list[str]] = {}
        for command in commands:
            by_connection.setdefault(command["connection_id"], []).append(command["action"])
        assert all(actions == [f"do-{number}" for number in range(25)] for actions in by_connection.values())
        assert len({command["command_id"] for command in commands}) == 1000
        # Every third is answered, then the engine leaves.
        for command in commands[::3]:
            await engine.reply(command)
        answered = {command["payload"]["ref"] for command in commands[::3]}
        await engine.publish("s1", "candle")
        await engine.connection.close()
        for index, tab in enumerate(tabs):
            answers = [await answer(tab) for _ in range(25)]
            refs = [one["data"]["ref"] if one["type"] == "command_ack" else one["data"]["details"]["ref"] for one in answers]
            assert sorted(refs) == sorted(f"{index}-{number}" for number in range(25))
            for one, ref in zip(answers, refs):
                assert (one["type"] == "command_ack") == (ref in answered)
            assert await tab.is_silent()
        samples = metrics(gateway)
        assert samples['wsg_commands_total{result="acknowledged"}'] == len(answered)
        assert samples['wsg_commands_total{result="no_engine"}'] == 1000 - len(answered)
        assert (samples["wsg_command_seconds_count"], samples["wsg_engine_links"], samples["wsg_sessions_served"]) == (len(answered), 0, 0)
        lines = [json.loads(line) for line in gateway.stderr.splitlines()]
        audit = [line for line in lines if line["message"] == "command"]
        assert len(audit) == 1000
        assert {line["result"] for line in audit} == {"acknowledged", "no_engine"}
        assert all(line["session_id"] == "s1" and line["remote_address"].startswith("127.0.0.1") for line in audit)


async def test_a_stop_repeated_with_its_ref_is_executed_once_also_over_a_reconnect_and_while_it_is_open(gateway: Gateway) -> None:
    async with linked(gateway) as engine:
        await engine.serve("s1")
        async with open_tab(gateway, "s1") as tab:
            await send(tab, "stop", "only-once", close_position=True)
            command = await engine.command("stop")
        # It was cut before its answer, and comes back.
        async with open_tab(gateway, "s1") as tab, open_tab(gateway, "s1") as other:
            await send(tab, "stop", "only-once", close_position=True)
            await send(tab, "sync")
            await engine.reply(await engine.command("sync"))
            assert (await answer(tab))["data"]["action"] == "sync"
            await engine.reply(command, data={"closed": True})
            assert (await answer(tab))["data"] == {"action": "stop", "ref": "only-once", "closed": True}
            await send(tab, "stop", "only-once", close_position=True)
            assert (await answer(tab))["data"] == {"action": "stop", "ref": "only-once", "closed": True}
            # Another command under the same name is not answered with what this one did.
            await send(other, "stop", "only-once")
            assert (await answer(other))["data"]["error_code"] == "INVALID_COMMAND"
            await send(tab, "sync")
            assert (await engine.command())["action"] == "sync"


async def test_the_last_of_two_engines_serves_the_session_and_the_first_is_told(gateway: Gateway) -> None:
    async with linked(gateway) as first, linked(gateway) as second, open_tab(gateway, "s1") as tab:
        await first.serve("s1")
        await send(tab, "pause", "r1")
        command = await first.command()
        await second.serve("s1")
        assert await first.heard("replaced") == {"op": "replaced", "session_id": "s1"}
        # What it was given it may still answer.
        await first.reply(command)
        assert (await answer(tab))["data"] == {"action": "pause", "ref": "r1"}
        await send(tab, "resume", "r2")
        await second.reply(await second.command("resume"))
        assert (await answer(tab))["data"] == {"action": "resume", "ref": "r2"}
        # That the first leaves changes nothing.
        await first.connection.close()
        await send(tab, "stop", "r3")
        await second.reply(await second.command("stop"))
        assert (await answer(tab))["data"] == {"action": "stop", "ref": "r3"}


async def test_an_engine_hears_of_connections_and_lets_go_of_sessions(gateway: Gateway) -> None:
    async with linked(gateway) as engine:
        await engine.serve("s1")
        async with open_tab(gateway, "s1") as tab:
            came = await engine.heard("connected")
            assert came == {"op": "connected", "session_id": "s1", "connection_id": tab.connection_id, "subject": None, "connections": 1}
            left = came | {"op": "disconnected", "connections": 0}
        assert await engine.heard("disconnected") == left
        async with open_tab(gateway, "s1") as tab:
            await engine.heard("connected")
            await engine.say("release", session_id="s1", ref="x")
            assert await engine.heard("released") == {"op": "released", "ref": "x", "session_id": "s1"}
            await send(tab, "pause")
            assert (await answer(tab))["data"]["error_code"] == "NO_ENGINE"
            await engine.serve("s1")
            assert (await asyncio.to_thread(ask, gateway, "DELETE", "/v1/sessions/s1")).status == 204
            assert await engine.heard("released") == {"op": "released", "session_id": "s1"}
        # A session may be served before anybody knows it.
        assert await engine.serve("nobody-yet") == {"op": "serving", "session_id": "nobody-yet", "connections": 0}


async def test_a_drain_closes_the_link_when_the_clients_are_gone(serve) -> None:
    gateway: Gateway = serve("--drain-timeout", "5", "--close-timeout", "2")
    async with linked(gateway) as engine:
        await engine.serve("s1")
        async with open_tab(gateway, "s1") as tab:
            gateway.terminate()
            assert (await tab.closed())[0] == 1012
            code, reason = await engine.closed()
        assert code == 1012 and reason.startswith("draining; retry-after-ms=")
    assert await asyncio.to_thread(gateway.wait) == 0


async def test_an_engine_that_is_not_heard_is_stale_and_one_that_answers_pings_is_not(serve) -> None:
    gateway: Gateway = serve("--heartbeat-interval", "0.2", "--stale-timeout", "1")
    async with engine_process(gateway, "s1") as process, linked(gateway) as engine, open_tab(gateway, "s1") as tab:
        await engine.serve("s2")
        process.send_signal(signal.SIGSTOP)
        await send(tab, "pause")
        assert (await answer(tab))["data"]["error_code"] == "NO_ENGINE"
        # Its pings were answered by the library all the while.
        assert (await engine.publish("s2", "candle"))["sequence"] == 1
        await asyncio.wait_for(await engine.connection.ping(), patience(5))
        await eventually(lambda: metrics(gateway)["wsg_engine_links"] == 1, "the stale link is gone")


async def test_a_session_under_its_limit_of_open_commands_refuses_the_next(serve) -> None:
    quick = ("--message-rate", "100000", "--message-burst", "100000", "--message-byte-rate", "100000000")
    gateway: Gateway = serve(*quick, "--max-commands-in-flight", "1024")
    async with linked(gateway) as engine, open_tab(gateway, "s1") as tab, open_tab(gateway, "s1") as other:
        await engine.serve("s1")
        for number in range(1024):
            await send(tab, "do", f"{number}")
        # They have come to the engine, and so to the home, before another tab's is sent.
        commands = [await engine.command() for _ in range(1024)]
        await send(other, "do", "1024")
        error = (await answer(other))["data"]
        assert (error["error_code"], error["details"]["ref"]) == ("RATE_LIMITED", "1024")
        assert error["message"] == "too many commands of this session have no answer yet; not carried out"
        await engine.reply(commands[0])
        assert (await answer(tab))["data"]["ref"] == "0"
        # Nothing was done for it, so it may be tried again.
        await send(other, "do", "1024")
        assert (await engine.command())["payload"]["ref"] == "1024"
        publish(gateway, "s1", candle(1))
        assert (await tab.event())["type"] == "candle"


IN_FLIGHT_MAX = 32


async def fill(tab: Tab, engine: Any, name: str) -> list[dict[str, Any]]:
    """As many commands as a connection may have without an answer, and one more, which is refused. Returns what the engine got."""
    for number in range(IN_FLIGHT_MAX + 1):
        await send(tab, "do", f"{name}-{number}")
    error = (await answer(tab))["data"]
    assert (error["error_code"], error["details"]["ref"]) == ("RATE_LIMITED", f"{name}-{IN_FLIGHT_MAX}")
    assert error["message"] == "too many commands of this connection have no answer yet; not carried out"
    commands = [await engine.command() for _ in range(IN_FLIGHT_MAX)]
    assert [command["payload"]["ref"] for command in commands] == [f"{name}-{number}" for number in range(IN_FLIGHT_MAX)]
    return commands


@pytest.mark.limit("--max-commands-in-flight")
async def test_a_connection_under_its_limit_of_open_commands_refuses_the_next_and_nobody_elses(gateway: Gateway) -> None:
    async with linked(gateway) as engine, open_tab(gateway, "s1") as tab, open_tab(gateway, "s1") as other:
        await engine.serve("s1")
        commands = await fill(tab, engine, "a")
        await send(other, "do", "b")
        await engine.reply(await engine.command())
        assert (await answer(other))["data"]["ref"] == "b"
        # A ping is no command, and each answer makes room for one.
        await tab.send('{"action":"ping"}')
        await tab.event("heartbeat")
        await engine.reply(commands[7])
        assert (await answer(tab))["data"]["ref"] == "a-7"
        await send(tab, "do", "c")
        await engine.reply(await engine.command(), ok=False)
        assert (await answer(tab))["data"]["error_code"] == "COMMAND_FAILED"
        await send(tab, "do", "d")
        assert (await engine.command())["payload"]["ref"] == "d"
        await send(tab, "do", "e")
        assert (await answer(tab))["data"]["error_code"] == "RATE_LIMITED"
    assert metrics(gateway)['wsg_commands_total{result="rate_limited"}'] == 2


async def test_a_time_out_a_lost_engine_and_another_connection_have_room_for_commands_again(serve) -> None:
    gateway: Gateway = serve("--command-timeout", str(unhurried(1)), "--message-rate", "1000", "--message-burst", "1000")
    async with open_tab(gateway, "s1") as tab:
        async with linked(gateway) as engine:
            await engine.serve("s1")
            await fill(tab, engine, "a")
            for _ in range(IN_FLIGHT_MAX):
                assert (await answer(tab))["data"]["error_code"] == "COMMAND_TIMEOUT"
            await fill(tab, engine, "b")
        for _ in range(IN_FLIGHT_MAX):
            assert (await answer(tab))["data"]["error_code"] == "NO_ENGINE"
        # Nobody serves the session: each is answered at once, and was in flight until then.
        for _ in range(2):
            for number in range(IN_FLIGHT_MAX):
                await send(tab, "do")
            for _ in range(IN_FLIGHT_MAX):
                assert (await answer(tab))["data"]["error_code"] == "NO_ENGINE"
        async with linked(gateway) as engine:
            await engine.serve("s1")
            await fill(tab, engine, "d")
            async with open_tab(gateway, "s1") as again:
                await fill(again, engine, "e")


HOSTILE = [
    ("", "INVALID_JSON"),
    ("[" * 100_000, "INVALID_JSON"),
    ('{"op":"serve","session_id":"' + "s" * 129 + '"}', "INVALID_SESSION_ID"),
    ('{"op":"serve","session_id":"../etc"}', "INVALID_SESSION_ID"),
    ('{"op":"serve","session_id":"s1","session_id":"s2"}', "INVALID_MESSAGE"),
    ('{"op":"publish","session_id":"s1","event":{"type":"lost","data":{}}}', "RESERVED_TYPE"),
    ('{"op":"publish","session_id":"s1","event":{"type":"a","data":' + '{"a":' * 64 + "1" + "}" * 64 + "}}", "INVALID_JSON"),
    ('{"op":"publish","session_id":"s1","event":{"type":"a","data":{"x":"' + "x" * 524_288 + '"}}}', "EVENT_TOO_LARGE"),
    ('{"op":"publish","session_id":"s1","events":[' + ",".join(['{"type":"a","data":{}}'] * 10_001) + "]}", "BATCH_TOO_LARGE"),
    ('{"op":"publish","session_id":"s1","event":{"type":"a","data":{}},"key":"' + "k" * 256 + '"}', "INVALID_IDEMPOTENCY_KEY"),
    ('{"op":"reply","command_id":"ZZZZZZZZZZZZZZZZ","ok":true}', "INVALID_MESSAGE"),
    ('{"op":"reply","command_id":"0000000000000000","ok":true,"data":{"x":"' + "x" * 65_536 + '"}}', "INVALID_MESSAGE"),
    ('{"op":"command","command_id":"0000000000000000"}', "INVALID_MESSAGE"),
    ('{"op":"stop"}', "INVALID_MESSAGE"),
]


async def test_a_hostile_message_on_a_link_is_refused_and_the_link_goes_on(gateway: Gateway) -> None:
    async with linked(gateway) as engine, open_tab(gateway, "s1") as tab:
        await engine.serve("s1")
        for text, code in HOSTILE:
            await engine.connection.send(text)
            refused = await engine.heard("error")
            assert (refused["code"], refused["ref"]) == (code, None), text[:80]
            assert len(json.dumps(refused)) < 2000
        await engine.connection.send(json.dumps({"op": "reply", "command_id": "ffffffffffffffff", "ok": True}))
        assert (await engine.heard("expired"))["command_id"] == "ffffffffffffffff"
        # Nothing of it was done.
        assert (await engine.publish("s1", "candle"))["sequence"] == 1
        await send(tab, "pause")
        await engine.reply(await engine.command())
        assert (await answer(tab))["type"] == "command_ack"
        await engine.connection.send(b"binary")
        assert (await engine.closed())[0] == 1003
