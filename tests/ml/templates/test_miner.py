"""A miner goes through a stream in any batches, forgets, and is put away and taken up again."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.templates import TemplateMiner
from ml.templates.memory import KEPT

USERS = ("alice", "bob", "carol", "dave", "erin", "x.y.Z")
THINGS = ("disk", "net", "memory", "lease", "a.b.C", "queue of 7", "lock, 8, 9")
MESSAGES = [
    *(f"session opened for user {user} by (uid={len(user)})" for user in USERS),
    *(f"the {thing} is not there for {user}" for thing in THINGS for user in USERS),
    *(f"{thing} {number} failed" for thing in THINGS for number in range(3)),
    *(f'stored "{thing}" in 7 ms' for thing in THINGS),
    "",
]
STREAMS = st.lists(st.sampled_from(MESSAGES), max_size=60)
CUTS = st.lists(st.integers(0, 60), max_size=6)


def mined(miner: TemplateMiner, messages: list[str], cuts: list[int]) -> list[int]:
    """The ids given out when the messages come in batches cut at `cuts`."""
    at = [0, *sorted(min(cut, len(messages)) for cut in cuts), len(messages)]
    parts = [
        miner.assign(pa.array(messages[start:end], pa.string()), np.arange(start, end)) for start, end in pairwise(at)
    ]
    found: list[int] = np.concatenate(parts).tolist()
    return found


@given(STREAMS, CUTS)
def test_ids_do_not_depend_on_batches(messages: list[str], cuts: list[int]) -> None:
    whole, cut = TemplateMiner(), TemplateMiner()
    expected = mined(whole, messages, [])
    given_out = mined(cut, messages, cuts)
    assert expected == cut.current(np.array(given_out, np.int64)).tolist()
    assert whole.to_table().equals(cut.to_table())


@given(STREAMS, CUTS, st.integers(1, 12))
@settings(max_examples=150)
def test_what_is_remembered_does_not_depend_on_batches(messages: list[str], cuts: list[int], most: int) -> None:
    whole, cut = TemplateMiner(most), TemplateMiner(most)
    mined(whole, messages, [])
    mined(cut, messages, cuts)
    assert whole.to_table().equals(cut.to_table())
    assert whole.templates() == cut.templates()
    assert len(whole.to_table()) <= 2 * most


@given(STREAMS, STREAMS, st.integers(1, 20))
def test_a_miner_goes_on_from_its_table(first: list[str], then: list[str], most: int) -> None:
    one = TemplateMiner(most)
    mined(one, first, [])
    other = TemplateMiner.from_table(one.to_table(), most)
    assert one.templates() == other.templates()
    assert mined(one, then, []) == mined(other, then, [])
    assert one.to_table().equals(other.to_table())


@given(STREAMS, st.integers(1, 20))
def test_each_template_has_an_id_of_its_own(messages: list[str], most: int) -> None:
    miner = TemplateMiner(most)
    mined(miner, messages, [7, 20])
    ids = [one.id for one in miner.templates()]
    assert len(ids) == len(set(ids))
    assert all(miner.text_of(one.id) == one.text for one in miner.templates())


@given(STREAMS)
def test_every_log_is_counted_once(messages: list[str]) -> None:
    miner = TemplateMiner()
    ids = mined(miner, messages, [10])
    assert len(messages) == sum(one.count for one in miner.templates())
    now = miner.current(np.array(ids, np.int64)).tolist()
    for one in miner.templates():
        at = [place for place, held in enumerate(now) if held == one.id]
        assert (len(at), at[0], at[-1]) == (one.count, one.first_seen, one.last_seen)


@given(st.lists(st.text(max_size=80), max_size=20))
def test_any_text_has_a_template(messages: list[str]) -> None:
    miner = TemplateMiner()
    ids = miner.assign(pa.array(messages, pa.string())).tolist()
    assert all(0 <= one < 2**63 and miner.text_of(one) for one in ids)
    assert ids == miner.assign(pa.array(messages, pa.string())).tolist()


def test_an_id_depends_on_the_message_alone() -> None:
    """It is stored with incidents, so it may not change from one version to the next."""
    assert [7704227175483655685] == TemplateMiner().assign(pa.array(["disk 7 of web-2 is full"])).tolist()


def test_templates_that_turn_out_to_be_one_take_the_older_id() -> None:
    miner = TemplateMiner()
    messages = [f"session closed for user {user}" for user in ("alice", "bob", "carol", "dave")]
    apart = miner.assign(pa.array(messages[:2]))
    assert apart[0] != apart[1]
    together = miner.assign(pa.array(messages[2:]))
    assert [apart[0]] * 4 == miner.current(np.concatenate([apart, together])).tolist()
    assert miner.text_of(int(apart[1])) == "session closed for user <*>"


def test_a_template_keeps_its_id_when_its_first_form_has_left() -> None:
    miner = TemplateMiner(2 * KEPT)
    names = ["".join(chr(97 + int(digit)) for digit in f"{number:03}") + "x" for number in range(4 * KEPT)]
    ids = [miner.assign(pa.array([f"session closed for user {name}"]), np.array([at])) for at, name in enumerate(names)]
    (template,) = miner.templates()
    assert {template.id} == set(miner.current(np.concatenate(ids)).tolist()) == {int(ids[0][0])}
    assert (4 * KEPT, 0, 4 * KEPT - 1) == (template.count, template.first_seen, template.last_seen)


@pytest.mark.parametrize(
    ("expected", "messages"),
    [
        pytest.param("delete <*> of a", ["delete 7 of a", "delete 7, 8 and_x.y of a"], id="list"),
        pytest.param("a.b.C is up", ["a.b.C is up"], id="name-that-is-always-the-same"),
        pytest.param("<*> is up", ["a.b.C is up", "d.e.F is up"], id="name-that-varies"),
        pytest.param("sent <*> now", ["sent 7 bytes now", "sent 7 bytes (0.1 KB) now"], id="in-brackets"),
    ],
)
def test_a_template_shows_what_does_not_vary(expected: str, messages: list[str]) -> None:
    miner = TemplateMiner()
    miner.assign(pa.array(messages))
    assert [expected] == [one.text for one in miner.templates()]


def test_what_was_not_seen_for_longest_leaves_first() -> None:
    miner = TemplateMiner(4)
    miner.assign(pa.array(["one", "two", "three", "four", "one", "five"]))
    assert ["one", "three", "four", "five"] == [one.text for one in miner.templates()]


def test_times_are_told_where_they_were_given() -> None:
    miner = TemplateMiner()
    miner.assign(pa.array(["one"]))
    assert (None, None) == (miner.templates()[0].first_seen, miner.templates()[0].last_seen)
    with pytest.raises(ValueError, match="1 times for 2 messages"):
        miner.assign(pa.array(["one", "two"]), np.array([1]))


def test_an_id_that_is_not_known_stays_and_has_no_text() -> None:
    miner = TemplateMiner()
    assert [5] == miner.current(np.array([5])).tolist()
    assert miner.text_of(5) is None


def test_a_miner_remembers_something() -> None:
    with pytest.raises(ValueError, match="at least one"):
        TemplateMiner(0)


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param(pa.array([], pa.string()), id="empty"),
        pytest.param(pa.chunked_array([], pa.large_string()), id="no-chunk"),
        pytest.param(pa.array([None, None], pa.string()), id="nulls"),
        pytest.param(pa.chunked_array([["a 1"], ["a 2", "b"]]).slice(1), id="slice"),
        pytest.param(pa.array(["a 1", "a 2"]).dictionary_encode(), id="dictionary"),
    ],
)
def test_any_column_of_strings_will_do(messages: pa.Array | pa.ChunkedArray) -> None:
    assert TemplateMiner().assign(messages).shape == (len(messages),)


WORDS = st.sampled_from(
    ["user alice logged in", "user bob logged in", "disk sda1 is full", "cache is cold", "took 3 ms"]
)


@given(ours=st.lists(WORDS, min_size=1), theirs=st.lists(WORDS, min_size=1))
def test_two_miners_that_go_on_from_each_other_name_templates_alike(ours: list[str], theirs: list[str]) -> None:
    first, second = TemplateMiner(), TemplateMiner()
    of_first, of_second = first.assign(pa.array(ours)), second.assign(pa.array(theirs))
    second.go_on_from(first.to_table())
    assert 0 == first.go_on_from(second.to_table())
    every = np.concatenate([of_first, of_second])
    assert first.current(every).tolist() == second.current(every).tolist()
    assert [first.text_of(int(one)) for one in every] == [second.text_of(int(one)) for one in every]
    assert None not in [first.text_of(int(one)) for one in every]
    again = pa.array([*ours, *theirs])
    assert first.assign(again).tolist() == second.assign(again).tolist() == first.current(every).tolist()


def test_what_is_learned_from_another_miner_keeps_its_counts_and_its_room() -> None:
    first, second = TemplateMiner(4), TemplateMiner(4)
    first.assign(pa.array(["one", "two", "one"]), np.array([1, 2, 3]))
    second.assign(pa.array(["two", "three", "four five", "six seven eight"]), np.array([9, 9, 9, 9]))
    assert 2 == second.go_on_from(first.to_table())
    known = {one.text: (one.count, one.first_seen, one.last_seen) for one in second.templates()}
    assert {"one": (2, 1, 3), "two": (1, 2, 2), "three": (1, 9, 9), "four five": (1, 9, 9)} == known
    assert 0 == second.go_on_from(second.to_table())
