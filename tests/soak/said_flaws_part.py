"""What must never be at the end of a random schedule: what people said or muted was not heeded, or for too long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domain.muting import Mute, MuteKind
from domain.plans import Risk
from tests.parts.judged_part import rows
from tests.soak.muting_part import every_rule
from tests.soak.stage_part import Stage

LEDGER = "SELECT id, at, kind, incident_id, fields FROM ledger ORDER BY id"
BEGUN = frozenset({"action.reserved", "action.started", "undo.started"})


def in_maintenance(stage: Stage) -> list[str]:
    """Ledger order: actions that began while a window was there, was not expired, and its time had come."""
    rules = {rule.name: rule for rule in every_rule(stage.engine) if rule.kind is MuteKind.MAINTENANCE}
    there: dict[str, Mute] = {}
    found = []
    for row in rows(stage.engine, LEDGER):
        name = str(row["fields"].get("rule", ""))
        if row["kind"] == "mute.added" and name in rules:
            there[name] = rules[name]
        elif row["kind"] == "mute.expired":
            there.pop(name, None)
        elif row["kind"] in BEGUN:
            service = str(row["fields"]["target"]).partition(":")[0]
            found += [
                f"{row['kind']} of incident {row['incident_id']} on {service} within {window.name}"
                for window in there.values()
                if window.matches({"service": service}) and window.times.at(row["at"])
            ]
    return found


def without_a_word(stage: Stage) -> list[str]:
    """Actions above the risk that may run unattended, without a word for the very plan in the very episode."""
    highest = Risk[stage.world.knowledge.settings.mitigation.max_risk.upper()]
    query = "SELECT id, incident_id, episode, planned FROM actions WHERE state <> 'reserved' ORDER BY id"
    approvals = rows(stage.engine, "SELECT incident_id, episode, plan_digest FROM approvals WHERE granted")
    granted = {(row["incident_id"], row["episode"], row["plan_digest"]) for row in approvals}
    plans = plans_of_reservations(stage)
    return [
        f"action {row['id']} of incident {row['incident_id']}, episode {row['episode']}, without a word for its plan"
        for row, plan in zip(rows(stage.engine, query), plans, strict=True)
        if Risk[str(row["planned"]["risk"]).upper()] > highest
        and (row["incident_id"], row["episode"], plan) not in granted
    ]


def plans_of_reservations(stage: Stage) -> list[str]:
    """The digest of the plan that was made last before each action was reserved, in order of the actions."""
    last: dict[int, str] = {}
    found = []
    for row in rows(stage.engine, LEDGER):
        if row["kind"] == "plan.made":
            last[row["incident_id"]] = row["fields"]["plan"]
        elif row["kind"] == "action.reserved":
            found.append(last[row["incident_id"]])
    return found


# --- pages ------------------------------------------------------------------------------------------


class Story:
    """What the ledger says of an incident since it came back last, and before."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self.entries = entries
        self.kinds = {row["kind"] for row in entries}
        back = max((n for n, row in enumerate(entries) if row["kind"] == "incident.reopened"), default=-1)
        self.since = entries[back + 1 :]

    def resolved_by(self, resolution: str) -> bool:
        return any(
            row["kind"] == "incident.resolved" and row["fields"]["resolution"] == resolution for row in self.entries
        )

    @property
    def keys(self) -> set[str]:
        """Of pages that tell of its present episode."""
        return {row["fields"]["key"] for row in self.since if row["kind"] in ("page.queued", "page.joined")}

    @property
    def is_old_news(self) -> bool:
        """Whether its service had the one late page that it gets."""
        return any(row["kind"] == "page.suppressed" and row["fields"].get("why") == "late" for row in self.since)


def stories(stage: Stage) -> dict[int, Story]:
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows(stage.engine, LEDGER):
        found.setdefault(row["incident_id"], []).append(row)
    return {number: Story(entries) for number, entries in found.items()}


