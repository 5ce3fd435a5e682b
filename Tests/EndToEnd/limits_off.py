"""A check that cannot fail is no check: the twin run, in which the limits that a test claims to show are lifted, and it must fail.

`pytest --limits-off` runs only tests marked `@pytest.mark.limit("--max-message-bytes", …)`. The settings named by a test are raised as
far as they go, whatever the test itself passes; all others stay, so that a failure is due to what is named.
"""

from __future__ import annotations

import asyncio
import functools
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway import Gateway, run

TIME = "10000000"
RATE = "1000000000"

LARGEST = {
    "--max-connections": "10000000",
    "--max-connections-per-session": "10000000",
    "--max-connections-per-address": "10000000",
    # Its range ends at 100,000, but that many descriptors are kept in reserve: as many as a usual hard limit has room for.
    "--max-control-connections": "10000",
    "--max-sessions": "100000000",
    "--max-request-line-bytes": "1048576",
    "--max-header-line-bytes": "1048576",
    "--max-headers-bytes": "8388608",
    "--max-header-fields": "100000",
    "--max-message-bytes": "268435456",
    "--max-message-fragments": "10000000",
    "--max-publish-bytes": "268435456",
    # Up to what one publish may hold, which is the smaller unless that is lifted too.
    "--max-event-bytes": "1048576",
    "--max-write-queue-bytes": "1073741824",
    "--max-history-events": "10000000",
    "--max-history-bytes": "1099511627776",
    "--memory-budget": "1099511627776",
    "--history-retention": TIME,
    "--message-rate": RATE,
    "--message-burst": RATE,
    "--message-byte-rate": RATE,
    "--message-byte-burst": RATE,
    "--max-message-excess": RATE,
    "--max-commands-in-flight": "1024",
    "--connection-rate-per-address": RATE,
    "--connection-burst-per-address": RATE,
    "--publish-rate-per-key": RATE,
    "--auth-failure-rate-per-address": "1000000",
    "--request-head-timeout": TIME,
    "--request-body-timeout": TIME,
    "--idle-timeout": TIME,
    "--stale-timeout": TIME,
    "--close-timeout": TIME,
    "--write-timeout": TIME,
    "--message-timeout": TIME,
    "--drain-timeout": TIME,
    "--session-idle-timeout": TIME,
    "--max-tls-handshakes": "1000000",
    "--tls-handshake-timeout": TIME,
}
"""Every setting that limits something, and the largest value it takes."""

FAILURES = (AssertionError, OSError, EOFError, asyncio.TimeoutError, subprocess.TimeoutExpired, pytest.fail.Exception)
"""How a check fails: what was expected did not come. Anything else, a gateway that does not start for instance, is a defect of the run."""


def is_limits_off(config: pytest.Config) -> bool:
    return bool(config.getoption("--limits-off"))


@functools.lru_cache(maxsize=None)
def known_settings() -> frozenset[str]:
    """Of the executable under test."""
    return frozenset(re.findall(r"--[a-z-]+", run("serve", "--help").stdout))


def named(item: pytest.Item) -> list[str]:
    """The settings that the item's markers name."""
    return [flag for marker in item.iter_markers("limit") for flag in marker.args]


def expect_failures(config: pytest.Config, items: list[pytest.Item]) -> None:
    marked = [item for item in items if named(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in marked])
    items[:] = marked
    for item in marked:
        if unknown := set(named(item)) - known_settings():
            item.add_marker(pytest.mark.skip(reason=f"NO SETTING: this executable has no {', '.join(sorted(unknown))}"))
        else:
            item.add_marker(pytest.mark.xfail(strict=True, raises=FAILURES, reason="its limit is lifted"))


class GatewayDidNotStart(Exception):
    """Not an assertion: a test that could not begin has not shown that it can fail."""


def started(item: pytest.Item, directory: Path, *flags: str, **options: Any) -> Gateway:
    """A gateway for that test, with three workers where the flags say nothing else, so that sessions span threads."""
    workers = () if "--workers" in flags else ("--workers", "3")
    try:
        return Gateway(directory, *lifted(item, flags), *workers, **options)
    except AssertionError as fault:
        raise GatewayDidNotStart(str(fault)) from fault


def lifted(item: pytest.Item, flags: Sequence[str]) -> list[str]:
    """The flags; where limits are off, those that the item names at their largest."""
    if not is_limits_off(item.config):
        return list(flags)
    return [*without(flags, set(named(item))), *(part for flag in named(item) for part in (flag, LARGEST[flag]))]


def without(flags: Iterable[str], names: set[str]) -> list[str]:
    kept = []
    rest = iter(flags)
    for flag in rest:
        if flag in names:
            next(rest)
        elif flag.partition("=")[0] not in names:
            kept.append(flag)
    return kept
