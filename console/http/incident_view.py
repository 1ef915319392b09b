"""An incident in words, as whoever opens a link reads it; what came out of logs is masked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.http.pages import LONGEST_TITLE
from domain.action_sentences import action
from domain.amounts import ago, clock
from domain.answer_links import AnswerLink, Asked, objection
from domain.evidence_words import because
from domain.incident_sentences import waiting
from domain.incidents import Severity
from domain.ledger_sentences import sentence
from domain.responses import Verb
from domain.shown_texts import brief, printable
from domain.who_has_it import owner

Row = Mapping[str, Any]
Mask = Callable[[str], str]
LATEST = 15  # decisions that are shown


@dataclass(frozen=True, slots=True)
class View:
    """What a page shows."""

    title: str
    facts: tuple[tuple[str, str], ...]
    lists: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Button:
    """One thing that a link lets its person do."""

    verb: Verb
    label: str
    hint: str = ""  # what is to be typed, where something is
    choices: tuple[tuple[str, str], ...] = ()


# Seconds, up to the longest that a command may snooze for.
SPANS = (
    ("1800", "for 30 min"),
    ("3600", "for 1 h"),
    ("14400", "for 4 h"),
    ("43200", "for 12 h"),
    ("86400", "for 1 day"),
    ("604800", "for 7 days"),
)
BUTTONS: tuple[Button, ...] = (
    Button(Verb.ACKNOWLEDGE, "Acknowledge: I have it"),
    Button(Verb.APPROVE, "Approve the plan"),
    Button(Verb.REJECT, "Reject the plan"),
    Button(Verb.RESOLVE, "Resolve: it is over"),
    Button(Verb.ESCALATE, "Escalate: tell the next person now"),
    Button(Verb.SNOOZE, "Snooze", choices=SPANS),
    Button(Verb.REASSIGN, "Reassign", hint="ann, team web or schedule primary"),
    Button(Verb.COMMENT, "Comment", hint="what others should know"),
)


def buttons(link: AnswerLink, asked: Asked, used: frozenset[Verb]) -> list[Button]:
    """What the link still lets its person do, as the incident is now."""
    return [
        button
        for button in BUTTONS
        if button.verb in link.verbs
        and button.verb not in used
        and objection(button.verb, link.episode, link.plan, asked) is None
    ]


def view(found: Row, mask: Mask, *, now: datetime) -> View:
    """The incident with what is known of it."""
    what = mask(printable(found["playbook"] or found["template"] or "storm of incidents"))
    return View(
        brief(f"Incident {found['id']}: {mask(printable(found['service']))}: {what}", LONGEST_TITLE),
        tuple((label, text) for label, text in _facts(found, mask, now) if text),
        (
            ("Evidence", tuple(mask(_evidence(kept)) for kept in found["evidence"])),
            ("What was decided, the newest first", tuple(_decisions(found, mask))),
        ),
    )


def _facts(found: Row, mask: Mask, now: datetime) -> list[tuple[str, str]]:
    began: datetime = found["came_back_at"] or found["opened_at"]
    plan = found["plan"]
    return [
        ("Severity", Severity(found["severity"]).name.lower()),
        ("State", _state(found)),
        ("Since", f"{began:%Y-%m-%d %H:%M:%S} UTC, {ago(now - began)}"),
        ("Services", str(found["services"])),
        ("Who has it", owner(found)),
        ("Plan", mask(printable(", ".join(map(action, plan["actions"])))) if plan else ""),
        ("Against it", mask(printable("; ".join(map(str, found["objections"]))))),
    ]


def _state(found: Row) -> str:
    if found["resolved_at"]:
        return f"{found['state']} at {clock(found['resolved_at'])}"
    return f"{found['state']}; {waiting(found['due'], found['state'])}"


def _evidence(kept: Row) -> str:
    why = because(kept["reason"], kept["numbers"]) if kept["numbers"] else ""
    at = datetime.fromisoformat(str(kept["at"]))
    return f"{at:%H:%M:%S} {printable(kept['message'])}" + (f" ({why})" if why else "")


def _decisions(found: Row, mask: Mask) -> list[str]:
    newest = found["ledger"][-LATEST:][::-1]
    return [f"{row['at']:%H:%M:%S} {mask(sentence(row['kind'], row['fields']))}" for row in newest]
