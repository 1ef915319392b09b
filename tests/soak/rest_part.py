"""What must be true of the model once everything has come to its end."""

from __future__ import annotations

from datetime import timedelta

from domain.actions import ActionRecord, ActionState
from domain.incidents import State
from tests.soak.model import BUDGETS, HOUR, PAUSE, Model


def over_budget(model: Model) -> list[str]:
    """Plans that touched one thing within the pause after another plan had, and more in an hour than budgets allow."""
    kept = [a for row in model.rows for a in row.actions if a.state is not ActionState.DROPPED]
    return [*over_an_hour(kept), *within_the_pause(kept)]


def over_an_hour(kept: list[ActionRecord]) -> list[str]:
    """Hours that ended with more on anything, on a service or of a kind than is allowed."""
    found = []
    for last in kept:
        hour = [a for a in kept if a.id <= last.id and timedelta(0) <= last.reserved_at - a.reserved_at < HOUR]
        service = [a for a in hour if a.service == last.service]
        kind = [a for a in hour if a.kind == last.kind]
        for mine, most in (
            (hour, BUDGETS.actions_per_hour),
            (service, BUDGETS.service_per_hour),
            (kind, BUDGETS.kind_per_hour),
        ):
            if len(mine) > most:
                found.append(f"{len(mine)} actions in the hour before action {last.id}, at most {most}")
    return found


def within_the_pause(kept: list[ActionRecord]) -> list[str]:
    """Plans that touched one thing too soon after another plan had."""
    last: dict[str, ActionRecord] = {}
    found = []
    for record in sorted(kept, key=lambda a: a.id):
        before = last.get(record.budget_key)
        same = before and (before.incident_id, before.episode) == (record.incident_id, record.episode)
        if before and not same and record.reserved_at - before.reserved_at < PAUSE:
            found.append(f"{record.budget_key} again after {record.reserved_at - before.reserved_at}")
        last[record.budget_key] = record
    return found


def at_rest(model: Model) -> list[str]:
    """What is wrong once everything has come to its end."""
    found = [*model.flaws, *over_budget(model)]
    for row in model.rows:
        if row.due is not None or row.incident.state not in (State.RESOLVED, State.ESCALATED):
            found.append(f"forgotten: incident {row.incident.id} is {row.incident.state}, due {row.due}")
        if row.incident.state is State.ESCALATED and not row.paged:
            found.append(f"nobody was told of incident {row.incident.id}")
        found += [
            f"without an end: {a.told}" for a in row.actions if a.state in (ActionState.STARTED, ActionState.RESERVED)
        ]
    found += [f"action {number} was done {times} times" for number, times in model.effects.items() if times > 1]
    # What could not be reached for long is a human's, who was told so.
    given_up = {a.budget_key for row in model.rows for a in row.actions if a.state is ActionState.FAILED}
    found += [
        f"left stopped: {name}"
        for name, process in model.world.items()
        if name.endswith("_00") and not process.pid and name.partition(":")[0] not in given_up
    ]
    return found
