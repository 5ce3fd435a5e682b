"""Clients whose network breaks every two seconds and comes back, as in the test that AnyCable publishes: everybody gets every event, once.

WSG_FULL=1 makes it a minute and 120 clients.
"""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import suppress
from pathlib import Path
from typing import Callable

import aiohttp
import pytest
import websockets

from control import candle
from gateway import Gateway
from tabs import WebsocketsTab, open_tab
from waiting import patience

FULL = bool(os.environ.get("WSG_FULL"))
CLIENTS = 120 if FULL else 20
SECONDS = 60 if FULL else 6
EVENTS_PER_SECOND = 50
CONNECTED_SECONDS = 2.0
AWAY_SECONDS_MAX = 0.5
SESSION = "shaky"


class Client:
    def __init__(self, gateway: Gateway, seed: int) -> None:
        self.gateway = gateway
        self.random = random.Random(seed)
        self.seen: list[tuple[str, int]] = []
        self.cuts = 0
        self.recovered = 0

    async def stay(self, count: int) -> None:
        """Until it has the last event."""
        # They do not all break at once.
        connected_seconds = self.random.uniform(0.1, CONNECTED_SECONDS)
        while not self.seen or self.seen[-1][1] < count - 1:
            query = f"last_event_id={self.seen[-1][0]}" if self.seen else "join=all"
            with suppress(websockets.ConnectionClosed):
                async with open_tab(self.gateway, SESSION, query=query) as tab:
                    assert isinstance(tab, WebsocketsTab)
                    resume = tab.connected["resume"]
                    self.recovered += resume is not None and resume["recovered"]
                    # With RST, whatever is on its way: nobody says goodbye.
                    cut = asyncio.get_running_loop().call_later(connected_seconds, tab.connection.transport.abort)
                    try:
                        await self._read(tab, count)
                    finally:
                        cut.cancel()
            if self.seen and self.seen[-1][1] >= count - 1:
                break
            self.cuts += 1
            connected_seconds = CONNECTED_SECONDS
            await asyncio.sleep(self.random.uniform(0, AWAY_SECONDS_MAX))

    async def _read(self, tab: WebsocketsTab, count: int) -> None:
        while not self.seen or self.seen[-1][1] < count - 1:
            event = await tab.event()
            if "id" in event:
                self.seen.append((event["id"], event["data"]["candle_index"]))


async def publish_steadily(gateway: Gateway, count: int) -> list[str]:
    """The ids, in order. Behind its time it does not wait."""
    ids: list[str] = []
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with aiohttp.ClientSession(gateway.control_url) as client:
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / EVENTS_PER_SECOND - loop.time()))
            async with client.post(f"/v1/sessions/{SESSION}/events", json=candle(number)) as answer:
                assert answer.status == 200
                ids.append((await answer.json())["id"])
    return ids


@pytest.mark.seconds(SECONDS * 2 + 60)
@pytest.mark.parametrize("durability", ["memory", "commit"])
async def test_clients_that_are_cut_every_two_seconds_get_every_event_once(
    serve: Callable[..., Gateway], tmp_path: Path, durability: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    kept = ("--data", str(data)) if durability == "commit" else ()
    gateway = serve("--durability", durability, "--max-connections-per-session", str(2 * CLIENTS), *kept)
    count = SECONDS * EVENTS_PER_SECOND
    clients = [Client(gateway, seed) for seed in range(CLIENTS)]
    everything = asyncio.gather(publish_steadily(gateway, count), *(client.stay(count) for client in clients))
    ids, *_ = await asyncio.wait_for(everything, patience(SECONDS * 2 + 30))
    due = [(id, number) for number, id in enumerate(ids)]
    delivered = sum(len(set(client.seen) & set(due)) for client in clients)
    repeated = sum(len(client.seen) - len(set(client.seen)) for client in clients)
    cuts = sum(client.cuts for client in clients)
    print(f"{durability}: {CLIENTS} clients, {cuts} cuts: {delivered / CLIENTS / count:.2%} of {CLIENTS * count:,} delivered, {repeated} repeated")
    assert all(client.seen == due for client in clients)
    assert cuts >= CLIENTS * (SECONDS / (CONNECTED_SECONDS + AWAY_SECONDS_MAX) - 1)
    assert sum(client.recovered for client in clients) >= cuts - CLIENTS, "all but the first visits resume"
