"""A server under test, by the contract of peers/README.md: a command that takes --ready-file, stays in the foreground, ends on SIGTERM."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .cores import Cores, pinned
from .failure import MeasuringFailed, NotInstalled
from .programs import Programs, environment
from .recipes import Recipe

START_SECONDS_MAX = 30
# A peer ends what it has started within this.
END_SECONDS_MAX = 15
EXIT_UNAVAILABLE = 69
LOG_CHARACTERS_MAX = 2000


@dataclass(frozen=True)
class Server:
    """One that listens."""

    recipe: Recipe
    listen: str
    control: str
    """Empty where there is none: who echoes is not published to."""
    pids: tuple[int, ...]
    dialect: str
    version: str

    @property
    def name(self) -> str:
        return self.recipe.name

    @property
    def anonymous_bytes(self) -> int:
        """Anonymous of /proc/PID/smaps_rollup: what it allocated and touched. Not the program's own pages, which the first connection brings
        in from disk and the ten thousandth shares (2 MB of the gateway's), nor what the kernel holds for its sockets."""
        return sum(_anonymous_bytes(Path(f"/proc/{pid}/smaps_rollup").read_text()) for pid in self.pids)


@contextlib.contextmanager
def started(recipe: Recipe, programs: Programs, cores: Cores) -> Iterator[Server]:
    """It listens when this begins, and is gone with all that it started when this ends."""
    with tempfile.TemporaryDirectory() as directory, open(Path(directory, "log"), "w+b") as log:
        ready_file = Path(directory, "ready.json")
        command = pinned(cores.of_server(recipe.workers), recipe.command(programs, ready_file))
        process = subprocess.Popen(command, env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _await(process, ready_file, recipe, Path(log.name))
            yield _server(recipe, json.loads(ready_file.read_text()))
        finally:
            _end(process)


def versions(recipes: Sequence[Recipe], programs: Programs, cores: Cores) -> dict[str, str]:
    """Of those that start, what they say of themselves; the others are not installed."""
    found = {}
    for recipe in recipes:
        try:
            with started(recipe, programs, cores) as server:
                found[recipe.name] = server.version
        except NotInstalled:
            continue
        except MeasuringFailed as failed:
            print(f"bench: {recipe.name} does not take part: {failed}", file=sys.stderr)
    return found


def _await(process: subprocess.Popen[bytes], ready_file: Path, recipe: Recipe, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while not ready_file.exists():
        status = process.poll()
        if status is None and time.monotonic() < deadline:
            time.sleep(0.02)
            continue
        said = log.read_text(errors="replace")[-LOG_CHARACTERS_MAX:]
        kind = NotInstalled if status == EXIT_UNAVAILABLE else MeasuringFailed
        raise kind(f"{recipe.name} did not start{'' if status is None else f' (status {status})'}:\n{said}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _server(recipe: Recipe, ready: dict[str, object]) -> Server:
    pids = ready.get("pids") or [ready["pid"]]
    assert isinstance(pids, list)
    return Server(
        recipe,
        str(ready["listen"]),
        str(ready.get("control") or ""),
        tuple(int(pid) for pid in pids),
        str(ready.get("dialect", "gateway")),
        str(ready.get("version", "")),
    )


def _anonymous_bytes(rollup: str) -> int:
    return next(int(line.split()[1]) << 10 for line in rollup.splitlines() if line.startswith("Anonymous:"))
