"""What an open, silent connection costs in memory."""

from __future__ import annotations

from .failure import MeasuringFailed
from .outcome import Line, Outcome, judged
from .recipes import FLOOR, GATEWAY, Recipe, peer
from .scenarios import Memory
from .server import started
from .session import Session


def measure(scenario: Memory, session: Session) -> Outcome:
    outcome = Outcome(scenario.name)
    # The floor knows no compression.
    recipes = [GATEWAY] if scenario.hold.deflate else [FLOOR, GATEWAY]
    if not session.is_quick:
        recipes += [peer(name) for name in scenario.peers if name in session.peers]
    for recipe in recipes:
        what = "" if outcome.lines else scenario.title
        try:
            each = _bytes_each(scenario, recipe, session)
        except MeasuringFailed as failed:
            if recipe.name not in session.peers:
                raise
            session.tell(f"    {recipe.name} failed: {failed}")
            outcome.lines.append(Line(what, recipe.name, "failed"))
            continue
        outcome.lines.append(Line(what, recipe.name, f"{each:,.0f} bytes", runs="1"))
        if recipe is GATEWAY and scenario.bytes_max is not None:
            text = f"{scenario.title}: {each:,.0f} bytes, at most {scenario.bytes_max:,}"
            outcome.verdicts.append(judged(each <= scenario.bytes_max, text))
    return outcome


def _bytes_each(scenario: Memory, recipe: Recipe, session: Session) -> float:
    with started(recipe, session.programs, session.cores) as server:
        before = server.anonymous_bytes
        with scenario.hold.held(server, session.programs, session.cores):
            each = (server.anonymous_bytes - before) / scenario.hold.connections
    session.tell(f"    {recipe.name:24}{each:,.0f} bytes")
    return each
