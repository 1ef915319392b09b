"""The chain of hashes: whatever is changed, removed or cut off is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ledger import Anchor, Entry, Head, Seal, anchor_faults, extend, faults
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
    known = {entry.id: entry for entry in entries}
    return faults([(seal, known.get(seal.ledger_id)) for seal in seals], anchors)


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


AGO = NOON - timedelta(hours=1)


@pytest.mark.parametrize(
    ("kept", "told", "head", "says"),
    [
        pytest.param([], None, None, [], id="nothing-was-ever-sealed"),
        pytest.param([5], 5, Head(5, "h", AGO), [], id="the-newest-is-there"),
        pytest.param([7, 5], 5, Head(5, "h", AGO), [], id="more-than-was-asked"),
        pytest.param(
            [], 5, Head(5, "h", AGO), ["link 5 was written there, the newest there is none"], id="file-removed"
        ),
        pytest.param([3], 5, Head(5, "h", AGO), ["link 5 was written there, the newest there is 3"], id="file-cut"),
        pytest.param([], None, Head(5, "h", AGO), ["the chain ends at link 5, the newest there is none"], id="never"),
        pytest.param([3], 3, Head(5, "h", AGO), ["the chain ends at link 5, the newest there is 3"], id="older"),
        pytest.param([3], 3, Head(5, "h", NOON), [], id="on-its-way"),
    ],
)
def test_missing_and_older_anchors_are_faults(
    kept: list[int], told: int | None, head: Head | None, says: list[str]
) -> None:
    """A16: with tail and anchor file removed the chain was said to hold."""
    anchors = [Anchor(seq, "h") for seq in kept]
    known = Head(told, "h", AGO) if told else None
    found = anchor_faults("file", anchors, known, head, now=NOON, patience=timedelta(minutes=1))
    assert [f"file: anchors are missing: {text}" for text in says] == found
