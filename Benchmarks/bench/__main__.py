"""`python3 -m bench` in Benchmarks; scripts/bench builds what it needs, and starts it."""

from __future__ import annotations

import argparse
import json
import resource
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import NoReturn

from . import document, memory, paired, plot, pooled, series, soak, table
from .cores import Cores
from .facts import facts
from .failure import MeasuringFailed
from .outcome import Grade, Outcome, have_failed
from .programs import PEERS, REPOSITORY, Programs
from .recipes import peer
from .scenarios import SCENARIOS, Memory, Paired, Pooled, Scenario, Series, Soak, chosen
from .server import versions
from .session import Session

DOCUMENT = REPOSITORY / "docs/PERFORMANCE.md"
PLOT = REPOSITORY / "docs/performance.svg"
RESULTS = REPOSITORY / ".build-bench/results.json"
EXIT_USAGE = 64
SOAK_MINUTES_MAX = 1440


def main() -> int:
    arguments = _arguments()
    if arguments.check:
        return 0
    # Servers are ended on the way out.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    began = time.monotonic()
    try:
        programs, cores = Programs.named(), Cores.here()
        guests = [path for name, path in programs.peers.items() if name not in PEERS]
        missing = [*programs.missing, *(path for path in guests if not path.exists())]
        if missing:
            raise MeasuringFailed(f"not there: {', '.join(map(str, missing))}")
        recipes = [peer(name) for name, path in programs.peers.items() if path.exists()]
        session = Session(programs, cores, arguments.quick, arguments.pairs, versions(recipes, programs, cores))
        session.soak_minutes = arguments.minutes or session.soak_minutes
        session.guests = frozenset(session.peers) - frozenset(PEERS)
    except (MeasuringFailed, ValueError) as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return EXIT_USAGE
    session.tell(f"peers: {', '.join(session.peers) or 'none is installed'}")
    scenarios = chosen(arguments.only, arguments.quick)
    outcomes = [_measure(scenario, session) for scenario in scenarios]
    told = {**facts(programs, session.peers), "run": _run(arguments, time.monotonic() - began)}
    _print(outcomes, told)
    _save(outcomes, told)
    if arguments.write:
        _write(outcomes, told)
    return 1 if have_failed(outcomes) else 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.format_usage()}bench: {message}\n")


def _arguments() -> argparse.Namespace:
    names = [scenario.name for scenario in SCENARIOS]
    parser = _Parser(
        prog="scripts/bench",
        description="The gateway against the floor and its peers, interleaved in one run.",
        epilog="--durable as the first word is a run of its own, which takes what follows: scripts/bench --durable --help. "
        "Exit status 0: every bound that could be measured is kept; 1: one is not, or is undecided, or something was lost; "
        "64: wrong use. WSG_EXECUTABLE names a gateway that is built already; the other variables are in the head of scripts/bench.")
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument(
        "--quick", action="store_true", help="what has a bound but compression, with fewer pairs; under five minutes once everything is built")
    parser.add_argument("--pairs", metavar="N", type=int, help="pairs in each paired scenario, in place of its own number")
    parser.add_argument("--only", metavar="SCENARIO", nargs="+", default=[], choices=names, help=f"of {', '.join(names)}")
    parser.add_argument("--minutes", metavar="N", type=int, help="of the soak (2)")
    parser.add_argument("--peers", action="store_true", help="first make the peers available (scripts/bench does)")
    parser.add_argument("--write", action="store_true", help="the results to docs/PERFORMANCE.md, the curves to docs/performance.svg")
    arguments = parser.parse_args()
    if arguments.pairs is not None and arguments.pairs < 1:
        parser.error("--pairs is 1 or more")
    if arguments.minutes is not None and ("soak" not in arguments.only or not 1 <= arguments.minutes <= SOAK_MINUTES_MAX):
        parser.error(f"--minutes is of --only soak, and 1 to {SOAK_MINUTES_MAX}")
    if arguments.write and arguments.only:
        parser.error("--write is for a whole run, not for --only a part of it")
    return arguments


def _measure(scenario: Scenario, session: Session) -> Outcome:
    title = scenario.title(session.soak_minutes) if isinstance(scenario, Soak) else scenario.title
    session.tell(f"{scenario.name}: {title}")
    try:
        if isinstance(scenario, Paired):
            return paired.measure(scenario, session)
        if isinstance(scenario, Pooled):
            return pooled.measure(scenario, session)
        if isinstance(scenario, Memory):
            return memory.measure(scenario, session)
        if isinstance(scenario, Series):
            return series.measure(scenario, session)
        assert isinstance(scenario, Soak)
        return soak.measure(scenario, session)
    except (MeasuringFailed, OSError) as failed:
        session.tell(f"    FAILED: {failed}")
        return Outcome.failed(scenario.name, title, str(failed).splitlines()[0])


def _run(arguments: argparse.Namespace, seconds: float) -> str:
    words = ["scripts/bench", *(["--quick"] if arguments.quick else []), *([f"--pairs {arguments.pairs}"] if arguments.pairs else [])]
    words += ["--only", *arguments.only] if arguments.only else []
    words += ["--minutes", str(arguments.minutes)] if arguments.minutes else []
    return f"`{' '.join(words)}`, {seconds / 60:.0f} minutes"


def _print(outcomes: Sequence[Outcome], told: dict[str, str]) -> None:
    print("\n".join(f"{name}: {value}" for name, value in told.items()))
    print(f"\n{table.text(outcomes)}\n")
    for outcome in outcomes:
        for verdict in outcome.verdicts:
            print(verdict)


def _save(outcomes: Sequence[Outcome], told: dict[str, str]) -> None:
    """All of it for programs, wherever it is not for the document."""
    RESULTS.parent.mkdir(exist_ok=True)
    text = json.dumps({"facts": told, "outcomes": [asdict(outcome) for outcome in outcomes]}, indent=1, default=_grade, ensure_ascii=False)
    RESULTS.write_text(text + "\n")


def _grade(value: object) -> str:
    assert isinstance(value, Grade)
    return value.value


def _write(outcomes: Sequence[Outcome], told: dict[str, str]) -> None:
    panels = [_panel(scenario, outcome) for scenario, outcome in _curves(outcomes)]
    if panels:
        PLOT.write_text(plot.svg(panels))
    picture = PLOT.name if panels else ""
    DOCUMENT.write_text(document.replaced(DOCUMENT.read_text(), document.block(outcomes, told, picture)))


def _curves(outcomes: Sequence[Outcome]) -> list[tuple[Series, Outcome]]:
    known = {scenario.name: scenario for scenario in SCENARIOS if isinstance(scenario, Series)}
    return [(known[outcome.name], outcome) for outcome in outcomes if outcome.points]


def _panel(scenario: Series, outcome: Outcome) -> plot.Panel:
    gateway = plot.Curve("gateway", tuple((point.x, point.gateway_us) for point in outcome.points))
    floor = plot.Curve("floor", tuple((point.x, point.floor_us) for point in outcome.points))
    return plot.Panel(scenario.title, scenario.unit, "µs of CPU for each delivery", (gateway, floor))


if __name__ == "__main__":
    sys.exit(main())
