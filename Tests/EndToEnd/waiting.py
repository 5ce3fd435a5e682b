"""Waiting for something that will become true: looked at again and again until a deadline, never a sleep and a hope."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Callable, Literal, Optional, TypeVar, Union

T = TypeVar("T")

DEADLINE_SECONDS = 10.0
POLL_SECONDS = 0.01

SANITIZED = os.environ.get("WSG_SANITIZED", "")
"""`address` or `thread` where the executable was built with that sanitizer: slower, and its memory is not the gateway's."""

_stretch = 5.0 if SANITIZED else 1.0
_factor = _stretch


def patience(seconds: float) -> float:
    """How long to wait for what should take no longer than this. The one place where deadlines are stretched, or cut."""
    return seconds * _factor


def unhurried(seconds: float) -> float:
    """A time-out to set for the gateway, within which the test must act."""
    return seconds * _stretch


def be_impatient() -> None:
    """For a run in which every wait is expected to fail: waits that take no time when they succeed may end soon."""
    global _factor
    _factor *= 0.3


def until(condition: Callable[[], Union[T, None, Literal[False]]], what: str, seconds: Optional[float] = None) -> T:
    """The condition's first true value."""
    seconds = patience(DEADLINE_SECONDS if seconds is None else seconds)
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what} (last seen: {value!r})")
        time.sleep(POLL_SECONDS)


async def eventually(condition: Callable[[], Union[T, None, Literal[False]]], what: str, seconds: Optional[float] = None) -> T:
    """`until`, while the event loop's clients go on."""
    seconds = patience(DEADLINE_SECONDS if seconds is None else seconds)
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what} (last seen: {value!r})")
        await asyncio.sleep(POLL_SECONDS)
