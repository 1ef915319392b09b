"""`sre on-call …`: who is on call, until when, and whether everybody can be reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from console.given import NotFound, as_option, may, settings, store
from console.on_call_files import check, export, import_
from console.on_call_roster import Taken, overrides_of, roster_of
from console.output import json_option, say, show, show_json
from domain.amounts import lasting
from domain.errors import BadInput
from domain.moments import as_moment
from domain.nearest import nearest
from domain.people import Role
from domain.reachable import configured
from domain.roster import Override, Roster, Schedule, User
from domain.schedules import Standing, shifts, standing

if TYPE_CHECKING:
    from domain.settings import Settings

WEEK = timedelta(days=7)
AHEAD = timedelta(days=56)  # how far the next one is looked for
LONGEST_NIGHT = timedelta(hours=12)  # from 22:00 to 06:00 is a night; from 18:00 to 14:00 is a mistake
NO_FILE = """\
no file says who is on call (paging.on_call): everybody whom the settings name is paged at once.
Named: {named}
Start from deployments/on_call.example.yaml, and check yours by `sre on-call check FILE`."""


@click.group("on-call", invoke_without_command=True, epilog="Example: sre on-call --at 2026-12-24T20:00")
@click.option("--at", "moment", default="", help="At this time instead of now: 14:30 or 2026-01-05T14:30, in UTC.")
@click.option("--week", is_flag=True, help="Every shift of the seven days from then on.")
@json_option
@click.pass_context
def on_call(ctx: click.Context, *, moment: str, week: bool, as_json: bool) -> None:
    """Show who is on call, until when, who comes next, and how each is reached."""
    if ctx.invoked_subcommand:
        return
    tree, now = settings(ctx), datetime.now(UTC)
    if not tree.paging.on_call:
        _without_file(tree, as_json=as_json)
        return
    roster = roster_of(tree, now)
    at = as_moment(moment, after=now) if moment else now
    taken = overrides_of(tree, at, at + AHEAD)
    found = roster.schedules.values()
    if week:
        rows = [row for one in found for row in week_rows(one, taken, at, as_json=as_json)]
    else:
        rows = [standing_row(one, roster, taken, at, as_json=as_json) for one in found]
    show(rows, as_json=as_json, empty="the file has no schedules: policies name people, teams and channels alone")


def reached_by(user: User | None) -> str:
    """How somebody is reached, the preferred way first."""
    return ", ".join(map(str, user.contacts)) if user else ""


def _without_file(tree: Settings, *, as_json: bool) -> None:
    named = [str(contact) for contact in configured(tree.paging)]
    if as_json:
        show_json({"file": "", "everybody": named})
    else:
        say(*NO_FILE.format(named=", ".join(named) or "nobody, so no page can be sent").splitlines())


def standing_row(
    schedule: Schedule, roster: Roster, taken: Taken, at: datetime, *, as_json: bool, zone: str = ""
) -> dict[str, object]:
    """One schedule at one moment; for people in the time of that zone, else of its own."""
    found = standing(schedule, taken.get(schedule.name, ()), at, AHEAD)
    ways = [f"{name}: {reached_by(roster.users.get(name))}" for name in found.now.users]
    if as_json:
        return {
            "schedule": schedule.name,
            "on_call": list(found.now.users),
            "by": found.now.why,
            "until": found.until,
            "next": list(found.then.users),
            "reached_by": ways,
        }
    return {
        "schedule": schedule.name,
        "on_call": ", ".join(found.now.users) or "nobody",
        "by": found.now.why,
        "until": _until(found, zone or schedule.zone),
        "next": ", ".join(found.then.users) or "nobody",
        "reached_by": "; ".join(ways),
    }


def _until(found: Standing, zone: str) -> str:
    return local(found.until, zone) if found.until else f"for more than {AHEAD.days // 7} weeks"


def local(at: datetime, zone: str) -> str:
    """A time as the people of a schedule read it: `Mon 2026-01-05 09:00 CET`."""
    return f"{at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M %Z}"


def week_rows(
    schedule: Schedule, taken: Taken, at: datetime, *, as_json: bool, zone: str = ""
) -> Iterator[dict[str, object]]:
    """Its shifts of seven days; the last one with its true end, which lies behind them: None, `and on` further off."""
    end = at + AHEAD
    for shift in shifts(schedule, taken.get(schedule.name, ()), at, end):
        if shift.begins >= at + WEEK:
            return
        goes_on = shift.ends >= end
        gap = f"nobody for {lasting((shift.ends - shift.begins).total_seconds())}"
        shown = zone or schedule.zone
        yield {
            "schedule": schedule.name,
            "from": shift.begins if as_json else local(shift.begins, shown),
            "to": (None if goes_on else shift.ends) if as_json else "and on" if goes_on else local(shift.ends, shown),
            "on_call": shift.user if as_json else shift.user or ("nobody" if goes_on else gap),
            "by": shift.why,
        }


@on_call.command(
    "override",
    short_help="Let somebody take a time of a schedule.",
    epilog="Example: sre on-call override platform ann --from 18:00 --to 22:00 --why dentist",
)
@click.argument("schedule", required=False)
@click.argument("person", required=False)
@click.option("--from", "begins", default="", help="When it begins: 14:30 or 2026-01-05T14:30, in UTC; else now.")
@click.option("--to", "ends", default="", help="When it ends, written as --from.")
@click.option("--why", default="", help="Why, for those who wonder later.")
@click.option("--remove", "number", type=click.IntRange(min=1), help="Take this override back.")
@as_option
@json_option
@click.pass_context
def override(ctx: click.Context, /, *, number: int | None, as_json: bool, **given: Any) -> None:  # noqa: ANN401
    """Let PERSON take a time of SCHEDULE, whoever's turn it is; or take an override back."""
    from adapters.store import overrides  # noqa: PLC0415 - keeps `sre --help` fast

    now, by, tree = datetime.now(UTC), may(ctx, Role.RESPONDER), settings(ctx)
    if number is None:
        found = overrides.add(store(tree), wanted_override(given, roster_of(tree, now), by, now), now=now)
    else:
        taken_back = overrides.remove(store(tree), number, by=by, now=now)
        if taken_back is None:
            raise NotFound(f"override {number} does not exist or is over")
        found = taken_back
    if as_json:
        show_json(override_row(found) | {"removed": number is not None})
    else:
        say(_said(found) if number is None else f"override {number} was taken back: {_said(found)}")


