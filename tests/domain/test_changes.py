"""What counts as a change, which ones are the same, and which versions began to write logs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.changes import (
    LONGEST,
    Change,
    ChangeKind,
    ChangeSource,
    checked,
    key_of,
    versions_changed,
)
from domain.errors import BadInput
from tests.parts.logs_part import NOON, SECOND

MINUTE = timedelta(minutes=1)
DEPLOY = Change(NOON, "web", ChangeKind.DEPLOY, "v1.4.2", "ci")


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param({"at": NOON + 59 * SECOND}, True, id="within the minute"),
        pytest.param({"by": "ann"}, True, id="told by somebody else"),
        pytest.param({"source": ChangeSource.KUBERNETES}, True, id="from another source"),
        pytest.param({"at": NOON + MINUTE}, False, id="a minute later"),
        pytest.param({"service": "api"}, False, id="another service"),
        pytest.param({"kind": ChangeKind.CONFIG}, False, id="another kind"),
        pytest.param({"what": "v1.4.3"}, False, id="another version"),
    ],
)
def test_which_changes_are_the_same(other: dict[str, Any], same: bool) -> None:  # noqa: FBT001 - the expected value
    assert same == (key_of(DEPLOY) == key_of(replace(DEPLOY, **other)))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"service": " "}, "service is empty: say whose change it is", id="no service"),
        pytest.param({"what": "\n"}, "what is empty: say in a few words what changed", id="nothing changed"),
        pytest.param({"what": "x" * (LONGEST + 1)}, "what has 501 characters, at most 500", id="too much text"),
        pytest.param({"by": "x" * (LONGEST + 1)}, "by has 501 characters", id="too long a name"),
        pytest.param({"at": NOON.replace(tzinfo=None)}, "names no zone", id="a time without a zone"),
        pytest.param({"at": NOON + 11 * MINUTE}, "lies ahead of now", id="more than ten minutes ahead"),
    ],
)
def test_what_is_no_change(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        checked(replace(DEPLOY, **changes), now=NOON)


def test_a_clock_may_be_ten_minutes_ahead() -> None:
    assert NOON + 10 * MINUTE == checked(replace(DEPLOY, at=NOON + 10 * MINUTE), now=NOON).at


@given(st.text(min_size=1, max_size=LONGEST))
def test_a_checked_change_is_printable_and_keeps_its_key(what: str) -> None:
    try:
        found = checked(replace(DEPLOY, what=what), now=NOON)
    except BadInput:
        assert not what.strip()
        return
    assert found.what.isprintable()
    assert found.key == key_of(replace(found, key="")) == checked(found, now=NOON).key


Seen = dict[str, dict[str, datetime]]
EARLIER = NOON - 60 * MINUTE


@pytest.mark.parametrize(
    ("before", "during", "expected"),
    [
        pytest.param({"web": {"1.4.1": EARLIER}}, {"web": {"1.4.1": NOON}}, [], id="the same"),
        pytest.param(
            {"web": {"1.4.1": EARLIER}},
            {"web": {"1.4.1": NOON, "1.4.2": NOON + MINUTE}},
            [("web", "version 1.4.1 to 1.4.2", NOON + MINUTE)],
            id="another one",
        ),
        pytest.param(
            {"web": {"1.4.0": EARLIER, "1.4.1": EARLIER + MINUTE}},
            {"web": {"1.4.3": NOON + MINUTE, "1.4.2": NOON}},
            [("web", "version 1.4.1 to 1.4.2", NOON), ("web", "version 1.4.2 to 1.4.3", NOON + MINUTE)],
            id="two after another, from the newest before",
        ),
        pytest.param({}, {"web": {"1.4.2": NOON}}, [], id="nothing is known of before"),
        pytest.param({"web": {"1.4.1": EARLIER}}, {}, [], id="it writes no more"),
        pytest.param(
            {"web": {"1": EARLIER}, "api": {"1": EARLIER}},
            {"web": {"2": NOON + MINUTE}, "api": {"2": NOON}},
            [("api", "version 1 to 2", NOON), ("web", "version 1 to 2", NOON + MINUTE)],
            id="several services, by time",
        ),
    ],
)
def test_versions_that_began_to_write_logs(
    before: Seen, during: Seen, expected: list[tuple[str, str, datetime]]
) -> None:
    found = versions_changed(before, during)
    assert expected == [(one.service, one.what, one.at) for one in found]
    assert all((ChangeKind.DEPLOY, ChangeSource.LOGS) == (one.kind, one.source) and one.key for one in found)
