"""The two halves of scripts/conformance that are easier said in Python: which cases the suite shall run, and what came of them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import summary
import verdicts
from suite import NoSuchCase, Suite

EX_USAGE = 64


def plan(suite: Suite, arguments: argparse.Namespace) -> int:
    """Writes the suite's specification, with every case by its name: what is judged later is this list and not the suite's own reading."""
    try:
        cases = suite.select(arguments.cases, arguments.quick)
    except NoSuchCase as fault:
        print(fault, file=sys.stderr)
        return EX_USAGE
    specification = {
        "outdir": str(arguments.reports),
        "servers": [{"agent": "websocket-gateway", "url": f"ws://{arguments.address}/"}],
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    (arguments.reports / "specification.json").write_text(json.dumps(specification, indent=1))
    print(len(cases))
    return 0


def judge(suite: Suite, arguments: argparse.Namespace) -> int:
    """Prints the result; 0 if every case asked for is accepted. With `document`, a run of all cases is written down there, good or bad."""
    asked = json.loads((arguments.reports / "specification.json").read_text())["cases"]
    results = verdicts.read(arguments.reports, asked)
    print(summary.text(suite, results))
    is_whole = asked == list(suite.cases) and not any(result.is_missing for result in results)
    if arguments.document and is_whole:
        document = arguments.document.read_text()
        arguments.document.write_text(summary.replaced(document, summary.markdown(suite, results, arguments.run)))
    return 1 if any(result.fault for result in results) else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=Path, required=True, help="what suite_facts.py wrote")
    parser.add_argument("--reports", type=Path, required=True, help="the folder of this run")
    commands = parser.add_subparsers(dest="command", required=True)
    planning = commands.add_parser("plan")
    planning.add_argument("--address", required=True, help="host:port of the echo service")
    planning.add_argument("--quick", action="store_true")
    planning.add_argument("cases", nargs="*")
    judging = commands.add_parser("judge")
    judging.add_argument("--document", type=Path)
    judging.add_argument("--run", default="", help="what ran, for the document")
    arguments = parser.parse_args()
    suite = Suite.read(arguments.suite)
    return plan(suite, arguments) if arguments.command == "plan" else judge(suite, arguments)


if __name__ == "__main__":
    sys.exit(main())
