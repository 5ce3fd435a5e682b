"""`websocket-gateway load`: publishes as engines do, and checks every event on every connection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

from . import certificates
from .cores import Cores, pinned
from .failure import MeasuringFailed
from .programs import Programs
from .run import Run, report_of
from .server import Server

RUN_SECONDS_MAX = 60
# Costs of about this machine's floor, to choose how many events make a run of the length that is wanted; nothing is judged by them.
_PUBLISH_US, _DELIVERY_US = 20.0, 4.5


@dataclass(frozen=True)
class Load:
    connections: int
    events: int
    """To each session."""
    sessions: int = 1
    in_flight: int = 1
    publishers: Optional[int] = None
    rate: Optional[int] = None
    event_bytes: Optional[int] = None
    candles: bool = False
    deflate: bool = False
    filtered: int = 0
    """Of the connections, those that want every other event only."""
    slow: int = 0
    """Connections besides that stop reading."""
    seconds_max: int = RUN_SECONDS_MAX

    @staticmethod
    def lasting(seconds: float, connections: int, sessions: int = 1, in_flight: int = 1) -> Load:
        """About so long against the floor."""
        one_event_us = _PUBLISH_US + _DELIVERY_US * connections / sessions
        return Load(connections, max(2, round(1e6 * seconds / sessions / one_event_us)), sessions, in_flight)

    @property
    def deliveries(self) -> int:
        everything = self.connections // self.sessions * self.sessions * self.events
        # The first event is one that all want.
        return everything - self.filtered * (self.events // 2)

    def scaled(self, factor: float) -> Load:
        return replace(self, events=max(2, round(self.events * factor)))

    def command(self, server: Server, name: str, programs: Programs) -> list[str]:
        is_sealed = server.recipe.is_sealed
        clients = ["--connect", f"wss://{server.listen}", *certificates.IDENTITY.trust] if is_sealed else ["--connect", server.listen]
        words = [str(programs.loader), "load", "--json", "--histogram", *clients, "--control", server.control]
        words += ["--dialect", server.dialect, "--session-prefix", name, "--duration", str(self.seconds_max)]
        words += ["--connections", str(self.connections), "--sessions", str(self.sessions), "--events", str(self.events)]
        words += ["--in-flight", str(self.in_flight), "--slow", str(self.slow)]
        for pid in server.pids:
            words += ["--server-pid", str(pid)]
        options = {"--publishers": self.publishers, "--rate": self.rate, "--event-bytes": self.event_bytes}
        words += [word for option, value in options.items() if value is not None for word in (option, str(value))]
        words += ["--filtered", str(self.filtered)] if self.filtered else []
        words += ["--payload", "candles"] if self.candles else []
        return words + (["--deflate"] if self.deflate else [])

    def run(self, server: Server, name: str, programs: Programs, cores: Cores) -> Run:
        report = report_of(pinned([cores.of_tool], self.command(server, name, programs)), self.seconds_max + 20)
        expected = self.deliveries
        if not report["passed"] or report["delivered"] < expected or report["lost"]:
            raise MeasuringFailed(f"{server.name}: {report['delivered']} of {expected} deliveries, {report['lost']} lost")
        if report["compressed"] != (report["delivered"] if self.deflate else 0):
            raise MeasuringFailed(f"{server.name}: {report['compressed']} of {report['delivered']} deliveries were compressed")
        if report["slow_dropped"] != self.slow:
            raise MeasuringFailed(f"{server.name}: of {self.slow} connections that do not read, {report['slow_dropped']} were dropped")
        # Who does not read is queued for, and that is what is measured then.
        return replace(Run.of_load(report), queued=0.0) if self.slow else Run.of_load(report)
