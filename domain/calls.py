"""Whom a page is for, and who comes next: everything that decides it, as it is kept to be asked again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from domain.contacts import Contact
from domain.escalation import Circumstances, Fired, Progress, as_policy, document, fire, in_words, policy_for
from domain.muting import Labels
from domain.paging_settings import PagingSettings
from domain.questions import Answered, reading
from domain.roster import Roster, Shift

TOLD, NOBODY = "told", "nobody"
_ROSTER = TypeAdapter(Roster)
_OVERRIDES, _CONTACTS = TypeAdapter(Mapping[str, tuple[Shift, ...]]), TypeAdapter(tuple[Contact, ...])


@dataclass(frozen=True, slots=True)
class Call:
    """One question: who is told now?"""

    roster: Roster
    overrides: Mapping[str, tuple[Shift, ...]]  # schedule -> shifts that people took
    unreachable: frozenset[Contact]  # those of the roster that the settings do not say how to reach
    labels: Sequence[Labels]  # of what the page tells of: they choose the policy
    progress: Progress | None  # how far the policy was followed; None: it is chosen now
    at_once: bool  # whether everybody is told by each of their contacts
    at: datetime


def whom(call: Call, paging: PagingSettings) -> Fired:
    """The step that is due: who is told, and what comes after it."""
    chosen = call.progress or Progress(policy_for(call.labels, call.roster, paging.escalation_policy, call.at))
    return fire(chosen, Circumstances(call.roster, call.at, call.overrides, lambda one: one not in call.unreachable))


def call_answer(call: Call, fired: Fired, paging: PagingSettings) -> Answered:
    """What that came to, as it is kept and compared."""
    pause = fired.wait if fired.wait is not None else again_after(paging)
    details = {
        "policy": fired.following.policy.name,
        "to": in_words(fired.notices, at_once=call.at_once),
        "next_seconds": pause.total_seconds() if pause and fired.notices else None,
    }
    return Answered(TOLD if fired.notices else NOBODY, details)


def again_after(paging: PagingSettings) -> timedelta | None:
    """When what nobody acknowledged is told of again, after everybody was told."""
    return timedelta(seconds=paging.repeat_seconds) or None


def call_document(call: Call, *, roster: str) -> dict[str, Any]:
    """The question as JSON can carry it; `roster`: the digest under which the roster is kept, as it is long."""
    return {
        "roster": roster,
        "overrides": _OVERRIDES.dump_python(call.overrides, mode="json"),
        "unreachable": _CONTACTS.dump_python(tuple(sorted(call.unreachable)), mode="json"),
        "labels": [dict(one) for one in call.labels],
        "progress": _progress_document(call.progress),
        "at_once": call.at_once,
    }


def _progress_document(progress: Progress | None) -> dict[str, Any] | None:
    if progress is None:
        return None
    return {
        "policy": document(progress.policy),
        "step": progress.step,
        "round": progress.round,
        "fired": progress.fired,
    }


def call_of(kept: Mapping[str, Any], roster: Roster, at: datetime) -> Call:
    """The question that a document holds. Raises BadInput where it is none, or one of another version."""
    with reading("question of whom to tell"):
        return Call(
            roster,
            _OVERRIDES.validate_python(kept["overrides"]),
            frozenset(_CONTACTS.validate_python(kept["unreachable"])),
            kept["labels"],
            _progress_of(kept["progress"]),
            kept["at_once"],
            at,
        )


def _progress_of(kept: Mapping[str, Any] | None) -> Progress | None:
    if kept is None:
        return None
    return Progress(as_policy(kept["policy"]), kept["step"], kept["round"], kept["fired"])


def unreachable(roster: Roster, usable: Callable[[Contact], bool]) -> frozenset[Contact]:
    """Every contact that a roster names and that cannot be used."""
    policies = roster.policies.values()
    targets = [target for policy in policies for step in policy.steps for target in step.notify]
    targets += [target for policy in policies for target in policy.last_resort]
    named = [target.contact for target in targets if target.contact]
    named += [contact for user in roster.users.values() for contact in user.contacts]
    return frozenset(contact for contact in named if not usable(contact))


def roster_json(roster: Roster) -> str:
    """A roster as a text, to be kept; calendars are in it as they were read."""
    return _ROSTER.dump_json(roster).decode()


def roster_of(text: str) -> Roster:
    """The roster that `roster_json` wrote. Raises BadInput where it is none, or one of another version."""
    with reading("roster"):
        return _ROSTER.validate_json(text)
