"""`sre replay`: decide about stored logs again, as it was or otherwise, without any effect."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.given import settings as settings_of
from console.output import json_option, say, show_json
from console.times import moment
from domain.amounts import counted, lasting, number
from domain.shown_texts import printable

if TYPE_CHECKING:
    from tasks.replaying import Replayed

MOST_SHOWN = 50
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(epilog="Example: sre replay --since 24h; sre replay --since 7d --settings stricter.yaml")
@click.option("--since", required=True, help="From then on: 30m, 24h, 7d, 14:30, 2026-01-05T14:30.")
@click.option("--until", default="0s", show_default="now", help="To before that, written alike.")
@click.option(
    "--settings",
    "file",
    type=FILE,
    help="Decide with the settings of this file, which counts whole, not with those of then.",
)
@click.option("--model", type=click.IntRange(0), help="Decide with this version of the model; 0: by rules alone.")
@click.option("--playbooks", type=FOLDER, help="Decide with the playbooks of this folder.")
@click.option("--on-call", type=FILE, help="Ask whom this file of who is on call would have had told.")
@click.option("--workers", type=click.IntRange(0), default=0, help="Processes that score logs; 0: one per processor.")
@json_option
@click.pass_context
def replay(  # noqa: PLR0913 - one argument per option
    ctx: click.Context,
    *,
    since: str,
    until: str,
    file: Path | None,
    model: int | None,
    playbooks: Path | None,
    on_call: Path | None,
    workers: int,
    as_json: bool,
) -> None:
    """Decide about the stored logs of a time again, without any effect, and say what differs.

    Exit code 0: every decision is the same; 1: something differs, or could not be read; 2: wrong options.
    """
    now = datetime.now(UTC)
    begin, end = moment(since, now), moment(until, now)
    if begin >= end:
        raise click.UsageError("--since must be before --until")
    tree = settings_of(ctx)
    from tasks.side_by_side import Otherwise, changes, run  # noqa: PLC0415 - keeps `sre --help` fast

    asked = changes(tree, Otherwise(str(file or ""), model, str(playbooks or ""), str(on_call or "")))
    with _progress() as tell:
        found = run(tree, asked, begin, end, workers=workers, tell=tell)
    show_json(document(found)) if as_json else say(*in_words(found))
    sys.exit(0 if found.differences.none else 1)


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    from rich.console import Console  # noqa: PLC0415 - as above
    from rich.progress import Progress, SpinnerColumn, TextColumn  # noqa: PLC0415

    done = 0
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, transient=True, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("reading what was decided")

        def tell(logs: int) -> None:
            nonlocal done
            done += logs
            progress.update(bar, description=f"decided about {done:,} logs again")

        yield tell


def times_real(found: Replayed) -> float | None:
    """How many times faster than they came the logs were decided about; None where there were none."""
    if found.began is None or not found.seconds:
        return None
    return (found.until - found.began).total_seconds() / found.seconds


def in_words(found: Replayed) -> list[str]:
    """What came of a replay, one fact a line."""
    if not found.batches:
        return [f"No batch was decided between {_at(found.since)} and {_at(found.until)}."]
    pace = times_real(found)
    lines = [
        f"Decided again: {counted(found.logs, 'log')} in {counted(found.batches, 'batch').replace('batchs', 'batches')}"
        f" from {_at(found.since)} to {_at(found.until)}, in {lasting(found.seconds)}"
        + (f", {number(float(pace))} × real time." if pace else ".")
    ]
    lines += [f"Not certain: {printable(doubt)}." for doubt in found.doubts]
    same = ", ".join(f"{many:,} × {kind}" for kind, many in sorted(found.differences.same.items()))
    equal = found.differences.verdicts.logs - found.differences.verdicts.other
    lines.append(f"The same: {counted(equal, 'verdict')} on logs" + (f", {same}." if same else "."))
    if found.differences.none:
        return [*lines, "Nothing differs."]
    told = [one.told for one in found.differences.found]
    lines += told[:MOST_SHOWN]
    if len(told) > MOST_SHOWN:
        lines.append(f"… and {len(told) - MOST_SHOWN:,} more; --json has all of them")
    return lines


def _at(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"


def document(found: Replayed) -> dict[str, Any]:
    """The same for programs."""
    differ = found.differences
    return {
        "since": found.since,
        "until": found.until,
        "batches": found.batches,
        "logs": found.logs,
        "seconds": round(found.seconds, 2),
        "times_real_time": times_real(found),
        "same": differ.none,
        "decisions_alike": dict(differ.same),
        "verdicts": {
            "alike": differ.verdicts.logs - differ.verdicts.other,
            "other": differ.verdicts.other,
            "won": dict(differ.verdicts.won),
            "lost": dict(differ.verdicts.lost),
            "examples": differ.verdicts.examples,
        },
        "differences": [{"what": one.what, "how": one.how, "told": one.told} for one in differ.found],
        "doubts": list(found.doubts),
    }
