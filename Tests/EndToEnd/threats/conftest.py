"""Sieges for the tests of this folder: `siege(*flags)` starts a gateway with a bystander, and the test's last act is their judgement.

To read: siege.py, then any test file. Every file is one section of the list of threats.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from limits_off import lifted, started  # noqa: E402
from siege import Siege  # noqa: E402

SIEGES = pytest.StashKey["list[Siege]"]()
REPORT: list[tuple[str, float, int]] = []
"""For every judgement: the test, the bystander's worst latency in seconds, and the peak growth of memory in bytes."""

StartSiege = Callable[..., Siege]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[object]:
    """Judges within the test, not after it: with limits off, a bystander harmed or memory grown is the failure that is expected."""
    result = yield
    for siege in pyfuncitem.stash.get(SIEGES, []):
        try:
            siege.judge()
        except BaseException:
            siege.is_broken = True
            raise
        finally:
            REPORT.append((pyfuncitem.nodeid, siege.bystander.worst_seconds, siege.memory_bytes_grown))
    return result


@pytest.fixture(scope="module")
def standing_sieges() -> Iterator[dict[tuple[str, ...], Siege]]:
    sieges: dict[tuple[str, ...], Siege] = {}
    yield sieges
    for siege in sieges.values():
        siege.end()


@pytest.fixture
def siege(
    request: pytest.FixtureRequest, serve: Any, standing_sieges: dict[tuple[str, ...], Siege], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartSiege]:
    """`siege(*flags)`: one of the test's own. With `shared=True`: one for all tests of the file that ask for the same flags."""
    mine: list[Siege] = request.node.stash.setdefault(SIEGES, [])
    own: list[Siege] = []

    def start(*flags: str, shared: bool = False, **options: Any) -> Siege:
        if not shared:
            one = Siege(serve(*flags, **options))
            own.append(one)
        else:
            key = tuple(lifted(request.node, flags))
            if key in standing_sieges and standing_sieges[key].is_broken:
                standing_sieges.pop(key).end()
            if key not in standing_sieges:
                standing_sieges[key] = Siege(started(request.node, tmp_path_factory.mktemp("siege"), *flags, **options))
            one = standing_sieges[key]
            one.begin()
        mine.append(one)
        return one

    yield start
    for one in own:
        one.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not REPORT:
        return
    slowest = max(REPORT, key=lambda row: row[1])
    largest = max(REPORT, key=lambda row: row[2])
    terminalreporter.write_line(f"bystanders: the slowest event took {slowest[1] * 1000:.0f} ms, in {slowest[0]}")
    terminalreporter.write_line(f"memory: the largest growth was {largest[2] / 1048576:.1f} MiB, in {largest[0]}")
