"""Waiting for something that will become true: looked at again and again until a deadline, never a sleep and a hope."""

from __future__ import annotations

import asyncio
import time
from typing import Callable, Literal, TypeVar, Union

T = TypeVar("T")

DEADLINE_SECONDS = 10.0
POLL_SECONDS = 0.01


def until(condition: Callable[[], Union[T, None, Literal[False]]], what: str, seconds: float = DEADLINE_SECONDS) -> T:
    """The condition's first true value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what} (last seen: {value!r})")
        time.sleep(POLL_SECONDS)


async def eventually(condition: Callable[[], Union[T, None, Literal[False]]], what: str, seconds: float = DEADLINE_SECONDS) -> T:
    """`until`, while the event loop's clients go on."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what} (last seen: {value!r})")
        await asyncio.sleep(POLL_SECONDS)
