"""What is done to a server in one run."""

from __future__ import annotations

from typing import Protocol

from .cores import Cores
from .programs import Programs
from .run import Run
from .server import Server


class Work(Protocol):
    def run(self, server: Server, name: str, programs: Programs, cores: Cores) -> Run:
        """Raises MeasuringFailed where anything was lost. `name` is of this run alone."""
        ...

    def scaled(self, factor: float) -> Work:
        """The same with so many times the operations, if it can; to warm up, and for who is slow."""
        ...
