"""One of the two that are compared: a server, and what is done to it."""

from __future__ import annotations

from dataclasses import dataclass

from .recipes import Recipe
from .work import Work


@dataclass(frozen=True)
class Side:
    server: Recipe
    work: Work
    label: str = ""

    @property
    def name(self) -> str:
        """What tables call it: the server's name, unless both sides are of one server."""
        return self.label or self.server.name
