"""What one run of a tool against one server told."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

from .failure import MeasuringFailed
from .programs import environment

# Of the machine's time, used by others meanwhile: more, and a run may have measured them.
OTHERS_MAX = 0.10
# Of deliveries: more were not taken by the kernel at once, as the tool was kept from reading. Then queueing was measured.
QUEUED_MAX = 0.01
SAID_CHARACTERS_MAX = 2000
# /proc/stat counts in ticks of 10 ms, on each core.
BUSY_RESOLUTION_S = 0.02


@dataclass(frozen=True)
class Run:
    operations: int
    """Deliveries, echoes or connections: what a cost is of."""
    events: int
    """What was published; 0 where nothing was."""
    seconds: float
    cpu_us: float
    """The server's CPU time for one operation."""
    user_us: float
    """Of it outside the kernel; of ticks of 10 ms, so believe only sums of many runs."""
    busy_us: Optional[float]
    """What the whole machine was busy for one operation, without the tool: also the kernel's threads, and others who were there."""
    others: float
    """Share of the machine that neither the server nor the tool used, 0 to 1."""
    queued: float
    """Share of the deliveries that waited in the server."""
    wire_bytes: int
    latency_buckets: tuple[tuple[int, int], ...]
    """(at most so many nanoseconds, so many): empty buckets are left out."""

    @property
    def disturbance(self) -> float:
        """Above 1 the run does not count, if there is a better one."""
        return max(self.others / OTHERS_MAX, self.queued / QUEUED_MAX)

    @staticmethod
    def of_load(report: dict[str, Any]) -> Run:
        receipts = report.get("receipts") or {}
        return Run._of(report, report["delivered"], report["published"], receipts.get("queued", 0))

    @staticmethod
    def of_probe(report: dict[str, Any], events: int = 0) -> Run:
        return Run._of(report, report["operations"], events, 0)

    @staticmethod
    def _of(report: dict[str, Any], operations: int, events: int, queued: int) -> Run:
        if operations == 0 or not report["server_cpu_s"]:
            raise MeasuringFailed("the tool did not say what the server used")
        seconds = max(report["seconds"], 1e-6)
        busy, tool, server = report["machine_busy_s"], report["tool_cpu_s"], report["server_cpu_s"]
        others = 0.0 if busy is None else max(0.0, busy - tool - server - BUSY_RESOLUTION_S) / (seconds * (os.cpu_count() or 1))
        return Run(
            operations=operations,
            events=events,
            seconds=seconds,
            cpu_us=1e6 * server / operations,
            user_us=1e6 * report["server_user_s"] / operations,
            busy_us=None if busy is None else 1e6 * max(0.0, busy - tool) / operations,
            others=others,
            queued=queued / operations,
            wire_bytes=report.get("wire_bytes", 0),
            latency_buckets=tuple((int(most), int(count)) for most, count in report.get("latency_buckets", [])),
        )


def report_of(command: Sequence[str], seconds_max: float) -> dict[str, Any]:
    """The JSON line of a tool that passed."""
    try:
        ended = subprocess.run(command, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds_max)
    except subprocess.TimeoutExpired:
        raise MeasuringFailed(f"a tool was not through after {seconds_max:.0f} s\n{' '.join(command)}") from None
    if ended.returncode != 0:
        said = (ended.stderr.strip() or "it said nothing").splitlines()
        details = f"status {ended.returncode} of {' '.join(command)}\n{ended.stdout[-SAID_CHARACTERS_MAX:]}"
        raise MeasuringFailed("\n".join([said[-1], *said[:-1], details]))
    report: dict[str, Any] = json.loads(ended.stdout)
    return report
