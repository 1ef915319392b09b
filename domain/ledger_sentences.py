"""A decision of the ledger as a sentence.

A kind that is not in a table is told field by field, so nothing is ever left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from domain.action_sentences import ACTION_SENTENCES
from domain.incident_sentences import INCIDENT_SENTENCES
from domain.ledger import LedgerKind
from domain.page_sentences import PAGE_SENTENCES
from domain.people_sentences import PEOPLE_SENTENCES
from domain.shown_texts import printable
from domain.told_fields import Fields, by_whom, told


def _topic(fields: Fields) -> str:
    return f"topic {printable(fields.get('topic', ''))} is another one than before: it was made anew"


def champion(fields: Fields) -> str:
    """`version 8 of the model decides instead of version 7: promoted by ada`."""
    instead = f" instead of version {fields['before']}" if fields.get("before") else ""
    how = by_whom(printable(fields.get("how", "chosen")), fields)
    return f"version {fields.get('version')} of the model decides{instead}: {how}"


SENTENCES: Mapping[str, Callable[[Fields], str]] = {
    **INCIDENT_SENTENCES,
    **PAGE_SENTENCES,
    **ACTION_SENTENCES,
    **PEOPLE_SENTENCES,
    LedgerKind.CHAMPION: champion,
    LedgerKind.TOPIC_CHANGED: _topic,
    LedgerKind.CUT: lambda fields: f"entries of closed incidents went; the chain begins after link {fields.get('seq')}",
    LedgerKind.RESTORED: lambda fields: f"restored from the backup of {fields.get('made_at')}; acting is paused",
}


def sentence(kind: str, fields: Fields) -> str:
    """One entry of the ledger in words, without its incident and time."""
    if make := SENTENCES.get(kind):
        return make(fields)
    return ": ".join(filter(None, (kind.replace(".", " ").replace("-", " "), told(fields))))
