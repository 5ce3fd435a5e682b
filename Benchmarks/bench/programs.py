"""Where the programs are that take part, and what of our environment they get."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1]
REPOSITORY = BENCHMARKS.parent
PEERS = ("nchan", "nats", "fastapi", "websockets", "picows")


@dataclass(frozen=True)
class Programs:
    gateway: Path
    """What is measured."""
    loader: Path
    """Whose `load` measures. Two gateways are compared with one loader."""
    floor: Path
    probe: Path
    pipeliner: Path
    peers: dict[str, Path]

    @property
    def missing(self) -> list[Path]:
        """Of those without which nothing is measured."""
        return [path for path in (self.gateway, self.loader, self.floor, self.probe, self.pipeliner) if not os.access(path, os.X_OK)]

    @staticmethod
    def named() -> Programs:
        """As scripts/bench builds them, unless WSG_EXECUTABLE, WSG_BENCH_LOADER or WSG_BENCH_TOOLS name others."""
        gateway = _path("WSG_EXECUTABLE", REPOSITORY / ".build/release/websocket-gateway")
        tools = _path("WSG_BENCH_TOOLS", REPOSITORY / ".build-bench/swift/release")
        peers = {name: BENCHMARKS / "peers" / name for name in PEERS}
        peers.update(named_peers(os.environ.get("WSG_BENCH_PEERS", "")))
        loader = _path("WSG_BENCH_LOADER", gateway)
        return Programs(gateway, loader, tools / "floor", tools / "probe", tools / "pipeliner", peers)


def named_peers(text: str) -> dict[str, Path]:
    """`name=path name=path`: more servers that keep the contract of peers/README.md, or others in the place of ours."""
    named = {}
    for word in text.split():
        name, equals, path = word.partition("=")
        if not (name and equals and path):
            raise ValueError(f"WSG_BENCH_PEERS is name=path …, and not {word}")
        named[name] = Path(path).absolute()
    return named


def environment() -> dict[str, str]:
    """Ours without WSG_*, which would set up the gateway; but where peers find their packages is for them."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WSG_") or name == "WSG_PEERS_ROOT"}


def _path(variable: str, default: Path) -> Path:
    return Path(os.environ.get(variable) or default).absolute()
