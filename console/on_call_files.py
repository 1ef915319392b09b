"""`sre on-call check`, `export` and `import`: the file of who is on call, and those of others."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import click

from console.given import settings
from console.on_call_roster import overrides_of, roster_of
from console.output import json_option, say, show_json, show_table, show_text
from domain.errors import BadInput
from domain.nearest import nearest
from domain.policy_check import Checks, Followed, Line
from domain.reachable import contact_problem
from domain.schedules import shifts

SOURCES = ("grafana-oncall", "pagerduty")


@click.command(
    "check",
    short_help="Say how long each policy takes until a human is reached.",
    epilog="Example: sre on-call check deployments/on_call.yaml",
)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@click.pass_context
def check(ctx: click.Context, *, file: Path | None, as_json: bool) -> None:
    """Follow each policy on a virtual clock, and say how long it may take until a human is reached.

    Every start minute of two weeks around each change of the clocks, with any one kind of channel down, with and
    without a restart. Exit code 1 when the file is wrong, or when there is a way to reach nobody.
    """
    tree, now = settings(ctx), datetime.now(UTC)
    roster = roster_of(tree, now, file)
    taken = overrides_of(tree, now, now + timedelta(days=400))
    checks = Checks(roster, taken, cache(lambda contact: not contact_problem(contact, tree.paging)), now)
    lines = [line for policy in roster.policies.values() for line in checks.lines(policy)]
    if as_json:
        show_json([_document(line) for line in lines])
    else:
        show_table([_row(line) for line in lines], title="Longest time until a human is reached by a critical page")
        for line in lines:
            if found := line.counterexample:
                say(_in_words(line, found))
    sys.exit(int(any(line.counterexample for line in lines)))


def _took(followed: Followed) -> str:
    if not followed.reached:
        return "never"
    minutes, seconds = divmod(round(followed.took.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{amount} {unit}" for amount, unit in ((hours, "h"), (minutes, "min"), (seconds, "s")) if amount]
    return " ".join(parts) or "at once"


def _row(line: Line) -> dict[str, object]:
    worst = line.counterexample or line.worst
    return {
        "policy": line.policy,
        "down": str(line.down or "nothing"),
        "longest": _took(line.worst),
        "with_a_restart": _took(line.with_restart),
        "for_example_at": f"{worst.start:%a %Y-%m-%d %H:%M} UTC",
        "reaches": ", ".join(worst.reached) or "nobody",
    }


def _document(line: Line) -> dict[str, object]:
    def seconds(followed: Followed) -> float | None:
        return followed.took.total_seconds() if followed.reached else None

    found = line.counterexample
    return {
        "policy": line.policy,
        "down": line.down,
        "longest_seconds": seconds(line.worst),
        "with_a_restart_seconds": seconds(line.with_restart),
        "start": (found or line.worst).start,
        "reaches": list((found or line.worst).reached),
        "why_nobody": found.why_nobody if found else "",
    }


def _in_words(line: Line, found: Followed) -> str:
    when = f"a critical page at {found.start:%a %Y-%m-%d %H:%M} UTC while {found.trouble} reaches nobody"
    return f"policy {line.policy}: {when}: {found.why_nobody}"


@click.command(
    "export",
    short_help="Write a schedule as a calendar.",
    epilog="Example: sre on-call export --ical platform --weeks 12 --out platform.ics",
)
@click.option("--ical", "schedule", required=True, metavar="SCHEDULE", help="The schedule to write.")
@click.option("--weeks", type=click.IntRange(1, 104), default=8, show_default=True, help="How far ahead.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; else it is printed.")
@click.pass_context
def export(ctx: click.Context, *, schedule: str, weeks: int, out: Path | None) -> None:
    """Write the shifts of a schedule as an iCalendar file, overrides included."""
    from adapters.on_call_files.calendars import written  # noqa: PLC0415 - keeps `sre --help` fast

    tree, now = settings(ctx), datetime.now(UTC)
    roster = roster_of(tree, now)
    if schedule not in roster.schedules:
        raise BadInput(f"no schedule {schedule!r}; {nearest(schedule, roster.schedules)}")
    one, ends = roster.schedules[schedule], now + timedelta(weeks=weeks)
    found = shifts(one, overrides_of(tree, now, ends).get(schedule, ()), now, ends)
    text = written(schedule, one.zone, found, roster.users, now).decode()
    if out is None:
        show_text(text)
    else:
        _write(out, text, force=True)


@click.command(
    "import",
    short_help="Make our file of another tool's export.",
    epilog="Example: sre on-call import --from pagerduty export.json --out on_call.yaml",
)
@click.option("--from", "source", required=True, type=click.Choice(SOURCES), help="Whose export it is.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; else it is printed.")
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
@json_option
def import_(*, source: str, file: Path, out: Path | None, force: bool, as_json: bool) -> None:
    """Make our file of another tool's users, schedules and policies; say line by line what carries over and what not.

    FILE is one JSON object with the answers of its API: users, schedules and escalation policies.
    """
    from adapters.on_call_files.importing import read_foreign  # noqa: PLC0415 - keeps `sre --help` fast

    found = read_foreign(file, source)
    if out is not None:
        _write(out, found.text, force=force)
    if as_json:
        show_json({"file": str(out or ""), "text": found.text, "carried": found.carried, "not_carried": found.lost})
        return
    if out is None:
        show_text(found.text)
    for title, lines in (("carried over", found.carried), ("not carried over", found.lost)):
        say(f"{title}: {len(lines) or 'nothing'}", err=True)
        for line in lines:
            say(f"  {line}", err=True)


def _write(path: Path, text: str, *, force: bool) -> None:
    if path.exists() and not force:
        raise BadInput(f"{path} is there already; say --force to overwrite it, or another file by --out")
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}") from error
