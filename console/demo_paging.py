"""The demonstration's last act as it came out: who was paged how, who answered, and who knows that it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.demo_cascade import Claim
from console.demo_mails import mails
from console.demo_on_call import FIRST, HOOK, SECOND, WAIT_SECONDS
from deployments.page_sink import received
from domain.page_sentences import receiver

Row = Mapping[str, Any]
PAGED = (FIRST, SECOND, HOOK)


@dataclass(frozen=True, slots=True)
class Answered:
    """What the demonstration saw of its last act while it went on."""

    incident: int
    mail_file: str  # whose link was used
    looking_changed_nothing: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """Where what was delivered is kept."""

    mails: Path
    hook: Path


def paging_document(answered: Answered, incidents: Sequence[Row], kept: Kept) -> dict[str, Any]:
    """Everything that is claimed of it, as it is stored and as the receivers have it."""
    found = next(row for row in incidents if row["id"] == answered.incident)
    messages = [
        _message(page, one, kept) for page in found["pages"] for one in found["deliveries"] if _is_of(one, page)
    ]
    escalated = [entry for entry in found["ledger"] if entry["kind"] == "escalation.step"]
    by_link = [entry for entry in found["ledger"] if entry["kind"] == "response.taken" and _is_by_link(entry["fields"])]
    return {
        "incident": found["id"],
        "wait_seconds": WAIT_SECONDS,
        "messages": messages,
        "escalated": [{"at": entry["at"], "to": entry["fields"]["to"]} for entry in escalated],
        "looking_changed_nothing": answered.looking_changed_nothing,
        "link_of": answered.mail_file,
        "answers": [{"at": entry["at"], **entry["fields"]} for entry in by_link],
        "webhooks_genuine": [one["genuine"] for one in received(kept.hook)],
    }


def _is_of(one: Row, page: Row) -> bool:
    return bool(one["page_id"] == page["id"] and one["state"] == "sent")


def _is_by_link(fields: Row) -> bool:
    return bool(fields.get("by") == SECOND and fields.get("via") == "link")


def _message(page: Row, one: Row, kept: Kept) -> dict[str, Any]:
    """One page as one receiver has it, with the file that holds it."""
    by_mail = one["channel"] == "email"
    return {
        "at": one["sent_at"],
        "reason": page["reason"],
        "to": one["person"] or receiver(one),
        "channel": one["channel"],
        "file": _mail_file(kept.mails, one) if by_mail else _hook_file(kept.hook, page["key"]),
    }


def _mail_file(folder: Path, one: Row) -> str:
    number = (one["receipt"] or {}).get("message_id", "")
    return next((mail.file for mail in mails(folder) if (mail.to, mail.message_id) == (one["receiver"], number)), "")


def _hook_file(folder: Path, key: str) -> str:
    return next((one["file"] for one in received(folder) if one["page"]["key"] == key and one["genuine"]), "")


def _has(told: Row, reason: str | None, *receivers: str) -> bool:
    """Whether each of these received a message of that reason, or of any."""
    having = {one["to"] for one in told["messages"] if one["file"] and reason in (None, one["reason"])}
    return having.issuperset(receivers)


def _answered(told: Row) -> set[str]:
    return {str(one["verb"]) for one in told["answers"]}


def _escalated(told: Row) -> bool:
    return any(person.startswith(f"{SECOND} by") for step in told["escalated"] for person in step["to"])


# What the demonstration promises of its last act; the words are told when it is not so.
CLAIMS: tuple[Claim, ...] = (
    (f"{FIRST} was paged by mail, and a program by webhook", lambda told: _has(told, None, FIRST, HOOK)),
    ("every webhook was signed", lambda told: bool(told["webhooks_genuine"]) and all(told["webhooks_genuine"])),
    (f"nobody acknowledged, so {SECOND} was told", _escalated),
    (f"{SECOND} has a mail of it", lambda told: bool(told["link_of"]) and _has(told, None, SECOND)),
    ("opening the link changed nothing", lambda told: bool(told["looking_changed_nothing"])),
    (f"{SECOND} acknowledged it by the link", lambda told: "acknowledge" in _answered(told)),
    ("the others were told who has it", lambda told: _has(told, "acknowledged", FIRST, HOOK)),
    (f"{SECOND} resolved it by the link", lambda told: "resolve" in _answered(told)),
    ("everybody who was paged was told that it is over", lambda told: _has(told, "resolved", *PAGED)),
)


def unmet_of_paging(told: Row) -> list[str]:
    """What was promised of the last act and did not come true."""
    return [words for words, holds in CLAIMS if not holds(told)]


def in_words(told: Row) -> list[str]:
    """The act in sentences, each with its time."""
    steps = [f"{step['at']:%H:%M:%S} nobody acknowledged: {', '.join(step['to'])}" for step in told["escalated"]]
    pressed = [f"{one['at']:%H:%M:%S} {one['by']} answered by the link: {one['verb']}" for one in told["answers"]]
    return sorted([*steps, *pressed])
