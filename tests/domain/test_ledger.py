"""The chain of hashes: whatever is changed, removed or cut off is found."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from domain.ledger import Anchor, Entry, Seal, extend, faults
from tests.parts.logs_part import NOON

FIELDS = st.dictionaries(
    st.text(max_size=3), st.text(max_size=3) | st.integers() | st.booleans() | st.none(), max_size=3
)
LEDGERS = st.lists(
    st.builds(
        lambda kind, about, fields: (kind, about, fields), st.text(max_size=4), st.none() | st.integers(), FIELDS
    ),
    min_size=1,
    max_size=12,
).map(lambda rows: [Entry(number, NOON, *row) for number, row in enumerate(rows, 1)])


def found(entries: list[Entry], seals: list[Seal], anchors: list[Anchor]) -> list[str]:
    return faults({entry.id: entry for entry in entries}, seals, anchors)


def anchored(seals: list[Seal]) -> list[Anchor]:
    return [Anchor(seals[-1].seq, seals[-1].hash)]


@given(entries=LEDGERS, cut=st.integers(0, 12))
def test_a_chain_holds_however_it_was_sealed_in_parts(entries: list[Entry], cut: int) -> None:
    whole = extend(None, entries)
    first = extend(None, entries[:cut])
    assert whole == first + extend(first[-1] if first else None, entries[cut:])
    assert [] == found(entries, whole, anchored(whole))


@given(entries=LEDGERS, at=st.integers(0, 11), kind=st.text(max_size=4))
def test_a_changed_entry_is_found(entries: list[Entry], at: int, kind: str) -> None:
    seals, place = extend(None, entries), at % len(entries)
    changed = [*entries]
    changed[place] = replace(entries[place], kind=kind + "x" + entries[place].kind)
    assert any(f"entry {place + 1} was changed" in fault for fault in found(changed, seals, anchored(seals)))


@given(entries=LEDGERS, at=st.integers(0, 11))
def test_a_removed_entry_is_found(entries: list[Entry], at: int) -> None:
    seals, place = extend(None, entries), at % len(entries)
    assert found(entries[:place] + entries[place + 1 :], seals, anchored(seals))


@given(entries=LEDGERS, at=st.integers(0, 11))
def test_a_tail_that_was_cut_off_is_found_by_the_anchor(entries: list[Entry], at: int) -> None:
    seals, place = extend(None, entries), at % len(entries)
    assert found(entries[:place], seals[:place], anchored(seals))


@given(entries=LEDGERS, at=st.integers(0, 11))
def test_a_chain_that_was_made_anew_is_found_by_the_anchor(entries: list[Entry], at: int) -> None:
    seals, place = extend(None, entries), at % len(entries)
    forged = [*entries]
    forged[place] = replace(entries[place], incident_id=-(entries[place].incident_id or 0) - 1)
    assert found(forged, extend(None, forged), anchored(seals))
