"""Who was told of an incident and how far that has come, as the ledger and lists tell it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from domain.amounts import clock
from domain.ledger import LedgerKind
from domain.shown_texts import printable
from domain.told_fields import Fields, listed

PAGE_REASONS: Mapping[str, str] = {
    "uncommon": "uncommon, no playbook fits",
    "critical": "critical",
    "worse": "worse than when a human was told",
    "approval": "a plan waits for a person's word",
    "resolved": "it is over",
    "objected": "the plan may not run unattended",
    "ineffective": "the action did not help",
    "made worse": "it is worse than before the action",
    "not taken back": "what was done in vain could not be taken back",
    "unknown": "nothing shows whether the action helped",
    "failed": "the action failed",
    "flapping": "it comes back again and again",
    "widespread": "one fault in several services at once, so nothing was done about it",
    "storm": "too many incidents of the service at once",
    "acknowledged": "somebody has it",
    "commented": "somebody said something about it",
    "analysed": "it was looked into",
    "assigned": "it was given to somebody",
    "reminder": "acknowledged long ago, and open still",
    "digest": "what did not deserve a page of its own",
}
SUPPRESSED: Mapping[str, str] = {
    "late": "page not sent: the evidence is old, and the service had its one late page",
    "a page told of it before": "not paged again: a human was told before",
}


def page_reason(reason: object) -> str:
    """Why a human is paged."""
    return PAGE_REASONS.get(str(reason), printable(reason))


def _queued(fields: Fields) -> str:
    begin = "paged again" if fields.get("again") else "page queued"
    late = ", marked late: the evidence is old" if fields.get("late") else ""
    return f"{begin}: {page_reason(fields.get('reason', ''))}{late}"


def _suppressed(fields: Fields) -> str:
    why = str(fields.get("why") or fields.get("error") or fields.get("reason") or "not wanted any more")
    return SUPPRESSED.get(why, f"page not sent: {printable(why)}")


def _joined(fields: Fields) -> str:
    # The first version wrote the template alone, under another name.
    return f"covered by the page about {printable(fields.get('told_with') or fields.get('with', ''))}"


def _sent(fields: Fields) -> str:
    attempt = fields.get("attempt", 1)
    to = f" to {printable(fields['person'])}" if fields.get("person") else ""
    merged = f", with {fields['merged']} more" if fields.get("merged") else ""
    tries = f", at try {attempt}" if attempt != 1 else ""
    return f"page sent by {printable(fields.get('channel', ''))}{to}{merged}{tries}"


def _ack_expired(fields: Fields) -> str:
    by = printable(fields.get("by", "somebody"))
    return f"the snooze of {by} is over" if fields.get("was") == "snoozed" else f"what {by} acknowledged expired"


def receiver(row: Fields) -> str:
    """Whom a delivery goes to: `ann by email ann@example.org`."""
    way = f"{row.get('channel')} {printable(row.get('receiver', ''))}"
    return f"{printable(row['person'])} by {way}" if row.get("person") else way


def escalation(row: Fields) -> str:
    """How far telling people has come: `the next people are told at 13:05:00 UTC, if nobody acknowledges`."""
    due, by = row.get("due_at"), printable(row.get("by", ""))
    at = f"at {clock(due)}" if due else "not any more"
    found = {
        "running": f"the next people are told {at}, if nobody acknowledges",
        "acknowledged": f"{by} has it, and is reminded {at}",
        "reminded": f"{by} was reminded; others are told {at}, if {by} says nothing",
        "snoozed": f"{by} snoozed it; people are told again {at}",
        "exhausted": f"everybody was told and nobody acknowledged; they are told again {at}",
    }
    return found.get(str(row.get("state")), f"nobody else is told: {printable(row.get('why', ''))}")


PAGE_SENTENCES: Mapping[str, Callable[[Fields], str]] = {
    LedgerKind.ESCALATED: lambda fields: f"given to a human: {page_reason(fields.get('reason', ''))}",
    LedgerKind.PAGE_QUEUED: _queued,
    LedgerKind.PAGE_SUPPRESSED: _suppressed,
    LedgerKind.PAGE_JOINED: _joined,
    LedgerKind.PAGE_EXPANDED: lambda fields: f"goes to {listed(fields.get('to', []))}",
    LedgerKind.PAGE_SENT: _sent,
    LedgerKind.STEP_FIRED: lambda fields: (
        f"nobody acknowledged, so step {fields.get('step')} tells {listed(fields.get('to', []))}"
    ),
    LedgerKind.ESCALATION_OVER: lambda fields: f"nobody else is told: {printable(fields.get('why', ''))}",
    LedgerKind.ACK_EXPIRED: _ack_expired,
    LedgerKind.MENDED: lambda fields: f"its policy begins anew: {printable(fields.get('why', ''))}",
    LedgerKind.PAGE_FAILED: lambda fields: f"page refused by {fields.get('channel')}: {printable(fields.get('error'))}",
    LedgerKind.PAGE_MUTED: lambda fields: f"page held back: {printable(fields.get('rule', ''))}",
    LedgerKind.PAGE_UNDELIVERED: lambda fields: (
        f"page not delivered for long, it goes on being tried: {printable(fields.get('error', ''))}"
    ),
}
