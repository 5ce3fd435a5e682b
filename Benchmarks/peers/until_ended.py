"""Waits for the signal that ends a peer."""

from __future__ import annotations

import asyncio
import signal


async def until_ended() -> None:
    """Returns at the first SIGTERM or SIGINT."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
