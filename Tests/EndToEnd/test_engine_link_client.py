"""The Python client's engine link against a real gateway: serving, publishing, and both over lost connections and restarts."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Optional

import pytest
from websocket_gateway import (
    Command,
    CommandFailed,
    EngineLink,
    Event,
    GatewayError,
    GatewayUnavailable,
    UnknownCommand,
    WebSocketManager,
    create_session_paused_event,
)

from cutter import cutting
from control import metrics
from gateway import Gateway
from tabs import open_tab
from test_commands import answer, send
from waiting import eventually


def candle_event(number: int) -> Event:
    return Event("candle", {"candle_index": number})


async def test_a_handler_answers_commands_and_publishes_what_became_of_them(gateway: Gateway, engine: WebSocketManager) -> None:
    presence: list[tuple[bool, int]] = []
    async with engine.engine_link() as link:

        async def on_command(command: Command) -> Optional[dict[str, Any]]:
            if command.action == "pause":
                await link.publish(command.session_id, create_session_paused_event())
                return {"by": command.connection_id, "n": command.payload.get("n")}
            if command.action == "buy":
                raise CommandFailed("no money", data={"cash": 0})
            if command.action == "break":
                raise RuntimeError("a secret")
            raise UnknownCommand(command.action)

        assert await link.serve("s1", on_command, lambda _, is_here, count: presence.append((is_here, count))) == 0
        async with open_tab(gateway, "s1") as tab:
            await send(tab, "pause", "r1", n=7)
            assert (await tab.event())["type"] == "session_paused"
            assert (await answer(tab))["data"] == {"action": "pause", "ref": "r1", "by": tab.connection_id, "n": 7}
            for action, code, message in [
                ("buy", "COMMAND_FAILED", "no money"),
                ("break", "COMMAND_FAILED", "the engine failed; its log says why"),
                ("dance", "UNKNOWN_COMMAND", "there is no command dance"),
            ]:
                await send(tab, action)
                error = (await answer(tab))["data"]
                assert (error["error_code"], error["message"]) == (code, message)
        await eventually(lambda: presence == [(True, 1), (False, 0)], "the engine has heard of the client's coming and going")
        with pytest.raises(GatewayError, match="RESERVED_TYPE"):
            await link.publish("s1", Event("connected", {}))
        events = [candle_event(1), candle_event(2)]
        receipt = await link.publish("s1", events, idempotency_key="mine")
        assert receipt == await link.publish("s1", events, idempotency_key="mine")
        assert receipt.count == 2
        await link.release("s1")
    with pytest.raises(RuntimeError):
        await link.publish("s1", candle_event(3))


async def test_the_link_comes_back_serves_again_and_publishes_everything_once_and_in_order(gateway: Gateway) -> None:
    async with cutting(gateway, control=True) as network, open_tab(gateway, "s1") as tab:
        async with EngineLink(network.control_url) as link:
            await link.serve("s1", lambda command: {"served": True})
            publishes = []
            for number in range(300):
                publishes.append(asyncio.ensure_future(link.publish("s1", candle_event(number))))
                if number % 60 == 59:
                    await asyncio.sleep(0.02)
                    network.cut()
                    await network.listen()
            receipts = await asyncio.gather(*publishes)
            assert [receipt.sequence for receipt in receipts] == list(range(1, 301))
            events = await tab.stream(300)
            assert [event["data"]["candle_index"] for event in events] == list(range(300))
            await eventually(lambda: metrics(gateway)["wsg_sessions_served"] == 1, "it serves again")
            await send(tab, "pause", "r1")
            assert (await answer(tab))["data"] == {"action": "pause", "ref": "r1", "served": True}


async def test_the_link_outlives_the_gateway(serve) -> None:
    first: Gateway = serve()
    async with EngineLink(first.control_url) as link:
        await link.serve("s1", lambda command: None)
        first.terminate()
        assert await asyncio.to_thread(first.wait) == 0
        second: Gateway = await asyncio.to_thread(lambda: serve(control=first.control))
        assert (await link.publish("s1", candle_event(1))).sequence == 1
        async with open_tab(second, "s1") as tab:
            await send(tab, "pause")
            assert (await answer(tab))["data"] == {"action": "pause", "ref": None}


async def test_a_gateway_that_is_not_there_is_told_in_time() -> None:
    link = EngineLink("http://127.0.0.1:1", timeout=0.1, retry_for=0.2)
    async with link:
        with pytest.raises(GatewayUnavailable) as caught:
            await link.publish("s1", candle_event(1))
    assert caught.value.outcome == "not_sent" and caught.value.safe_to_repeat


def test_a_command_says_no_more_than_it_came_with() -> None:
    assert json.dumps(dict(Command("s", "c", None, "stop").payload)) == "{}"
