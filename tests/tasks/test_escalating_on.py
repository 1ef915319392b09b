"""What becomes of an escalation after its first round: repeats, further pages, ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adapters.store.closing import acknowledge
from adapters.store.database import Engine, transaction
from adapters.store.tables.paging import pages
from domain.errors import Unavailable
from domain.incidents import Resolution, Route, State
from domain.pages import PageReason
from domain.paging_settings import PagingSettings
from domain.roster import Policy, PolicyStep
from domain.settings import Settings
from tasks.auditing import audit
from tests.parts.desk_part import Desk
from tests.parts.roster_part import MINUTES, ROSTER, FixedRoster, user

MINUTE, HOUR = 60.0, 3600.0


@pytest.fixture
def desk(store: Engine) -> Desk:
    return Desk(store, rosters=FixedRoster())


def bob_alone(*, repeat: int = 0) -> FixedRoster:
    """One step that notifies bob, without a last resort."""
    policy = Policy("default", (PolicyStep((user("bob"),), 5 * MINUTES),), repeat=repeat)
    return FixedRoster(replace(ROSTER, policies={"default": policy}))


def paged(desk: Desk, **changes: Any) -> int:
    number = desk.incident(**changes)
    desk.deliver()
    return number


def test_a_policy_of_one_step_is_repeated_after_one_interval_and_not_after_two(desk: Desk) -> None:
    desk.rosters = bob_alone()
    paged(desk)
    assert ["bob"] == desk.reached()
    desk.forward(4 * HOUR)
    desk.fire()
    assert ["bob"] == desk.reached()


def never_told(desk: Desk) -> int:
    """An incident whose first page failed, and was not needed when it would have gone again."""
    desk.receiver.failure = Unavailable("busy")
    number = paged(desk)
    desk.receiver.failure = None
    desk.change(number, route=Route.PLAYBOOK, playbook="restart", state=State.ACTING)
    desk.forward(MINUTE)
    desk.deliver()
    assert ["suppressed"] == desk.states()
    return number


def test_a_further_page_is_told_at_once_where_nobody_had_the_one_before(desk: Desk) -> None:
    number = never_told(desk)
    desk.change(number, state=State.ESCALATED)
    desk.again(number, PageReason.INEFFECTIVE)
    desk.deliver()
    assert ["ann", "slack #ops"] == desk.reached()


def test_a_page_that_was_found_needless_goes_out_when_it_is_needed_after_all(desk: Desk) -> None:
    number = never_told(desk)
    desk.change(number, route=Route.HUMAN, playbook="", state=State.ESCALATED)
    desk.again(number, PageReason.UNCOMMON)
    desk.deliver()
    assert ["ann", "slack #ops"] == desk.reached()


def come_back(desk: Desk, number: int) -> None:
    """It was over, and nobody is told of its next episode yet."""
    desk.close(number, Resolution.QUIET)
    desk.deliver()
    desk.reached()
    again = {"state": State.REOPENED, "episode": 2, "page_key": "", "told": 0, "acked_at": None}
    desk.change(number, **again, resolution=None, resolved_at=None)


def test_what_came_back_is_not_escalated_by_the_page_about_its_earlier_time(desk: Desk) -> None:
    number = paged(desk, severity=4, reason=PageReason.CRITICAL)
    come_back(desk, number)
    desk.forward(5 * MINUTE)
    assert ["over: it came back since: that has pages of its own"] == desk.fire()
    assert [] == desk.reached()


def test_an_acknowledgement_of_an_earlier_time_does_not_expire_in_the_next_one(desk: Desk) -> None:
    number = paged(desk, severity=4, reason=PageReason.CRITICAL)
    acknowledge(desk.engine, number, by="ann", now=desk.now)
    come_back(desk, number)
    desk.forward(4 * HOUR)
    assert ["over: it is over"] == desk.fire()
    desk.forward(HOUR)
    assert ([], []) == (desk.fire(), desk.reached())


def sharing(desk: Desk, number: int) -> int:
    """Another incident of which the page about the first one tells, too."""
    other = desk.incident("api")
    with transaction(desk.engine) as connection:
        connection.execute(pages.delete().where(pages.c.incident_id == other))
    desk.change(other, page_key=desk.read(number).page_key)
    return other


def test_nobody_else_is_told_of_a_shared_page_once_what_is_open_of_it_was_acknowledged(desk: Desk) -> None:
    number = paged(desk)
    other = sharing(desk, number)
    desk.close(number, Resolution.QUIET)
    acknowledge(desk.engine, other, by="ann", now=desk.now)
    desk.deliver()
    desk.reached()
    desk.forward(5 * MINUTE)
    assert ["over: what is open of it was acknowledged"] == desk.fire()
    assert [] == desk.reached()


def test_what_shares_a_page_goes_on_when_the_first_of_it_came_back(desk: Desk) -> None:
    number = paged(desk)
    sharing(desk, number)
    come_back(desk, number)
    desk.forward(5 * MINUTE)
    desk.fire()
    assert ["bob"] == desk.reached()


def test_an_incident_that_a_playbook_answers_by_now_is_not_mended(desk: Desk) -> None:
    """The auditor paged that it had no next step, each minute until the playbook was done."""
    number = paged(desk)
    desk.reached()
    desk.change(number, route=Route.PLAYBOOK, playbook="restart", state=State.ACTING)
    desk.forward(5 * MINUTE)
    assert ["its origin was found, and a playbook answers that by now"] == desk.fire()
    desk.forward(MINUTE)
    assert [] == audit(desk.pager, None)
    desk.change(number, route=Route.HUMAN, playbook="", state=State.ESCALATED)
    desk.fire()
    assert ["bob"] == desk.reached(), "who comes next is told once nothing answers it any more"


def test_while_paging_is_switched_off_nothing_is_mended_again_and_again(desk: Desk) -> None:
    paged(desk)
    desk.settings = Settings(paging=PagingSettings(enabled=False))
    desk.forward(5 * MINUTE)
    for _ in range(3):
        assert ["paging is switched off (paging.enabled)"] == desk.fire()
        desk.forward(MINUTE)
        assert [] == audit(desk.pager, None)
    assert 0 == desk.ledger("escalation.mended") + desk.ledger("escalation.over")
