"""The demonstration's last fault as it came out: a cascade, a person's word, an action that did not help."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deployments.shop.control import Injection
from deployments.shop.layout import callers

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cascade:
    """What the demonstration saw of its last fault while it was there."""

    injection: Injection
    at: datetime  # when it was injected
    over_at: datetime  # when it was cleared
    incident: int
    workers: tuple[int, int, int]  # processes of the service: before the action, with it, after it was taken back


def cascade_document(cascade: Cascade, incidents: Sequence[Row], pages: Sequence[Row]) -> dict[str, Any]:
    """Everything that is claimed of it, as it is stored; `pages` as the summary tells them, with their mails."""
    found = next(row for row in incidents if row["id"] == cascade.incident)
    alerts = [row for row in found.get("alerts", []) if row["episode"] == found["episode"]]
    return {
        "fault": cascade.injection.fault,
        "service": cascade.injection.service,
        "callers": callers(cascade.injection.service),
        "injected_at": cascade.at,
        "incident": found["id"],
        "likely_origin": found["service"],
        "who_suffers": [name for name in dict.fromkeys(row["service"] for row in alerts) if name != found["service"]],
        "further_incidents": [row["id"] for row in incidents if _is_beside(row, cascade)],
        "alerts": [_alert(row) for row in alerts],
        "approval": _approval(found),
        "action": _action(found, cascade.workers),
        "mails": {page["reason"]: page["mail_file"] for page in pages if page["incident"] == found["id"]},
    }


def _is_beside(row: Row, cascade: Cascade) -> bool:
    """Whether it is one more incident of the time of the fault.

    What is about the agent itself is none, nor is a single slow request that nothing confirmed, of which nobody is
    told, nor what a service shows that the faulty one has nothing to do with: it would be no part of the cascade.
    """
    service = cascade.injection.service
    if row["id"] == cascade.incident or row["kind"] == "own" or row["confirmed_at"] is None:
        return False
    if row["service"] not in (service, *callers(service)):
        return False
    stored_at: datetime = row["stored_at"]
    return cascade.at <= stored_at <= cascade.over_at


def _alert(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("service", "role", "relation", "template", "logs")}


def _approval(found: Row) -> dict[str, Any]:
    """Who was asked for which plan, and who allowed it when; empty where nobody was asked."""
    noted = {entry["kind"]: entry for entry in found["ledger"]}
    asked, given = noted.get("approval.asked"), noted.get("approval.given")
    if asked is None:
        return {}
    same = given is not None and given["fields"]["plan"] == asked["fields"]["plan"]
    return {
        "plan": asked["fields"]["plan"],
        "because": asked["fields"]["objections"],
        "asked_at": asked["at"],
        "allowed_by": given["fields"]["by"] if given and same else None,
        "allowed_at": given["at"] if given and same else None,
    }


def _action(found: Row, workers: tuple[int, int, int]) -> dict[str, Any]:
    """What was done and taken back, with the processes that really ran; empty where nothing was done."""
    if not found["actions"]:
        return {}
    row = found["actions"][-1]
    before, with_it, after = workers
    return {
        "action": f"{row['kind']} {row['target']}",
        "outcome": row["outcome"],
        "taken_back": row["undo"] == "done",
        "workers_before": before,
        "workers_with_it": with_it,
        "workers_after": after,
    }


Claim = tuple[str, Callable[[Row], bool]]
# What the demonstration promises of its last fault; the first words are told when it is not so.
CLAIMS: tuple[Claim, ...] = (
    ("its likely origin is the service that was slow", lambda told: told["likely_origin"] == told["service"]),
    ("those who suffer are named", lambda told: set(told["who_suffers"]) == set(told["callers"])),
    ("it is one incident", lambda told: not told["further_incidents"]),
    ("a person was asked by a page", lambda told: bool(told["mails"].get("approval"))),
    ("a person allowed the plan", lambda told: bool(told["approval"].get("allowed_by"))),
    ("the action did not help", lambda told: told["action"].get("outcome") == "ineffective"),
    ("it was taken back", lambda told: bool(told["action"].get("taken_back"))),
    ("one process, three, and one again", lambda told: _workers(told["action"]) == [1, 3, 1]),
    ("a person was paged that it did not help", lambda told: bool(told["mails"].get("ineffective"))),
)


def _workers(action: Row) -> list[int | None]:
    return [action.get(name) for name in ("workers_before", "workers_with_it", "workers_after")]


def unmet(told: Row) -> list[str]:
    """What was promised of the cascade and did not come true."""
    return [words for words, holds in CLAIMS if not holds(told)]
