"""Runs and pairs as tests need them."""

from __future__ import annotations

from dataclasses import replace

from bench.load import Load
from bench.pairs import Comparison
from bench.recipes import FLOOR, GATEWAY
from bench.run import Run
from bench.side import Side

QUIET = Run(
    operations=1000, events=10, seconds=0.5, cpu_us=4.0, user_us=0.5, busy_us=5.0, others=0.0, queued=0.0, wire_bytes=300_000,
    latency_buckets=())
LOAD = Load(500, 300)


def run(cpu_us: float = 4.0, others: float = 0.0, queued: float = 0.0) -> Run:
    return replace(QUIET, cpu_us=cpu_us, others=others, queued=queued)


def comparison(count: int, repeats_max: int = 0) -> Comparison:
    return Comparison(Side(FLOOR, LOAD), Side(GATEWAY, LOAD), count, repeats_max)
