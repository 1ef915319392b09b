"""A backup says what it holds, what is wrong with it, and what speaks against restoring it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.backups import Database, Kept, Manifest, file_flaws, named, objections, read, row_flaws, written
from domain.errors import Refused

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DUMP = Kept("agent.dump", 10, "aa")
ANCHOR = Kept("home/ledger.anchor", 4, "bb")
MADE = Manifest(NOON, "1.2", "0016", Database.SQLITE, {"logs": 3}, (DUMP, ANCHOR), ("2026-01",), ("models",))

words = st.text(max_size=20)
kept = st.builds(Kept, words, st.integers(0, 2**40), words)
manifests = st.builds(
    Manifest,
    st.datetimes(timezones=st.just(UTC)),
    words,
    words,
    st.sampled_from(Database),
    st.dictionaries(words, st.integers(0, 2**40), max_size=4),
    st.lists(kept, max_size=4).map(tuple),
    st.lists(words, max_size=3).map(tuple),
    st.lists(words, max_size=3).map(tuple),
)


@given(manifests)
def test_what_is_written_is_read(manifest: Manifest) -> None:
    assert manifest == read(written(manifest))


@given(manifests, st.data())
def test_a_manifest_that_was_changed_is_refused(manifest: Manifest, data: st.DataObject) -> None:
    text = written(replace(manifest, rows=dict(manifest.rows) | {"logs": 17}))
    at = data.draw(st.integers(text.index('"logs": 17') + 8, text.index('"logs": 17') + 9))
    with pytest.raises(Refused, match=r"manifest\.json"):
        read(text[:at] + "8" + text[at + 1 :])


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"backup": {}, "sha256": 1}', "null"])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(Refused, match=r"manifest\.json"):
        read(text)


@pytest.mark.parametrize(
    ("found", "flaws"),
    [
        pytest.param([DUMP, ANCHOR], [], id="whole"),
        pytest.param([ANCHOR], ["agent.dump is missing"], id="missing"),
        pytest.param([DUMP, ANCHOR, Kept("more", 1, "cc")], ["more does not belong to it"], id="strange"),
        pytest.param([replace(DUMP, size=9), ANCHOR], ["agent.dump has 9 bytes, not 10"], id="cut"),
        pytest.param([replace(DUMP, sha256="ab"), ANCHOR], ["agent.dump was changed: its digest is another"], id="bit"),
    ],
)
def test_files(found: list[Kept], flaws: list[str]) -> None:
    assert flaws == file_flaws(MADE, found)


def test_rows() -> None:
    assert [] == row_flaws(MADE, {"logs": 3, "new": 9})
    assert ["logs has 2 rows, not 3"] == row_flaws(MADE, {"logs": 2})
    assert ["logs has 0 rows, not 3"] == row_flaws(MADE, {})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({}, "", id="nothing"),
        pytest.param({"into": Database.POSTGRESQL}, "set SRE_STORE__URL", id="another-database"),
        pytest.param({"known": ["0015"]}, "newer than this one: update first", id="newer"),
        pytest.param({"keys": []}, "key 2026-01: give it by --keys-from FILE", id="no-key"),
        pytest.param({"occupied": ["/there belongs to somebody"]}, "into an empty place only", id="occupied"),
    ],
)
def test_what_speaks_against_it_says_what_to_do(changes: dict[str, object], said: str) -> None:
    asked = {"into": Database.SQLITE, "known": ["0016", "0015"], "keys": ["2026-01"], "occupied": []}
    found = objections(MADE, **(asked | changes))  # type: ignore[arg-type]
    assert bool(said) == len(found)
    assert said in "".join(found)


def test_many_flaws_are_counted() -> None:
    assert "1; 2; 3; 4; 5; and 2 more" == named([str(number) for number in range(1, 8)])
