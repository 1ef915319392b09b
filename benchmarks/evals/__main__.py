"""Evals of the analysis of incidents: `python -m benchmarks.evals`, or `make evals`.

Each scenario is lived through by the real chain in a store of its own, and looked into without a model, with scripted
models, and with a real one where an endpoint is named. It ends with 1 where a row passes less than its floor.

Examples:
  python -m benchmarks.evals --families "single fault,cascade" --against deterministic,honest
  python -m benchmarks.evals --endpoint https://api.openai.com/v1 --model gpt-4o --key-env OPENAI_API_KEY -n 3
  python -m benchmarks.evals --judged
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from adapters.settings_files import load
from adapters.store.opening import open_database
from benchmarks.evals import table
from benchmarks.evals.competitors import COMPETITORS, ENDPOINT
from benchmarks.evals.docs import write_docs
from benchmarks.evals.families import FAMILIES, chosen
from benchmarks.evals.judged import judged
from benchmarks.evals.running import Outcome
from benchmarks.evals.tournament import Endpoint, matches, progress, run
from benchmarks.report import publish
from domain.errors import BadInput, SreError


def options() -> argparse.ArgumentParser:
    """What the command takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", default="", help=f"of {', '.join(FAMILIES)}; all without it")
    parser.add_argument("--against", default=",".join(COMPETITORS), help=f"of {', '.join(COMPETITORS)}; may be empty")
    parser.add_argument("--endpoint", default="", metavar="URL", help="an OpenAI-compatible one, up to /v1")
    parser.add_argument("--model", default="gpt-4", help="its model")
    parser.add_argument("--key-env", default="", metavar="VAR", help="environment variable that holds its key")
    parser.add_argument("-n", type=int, default=1, dest="times", help="times that the endpoint is asked")
    parser.add_argument("--json", action="store_true", help="print one JSON document and keep it with the benchmarks")
    parser.add_argument("--write-docs", action="store_true", help="write docs/evals.md")
    parser.add_argument("--judged", action="store_true", help="how often stored analyses were right, by people's notes")
    return parser


def main() -> int:
    """Run what is asked for; 1 where a row is below its floor."""
    given = options().parse_args()
    try:
        return tell_judged() if given.judged else compare(given)
    except SreError as error:
        print(f"evals: {error}", file=sys.stderr)
        return 2


def tell_judged() -> int:
    """What the notes in the configured store say."""
    settings = load().settings
    url = settings.store.url.get_secret_value()
    if not url:
        raise BadInput("there is no store to ask: start one with `sre up`, or name it by SRE_STORE__URL")
    engine = open_database(url, settings.encryption, settings.store.files)
    print("\n".join(judged(engine).lines))
    return 0


def compare(given: argparse.Namespace) -> int:
    """All of the tournament."""
    scenarios = chosen(_names(given.families))
    against = _known(_names(given.against))
    wanted = matches(scenarios, against, _endpoint(given), max(1, given.times))
    outcomes: list[Outcome] = []
    for done, found in enumerate(run(wanted), 1):
        progress(done, len(wanted), found)
        outcomes += found
    order = {(one.family, one.name): place for place, one in enumerate(scenarios)}
    outcomes.sort(key=lambda one: order[one.family, one.scenario])
    return report(given, outcomes)


def report(given: argparse.Namespace, outcomes: Sequence[Outcome]) -> int:
    """The table, and what is below its floor."""
    found = table.cells(outcomes)
    if given.json:
        publish("evals", table.document(outcomes))
    else:
        print("\n".join(table.lines(found)))
    if given.write_docs:
        write_docs(outcomes)
    low = table.below(found)
    for line in low:
        print(f"below its floor: {line}", file=sys.stderr)
    return 1 if low else 0


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _known(names: Sequence[str]) -> list[str]:
    if unknown := sorted(set(names) - COMPETITORS.keys()):
        raise BadInput(f"there is no {', '.join(unknown)} to run against; there are {', '.join(COMPETITORS)}")
    return list(names)


def _endpoint(given: argparse.Namespace) -> Endpoint | None:
    if not given.endpoint:
        return None
    key = os.environ.get(given.key_env, "") if given.key_env else ""
    if given.key_env and not key:
        raise BadInput(f"--key-env: the environment has no {given.key_env}, which would hold the key of {ENDPOINT}")
    return Endpoint(given.endpoint, given.model, key)


if __name__ == "__main__":
    sys.exit(main())
