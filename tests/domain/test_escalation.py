"""Who is told by a step of a policy, and what comes after it: as tables."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.escalation import LAST_RESORT, Circumstances, Progress, as_policy, document, fire
from domain.roster import Policy, PolicyStep, Roster, Schedule, Shift, Target, TargetKind
from tests.parts.roster_part import (
    ANN_MAIL,
    ANN_SLACK,
    CHIEF_MAIL,
    MINUTES,
    OPS,
    POLICY,
    ROSTER,
    channel,
    schedule,
    user,
)

NOW = datetime(2026, 3, 1, 3, tzinfo=UTC)


def now(roster: Roster = ROSTER, **changes: object) -> Circumstances:
    return replace(Circumstances(roster, NOW, {}), **changes)  # type: ignore[arg-type]


GAP = replace(ROSTER, schedules={"primary": Schedule("primary", "UTC", ())})


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        pytest.param([user("bob")], ["bob"], id="a person"),
        pytest.param([schedule("primary")], ["ann"], id="whoever is on call"),
        pytest.param([Target(TargetKind.TEAM, "web")], ["ann", "bob"], id="every member of a team"),
        pytest.param([channel(OPS)], [""], id="a channel of nobody"),
        pytest.param([schedule("primary"), user("ann")], ["ann"], id="a person named twice is told once"),
        pytest.param([user("gone"), Target(TargetKind.TEAM, "gone")], [], id="who does not exist is nobody"),
    ],
)
def test_who_is_behind_a_target(targets: list[Target], names: list[str]) -> None:
    assert names == [notice.person for notice in now().of(targets)]


def test_an_override_counts_above_the_schedule() -> None:
    taken = {"primary": [Shift("bob", NOW, NOW + MINUTES)]}
    (notice,) = now(overrides=taken).of([schedule("primary")])
    assert ("bob", "on call by schedule primary") == (notice.person, notice.why)


def test_what_the_settings_cannot_reach_is_left_out() -> None:
    (notice,) = now(usable=lambda contact: contact != ANN_MAIL).of([user("ann")])
    assert (ANN_SLACK,) == notice.contacts
    assert () == now(usable=lambda _: False).of([user("ann")])


def walk(policy: Policy, roster: Roster = ROSTER) -> list[tuple[list[str], float | None]]:
    """Who is told by each step, and the minutes until the next one."""
    told, progress = [], Progress(policy)
    while True:
        fired = fire(progress, now(roster))
        minutes = fired.wait / MINUTES if fired.wait is not None else None
        told.append(([notice.person or str(notice.contacts[0]) for notice in fired.notices], minutes))
        if fired.wait is None:
            return told
        progress = fired.following


@pytest.mark.parametrize(
    ("policy", "roster", "told"),
    [
        pytest.param(
            POLICY,
            ROSTER,
            [
                (["ann", "slack #ops"], 5),
                (["bob"], 10),
                (["ann", "slack #ops"], 5),
                (["bob"], 10),
                (["chief"], None),
            ],
            id="all steps, again, and the last resort",
        ),
        pytest.param(
            replace(POLICY, repeat=0, last_resort=()),
            ROSTER,
            [(["ann", "slack #ops"], 5), (["bob"], None)],
            id="without a last resort it ends with the last step",
        ),
        pytest.param(
            Policy("x", (PolicyStep((schedule("primary"),), MINUTES), PolicyStep((user("bob"),), MINUTES))),
            GAP,
            [(["bob"], None)],
            id="a gap goes on to the next step at once",
        ),
        pytest.param(
            Policy("x", (PolicyStep((schedule("primary"),), MINUTES),), last_resort=(user("chief"),)),
            GAP,
            [(["chief"], 1), (["chief"], None)],
            id="a gap goes to the last resort at once",
        ),
        pytest.param(Policy("x", ()), ROSTER, [([], None)], id="nobody at all"),
    ],
)
def test_a_policy_is_followed(policy: Policy, roster: Roster, told: list[object]) -> None:
    assert told == walk(policy, roster)


def test_the_last_resort_says_that_it_is_one() -> None:
    fired = fire(Progress(POLICY, step=2, round=1, fired=4), now())
    ((notice,), step) = fired.notices, fired.step
    assert (CHIEF_MAIL,) == notice.contacts
    assert (5, True) == (step, notice.why.startswith(LAST_RESORT))


def test_a_policy_comes_back_from_json_as_it_was() -> None:
    assert POLICY == as_policy(json.loads(json.dumps(document(POLICY))))


targets = st.lists(st.sampled_from([user("ann"), user("gone"), schedule("primary"), channel(OPS)]), max_size=2)
steps = st.builds(PolicyStep, targets.map(tuple), st.integers(0, 60).map(lambda minutes: minutes * MINUTES))
policies = st.builds(
    Policy, st.just("x"), st.lists(steps, max_size=4).map(tuple), st.integers(0, 3), targets.map(tuple)
)


@given(policies, st.booleans())
def test_every_walk_ends_and_whoever_can_be_reached_is(policy: Policy, gap: bool) -> None:  # noqa: FBT001 - drawn
    roster = GAP if gap else ROSTER
    told = walk(policy, roster)
    assert len(told) <= (policy.repeat + 1) * len(policy.steps) + 1
    reachable = now(roster).of([target for step in policy.steps for target in step.notify] + [*policy.last_resort])
    assert bool(reachable) == bool(told[0][0])
