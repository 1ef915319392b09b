"""Whom pages went to is kept, and a replay asks it again: the same, or by another file of who is on call."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.store.closing import acknowledge
from adapters.store.database import Engine, transaction
from adapters.store.ledger_rows import note
from adapters.store.tables.decided import documents
from domain.incidents import Severity
from domain.ledger import LedgerKind
from domain.questions import COUNTED_AS, Kept, Kind
from domain.roster import Policy, PolicyStep, Roster
from domain.settings import Settings
from tasks.asking_again import asked_again
from tasks.recalling import Changes, Recalled
from tasks.side_by_side import Otherwise, changes
from tests.parts.asked_part import kept
from tests.parts.desk_part import Desk
from tests.parts.replay_part import none_registered
from tests.parts.roster_part import MINUTES, OPS, POLICY, ROSTER, FixedRoster, channel, user

SAME = COUNTED_AS[Kind.CALL]


@pytest.fixture
def desk(store: Engine) -> Desk:
    return Desk(store, rosters=FixedRoster())


def paged(desk: Desk, service: str = "web", **changes: Any) -> int:
    """An incident of which somebody is told."""
    number = desk.incident(service, **changes)
    with transaction(desk.engine) as connection:
        opened = {"kind": "log", "template": "connection refused"}
        note(connection, LedgerKind.OPENED, number, opened, now=desk.now)
    desk.forward(60)
    desk.deliver()
    return number


def escalated(desk: Desk) -> int:
    """An incident that nobody answers until everybody was told, twice."""
    number = paged(desk)
    for minutes in (5, 10, 5, 10):
        desk.forward(60 * minutes + 1)
        assert desk.fire()
    return number


def outcome(desk: Desk, asked: Changes = Changes()) -> tuple[list[str], dict[str, int], dict[str, str]]:  # noqa: B008 - frozen
    """What differs, what is the same, and what cannot be told."""
    recalled = Recalled(desk.engine, none_registered, asked)
    others, same = asked_again(kept(desk.engine), recalled)
    return [one.told for one in others], dict(same), recalled.lost


def steps(desk: Desk) -> list[Kept]:
    return kept(desk.engine, Kind.CALL)


def test_every_step_of_a_policy_is_kept_and_comes_out_again(desk: Desk) -> None:
    escalated(desk)
    told = [one.asked.answered.details["to"] for one in steps(desk)]
    assert [2, 1, 2, 1, 1] == [len(one) for one in told if isinstance(one, list)]
    assert [300.0, 600.0, 300.0, 600.0, 14_400.0] == [one.asked.answered.details["next_seconds"] for one in steps(desk)]
    assert ([], {SAME: 5}, {}) == outcome(desk)


def test_who_is_on_call_is_kept_once_as_long_as_it_is_the_same(desk: Desk) -> None:
    escalated(desk)
    assert 1 == len({one.asked.question["roster"] for one in steps(desk)})
    desk.rosters = FixedRoster(replace(ROSTER, teams={}))
    paged(desk, "db")
    assert 2 == len({one.asked.question["roster"] for one in steps(desk)})
    assert ([], {SAME: 6}, {}) == outcome(desk)


def test_what_people_took_over_and_the_severity_are_part_of_the_question(desk: Desk) -> None:
    paged(desk, "db", severity=Severity.CRITICAL)
    (one,) = steps(desk)
    assert "email ann@example.org and slack U-ANN" in str(one.asked.answered.details["to"])
    assert ([], {SAME: 1}, {}) == outcome(desk)


def test_news_and_those_who_have_it_ask_nobody_anew(desk: Desk) -> None:
    number = paged(desk)
    acknowledge(desk.engine, number, by="ann", now=desk.now)
    desk.close(number)
    desk.deliver()
    assert 1 == len(steps(desk))


def test_nobody_is_kept_again_and_again_while_nobody_can_be_reached(desk: Desk) -> None:
    desk.rosters = FixedRoster(Roster())
    paged(desk)
    for _ in range(3):
        desk.forward(60)
        desk.deliver()
    assert [] == steps(desk)


def with_first(step: PolicyStep, *more: PolicyStep) -> Roster:
    return replace(ROSTER, policies={"default": Policy("default", (step, *more))})


WEB = "web: “connection refused”"
BOB = "bob by email bob@example.org (the policy names this person)"
FIRST = "ann by email ann@example.org (on call by schedule primary), slack #ops (the policy names this channel)"


def test_another_roster_tells_who_would_have_been_told(desk: Desk) -> None:
    escalated(desk)
    told, same, lost = outcome(
        desk, Changes(roster=with_first(PolicyStep((user("bob"),), 2 * MINUTES), *POLICY.steps[1:]))
    )
    assert {} == lost
    expected = f"{WEB}: {BOB} would have been told, not {FIRST}; the next ones 2 min later, not 5 min later"
    assert expected in told
    assert 5 == len(told) + same.get(SAME, 0)


def test_contacts_that_the_other_roster_cannot_reach_are_left_out(desk: Desk) -> None:
    paged(desk)
    only = with_first(PolicyStep((channel(OPS),), 5 * MINUTES))
    told, _, _ = outcome(desk, Changes(roster=only, unreachable=frozenset({OPS})))
    assert [f"{WEB}: nobody would have been told, not {FIRST}; the next ones never, not 5 min later"] == told


def test_a_roster_that_is_gone_is_said(desk: Desk) -> None:
    escalated(desk)
    with transaction(desk.engine) as connection:
        connection.execute(sa.delete(documents).where(documents.c.body.contains("schedules")))
    told, same, lost = outcome(desk)
    assert ([], {}) == (told, same)
    assert "who was on call is not kept any more; questions like it are left out" == lost[SAME]


FILE = """
users:
  dora:
    contacts: [{email: dora@example.org}]
policies:
  default:
    steps:
      - notify: [{user: dora}]
        wait: 5m
"""


def test_a_file_of_who_is_on_call_is_read_with_its_flaws(tmp_path: Path) -> None:
    tree = Settings.model_validate({"paging": {"email": {"host": "127.0.0.1", "recipients": ["x@example.org"]}}})
    (tmp_path / "other.yaml").write_text(FILE)
    found = changes(tree, Otherwise(on_call=str(tmp_path / "other.yaml")))
    assert found.any
    assert found.roster is not None
    assert ["dora"] == list(found.roster.users)
    assert frozenset() == found.unreachable
