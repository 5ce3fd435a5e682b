"""What processes and the machine have used, as the kernel counts it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
# user, nice, system, irq, softirq and steal of the first line of /proc/stat; 3 and 4 are idle and waiting.
_BUSY = (0, 1, 2, 5, 6, 7)


@dataclass(frozen=True)
class Usage:
    """Since the start of each; subtract two of them."""

    server_seconds: float
    """All threads of the processes, in nanoseconds' resolution."""
    user_seconds: float
    """Of it outside the kernel, in ticks."""
    busy_seconds: float
    """Of all cores."""

    @staticmethod
    def read(pids: Sequence[int]) -> Usage:
        busy = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        return Usage(
            sum(map(_scheduled_seconds, pids)), sum(map(_user_seconds, pids)), sum(busy[index] for index in _BUSY if index < len(busy)) / TICKS
        )


def _scheduled_seconds(pid: int) -> float:
    return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def _user_seconds(pid: int) -> float:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11]) / TICKS
