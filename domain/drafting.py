"""A playbook drafted from incidents of one kind that one cure ended; a person reviews it before it counts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from domain.actions import ActionRecord, ActionState, UndoState
from domain.amounts import counted
from domain.autonomy import Autonomy
from domain.cures import grouped, same_cure
from domain.draft_matches import matches_of, near_misses_of, samples_of, too_little
from domain.draft_text import body_of, title_of
from domain.incidents import Incident, Kind, State
from domain.plans import DESTRUCTIVE, LEAST_RISK, Measure, Preconditions, Risk, Undo, Verification
from domain.playbook_flaws import flaws
from domain.playbooks import ActionTemplate, Playbook, fit
from domain.resolution_notes import ResolutionNote, newest_cure
from domain.shown_texts import cut
from domain.told_fields import listed
from domain.verification import Outcome

FEWEST = 3  # incidents that one cure must have helped
SHARE = 0.75  # of those that name a cure must name this one
OWNER = "review me"
FOR_PEOPLE = "A draft that nobody has reviewed; it names no action."
LONGEST_ID, WORDS_OF_ID = 60, 6
_VERIFICATION = Verification(Measure.ERROR_RATE, 0.05, timedelta(minutes=2), min_samples=10)
_COOL_DOWN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Case:
    """One incident that is over, with what people wrote of it and what was carried out."""

    incident: Incident
    notes: tuple[ResolutionNote, ...] = ()  # the oldest first
    actions: tuple[ActionRecord, ...] = ()  # of its last episode
    allowed: bool = False  # a person allowed its plan

    @property
    def cure(self) -> str:
        """What helped, as people wrote; or empty."""
        return newest_cure(self.notes)

    @property
    def proved(self) -> tuple[ActionTemplate, ...]:
        """The actions of its plan, where all of them were carried out and fresh logs said that they helped."""
        helped = all(
            one.state is ActionState.DONE and one.outcome is Outcome.RECOVERED and one.undo is UndoState.NOT
            for one in self.actions
        )
        return tuple(_template(one, self.incident.service) for one in self.actions) if helped else ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A playbook to be reviewed, and what it rests on."""

    playbook: Playbook
    incidents: tuple[int, ...]  # those that the cure helped
    cure: str  # in words


@dataclass(frozen=True, slots=True)
class NoDraft:
    """Why there is none, in words."""

    why: str


def _template(record: ActionRecord, service: str) -> ActionTemplate:
    """The action for whatever service it is needed on, where it was the service's own target; never of low risk."""
    planned = record.action
    irreversible = planned.kind in DESTRUCTIVE and planned.undo is Undo.NONE
    least = Risk.HIGH if irreversible else max(Risk.MEDIUM, LEAST_RISK[planned.kind])
    target = "{service}" if record.service == service else planned.target
    return ActionTemplate(planned.kind, target, max(planned.risk, least), planned.undo, planned.parameters)


def alike(incident: Incident, others: Iterable[Case]) -> list[Case]:
    """The resolved ones that say the same as an incident, or show the same metric; itself among them if it is over."""
    return [case for case in others if case.incident.state is State.RESOLVED and _same(incident, case.incident)]


def _same(one: Incident, other: Incident) -> bool:
    if one.kind is not other.kind:
        return False
    if one.kind is Kind.METRIC:
        return (one.metric, one.direction) == (other.metric, other.direction)
    return one.template.casefold() == other.template.casefold()


def draft(incident: Incident, cases: Iterable[Case], name: str = "") -> Draft | NoDraft:
    """A playbook for incidents like this one, called `name` or by what they say; or why there is none."""
    if why := too_little(incident):
        return NoDraft(why)
    like = alike(incident, cases)
    cured = _cured(like)
    if isinstance(cured, NoDraft):
        return cured
    playbook = _playbook(name or id_of(incident), cured, like)
    if not any(fit(playbook, case.incident) for case in cured):
        return NoDraft("none of their logs was an ERROR or had an abnormal metric: no playbook is ever chosen for them")
    actions = _actions(cured)
    cure = cured[0].cure or listed([f"{one.kind} {one.target}" for one in actions])
    return Draft(_acting(playbook, actions), tuple(case.incident.id for case in cured), cure)


def id_of(incident: Incident) -> str:
    """An id made of the first words that an incident shows."""
    words = re.findall(r"[a-z0-9]+", title_of(incident).lower())[:WORDS_OF_ID]
    return "-".join(words)[:LONGEST_ID].strip("-") or f"incident-{incident.id}"


def _cured(like: list[Case]) -> list[Case] | NoDraft:
    """Those that one cure helped."""
    if len(like) < FEWEST:
        return NoDraft(f"{counted(len(like), 'resolved incident')} of this kind, and {FEWEST} with one cure are needed")
    named = [case for case in like if case.cure]
    noted = grouped(named, lambda one, other: same_cure(one.cure, other.cure))
    allowed = [case for case in like if case.allowed and case.proved]
    done = grouped(allowed, lambda one, other: one.proved == other.proved)
    for groups, of in ((noted, named), (done, allowed)):
        if groups and len(groups[0]) >= FEWEST and len(groups[0]) >= SHARE * len(of):
            return groups[0]
    if len(named) >= FEWEST:
        told = "; ".join(f"incident {group[0].incident.id}: {cut(group[0].cure, 80)}" for group in noted)
        return NoDraft(f"what helped differs: {told}")
    how = "say it by `sre note N --helped …`"
    return NoDraft(f"{len(named)} of {len(like)} resolved incidents of this kind say what helped, {FEWEST} must: {how}")


def _actions(cured: Sequence[Case]) -> tuple[ActionTemplate, ...]:
    """The actions that were proved in at least three of them, and are the only ones that were."""
    groups = grouped([case.proved for case in cured if case.proved], lambda one, other: one == other)
    return groups[0][0] if len(groups) == 1 and len(groups[0]) >= FEWEST else ()


def _playbook(name: str, cured: Sequence[Case], like: Sequence[Case]) -> Playbook:
    """The playbook for people only."""
    incidents = [case.incident for case in cured]
    title = title_of(incidents[0])
    helped = {case.incident.id for case in cured}
    others = [case for case in like if case.cure and case.incident.id not in helped]
    return Playbook(
        id=name,
        title=title,
        matches=matches_of(incidents),
        preconditions=Preconditions(),
        actions=(),
        risk=Risk.MEDIUM,
        verification=_VERIFICATION,
        cool_down=_COOL_DOWN,
        owner=OWNER,
        links=(),
        body=body_of(title, incidents, [note for case in cured for note in case.notes], _notes(others)),
        path=f"{name}.md",
        samples=samples_of(incidents),
        near_misses=near_misses_of(incidents[0]),
        for_people=FOR_PEOPLE,
    )


def _notes(cases: Iterable[Case]) -> list[ResolutionNote]:
    return [note for case in cases for note in case.notes]


def _acting(playbook: Playbook, actions: tuple[ActionTemplate, ...]) -> Playbook:
    """The playbook with these actions, which it only tells of until a person lifts `autonomy`; or as it is."""
    if not actions:
        return playbook
    risk = max(one.risk for one in actions)
    made = replace(playbook, actions=actions, risk=risk, autonomy=Autonomy.OBSERVE, for_people="")
    # A target that a playbook cannot name leaves the cure to people.
    return playbook if any(flaw.where[:1] == ("actions",) for flaw in flaws(made)) else made
