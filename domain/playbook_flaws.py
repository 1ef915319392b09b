"""What is wrong with a playbook that reads well: it could not apply, not be undone, or never fail.

A playbook that is accepted and then silently does nothing is worse than none, so each of these refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from domain.parameters import CallWebhook, RunCommand
from domain.patterns import pattern_flaw
from domain.plans import DESTRUCTIVE, LEAST_RISK, UNDOS, ActionKind, Measure, Risk, Undo
from domain.playbooks import ActionTemplate, LogSample, Playbook

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
FEWEST_SAMPLES = 3
_TARGET = re.compile(r"\{service\}|[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)?")


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong and the key it is wrong at."""

    where: tuple[str | int, ...]  # as in the front matter: ("actions", 0, "undo")
    text: str


def flaws(playbook: Playbook, *, destructive: frozenset[ActionKind] = DESTRUCTIVE) -> list[Flaw]:
    """Everything that is wrong; empty means the playbook can be followed as it is written."""
    found = [flaw for rule in RULES for flaw in rule(playbook)]
    for position, action in enumerate(playbook.actions):
        for key, text in _action_flaws(action, destructive):
            found.append(Flaw(("actions", position, *key), text))
    return found


def _names(playbook: Playbook) -> Iterator[Flaw]:
    if not _ID.fullmatch(playbook.id):
        yield Flaw(("id",), f"{playbook.id!r} is not lower-case words joined by hyphens")
    for key, text in (("title", playbook.title), ("owner", playbook.owner)):
        if not text.strip():
            yield Flaw((key,), "is empty")
    for position, link in enumerate(playbook.links):
        if not re.match(r"https?://[^\s/]", link):
            yield Flaw(("links", position), f"{link!r} is not an http(s) address")


def _matches(playbook: Playbook) -> Iterator[Flaw]:
    matches = playbook.matches
    if not matches.services:
        yield Flaw(("matches", "services"), "names no service, so the playbook would match nothing; all are '*'")
    if not matches.templates and not matches.metrics:
        yield Flaw(("matches",), "has neither templates nor metrics, so the playbook would match nothing")
    for position, pattern in enumerate(matches.templates):
        if text := pattern_flaw(pattern):
            yield Flaw(("matches", "templates", position), f"/{pattern}/ {text}")
    for position, glob in enumerate(matches.services):
        if not glob.strip():
            yield Flaw(("matches", "services", position), "is empty")
    for position, metric in enumerate(matches.metrics):
        if not metric.name.strip():
            yield Flaw(("matches", "metrics", position, "name"), "is empty")


def _preconditions(playbook: Playbook) -> Iterator[Flaw]:
    given = playbook.preconditions
    for key, value in (("min_logs", given.min_logs), ("max_age_seconds", given.max_age_seconds)):
        if value < 1:
            yield Flaw(("preconditions", key), f"must be at least 1, got {value}")
    if not 0 <= given.min_confidence <= 1:
        yield Flaw(("preconditions", "min_confidence"), f"must be from 0 to 1, got {given.min_confidence}")


def _deeds(playbook: Playbook) -> Iterator[Flaw]:
    """A playbook acts, or says why nobody but people does."""
    if playbook.actions and playbook.for_people:
        yield Flaw(("for_people",), "stands beside actions: a playbook acts, or is for people only")
    if not playbook.actions and not playbook.for_people.strip():
        yield Flaw(("actions",), "is empty: name an action, or say in for_people why nothing is done automatically")


def _risk(playbook: Playbook) -> Iterator[Flaw]:
    highest = max((action.risk for action in playbook.actions), default=Risk.LOW)
    if playbook.risk < highest:
        yield Flaw(("risk",), f"{playbook.risk.name.lower()} is below {highest.name.lower()}, the risk of its actions")


def _samples(playbook: Playbook) -> Iterator[Flaw]:
    for key, samples in (("samples", playbook.samples), ("near_misses", playbook.near_misses)):
        if len(samples) < FEWEST_SAMPLES:
            yield Flaw((key,), f"has {len(samples)}: at least {FEWEST_SAMPLES} logs show what it is for and what not")
        for position, sample in enumerate(samples):
            for name, text in _sample_flaws(sample):
                yield Flaw((key, position, *name), text)


def _sample_flaws(sample: LogSample) -> Iterator[tuple[tuple[str, ...], str]]:
    if not sample.message.strip() and not sample.metric.strip():
        yield (), "has neither a message nor a metric"
    if sample.metric and not sample.direction:
        yield ("direction",), f"is missing: is {sample.metric} too high or too low?"
    if sample.direction and not sample.metric:
        yield ("direction",), "would be ignored: there is no metric"


def _verification(playbook: Playbook) -> Iterator[Flaw]:
    given = playbook.verification
    if given.measure is Measure.METRIC and not given.metric.strip():
        yield Flaw(("verification", "metric"), "is missing: measure metric needs the name of one")
    if given.measure is not Measure.METRIC and given.metric:
        yield Flaw(("verification", "metric"), f"would be ignored: measure is {given.measure}")
    if given.measure is not Measure.METRIC and not 0 <= given.at_most < 1:
        yield Flaw(("verification", "at_most"), f"must be from 0 to below 1 for a rate, got {given.at_most:g}")
    if given.within.total_seconds() <= 0:
        yield Flaw(("verification", "within_seconds"), "must be above 0")
    if given.min_samples < 1:
        yield Flaw(("verification", "min_samples"), "must be at least 1: no samples are no evidence")


def _cool_down(playbook: Playbook) -> Iterator[Flaw]:
    if playbook.cool_down.total_seconds() <= 0:
        yield Flaw(("cool_down_seconds",), "must be above 0: the same action would repeat without end")
    elif playbook.cool_down < playbook.verification.within:
        yield Flaw(("cool_down_seconds",), "is shorter than the verification: it could run again before its verdict")


RULES: tuple[Callable[[Playbook], Iterator[Flaw]], ...] = (
    _names,
    _matches,
    _preconditions,
    _deeds,
    _samples,
    _risk,
    _verification,
    _cool_down,
)


def _action_flaws(action: ActionTemplate, destructive: frozenset[ActionKind]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The key within the action, and what is wrong with it."""
    if not _TARGET.fullmatch(action.target):
        yield ("target",), f"{action.target!r} is neither {{service}} nor a plain name"
    if action.undo not in UNDOS[action.kind]:
        able = ", ".join(sorted(UNDOS[action.kind]))
        yield ("undo",), f"{action.kind} cannot be undone by {action.undo}; it can by: {able}"
    if action.kind in destructive and action.undo is Undo.NONE and action.risk < Risk.HIGH:
        yield ("risk",), f"{action.kind} destroys and has no undo, so its risk is high, not {action.risk.name.lower()}"
    if action.risk < LEAST_RISK[action.kind]:
        least = LEAST_RISK[action.kind].name.lower()
        yield ("risk",), f"{action.kind} has at least the risk {least}, not {action.risk.name.lower()}"


def unlisted(playbook: Playbook, commands: Collection[str], webhooks: Collection[str]) -> Iterator[Flaw]:
    """Actions that would be refused here, because the settings do not list what they name."""
    for position, action in enumerate(playbook.actions):
        match action.parameters:
            case RunCommand(command=name) if name not in commands:
                text = f"mitigation.commands does not list {name!r}: here this action would be refused"
                yield Flaw(("actions", position, "parameters", "command"), text)
            case CallWebhook(webhook=name) if name not in webhooks:
                text = f"mitigation.webhooks does not list {name!r}: here this action would be refused"
                yield Flaw(("actions", position, "parameters", "webhook"), text)
