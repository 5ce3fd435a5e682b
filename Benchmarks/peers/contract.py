"""What every peer owes the benchmark driver: its arguments, its descriptors, its ready file, and a clear no where it cannot run."""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Optional

REPOSITORY = Path(__file__).resolve().parents[2]
ENVIRONMENT = REPOSITORY / ".build-bench/venv"
# As sysexits.h has them.
EXIT_USAGE = 64
EXIT_UNAVAILABLE = 69
# Connections waiting to be accepted; the kernel takes what net.core.somaxconn allows.
BACKLOG = 4096
CONNECTIONS_MAX = 12_000


@dataclass(frozen=True)
class Arguments:
    ready_file: Path
    workers: Optional[int]
    """At least 1; None leaves it to the server."""


def arguments(name: str, *, workers_max: Optional[int] = None) -> Arguments:
    """What we were started with. A server whose members live in one process's memory has a `workers_max` of 1."""
    parser = argparse.ArgumentParser(prog=name, description="A server to compare with; see README.md beside it.")
    parser.add_argument("--ready-file", metavar="FILE", type=Path, required=True, help="written once it listens")
    parser.add_argument("--workers", metavar="N", type=int, help="processes or threads at work")
    found = parser.parse_args()
    if found.workers is not None and found.workers < 1:
        parser.exit(EXIT_USAGE, f"{name}: --workers is 1 or more\n")
    if found.workers is not None and workers_max is not None and found.workers > workers_max:
        parser.exit(EXIT_USAGE, f"{name}: its members are in one process's memory: --workers is {workers_max} at the most\n")
    return Arguments(found.ready_file, found.workers)


def unavailable(name: str, reason: str) -> NoReturn:
    print(f"{name}: {reason}", file=sys.stderr)
    sys.exit(EXIT_UNAVAILABLE)


def use_environment(name: str) -> None:
    """Goes on in the Python that has the pinned libraries. To be called before any of them is imported."""
    python = ENVIRONMENT / "bin/python"
    if not python.exists():
        unavailable(name, f"there is no {python.relative_to(REPOSITORY)}; Benchmarks/peers/setup makes it")
    if Path(sys.prefix).resolve() != ENVIRONMENT.resolve():
        os.execv(python, [str(python), *sys.argv])


def raise_descriptors() -> None:
    """The soft limit to the hard one; what we start inherits it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def write_ready_file(
    path: Path,
    *,
    name: str,
    version: str,
    listen: int,
    control: int,
    dialect: str = "gateway",
    pids: Sequence[int] = (),
) -> None:
    """By rename: who sees the file sees all of it. `listen` and `control` are ports; without `pids` this process does the work."""
    ready = {
        "listen": f"127.0.0.1:{listen}",
        "control": f"127.0.0.1:{control}",
        "pid": os.getpid(),
        "pids": list(pids) or [os.getpid()],
        "dialect": dialect,
        "name": name,
        "version": version,
    }
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_text(json.dumps(ready) + "\n")
    unfinished.replace(path)
