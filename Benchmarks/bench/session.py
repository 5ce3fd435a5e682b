"""One run of the whole benchmark: what every scenario needs to know."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Optional

from .cores import Cores
from .programs import Programs
from .recipes import Recipe
from .run import Run
from .server import Server, started
from .side import Side

# Of a scenario's work, once on each server, not counted: the first run pays for memory that the others find.
WARM_UP_SHARE = 0.25
QUICK_REPEATS_SECONDS_MAX = 120


@dataclass
class Session:
    programs: Programs
    cores: Cores
    is_quick: bool
    pairs: Optional[int]
    """How many, where it was said."""
    peers: dict[str, str]
    """Those that are installed, and their versions."""
    soak_minutes: int = 2
    guests: frozenset[str] = frozenset()
    """Of the peers, those that only the environment names."""
    began: float = field(default_factory=time.monotonic)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @contextlib.contextmanager
    def servers(self, recipes: Sequence[Recipe]) -> Iterator[dict[Recipe, Server]]:
        """All of them, up side by side; each only once."""
        with contextlib.ExitStack() as stack:
            yield {recipe: stack.enter_context(started(recipe, self.programs, self.cores)) for recipe in dict.fromkeys(recipes)}

    def run(self, side: Side, servers: dict[Recipe, Server]) -> Run:
        # The last run's connections may still be closing: sessions have names that nobody had before.
        name = f"b{os.getpid()}-{next(self.numbers)}"
        return side.work.run(servers[side.server], name, self.programs, self.cores)

    def warm_up(self, sides: Sequence[Side], servers: dict[Recipe, Server]) -> None:
        for side in dict.fromkeys(sides):
            self.run(replace(side, work=side.work.scaled(WARM_UP_SHARE)), servers)

    def repeats_max(self, pairs: int) -> int:
        """Of disturbed pairs. A quick run stays below five minutes on a busy machine too, and has none late."""
        if not self.is_quick:
            return pairs
        return pairs // 4 if time.monotonic() - self.began < QUICK_REPEATS_SECONDS_MAX else 0

    @staticmethod
    def tell(text: str) -> None:
        print(text, file=sys.stderr, flush=True)
