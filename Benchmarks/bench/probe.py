"""Benchmarks/Sources/probe: who connects and speaks to a server in other ways than `load` does."""

from __future__ import annotations

import contextlib
import json
import selectors
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .cores import Cores, pinned
from .failure import MeasuringFailed
from .programs import Programs, environment
from .run import SAID_CHARACTERS_MAX, Run, report_of
from .server import Server

# The probe gives up after 60 s.
RUN_SECONDS_MAX = 75
END_SECONDS_MAX = 30


@dataclass(frozen=True)
class Echo:
    """Every connection sends a message when the answer to the one before has come, and checks it to the last byte."""

    connections: int
    messages: int
    """On each connection."""
    bytes: int = 64

    def run(self, server: Server, name: str, programs: Programs, cores: Cores) -> Run:
        options = ["--connections", self.connections, "--messages", self.messages, "--bytes", self.bytes]
        return _run("echo", options, server, programs, cores)

    def scaled(self, factor: float) -> Echo:
        return replace(self, messages=max(2, round(self.messages * factor)))


@dataclass(frozen=True)
class Connect:
    """Connects as a browser does, gets its 101, closes as RFC 6455 has it, and waits for the server's end."""

    connections: int
    parallel: int = 32

    def run(self, server: Server, name: str, programs: Programs, cores: Cores) -> Run:
        options = ["--path", f"/ws/backtest/{name}", "--connections", self.connections, "--parallel", self.parallel]
        return _run("connect", options, server, programs, cores)

    def scaled(self, factor: float) -> Connect:
        return replace(self, connections=max(self.parallel, round(self.connections * factor)))


@dataclass(frozen=True)
class Hold:
    """Connections that are open, and silent."""

    connections: int
    sessions: int = 1
    deflate: bool = False

    @contextlib.contextmanager
    def held(self, server: Server, programs: Programs, cores: Cores) -> Iterator[None]:
        """They are open, and the server has settled, while this lasts."""
        path = "/ws/backtest/hold" if self.sessions == 1 else "/ws/backtest/hold-%d"
        options = ["--path", path, "--connections", self.connections, *(["--deflate"] if self.deflate else [])]
        command = pinned([cores.of_tool], _command("hold", options, server, programs))
        process = subprocess.Popen(
            command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            report = json.loads(_line(process, command))
            if not report["passed"] or not report["settled"]:
                raise MeasuringFailed(f"{server.name} does not hold {self.connections} connections: {report}")
            yield
        finally:
            # The end of its input is its end.
            try:
                process.communicate(timeout=END_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def _command(verb: str, options: Sequence[object], server: Server, programs: Programs) -> list[str]:
    pids = [word for pid in server.pids for word in ("--pid", str(pid))]
    return [str(programs.probe), verb, "--connect", server.listen, *pids, *map(str, options)]


def _run(verb: str, options: Sequence[object], server: Server, programs: Programs, cores: Cores) -> Run:
    report = report_of(pinned([cores.of_tool], _command(verb, options, server, programs)), RUN_SECONDS_MAX)
    if not report["passed"]:
        raise MeasuringFailed(f"probe {verb} of {server.name} did not pass: {report}")
    return Run.of_probe(report)


def _line(process: subprocess.Popen[str], command: Sequence[str]) -> str:
    assert process.stdout is not None and process.stderr is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        line: Any = process.stdout.readline() if selector.select(RUN_SECONDS_MAX) else ""
    if not line:
        process.kill()
        said = (process.stderr.read().strip() or "the probe said nothing").splitlines()
        raise MeasuringFailed(f"{said[-1][-SAID_CHARACTERS_MAX:]}\n{' '.join(command)}")
    return str(line)
