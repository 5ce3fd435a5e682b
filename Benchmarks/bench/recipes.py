"""The servers that are measured, and how each is started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import certificates
from .programs import Programs

# Beyond every scenario, and beyond what descriptors allow: what is measured are no limits. A reader that is kept from reading on a busy
# machine is not to be dropped for it either.
UNLIMITED = {
    "max-connections": 1_000_000,
    "max-connections-per-session": 1_000_000,
    "max-connections-per-address": 1_000_000,
    "connection-rate-per-address": 1_000_000_000,
    "connection-burst-per-address": 1_000_000_000,
    "max-sessions": 10_000_000,
    "message-rate": 1_000_000_000,
    "message-burst": 1_000_000_000,
    "max-write-queue-bytes": 64 << 20,
}


@dataclass(frozen=True)
class Recipe:
    """How a server is started. Its name is what tables call it."""

    name: str
    program: str
    """`gateway`, `floor`, or a peer's name."""
    arguments: tuple[str, ...] = ()
    workers: int = 1
    is_sealed: bool = False
    """Its clients come by TLS."""

    def command(self, programs: Programs, ready_file: Path) -> list[str]:
        known = {"gateway": programs.gateway, "floor": programs.floor, **programs.peers}
        sealing = certificates.make().flags if self.is_sealed else []
        return [str(known[self.program]), *self.arguments, *sealing, "--ready-file", str(ready_file)]


def gateway(name: str = "gateway", workers: int = 1, is_sealed: bool = False, **settings: int) -> Recipe:
    flags = [word for setting, value in {**UNLIMITED, **settings}.items() for word in (f"--{setting.replace('_', '-')}", str(value))]
    fixed = ("serve", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--log-level", "warning", "--workers", str(workers))
    return Recipe(name, "gateway", (*fixed, *flags), workers, is_sealed)


def peer(name: str) -> Recipe:
    return Recipe(name, name, ("--workers", "1"))


FLOOR = Recipe("floor", "floor")
COALESCING_FLOOR = Recipe("floor, coalescing", "floor", ("--coalesce",))
ECHO_FLOOR = Recipe("floor, echo", "floor", ("--echo",))
GATEWAY = gateway()
SEALED_GATEWAY = gateway("gateway, TLS", is_sealed=True)
ECHO_GATEWAY = Recipe("gateway, echo", "gateway", ("echo", "--listen", "127.0.0.1:0", "--workers", "1"))
