"""A curve: cost over something that is varied, with the floor's beside."""

from __future__ import annotations

import resource

from . import paired
from .measure import COST
from .outcome import Outcome
from .pairs import Comparison, interleaved
from .recipes import FLOOR, GATEWAY
from .run import Run
from .scenarios import Series
from .session import Session
from .side import Side

# Besides its connections a process has a few descriptors, and the gateway keeps some in reserve.
DESCRIPTORS_RESERVED = 1000


def measure(scenario: Series, session: Session) -> Outcome:
    outcome = Outcome(scenario.name)
    descriptors_max = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    count = scenario.pairs.of(session.is_quick) or 1
    for x, work in scenario.works:
        if descriptors_max != resource.RLIM_INFINITY and work.connections > descriptors_max - DESCRIPTORS_RESERVED:
            session.tell(f"    {x:,} {scenario.unit}: left out, as a process may open {descriptors_max:,} files")
            continue
        sides = [Side(FLOOR, work), Side(GATEWAY, work)]
        # New servers for each: no session is ever forgotten, and the floor has room for 131,071.
        with session.servers([side.server for side in sides]) as servers:

            def run(side: Side) -> Run:
                return session.run(side, servers)

            session.warm_up(sides, servers)
            [pairs] = interleaved([Comparison(sides[0], sides[1], count, 1)], run)
        point = paired.point(pairs, x)
        session.tell(f"    {x:>6,} {scenario.unit:16}{point.floor_us:8.2f} µs{point.gateway_us:8.2f} µs")
        outcome.points.append(point)
        what = f"{scenario.title}: {x:,}" if not outcome.lines else f"    {x:,}"
        outcome.lines += paired.lines(what, COST, pairs)
    return outcome
