"""What is shown of an incident and its parts, in words: by `sre incident` and by its page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.action_sentences import action
from domain.analysis_words import stored_lines
from domain.errors import BadInput
from domain.evidence_words import because
from domain.incident_sentences import relation, waiting
from domain.incidents import Severity
from domain.ledger_sentences import sentence
from domain.page_sentences import escalation, page_reason, receiver
from domain.plan_documents import as_plan, digest
from domain.shown_texts import printable


def summary(found: dict[str, Any]) -> dict[str, object]:
    """An incident on one line."""
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
        "acknowledged": None if found["snoozed_until"] else found["acked_at"],
        "snoozed until": found["snoozed_until"],
    }


def alert(row: dict[str, Any], found: dict[str, Any]) -> dict[str, object]:
    """One of the alerts that it is made of."""
    origin = all(row[name] == found[name] for name in ("service", "kind", "template"))
    return {
        "service": row["service"],
        "what": row["template"] or "storm of alerts",
        "logs": row["logs"],
        "from": row["opened_at"],
        "because": "likely origin" if origin else relation(row["relation"], row["related_to"]),
    }


def next_steps(found: dict[str, Any]) -> list[str]:
    """What it waits for, and what a person who is asked can type."""
    lines = [waiting(found["due"], found["state"]), *map(escalation, found["escalation"])]
    if found["state"] == "waiting for approval" and found["plan"]:
        named = f"{found['id']} {_digest(found['plan']).removeprefix('plan ')}"
        lines.append(f"`sre approve {named}` allows the plan, `sre reject {named}` gives it to a human")
    return lines


def analysis(found: dict[str, Any]) -> list[str]:
    """What was found out about it, a fact a line."""
    return stored_lines(found["analyses"], found["id"])


def plan(made: dict[str, Any]) -> str:
    """A plan on one line, with its digest."""
    what = ", ".join(map(action, made["actions"]))
    return f"{what} ({made['source']}, confidence {made['confidence']}, risk {made['risk']}, {_digest(made)})"


def _digest(plan: dict[str, Any]) -> str:
    try:
        return f"plan {digest(as_plan(0, plan))}"
    except BadInput as error:
        return str(error)


def evidence(kept: dict[str, Any], *, several: bool) -> str:
    """A log that was an anomaly, and why."""
    at = datetime.fromisoformat(str(kept["at"]))
    service = f"{printable(kept['service'])}: " if several and kept.get("service") else ""
    return f"{at:%H:%M:%S} {service}{printable(kept['message'])}: {because(kept['reason'], kept['numbers'])}"


def act(row: dict[str, Any]) -> dict[str, object]:
    """An action with what was there before and after."""
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


def page(row: dict[str, Any]) -> dict[str, object]:
    """A page, and whether it reached anybody."""
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


def delivery(row: dict[str, Any]) -> dict[str, object]:
    """A page on its way to one receiver."""
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


def note(row: dict[str, Any]) -> dict[str, object]:
    """What somebody found out."""
    return {
        "at": row["at"],
        "by": row["by"],
        "cause": row["cause"],
        "what helped": row["helped"],
        "origin": row["origin"],
        "the analysis was": row["verdict"],
    }


def decision(row: dict[str, Any]) -> dict[str, object]:
    """An entry of the ledger."""
    return {"at": row["at"], "decision": sentence(row["kind"], row["fields"])}
