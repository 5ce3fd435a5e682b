"""Starts gateways for the tests, ends them by their process ids, and lets tests be coroutines.

To read: gateway.py (the process), control.py (its API), wire.py (raw sockets), tabs.py (client libraries), then any test file.
For some of them: pages.py (a browser), cutter.py (a network that cuts), peers.py (other servers), strace.py (system calls).
"""

from __future__ import annotations

import asyncio
import inspect
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parents[1] / "Clients/python/src"))

from websocket_gateway import WebSocketManager  # noqa: E402

import gateway as gateway_module  # noqa: E402
import waiting  # noqa: E402
from certificates import Authority  # noqa: E402
from gateway import EXECUTABLE, Gateway  # noqa: E402
from limits_off import expect_failures, is_limits_off, started  # noqa: E402
from pages import Browsers, PageServer  # noqa: E402

TEST_SECONDS_MAX = 60


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--limits-off",
        action="store_true",
        help="only tests marked with `limit`: the settings they name are lifted, and every one of them must fail",
    )


    parser.addoption("--tls", action="store_true", help="every gateway speaks TLS on its public listener, and every client of a test too")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--tls"):
        authority = Authority(Path(tempfile.mkdtemp(prefix="wsg-tls-")))
        gateway_module.everywhere = (authority.issue("everywhere").flags, authority.trusting())
        config.add_cleanup(lambda: shutil.rmtree(authority.directory.parent))
    if is_limits_off(config):
        waiting.be_impatient()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if is_limits_off(config):
        expect_failures(config, items)
    if config.getoption("--tls"):
        for item in items:
            if marker := item.get_closest_marker("plain"):
                item.add_marker(pytest.mark.skip(reason=f"PLAIN: {marker.args[0]}"))


def pytest_sessionstart(session: pytest.Session) -> None:
    if not EXECUTABLE.exists():
        raise pytest.UsageError(f"{EXECUTABLE} is not there: build it (swift build), or set WSG_EXECUTABLE")


def pytest_report_header() -> str:
    return f"executable: {EXECUTABLE}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """No test is for ever, whatever it waits for."""
    marker = item.get_closest_marker("seconds")
    seconds = waiting.patience(max(marker.args[0] if marker else 0, TEST_SECONDS_MAX))

    def expired(*_: object) -> None:
        raise AssertionError(f"the test took longer than {seconds} s")

    signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    """Runs `async def` tests, each in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(pyfuncitem.obj(**arguments))
    return True


Serve = Callable[..., Gateway]


@pytest.fixture
def serve(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Serve]:
    """Starts gateways with the flags given: three workers where none says otherwise, so that sessions span threads."""
    gateways: list[Gateway] = []

    def start(*flags: str, **options: Any) -> Gateway:
        gateway = started(request.node, tmp_path / f"gateway-{len(gateways)}", *flags, **options)
        gateways.append(gateway)
        return gateway

    yield start
    faults = []
    for gateway in gateways:
        try:
            gateway.stop()
        except AssertionError as fault:
            faults.append(str(fault))
    assert not faults, "\n".join(faults)


@pytest.fixture
def gateway(serve: Serve) -> Gateway:
    """A gateway with the default settings."""
    return serve()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for a table of refusals: they leave nothing behind."""
    gateway = Gateway(tmp_path_factory.mktemp("shared"), "--workers", "3")
    yield gateway
    gateway.stop()


@pytest.fixture
def engine(gateway: Gateway) -> Iterator[WebSocketManager]:
    """An engine of `gateway`, through the Python client package."""
    manager = WebSocketManager(gateway.control_url)
    yield manager
    manager.close()


@pytest.fixture
def page(request: pytest.FixtureRequest) -> Iterator[PageServer]:
    """Serves what the test's module names in `PAGE_FILES`."""
    server = PageServer(request.module.PAGE_FILES)
    yield server
    server.stop()


@pytest.fixture
def browse(page: PageServer, tmp_path: Path) -> Iterator[Browsers]:
    browsers = Browsers(page, tmp_path)
    yield browsers
    browsers.stop()
