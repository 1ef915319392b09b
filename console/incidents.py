"""`sre incidents`, `sre incident N`, `sre ack N`, `sre resolve N`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from console.given import USER, NotFound, as_option, settings, store, who
from console.output import json_option, say, show, show_json, show_table
from domain.alarm_verdicts import AlarmVerdict
from domain.words import (
    action,
    because,
    escalation,
    page_reason,
    printable,
    receiver,
    relation,
    sentence,
    waiting,
)


def _row(found: dict[str, Any]) -> dict[str, object]:
    from domain.incidents import Severity  # noqa: PLC0415 - keeps `sre --help` fast

    return {
        "incident": found["id"],
        "state": found["state"],
        "severity": Severity(found["severity"]).name.lower(),
        "service": found["service"],
        "what": found["playbook"] or found["template"],
        "services": found["services"],
        "logs": found["logs"],
        "from": found["opened_at"],
        "last": found["last_at"],
        "paged": "yes" if found["page_key"] else "no",
        "acknowledged": found["acked_at"],
    }


@click.command(epilog="Example: sre incidents --open --json")
@click.option("--open", "only_open", is_flag=True, help="Only those that are not closed.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="Most rows.")
@json_option
@click.pass_context
def incidents(ctx: click.Context, limit: int, *, only_open: bool, as_json: bool) -> None:
    """List incidents, newest first; those that were merged are part of another one, which `sre incident` names."""
    from adapters.store.look_ups import list_incidents  # noqa: PLC0415 - keeps `sre --help` fast

    rows = [_row(found) for found in list_incidents(store(settings(ctx)), only_open=only_open, limit=limit)]
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
    about = _row(found) | {"detector": found["detector"]}
    show_table([{"field": name, "value": value} for name, value in about.items()], title=f"Incident {number}")
    show_table([_alert(row, found) for row in found["alerts"]], title="What it is made of", empty="\nno alerts")
    _tell("Next", _next(found))
    _tell("Evidence", [_evidence(kept, several=found["services"] > 1) for kept in found["evidence"]])
    _tell("Analysis", _analysis(found))
    plan = found["plan"]
    _tell("Plan", [_plan(plan)] if plan else [])
    _tell("Objections", found["objections"])
    show_table([_action(row) for row in found["actions"]], title="Actions", empty="\nno actions")
    show_table([_page(row) for row in found["pages"]], title="Pages", empty="\nno pages")
    show_table([_delivery(row) for row in found["deliveries"]], title="Who was told", empty="\nnobody was told")
    show_table([_note(row) for row in found["notes"]], title="What people found out", empty="\nno notes")
    show_table(
        [{"at": row["at"], "decision": sentence(row["kind"], row["fields"])} for row in found["ledger"]],
        title="Decisions",
    )


def _judge(ctx: click.Context, number: int, verdict: AlarmVerdict) -> None:
    from adapters.store.alarm_verdicts import give  # noqa: PLC0415 - keeps `sre --help` fast

    by = ctx.meta.get(USER) or who()
    give(store(settings(ctx)), number, verdict, by=by, now=datetime.now(UTC))


def _analysis(found: dict[str, Any]) -> list[str]:
    from domain.analysis_words import stored_lines  # noqa: PLC0415 - keeps `sre --help` fast

    return stored_lines(found["analyses"], found["id"])


def _note(row: dict[str, Any]) -> dict[str, object]:
    return {
        "at": row["at"],
        "by": row["by"],
        "cause": row["cause"],
        "what helped": row["helped"],
        "origin": row["origin"],
        "the analysis was": row["verdict"],
    }


def _alert(row: dict[str, Any], found: dict[str, Any]) -> dict[str, object]:
    origin = all(row[name] == found[name] for name in ("service", "kind", "template"))
    return {
        "service": row["service"],
        "what": row["template"] or "storm of alerts",
        "logs": row["logs"],
        "from": row["opened_at"],
        "because": "likely origin" if origin else relation(row["relation"], row["related_to"]),
    }


def _tell(title: str, lines: list[str]) -> None:
    say("", title)
    for line in lines or ["none"]:
        say(f"  {line}")


def _next(found: dict[str, Any]) -> list[str]:
    """What it waits for, and what a person who is asked can type."""
    lines = [waiting(found["due"], found["state"]), *map(escalation, found["escalation"])]
    if found["state"] == "waiting for approval" and found["plan"]:
        named = f"{found['id']} {_digest(found['plan']).removeprefix('plan ')}"
        lines.append(f"`sre approve {named}` allows the plan, `sre reject {named}` gives it to a human")
    return lines


def _plan(plan: dict[str, Any]) -> str:
    what = ", ".join(map(action, plan["actions"]))
    return f"{what} ({plan['source']}, confidence {plan['confidence']}, risk {plan['risk']}, {_digest(plan)})"


def _digest(plan: dict[str, Any]) -> str:
    from domain.errors import BadInput  # noqa: PLC0415 - keeps `sre --help` fast
    from domain.plan_documents import as_plan, digest  # noqa: PLC0415

    try:
        return f"plan {digest(as_plan(0, plan))}"
    except BadInput as error:
        return str(error)


def _evidence(kept: dict[str, Any], *, several: bool) -> str:
    at = datetime.fromisoformat(str(kept["at"]))
    service = f"{printable(kept['service'])}: " if several and kept.get("service") else ""
    return f"{at:%H:%M:%S} {service}{printable(kept['message'])}: {because(kept['reason'], kept['numbers'])}"


def _action(row: dict[str, Any]) -> dict[str, object]:
    return {
        "action": f"{row['kind']} {row['target']}",
        "state": row["state"],
        "pids before": _pids(row["before"]),
        "pids after": _pids(row["after"]),
        "started": row["started_at"],
        "outcome": row["outcome"],
        "error": row["error"],
    }


def _pids(snapshot: dict[str, Any] | None) -> str:
    return ", ".join(str(process["pid"]) for process in (snapshot or {}).get("processes", []) if process["pid"])


def _page(row: dict[str, Any]) -> dict[str, object]:
    return {
        "page": row["id"],
        "reason": page_reason(row["reason"]),
        "state": row["state"],
        "late": "yes" if row["late"] else "no",
        "held back by": row["muted_by"],
        "made": row["created_at"],
        "reached somebody": row["sent_at"],
        "error": row["error"],
    }


def _delivery(row: dict[str, Any]) -> dict[str, object]:
    return {
        "page": row["page_id"],
        "to": receiver(row),
        "because": row["why"],
        "state": row["state"],
        "tries": row["attempts"],
        "waits for": row["waits"],
        "sent": row["sent_at"],
        "message id": (row["receipt"] or {}).get("message_id"),
        "error": row["error"],
    }
