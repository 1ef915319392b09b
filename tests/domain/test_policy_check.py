"""Policies are followed on a virtual clock by the functions that run live; what is left out comes to the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from domain.contacts import Contact, ContactKind
from domain.policy_check import MINUTE, RESTART, Checks, Line, Trouble, World, follow, from_every_minute, spans_of
from domain.reachable import contact_problem
from domain.roster import Roster, Shift
from domain.schedules import changes, on_duty
from tests.parts.on_call_part import NOW, PAGING, SMALL, a_roster, example

# A night that nobody has, hand-overs every seven hours, and people with one channel each.
PATCHY = """\
users:
  ann: {contacts: [{slack: U1}]}
  bob: {contacts: [{email: bob@example.com}]}
  cem: {contacts: [{slack: U3}, {email: cem@example.com}]}
schedules:
  nights:
    zone: America/New_York
    layers:
      - {users: [cem, ann], begins: 2026-01-05T09:30, every: 1 day, only: ["daily 22:00-06:00"]}
  turns:
    zone: Europe/Berlin
    layers:
      - {users: [ann, bob], begins: 2026-01-05T09:10, every: 7 hours}
      - {users: [cem], begins: 2026-01-05T09:00, only: ["sat,sun 01:30-02:45"]}
policies:
  default:
    steps:
      - {notify: [{schedule: turns}], wait: 7m}
      - {notify: [{schedule: nights}], wait: 11m}
    repeat: 1
    last_resort: [{user: cem}]
"""


def is_usable(contact: Contact) -> bool:
    return not contact_problem(contact, PAGING)


def lines(roster: Roster, policy: str = "default") -> list[Line]:
    return Checks(roster, {}, is_usable, NOW).lines(roster.policies[policy])


TROUBLES = [Trouble(), Trouble(ContactKind.EMAIL, 1), Trouble(ContactKind.SLACK, 0)]


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
def test_the_worst_is_what_brute_force_finds_over_every_start_minute_of_both_changes(trouble: Trouble) -> None:
    roster = a_roster(PATCHY)
    policy = roster.policies["default"]
    schedules = roster.schedules.values()
    for span in spans_of(policy, roster, NOW)[1:3]:  # Berlin's
        edges = sorted({edge for one in schedules for edge in changes(one, (), span[0], span[1] + timedelta(hours=2))})
        world = World(roster, {}, is_usable, edges)
        swept = [(one.took, one.start) for one in from_every_minute(policy, span, trouble, world)]
        minutes = (span[0] + number * MINUTE for number in range((span[1] - span[0]) // MINUTE))
        brute = [(follow(policy, at, trouble, world).took, at) for at in minutes]
        assert 20_160 == len(brute)
        assert max(took for took, _ in brute) == max(took for took, _ in swept)
        assert {took for took, _ in brute} == {took for took, _ in swept}


def test_the_weeks_are_those_around_each_change_of_the_clocks_of_the_zones_that_the_policy_goes_by() -> None:
    roster = a_roster(PATCHY)
    middles = [begins + timedelta(days=7) for begins, _ in spans_of(roster.policies["default"], roster, NOW)]
    assert [datetime(2026, *day, tzinfo=UTC) for day in ((3, 8), (3, 29), (10, 25), (11, 1))] == middles


def test_without_a_change_of_the_clocks_it_is_the_next_two_weeks() -> None:
    roster = a_roster(SMALL.replace("Europe/Berlin", "Asia/Tokyo"))
    begins = datetime(2026, 3, 2, tzinfo=UTC)
    assert [(begins, begins + timedelta(days=14))] == spans_of(roster.policies["default"], roster, NOW)


def test_each_kind_of_channel_that_may_be_used_is_taken_away_once() -> None:
    assert [None, ContactKind.EMAIL, ContactKind.SLACK] == [line.down for line in lines(a_roster())]


def test_the_worst_time_is_that_of_the_step_that_reaches_somebody_and_a_restart_adds_its_lease() -> None:
    """Fault 2: a restart while an escalation waits loses no step."""
    (plain, mail, slack) = lines(a_roster())
    assert (timedelta(), RESTART) == (plain.worst.took, plain.with_restart.took)
    # Bob has mail only: with it down, whoever pages him waits for the last resort, where ann has Slack.
    assert (timedelta(minutes=5), timedelta(minutes=5) + RESTART) == (mail.worst.took, mail.with_restart.took)
    assert ("ann (slack U1)",) == mail.worst.reached
    assert timedelta() == slack.worst.took


def test_a_way_to_reach_nobody_is_shown_with_its_start_and_why() -> None:
    roster = a_roster(SMALL.replace("    last_resort: [{team: ops}]\n", ""))
    (plain, mail, _) = lines(roster)
    found = mail.counterexample
    assert plain.counterexample is None
    assert found is not None
    assert "at once bob would be told, but only by email; then nobody is left" == found.why_nobody
    assert ("bob",) == on_duty(roster.schedules["primary"], (), found.start)


def test_a_gap_without_a_last_resort_is_such_a_way() -> None:
    text = SMALL.replace("    last_resort: [{team: ops}]\n", "")
    roster = a_roster(text.replace("        begins:", "        only: [mon-fri 08:00-20:00]\n        begins:"))
    found = lines(roster)[0].counterexample
    assert found is not None
    assert (
        "at once no step finds anybody: nobody is on call who could be reached; then nobody is left" == found.why_nobody
    )


def test_who_takes_a_shift_counts() -> None:
    roster = a_roster()
    policy = roster.policies["default"]
    ((begins, ends), _) = spans_of(policy, roster, NOW)
    taken = {"primary": [Shift("ann", begins - timedelta(days=1), ends + timedelta(days=1))]}
    checks = Checks(roster, taken, is_usable, NOW)
    at = follow(policy, begins, Trouble(), World(roster, taken, is_usable, ()))
    assert at.reached[0].startswith("ann ")
    assert timedelta(minutes=5) == checks.lines(policy)[1].worst.took  # in autumn bob has his turns


def test_every_policy_of_the_example_reaches_somebody_whatever_is_down() -> None:
    roster = example()
    worst = {
        name: max(line.with_restart.took for line in Checks(roster, {}, partial(is_usable), NOW).lines(policy))
        for name, policy in roster.policies.items()
    }
    assert {"default": RESTART, "checkout": RESTART, "quiet": timedelta(hours=2) + RESTART} == worst
