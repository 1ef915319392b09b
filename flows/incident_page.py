"""The page that Prefect shows for an incident, as Markdown in which log text is only text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from domain.action_sentences import action, processes
from domain.analysis_words import stored_lines
from domain.evidence_words import because
from domain.incident_sentences import findings, relation, waiting
from domain.ledger_sentences import sentence
from domain.page_sentences import page_reason, receiver

MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>@:])")
LONGEST = 600
NOT_QUOTED = "(not shown here; `sre incident` shows it)"
# Fields of the ledger that never repeat a log.
OURS = frozenset(
    {
        *("by", "kind", "detector", "logs", "services", "episode", "after_seconds", "service", "reason", "resolution"),
        *(
            "channel",
            "receiver",
            "person",
            "attempt",
            "step",
            "to",
            "target",
            "outcome",
            "playbook",
            "quiet_seconds",
            "verdict",
        ),
    }
)


def text(value: object) -> str:
    """`value` as text that is neither markup nor Markdown, on one line."""
    flat = " ".join(str(value)[:LONGEST].split())
    return MARKDOWN.sub(r"\\\1", html.escape(flat, quote=False))


def _when(value: datetime | str | None) -> str:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{moment:%H:%M:%S}" if moment else "–"


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"- {line}" for line in lines]
    return ["", f"## {title}", "", *(found or ["none"])]


def markdown(incident: dict[str, Any]) -> str:
    """Timeline, evidence, plan, objections and outcome of one incident, as `look_ups.one_incident` gives it."""
    plan = incident["plan"] or {}
    told = [f"{_when(row['at'])} {text(sentence(row['kind'], row['fields']))}" for row in incident["ledger"]]
    seen = [
        f"{_when(kept['at'])} {text(kept['message'])} ({text(_because(kept, incident))})"
        for kept in incident["evidence"]
    ]
    pages = [
        f"{_when(row['created_at'])} page {row['id']}: {text(page_reason(row['reason']))}, {row['state']}{_held(row)}"
        for row in incident["pages"]
    ]
    told_to = [
        f"page {row['page_id']} to {text(receiver(row))}, {row['state']}: {text(row['why'])}"
        for row in incident["deliveries"]
    ]
    analysis = map(text, stored_lines(incident["analyses"], incident["id"]))
    lines = [
        f"# Incident {incident['id']}: {text(incident['service'])}",
        "",
        f"{text(incident['template'] or incident['kind'])}",
        "",
        _state(incident),
        *_section("What it is made of", (_alert(row, incident) for row in incident["alerts"])),
        *_section("Timeline", told),
        *_section("Evidence", seen),
        *_section("Plan", [_plan(plan)] if plan else []),
        *_section("Objections", map(text, incident["objections"])),
        *_section("Analysis", analysis),
        *_section("Actions", map(_action, incident["actions"])),
        *_section("Pages", pages),
        *_section("Who was told", told_to),
        *_section("What people found out", (line for row in incident["notes"] for line in _note(row))),
        *_section("Outcome", [f"{incident['state']} {text(incident['resolution'] or '')}"]),
    ]
    return "\n".join(lines)


def without_quotes(incident: dict[str, Any]) -> dict[str, Any]:
    """The same without anything that a log said: what stays are times, services, counts, names and our own words."""
    told = [
        row | {"fields": {name: value for name, value in row["fields"].items() if name in OURS}}
        for row in incident["ledger"]
    ]
    alerts = [row | {"template": row["playbook"] or row["kind"]} for row in incident["alerts"]]
    what = incident["playbook"] or incident["kind"]
    left = {
        "analyses": [],
        "template": what,
        "evidence": [],
        "objections": [NOT_QUOTED] * bool(incident["objections"]),
        "plan": None,
    }
    notes = [row | {name: NOT_QUOTED for name in ("cause", "helped") if row[name]} for row in incident["notes"]]
    return incident | left | {"ledger": told, "alerts": alerts, "notes": notes}


def _alert(row: dict[str, Any], incident: dict[str, Any]) -> str:
    origin = all(row[name] == incident[name] for name in ("service", "kind", "template"))
    why = "the likely origin" if origin else relation(row["relation"], row["related_to"])
    return f"{text(row['service'])}: {text(row['template'] or 'storm of alerts')} ({text(why)}, {row['logs']:,} logs)"


def _note(row: dict[str, Any]) -> list[str]:
    return [f"{_when(row['at'])} {text(row['by'])}, {text(said)}" for said in findings(row)]


def _held(row: dict[str, Any]) -> str:
    return f", held back by {text(row['muted_by'])}" if row["muted_by"] else ""


def _because(kept: dict[str, Any], incident: dict[str, Any]) -> str:
    return because(kept["reason"], kept["numbers"], incident["detector"])


def _state(incident: dict[str, Any]) -> str:
    waits = text(waiting(incident["due"], incident["state"]))
    return f"State **{incident['state']}**, {waits}; {incident['logs']:,} logs, detector {text(incident['detector'])}."


def _plan(plan: dict[str, Any]) -> str:
    what = " and ".join(text(action(one)) for one in plan["actions"])
    return f"{what}, by {text(plan['source'])}, because {text(plan.get('why') or 'it fits')}"


def _action(row: dict[str, Any]) -> str:
    before, after = (processes(_pids(row[name])) for name in ("before", "after"))
    outcome = row["outcome"] or "not judged yet"
    undone = f", taken back: {row['undo']}" if row["undo"] else ""
    return (
        f"{text(row['kind'])} {text(row['target'])}: {row['state']}, {before} before, {after} after, {outcome}{undone}"
    )


def _pids(snapshot: dict[str, Any] | None) -> list[int]:
    return [process["pid"] for process in (snapshot or {}).get("processes", []) if process["pid"]]
