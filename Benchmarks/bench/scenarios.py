"""What is measured, each in a few words, with its bound. The numbers are those that docs/PERFORMANCE.md promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional, Union

from .load import Load
from .measure import COST, RATE, WIRE, Bound, Measure
from .pipelined import Pipelined
from .probe import Connect, Echo, Hold
from .recipes import COALESCING_FLOOR, ECHO_FLOOR, ECHO_GATEWAY, FLOOR, GATEWAY, SEALED_GATEWAY, Recipe, gateway
from .work import Work

PYTHON_PEERS = ("fastapi", "websockets", "picows")
ALL_PEERS = ("nchan", "nats", *PYTHON_PEERS)


@dataclass(frozen=True)
class Times:
    """How often; 0 leaves it out."""

    quick: int
    full: int

    def of(self, is_quick: bool) -> int:
        return self.quick if is_quick else self.full


BOUNDED = Times(quick=9, full=15)
# Where ratios of pairs spread as far as the bound is away from one.
BOUNDED_WIDELY = Times(quick=9, full=31)
UNBOUNDED = Times(quick=0, full=7)
PEERS = Times(quick=3, full=5)
PEERS_LATER = Times(quick=0, full=5)


@dataclass(frozen=True)
class Paired:
    """One server after the other, as often as there are pairs; what counts is the ratio within each pair."""

    name: str
    title: str
    work: Work
    reference: Recipe = FLOOR
    subject: Recipe = GATEWAY
    subject_work: Optional[Work] = None
    """What is done to the subject, where it is not the same."""
    subject_label: str = ""
    measure: Measure = COST
    bounds: tuple[Bound, ...] = ()
    pairs: Times = BOUNDED
    peers: tuple[str, ...] = ()
    peer_pairs: Times = PEERS_LATER
    peer_share: float = 0.2
    """Of the operations: peers take longer for each, which is what is compared."""

    def runs(self, is_quick: bool) -> bool:
        return self.pairs.of(is_quick) > 0


@dataclass(frozen=True)
class Pooled:
    """Latencies at a fixed rate, of all rounds together."""

    name: str
    title: str
    work: Load
    p99_at_most: float
    rounds: Times
    reference: Recipe = FLOOR
    subject: Recipe = GATEWAY

    def runs(self, is_quick: bool) -> bool:
        return self.rounds.of(is_quick) > 0


@dataclass(frozen=True)
class Memory:
    """Bytes that a fresh server allocated before, and with so many connections that are open and silent."""

    name: str
    title: str
    hold: Hold
    bytes_max: Optional[int] = None
    """Of one connection."""
    peers: tuple[str, ...] = ()
    is_quick: bool = False

    def runs(self, is_quick: bool) -> bool:
        return self.is_quick or not is_quick


@dataclass(frozen=True)
class Series:
    """The same with more and more of something: a curve."""

    name: str
    title: str
    unit: str
    works: tuple[tuple[int, Load], ...]
    pairs: Times = Times(quick=0, full=3)

    def runs(self, is_quick: bool) -> bool:
        return self.pairs.of(is_quick) > 0


@dataclass(frozen=True)
class Soak:
    """One long run, as long as is wanted. Runs only where it is asked for by name."""

    name: str
    connections: int
    rate: int
    growth_bytes_max: int
    server: Recipe

    def title(self, minutes: int) -> str:
        return f"{self.connections} connections, {self.rate} events/s, for {minutes} minutes"

    def work(self, minutes: int) -> Load:
        seconds = 60 * minutes
        return Load(self.connections, self.rate * seconds, rate=self.rate, seconds_max=seconds + max(60, seconds // 5))

    def runs(self, is_quick: bool) -> bool:
        return False


Scenario = Union[Paired, Pooled, Memory, Series, Soak]

_CANDLES = Load(500, 500, candles=True, event_bytes=4096)
# What a reader leaves unread is beyond the kernel's buffers early in the run, and the gateway's default bound soon after.
# With a history who does not read is fed from it later: Benchmarks/silent. Without one a full queue is the end.
_SLOW_GATEWAY = gateway("gateway, 1 MiB queues, no history", max_write_queue_bytes=1 << 20, max_history_events=0)
_SLOW = Load(100, 2_500, candles=True, event_bytes=4096)

# A history that is full long before the first look that counts: until then it grows, as it should.
_SOAKED = gateway("gateway, history of 500 events", max_history_events=500)
_ENGINE = "one engine with 256 events in flight, events a core serves"
_LINK_PAIRS = Times(quick=0, full=9)

SCENARIOS: Sequence[Scenario] = [
    Paired(
        "lone-500",
        "500 connections, lone events: a delivery",
        # Runs of one server differ by a tenth, however long they are: many short ones, here and below.
        Load(500, 150),
        bounds=(Bound(COST, at_most=1.10),),
        pairs=Times(quick=15, full=45),
        peers=ALL_PEERS,
        peer_pairs=PEERS,
        peer_share=0.2,
    ),
    Paired(
        "flight-500",
        "500 connections, 32 in flight: a delivery",
        Load(500, 3_200, in_flight=32),
        reference=COALESCING_FLOOR,
        bounds=(Bound(COST, at_most=1.15),),
        peers=ALL_PEERS,
        peer_share=0.02,
    ),
    Paired(
        "lone-5000",
        "5,000 connections, lone events: a delivery",
        Load(5_000, 30),
        bounds=(Bound(COST, at_most=1.10),),
        peers=ALL_PEERS,
    ),
    Paired(
        "sessions-100",
        "100 sessions of 10 connections, 16 publishers with 32 in flight each: a delivery",
        Load(1_000, 300, sessions=100, in_flight=32),
        reference=COALESCING_FLOOR,
        bounds=(Bound(COST, at_most=1.10),),
        pairs=Times(quick=21, full=61),
        peers=ALL_PEERS,
        peer_share=0.6,
    ),
    Pooled(
        "rate-1000",
        "1,000 connections, 100 events/s: latency",
        Load(1_000, 150, rate=100),
        p99_at_most=1.25,
        rounds=Times(quick=5, full=5),
    ),
    Paired(
        "connect",
        "connect, upgrade, close: a connection",
        Connect(6_000),
        bounds=(Bound(COST, at_most=1.15),),
        pairs=BOUNDED_WIDELY,
        peers=("nchan", *PYTHON_PEERS),
        peer_share=0.1,
    ),
    Paired(
        "echo",
        "echo on 100 connections: a message",
        Echo(100, 400),
        reference=ECHO_FLOOR,
        subject=ECHO_GATEWAY,
        bounds=(Bound(COST, at_most=1.10),),
        pairs=Times(quick=21, full=61),
    ),
    Memory(
        "idle",
        "10,000 idle connections: memory of one",
        Hold(10_000),
        bytes_max=1_024,
        peers=("nchan", *PYTHON_PEERS),
        is_quick=True,
    ),
    Paired(
        "publish",
        "published over HTTP, 100 sessions of one connection, 16 publishers with 32 in flight each: events a core serves",
        Load(100, 600, sessions=100, in_flight=32, publishers=16),
        reference=COALESCING_FLOOR,
        measure=RATE,
        bounds=(Bound(RATE, at_least=3.0, over=("nchan", "fastapi")),),
        pairs=Times(quick=3, full=7),
        peers=ALL_PEERS,
        peer_pairs=PEERS,
        peer_share=0.1,
    ),
    Paired(
        "link-1",
        f"published over the engine link, against pipelined HTTP, to a session of one connection: {_ENGINE}",
        Pipelined("http", 200_000),
        reference=gateway("gateway, HTTP"),
        subject=gateway("gateway, link"),
        subject_work=Pipelined("link", 200_000),
        measure=RATE,
        pairs=_LINK_PAIRS,
    ),
    Paired(
        "link-100",
        f"published over the engine link, against pipelined HTTP, to 100 sessions of one connection: {_ENGINE}",
        Pipelined("http", 200_000, sessions=100),
        reference=gateway("gateway, HTTP"),
        subject=gateway("gateway, link"),
        subject_work=Pipelined("link", 200_000, sessions=100),
        measure=RATE,
        pairs=_LINK_PAIRS,
    ),
    Paired(
        "filters-lone",
        "250 of 500 connections want every other event, against none, lone events: a delivery",
        Load(500, 300),
        reference=GATEWAY,
        subject_work=Load(500, 400, filtered=250),
        subject_label="gateway, filters",
        pairs=UNBOUNDED,
    ),
    Paired(
        "filters-flight",
        "250 of 500 connections want every other event, against none, 32 in flight: a delivery",
        Load(500, 3_200, in_flight=32),
        reference=GATEWAY,
        subject_work=Load(500, 3_200, in_flight=32, filtered=250),
        subject_label="gateway, filters",
        pairs=UNBOUNDED,
    ),
    Paired(
        "wss-lone",
        "TLS against plain, 500 connections, lone events: a delivery",
        Load(500, 300),
        reference=GATEWAY,
        subject=SEALED_GATEWAY,
        pairs=UNBOUNDED,
    ),
    Paired(
        "wss-flight",
        "TLS against plain, 500 connections, 32 in flight: a delivery",
        Load(500, 3_200, in_flight=32),
        reference=GATEWAY,
        subject=SEALED_GATEWAY,
        pairs=UNBOUNDED,
    ),
    Paired(
        "workers-2",
        "500 connections, lone events, 2 workers: a delivery",
        Load(500, 300),
        subject=gateway("gateway, 2 workers", workers=2),
        pairs=UNBOUNDED,
    ),
    Paired(
        "deflate-lone",
        "compressed against plain, 500 connections, lone candles of 4 KiB: a delivery",
        _CANDLES,
        reference=GATEWAY,
        subject_work=Load(500, 500, candles=True, event_bytes=4096, deflate=True),
        subject_label="gateway, compressed",
        bounds=(Bound(COST, at_most=1.3, by_median=True), Bound(WIRE, at_most=0.45, by_median=True)),
        pairs=Times(quick=0, full=7),
    ),
    # The gateway is ahead of the tool, which reads 64 KiB of each connection in turn: the 4 MB that a connection gets in a run find room in
    # the kernel's buffers, four times as much often did not.
    Paired(
        "deflate-flight",
        "compressed against plain, 500 connections, candles, 32 in flight: a delivery",
        Load(500, 1_000, in_flight=32, candles=True, event_bytes=4096),
        reference=GATEWAY,
        subject_work=Load(500, 1_000, in_flight=32, candles=True, event_bytes=4096, deflate=True),
        subject_label="gateway, compressed",
        bounds=(Bound(COST, at_most=1.3, by_median=True), Bound(WIRE, at_most=0.45, by_median=True)),
        pairs=Times(quick=0, full=7),
    ),
    Paired(
        "slow",
        "10 more that do not read, against none, 100 connections: a delivery",
        _SLOW,
        reference=_SLOW_GATEWAY,
        subject=_SLOW_GATEWAY,
        subject_work=Load(100, 2_500, candles=True, event_bytes=4096, slow=10),
        subject_label="gateway, 10 do not read",
        pairs=UNBOUNDED,
    ),
    Memory("idle-sessions", "10,000 idle sessions of one connection: memory of one", Hold(10_000, sessions=10_000)),
    Memory("idle-deflate", "10,000 idle connections that agreed on compression: memory of one", Hold(10_000, deflate=True)),
    Series(
        "scale-connections",
        "connections to one session, lone events",
        "connections",
        tuple((count, Load.lasting(0.7, count)) for count in (10, 30, 100, 300, 1_000, 3_000, 10_000, 15_000)),
    ),
    Series(
        "scale-sessions",
        "10,000 connections spread over sessions",
        "sessions",
        tuple((count, Load.lasting(0.7, 10_000, sessions=count)) for count in (1, 10, 100, 1_000, 10_000)),
    ),
    Soak("soak", 500, 100, growth_bytes_max=2 << 20, server=_SOAKED),
]


def chosen(names: Sequence[str], is_quick: bool) -> list[Scenario]:
    """Those named; else all that are part of a run of this kind. Raises KeyError for a name that nobody has."""
    known = {scenario.name: scenario for scenario in SCENARIOS}
    return [known[name] for name in names] if names else [scenario for scenario in SCENARIOS if scenario.runs(is_quick)]
