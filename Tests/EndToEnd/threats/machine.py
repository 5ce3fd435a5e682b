"""What the kernel says about the gateway's process and sockets, and what it is told about them."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway import Gateway

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def allow_descriptors(count: int) -> None:
    """Raises this process's own limit, for tests that hold thousands of sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        pytest.skip(f"NO DESCRIPTORS: {count} are needed and the hard limit is {hard}")
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def cpu_seconds(gateway: Gateway) -> float:
    """User and system time of all threads so far."""
    fields = Path(f"/proc/{gateway.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def cpu_share(gateway: Gateway, seconds: float = 1.0) -> float:
    """The part of one core that the gateway uses while nobody does anything: watched for `seconds`."""
    began, before = time.monotonic(), cpu_seconds(gateway)
    while (passed := time.monotonic() - began) < seconds:
        time.sleep(seconds - passed)
    return (cpu_seconds(gateway) - before) / (time.monotonic() - began)


@contextmanager
def descriptor_limit(gateway: Gateway, count: int) -> Iterator[None]:
    """Leaves the running gateway with so many descriptors, open ones included, and gives them back."""
    before = resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (count, before[1]))
    try:
        yield
    finally:
        resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, before)


def tcp_memory_bytes() -> int:
    """What TCP holds for all sockets of this network namespace, both ends of ours among them."""
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        name, *fields = line.split()
        if name == "TCP:":
            return int(fields[fields.index("mem") + 1]) * PAGE_BYTES
    raise AssertionError("no TCP in /proc/net/sockstat")


def unsent_bytes(gateway: Gateway) -> list[int]:
    """For each connection of the public listener, bytes that the kernel still holds for its peer.

    Also for those whose descriptor is closed: the kernel goes on sending for as long as the peer goes on acknowledging.
    """
    port = f":{gateway.address[1]:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [int(row[4].partition(":")[0], 16) for row in rows if row[1].endswith(port)]


def orphans(gateway: Gateway) -> int:
    """Connections of the public listener that no process owns any more, with bytes that their peers do not take."""
    port = f":{gateway.address[1]:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(port) and row[9] == "0" and int(row[4].partition(":")[0], 16) > 0 for row in rows)