def override_row(found: Override) -> dict[str, object]:
    """An override for programs."""
    return {
        "override": found.id,
        "schedule": found.schedule,
        "person": found.person,
        "from": found.begins,
        "to": found.ends,
        "by": found.by,
        "why": found.why,
    }


def wanted_override(given: Mapping[str, str], roster: Roster, by: str, now: datetime) -> Override:
    """The override that somebody asked for. Raises BadInput."""
    schedule, person = given["schedule"], given["person"]
    if not schedule or not person or not given["ends"]:
        raise BadInput("who takes what until when? Write SCHEDULE PERSON --to 22:00, or --remove NUMBER")
    if schedule not in roster.schedules:
        raise BadInput(f"no schedule {schedule!r}; {nearest(schedule, roster.schedules)}")
    if person not in roster.users:
        raise BadInput(f"no user {person!r}; {nearest(person, roster.users)}")
    begins = as_moment(given["begins"], after=now) if given["begins"] else now
    ends = as_moment(given["ends"], after=begins)
    is_time = "-" not in given["ends"]  # a day is as it is written
    if is_time and ends.date() > begins.date() and ends - begins > LONGEST_NIGHT:
        raise BadInput(
            f"it ends before it begins: {given['ends']} is {ends:%Y-%m-%d %H:%M} UTC, and it begins at "
            f"{begins:%Y-%m-%d %H:%M} UTC; where the next day is meant, write {ends:%Y-%m-%dT%H:%M}"
        )
    return Override(schedule, person, begins, ends, by, given["why"])


def _said(found: Override) -> str:
    times = f"{found.begins:%Y-%m-%d %H:%M} to {found.ends:%Y-%m-%d %H:%M} UTC"
    why = f": {found.why}" if found.why else ""
    return f"override {found.id}: {found.person} takes {found.schedule} from {times}{why}"


for command in (check, export, import_):
    on_call.add_command(command)
