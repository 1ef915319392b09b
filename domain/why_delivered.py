"""Who has a page, and what it waits for where somebody is still to get it, in words."""

from __future__ import annotations

from collections.abc import Sequence

from domain.amounts import clock
from domain.page_sentences import receiver
from domain.shown_texts import printable
from domain.whys import Row

WAITS = ("queued", "sending")
JOINING = "It waits for an earlier page, or for more that may join it"
UNSEEN = "It waits for `on-call`, which has not looked at it yet"


def to_whom(page: Row, deliveries: Sequence[Row]) -> list[str]:
    """Who has it, and what it waits for where somebody is still to get it."""
    told = [_on_its_way(row) for row in deliveries if row["page_id"] == page["id"]]
    held = f"It is held back: {printable(page['muted_by'])}" if page["muted_by"] else ""
    if page["state"] in WAITS and (held or not told):
        lacks = f"It waits: {printable(page['error'])}" if page["error"] else ""
        waits = held or lacks or (JOINING if page["due_at"] > page["created_at"] else UNSEEN)
        told.append(f"{waits}; looked at again at {clock(page['due_at'])}.")
    elif not told:
        why = f": {printable(page['error'])}" if page["error"] else ""
        told.append(f"It went to nobody, it is {page['state']}{why}.")
    return told


def _on_its_way(row: Row) -> str:
    """One delivery: to whom, how far it has come, and why to them."""
    state = str(row["state"])
    if state == "queued":
        waits = f", it waits: {printable(row['waits'])}" if row["waits"] else ""
        state += f"{waits}, tried at {clock(row['due_at'])}"
    error = f" ({printable(row['error'])})" if row["error"] else ""
    return f"To {receiver(row)}, {state}{error}: {printable(row['why'])}."