# Why a page was not sent -> whether what is known of its incident bears that out.
JUSTIFIED: Mapping[str, Callable[[Story], bool]] = {
    "acknowledged by ": lambda story: "incident.acknowledged" in story.kinds,
    "the incident was acknowledged": lambda story: "incident.acknowledged" in story.kinds,
    "resolved by ": lambda story: story.resolved_by("human"),
    "the incident was closed by a person": lambda story: story.resolved_by("human"),
    "the incident was repaired": lambda story: story.resolved_by("verified"),
    "its origin was found": lambda story: bool({"incident.origin", "incident.reopened"} & story.kinds),
    "it was over before anybody was told": lambda story: "incident.resolved" in story.kinds,
    "its plan does not wait for a person any more": lambda story: bool(
        {"approval.given", "approval.refused", "incident.resolved", "incident.escalated"} & story.kinds
    ),
    "nobody was told of the incident": lambda story: "incident.resolved" in story.kinds,
    "it is not over: an incident came back": lambda story: "incident.reopened" in story.kinds,
}


def kept_from_people(stage: Stage) -> list[str]:
    """Pages that were not sent for a reason that does not hold."""
    known = stories(stage)
    found = []
    for row in rows(stage.engine, "SELECT id, incident_id, error FROM pages WHERE state = 'suppressed'"):
        holds = next((holds for why, holds in JUSTIFIED.items() if str(row["error"]).startswith(why)), None)
        if holds is None or not holds(known[row["incident_id"]]):
            found.append(f"page {row['id']} of incident {row['incident_id']} was not sent: {row['error']}")
    return found


def untold(stage: Stage) -> list[str]:
    """Incidents that humans have and nobody acknowledged, of whose present episode no page was sent."""
    sent = {
        row["key"] for row in rows(stage.engine, "SELECT key FROM pages WHERE state = 'sent' AND reason <> 'resolved'")
    }
    query = "SELECT id, page_key FROM incidents WHERE state = 'escalated' AND acked_at IS NULL"
    known = stories(stage)
    return [
        f"nobody was told of incident {row['id']}, episode by episode"
        for row in rows(stage.engine, query)
        if not ({row["page_key"], *known[row["id"]].keys} & sent) and not known[row["id"]].is_old_news
    ]


# --- what incidents are made of ---------------------------------------------------------------------


def parts(stage: Stage) -> list[str]:
    """Alerts and incidents that do not fit each other."""
    return [flaw + ": " + str(row) for flaw, query in MISFITS.items() for row in rows(stage.engine, query)]


IS_OPEN = "i.state NOT IN ('resolved', 'merged')"
MISFITS: Mapping[str, str] = {
    "an open alert of no open incident": (
        "SELECT a.id, a.incident_id, i.state FROM alerts a LEFT JOIN incidents i ON i.id = a.incident_id"
        f" WHERE NOT a.closed AND (i.id IS NULL OR NOT {IS_OPEN})"
    ),
    "a closed alert of an open incident's present episode": (
        "SELECT a.id, a.incident_id, i.state FROM alerts a JOIN incidents i ON i.id = a.incident_id"
        f" WHERE a.closed AND {IS_OPEN} AND a.episode = i.episode"
    ),
    "an open alert of an earlier episode": (
        "SELECT a.id, a.incident_id, i.episode FROM alerts a JOIN incidents i ON i.id = a.incident_id"
        " WHERE NOT a.closed AND a.episode <> i.episode"
    ),
    "two open alerts with one name": (
        "SELECT service, kind, template FROM alerts WHERE NOT closed GROUP BY 1, 2, 3 HAVING count(*) > 1"
    ),
    "an open incident without its origin's alert": (
        f"SELECT i.id, i.service, i.template FROM incidents i WHERE {IS_OPEN} AND i.kind NOT IN ('own', 'fleet')"
        " AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.incident_id = i.id AND NOT a.closed"
        " AND (a.service, a.kind, a.template) = (i.service, i.kind, i.template))"
    ),
    "an incident that counts its services wrongly": (
        "SELECT i.id, i.services, count(DISTINCT a.service) AS really FROM incidents i JOIN alerts a"
        " ON a.incident_id = i.id AND a.episode = i.episode WHERE i.state <> 'merged'"
        " GROUP BY i.id HAVING i.services <> count(DISTINCT a.service)"
    ),
    "an incident that counts its origin's logs wrongly": (
        "SELECT i.id, i.logs, i.origin_logs, a.logs AS really FROM incidents i JOIN alerts a ON a.incident_id = i.id"
        " AND a.episode = i.episode AND (a.service, a.kind, a.template) = (i.service, i.kind, i.template)"
        f" WHERE i.logs < i.origin_logs OR ({IS_OPEN} AND i.origin_logs <> a.logs)"
    ),
}
