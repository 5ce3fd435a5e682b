"""What a figure is worth without: the machine, and who was measured."""

from __future__ import annotations

import datetime
import os
import platform
import re
import subprocess
from pathlib import Path

from .programs import REPOSITORY, Programs, environment


def facts(programs: Programs, peers: dict[str, str]) -> dict[str, str]:
    told = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "CPU": f"{_cpu()}, {os.cpu_count()} cores",
        "kernel": f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        "memory": _memory(),
        "gateway": f"{_said(str(programs.gateway), '--version')} ({_commit()})",
        "Swift": _match(r"Swift version (\S+)", _said("swift", "--version")),
        "C compiler of the floor": _match(r"clang version (\S+)", _said("clang", "--version")),
    }
    told.update({name: version for name, version in peers.items()})
    return {name: value for name, value in told.items() if value}


def _cpu() -> str:
    return _match(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text()) or platform.processor() or platform.machine()


def _memory() -> str:
    kibibytes = _match(r"MemTotal:\s*(\d+) kB", Path("/proc/meminfo").read_text())
    return f"{int(kibibytes) / 2**20:.1f} GiB" if kibibytes else ""


def _commit() -> str:
    if os.environ.get("WSG_EXECUTABLE"):
        return "an executable that was given"
    commit = _said("git", "-C", str(REPOSITORY), "describe", "--always", "--dirty", "--exclude", "*")
    return f"sources {commit}" if commit else "unknown sources"


def _said(*command: str) -> str:
    """What a program prints; empty where it cannot run."""
    try:
        ended = subprocess.run(command, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return ""
    return ended.stdout.strip() if ended.returncode == 0 else ""


def _match(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1].strip() if found else ""
