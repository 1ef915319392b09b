"""`sre incidents`, `sre incident N`, `sre ack N`, `sre resolve N`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from console import incident_rows
from console.given import NotFound, as_option, caller, settings, store
from console.output import json_option, say, show, show_json, show_table
from domain.alarm_verdicts import AlarmVerdict
from domain.who_has_it import owner


@click.command(epilog="Example: sre incidents --open --json")
@click.option("--open", "only_open", is_flag=True, help="Only those that are not closed.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="Most rows.")
@json_option
@click.pass_context
def incidents(ctx: click.Context, limit: int, *, only_open: bool, as_json: bool) -> None:
    """List incidents, newest first; those that were merged are part of another one, which `sre incident` names."""
    from adapters.store.look_ups import list_incidents  # noqa: PLC0415 - keeps `sre --help` fast

    rows = [
        incident_rows.summary(found) for found in list_incidents(store(settings(ctx)), only_open=only_open, limit=limit)
    ]
    if not as_json and not any(row["snoozed until"] for row in rows):  # a column for what is rare takes width from all
        rows = [{name: value for name, value in row.items() if name != "snoozed until"} for row in rows]
    show(rows, as_json=as_json, title="Incidents", empty="no incidents")


@click.command(epilog="Example: sre incident 17; sre incident 17 --verdict false-alarm")
@click.argument("number", type=click.IntRange(min=1))
@click.option(
    "--verdict",
    type=click.Choice([one.value for one in AlarmVerdict]),
    help="Say whether there was a fault: it counts for the promise and for what is learned.",
)
@as_option
@json_option
@click.pass_context
def incident(ctx: click.Context, number: int, verdict: str | None, *, as_json: bool) -> None:
    """Show one incident: evidence, plan, objections, actions, pages and every decision."""
    if verdict is not None:
        _judge(ctx, number, AlarmVerdict(verdict))
    from adapters.store.look_ups import one_incident  # noqa: PLC0415 - keeps `sre --help` fast

    found = one_incident(store(settings(ctx)), number)
    if found is None:
        raise NotFound(f"there is no incident {number}; `sre incidents` lists them")
    if as_json:
        show_json(found)
        return
    about = incident_rows.summary(found) | {"who has it": owner(found), "detector": found["detector"]}
    show_table([{"field": name, "value": value} for name, value in about.items()], title=f"Incident {number}")
    show_table(
        [incident_rows.alert(row, found) for row in found["alerts"]], title="What it is made of", empty="\nno alerts"
    )
    _tell("Next", incident_rows.next_steps(found))
    _tell("Evidence", [incident_rows.evidence(kept, several=found["services"] > 1) for kept in found["evidence"]])
    _tell("Analysis", incident_rows.analysis(found))
    plan = found["plan"]
    _tell("Plan", [incident_rows.plan(plan)] if plan else [])
    _tell("Objections", found["objections"])
    show_table([incident_rows.act(row) for row in found["actions"]], title="Actions", empty="\nno actions")
    show_table([incident_rows.page(row) for row in found["pages"]], title="Pages", empty="\nno pages")
    show_table(
        [incident_rows.delivery(row) for row in found["deliveries"]], title="Who was told", empty="\nnobody was told"
    )
    show_table([incident_rows.note(row) for row in found["notes"]], title="What people found out", empty="\nno notes")
    show_table(
        [incident_rows.decision(row) for row in found["ledger"]],
        title="Decisions",
    )


def _judge(ctx: click.Context, number: int, verdict: AlarmVerdict) -> None:
    from adapters.store.alarm_verdicts import give  # noqa: PLC0415 - keeps `sre --help` fast

    give(store(settings(ctx)), number, verdict, by=caller(ctx), now=datetime.now(UTC))


def _tell(title: str, lines: list[str]) -> None:
    say("", title)
    for line in lines or ["none"]:
        say(f"  {line}")
