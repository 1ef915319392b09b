"""The ledger's hash chain: each entry's hash covers the entry and the hash before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

GENESIS = "0" * 64


class LedgerKind(StrEnum):
    """Every decision and effect that is kept."""

    OPENED = "incident.opened"
    CONFIRMED = "incident.confirmed"
    JOINED = "incident.joined"  # one more alert belongs to it
    ORIGIN = "incident.origin"  # what is behind it is likely something else than thought
    WIDESPREAD = "incident.widespread"
    MERGED = "incident.merged"
    RESOLVED = "incident.resolved"
    REOPENED = "incident.reopened"
    ACKED = "incident.acknowledged"
    ESCALATED = "incident.escalated"
    PAGE_QUEUED = "page.queued"
    PAGE_SUPPRESSED = "page.suppressed"
    PAGE_JOINED = "page.joined"  # an earlier page covers it
    PAGE_EXPANDED = "page.expanded"  # to whom it goes, and why to them
    PAGE_SENT = "page.sent"
    PAGE_FAILED = "page.failed"
    PAGE_MUTED = "page.muted"  # a rule, or the incident it came of, holds it back
    PAGE_UNDELIVERED = "page.undelivered"  # critical, and nobody accepted it for long; it goes on being tried
    STEP_FIRED = "escalation.step"  # nobody acknowledged, so the next ones are told
    ESCALATION_OVER = "escalation.over"  # nobody else is told, and why
    ACK_EXPIRED = "acknowledgement.expired"
    SNOOZED = "incident.snoozed"
    ASSIGNED = "incident.assigned"
    COMMENTED = "incident.commented"
    NOTED = "incident.noted"  # what caused it and what helped, said by a person
    VERDICT = "incident.verdict"  # real or a false alarm, said by a person
    MENDED = "escalation.mended"  # an incident had no next step although nobody acknowledged it
    PLAN = "plan.made"
    OBJECTED = "plan.objected"
    HELD_OFF = "plan.held-off"  # people are at work there
    ASSESSED = "incident.assessed"  # how bad it is, from its services' logs
    ASKED = "approval.asked"
    APPROVED = "approval.given"
    REJECTED = "approval.refused"
    ACTION_RESERVED = "action.reserved"
    ACTION_STARTED = "action.started"
    ACTION_DONE = "action.done"
    ACTION_FAILED = "action.failed"
    ACTION_DROPPED = "action.dropped"
    ACTION_TAKEN_OVER = "action.taken-over"
    UNDO_STARTED = "undo.started"
    UNDONE = "undo.done"
    UNDO_FAILED = "undo.failed"
    STEP_FAILED = "step.failed"
    VERIFIED = "verification"
    ANALYSED = "incident.analysed"  # by a model or without one; says what it cost
    CLASSIFIED = "incident.classified"  # common or uncommon, and why
    AUTONOMY = "autonomy.changed"  # how far a playbook may go on a service
    CHAMPION = "champion.changed"  # a person made another version of the model decide
    PAUSED = "acting.paused"
    RESUMED = "acting.resumed"
    RESPONSE = "response.taken"  # somebody answered a page
    RESPONSE_REFUSED = "response.refused"  # … or tried to, and may not
    LOGGED_IN = "access.login"
    LOGIN_REFUSED = "access.refused"
    USER_CHANGED = "access.user"  # a user was added, changed or disabled, or given a token
    MUTE_ADDED = "mute.added"
    MUTE_EXPIRED = "mute.expired"
    OVERRIDE_ADDED = "override.added"  # somebody takes a time of a schedule
    OVERRIDE_REMOVED = "override.removed"
    TOPIC_CHANGED = "topic.recreated"
    CUT = "ledger.cut"  # its oldest links went; says the number and hash of the last of them
    RESTORED = "store.restored"  # from a backup; what came after it is not known any more


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision as the ledger keeps it."""

    id: int
    at: datetime
    kind: str
    incident_id: int | None
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Seal:
    """One link of the chain."""

    seq: int  # 1, 2, 3 … without a gap
    ledger_id: int
    hash: str  # 64 hexadecimal digits


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head of the chain as it was written outside the database."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """How far the chain had come when a place last heard of it, as the database keeps it."""

    seq: int
    hash: str
    at: datetime


class AnchorPlace(Protocol):
    """Where heads of the chain are written, out of reach of whoever may change the database."""

    name: str  # as people read it; holds no secret

    def write(self, anchor: Anchor, at: datetime) -> None:
        """Keep one more head. Raises Unavailable or Refused."""
        ...

    def read(self) -> list[Anchor] | None:
        """The heads that are kept, or None where they cannot be read back."""
        ...


def digest(entry: Entry, before: str) -> str:
    """The hash of an entry that follows the hash `before`; 64 hexadecimal digits of SHA-256."""
    document = [
        before,
        entry.id,
        entry.at.isoformat(timespec="microseconds"),
        entry.kind,
        entry.incident_id,
        entry.fields,
    ]
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def extend(head: Seal | None, entries: Iterable[Entry]) -> list[Seal]:
    """The seals of further entries behind `head`, in the order given."""
    seq, before = (head.seq, head.hash) if head else (0, GENESIS)
    seals = []
    for entry in entries:
        seq, before = seq + 1, digest(entry, before)
        seals.append(Seal(seq, entry.id, before))
    return seals


ORIGIN = Anchor(0, GENESIS)


def faults(links: Iterable[tuple[Seal, Entry | None]], anchors: Iterable[Anchor], begin: Anchor = ORIGIN) -> list[str]:
    """What is wrong with the chain, in words; empty means nothing was changed, removed or cut off.

    `links`: every seal in order of `seq`, with the entry that it is about, None when that is gone.
    `begin`: the last link that went because it was old, as an entry of the chain says.
    """
    anchored = _by_link(anchors)
    found = _of_the_cut(anchored, begin)
    before, expected = begin.hash, begin.seq + 1
    for seal, entry in links:
        whole = seal.seq == expected
        if not whole:
            found.append(_missing(expected, seal.seq - 1))
        if entry is None:
            found.append(f"link {seal.seq}: entry {seal.ledger_id} was removed")
        elif whole and digest(entry, before) != seal.hash:
            found.append(f"link {seal.seq}: entry {seal.ledger_id} was changed")
        before, expected = seal.hash, seal.seq + 1
        if anchored.pop(seal.seq, {seal.hash}) != {seal.hash}:
            found.append(f"link {seal.seq} is not the one that was anchored")
    return found + [f"the chain was cut: link {seq} was anchored and is gone" for seq in sorted(anchored)]


def _by_link(anchors: Iterable[Anchor]) -> dict[int, set[str]]:
    anchored: dict[int, set[str]] = {}
    for anchor in anchors:
        anchored.setdefault(anchor.seq, set()).add(anchor.hash)
    return anchored


def _of_the_cut(anchored: dict[int, set[str]], begin: Anchor) -> list[str]:
    """What is wrong with the link where the chain begins; anchors up to it are taken out, their links are gone."""
    gone = {seq: anchored.pop(seq) for seq in list(anchored) if seq <= begin.seq}
    wrong = gone.get(begin.seq, {begin.hash}) != {begin.hash}
    return [f"link {begin.seq}, where old links were cut off, is not the one that was anchored"] if wrong else []


def _missing(first: int, last: int) -> str:
    return f"link {first} is missing" if first == last else f"links {first} to {last} are missing"


def anchor_faults(
    place: str, kept: list[Anchor], told: Head | None, head: Head | None, *, now: datetime, patience: timedelta
) -> list[str]:
    """What is wrong with what one place keeps of the chain, in words.

    `told`: what the place was told last; `head`: where the chain ended when it was sealed last. A link
    that was sealed less than `patience` ago may still be on its way.
    """
    newest = max((anchor.seq for anchor in kept), default=0)
    if told is not None and newest < told.seq:
        return [
            f"{place}: anchors are missing: link {told.seq} was written there, the newest there is {newest or 'none'}"
        ]
    if head is not None and newest < head.seq and head.at < now - patience:
        return [
            f"{place}: anchors are missing: the chain ends at link {head.seq}, the newest there is {newest or 'none'}"
        ]
    return []
