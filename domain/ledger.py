"""The ledger's hash chain: each entry's hash covers the entry and the hash before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

GENESIS = "0" * 64


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


def faults(entries: Mapping[int, Entry], seals: Iterable[Seal], anchors: Iterable[Anchor]) -> list[str]:
    """What is wrong with the chain, in words; empty means nothing was changed, removed or cut off."""
    found = []
    before, expected = GENESIS, 1
    by_seq: dict[int, str] = {}
    for seal in seals:
        if seal.seq != expected:
            found.append(f"link {expected} is missing")
            expected = seal.seq
        entry = entries.get(seal.ledger_id)
        if entry is None:
            found.append(f"link {seal.seq}: entry {seal.ledger_id} was removed")
        elif digest(entry, before) != seal.hash:
            found.append(f"link {seal.seq}: entry {seal.ledger_id} was changed")
        before, expected = seal.hash, expected + 1
        by_seq[seal.seq] = seal.hash
    for anchor in anchors:
        if anchor.seq not in by_seq:
            found.append(f"the chain was cut: link {anchor.seq} was anchored and is gone")
        elif by_seq[anchor.seq] != anchor.hash:
            found.append(f"link {anchor.seq} is not the one that was anchored")
    return found
