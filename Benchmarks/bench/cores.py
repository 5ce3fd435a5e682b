"""Which core does what: the server under test has its own, and whoever loads it another one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from .failure import MeasuringFailed


@dataclass(frozen=True)
class Cores:
    all: tuple[int, ...]

    @staticmethod
    def here() -> Cores:
        cores = tuple(sorted(os.sched_getaffinity(0)))
        if len(cores) < 2:
            raise MeasuringFailed("this needs two cores: one for the server, one for who loads it")
        return Cores(cores)

    def of_server(self, workers: int) -> Sequence[int]:
        """One a worker. With as many workers as cores the last one is shared with the tool, which costs both time but no CPU."""
        others = [core for core in self.all if core != self.of_tool]
        return [*others, self.of_tool][:workers]

    @property
    def of_tool(self) -> int:
        return self.all[1]


def pinned(cores: Sequence[int], command: Sequence[str]) -> list[str]:
    return ["taskset", "-c", ",".join(map(str, cores)), *command]
