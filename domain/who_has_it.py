"""Who has an incident: told from its row and how far telling people has come, for whoever looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.amounts import clock
from domain.incidents import Resolution, State
from domain.ledger import LedgerKind
from domain.shown_texts import printable

Row = dict[str, Any]
OVER = "the incident is over"


def as_it_stands(found: Row) -> Row:
    """The incident as people and programs are shown it, with what follows from all of its rows.

    Once it is closed nobody is told any more, whatever its timer says until `on-call` looks at it.
    Whoever snoozed it does not have it: then `acked_at` is None, and `snoozed_by` and `snoozed_until` say so.
    """
    nobody_snoozed = {"snoozed_by": "", "snoozed_until": None}
    if State(found["state"]).closed:
        return found | nobody_snoozed | {"escalation": [_ended(one, found) for one in found["escalation"]]}
    snoozed = next((one for one in found["escalation"] if one["state"] == "snoozed"), None)
    if snoozed is None or not found["acked_at"]:
        return found | nobody_snoozed
    return found | {"acked_at": None, "snoozed_by": snoozed["by"], "snoozed_until": snoozed["due_at"]}


def _ended(one: Row, found: Row) -> Row:
    """Nothing is due, unless it ended by itself before anybody was reached: of that the next people are told still."""
    reached = any(page["id"] == one["page_id"] and page["state"] == "sent" for page in found["pages"])
    known = reached or found["acked_at"] or found["resolution"] in (Resolution.HUMAN, Resolution.VERIFIED)
    if one["state"] == "over" or (one["state"] in ("running", "exhausted") and not known):
        return one
    return one | {"state": "over", "due_at": None, "why": OVER}


def owner(found: Mapping[str, Any]) -> str:
    """Who has it and since when, or who snoozed it and until when; of one as it stands."""
    if found["snoozed_until"]:
        return f"nobody: {printable(found['snoozed_by'])} snoozed it until {_moment(found['snoozed_until'])}"
    closed = State(found["state"]).closed
    if not found["acked_at"]:
        return f"nobody: {OVER}" if closed else "nobody yet"
    said = [row["fields"].get("by") for row in found["ledger"] if row["kind"] in (LedgerKind.ACKED, LedgerKind.SNOOZED)]
    who = printable(said[-1]) if said and said[-1] else "somebody"
    return f"nobody: {OVER}; {who} had it" if closed else f"{who}, since {clock(found['acked_at'])}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
