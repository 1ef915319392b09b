"""Which rules hold a page or an action back, told from the rows alone and without the store's own queries."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from adapters.store.database import Engine
from adapters.store.mutes import all_mutes
from adapters.store.outbox import QueuedPage
from domain.incidents import Severity
from domain.muting import Mute, MuteKind, ends
from tests.parts.judged_part import rows
from tests.soak.stage_part import Stage

# Of an incident that a page tells of, whoever must still be told of it, with each service of its episode.
TOLD = """
SELECT i.id, i.service AS own, i.severity, i.kind, i.playbook, i.template, i.metric, a.service
FROM incidents i LEFT JOIN alerts a ON a.incident_id = i.id AND a.episode = i.episode
WHERE (i.id = :id OR i.page_key = :key) AND i.acked_at IS NULL
AND coalesce(i.resolution, '') NOT IN ('human', 'verified')
"""
PLAIN_LABELS = ("kind", "playbook", "template", "metric")


def every_rule(engine: Engine) -> list[Mute]:
    return [mute for kind in MuteKind for mute in all_mutes(engine, kind)]


def held_by_rules(stage: Stage, queued: QueuedPage) -> list[str]:
    """The rules in force that together match each service of each incident of a page."""
    with stage.fate.spared():
        told = rows(stage.engine, TOLD, id=queued.incident.id, key=queued.key)
        labels = [label for row in told for label in labels_of_row(row)]
        found = [matching(label, every_rule(stage.engine), stage.world.now) for label in labels]
    return sorted({name for names in found for name in names}) if found and all(found) else []


def labels_of_row(row: dict[str, object]) -> Iterable[dict[str, str]]:
    same = {name: str(row[name]) for name in PLAIN_LABELS}
    same |= {"severity": Severity(int(str(row["severity"]))).name.lower(), "id": str(row["id"])}
    return [same | {"service": str(service)} for service in (row["own"], row["service"]) if service]


def matching(labels: dict[str, str], rules: Iterable[Mute], now: datetime) -> list[str]:
    return [rule.name for rule in rules if rule.matches(labels) and ends(rule, now)]
