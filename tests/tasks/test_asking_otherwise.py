"""With other settings or playbooks a replay tells what would have been answered while incidents were answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from adapters.store.database import Engine
from domain.differences import Difference, How
from domain.plans import Measure, Risk
from domain.playbooks import Playbook
from domain.questions import Kind
from domain.settings_acting import AutonomySettings
from tasks.recalling import Changes
from tests.parts.answering_part import PLAYBOOKS, World, acting, risky
from tests.parts.asked_part import POOL, acted, in_vain, kept, proved
from tests.parts.replay_part import replayed

STRICTER = Changes(branches={"mitigation": {"common_error_threshold": 0.95}})


def told(store: Engine, what: str, changes: Changes) -> list[Difference]:
    return [one for one in replayed(store, changes=changes).differences.found if one.what == what]


def with_pool(**verification: object) -> tuple[Playbook, ...]:
    """The playbooks; that for connection pools wants something else to be true again."""
    return tuple(
        replace(book, verification=replace(book.verification, **verification)) if book.id == POOL else book  # type: ignore[arg-type]  # as each test has it
        for book in PLAYBOOKS
    )


def test_with_a_higher_threshold_what_was_common_would_have_been_uncommon(store: Engine) -> None:
    acted(store)
    (one,) = told(store, "classification", STRICTER)
    assert How.LOST is one.how
    assert "web: “connection pool exhausted”: it would have been uncommon: 90 % sure, below the 95 %" in one.told
    assert one.told.endswith("no plan would have been made; it was: restart web")


def test_a_threshold_that_changes_no_class_is_no_difference(store: Engine) -> None:
    acted(store)
    lower = Changes(branches={"mitigation": {"common_error_threshold": 0.5}})
    assert [] == [one.told for one in replayed(store, changes=lower).differences.found]


def test_without_its_playbook_no_plan_would_have_been_made(store: Engine) -> None:
    acted(store)
    others = Changes(playbooks=tuple(book for book in PLAYBOOKS if book.id != POOL))
    (one,) = told(store, "classification", others)
    assert How.LOST is one.how
    assert "it would have been without a playbook" in one.told
    assert f"by playbook none, not {POOL}" in one.told


def test_a_playbook_that_fits_better_would_have_answered_it(store: Engine) -> None:
    acted(store)
    pool = next(book for book in PLAYBOOKS if book.id == POOL)
    scaling = next(book for book in PLAYBOOKS if book.id == "overload")
    better = replace(scaling, id="wider-pool", matches=replace(pool.matches, services=("web",)))
    (one,) = told(store, "classification", Changes(beside=(better,)))
    assert How.CHANGED is one.how
    assert f"by playbook wider-pool, not {POOL}; the plan would have been: scale web" in one.told


def test_with_stricter_settings_what_ran_would_not_have(store: Engine) -> None:
    acted(store)
    stricter = Changes(branches={"mitigation": {"evidence_seconds": 0.0001, "actions_per_hour": 1, "acting": False}})
    found = told(store, "action", stricter)
    assert {How.LOST} == {one.how for one in found}
    assert any("would not have begun; against it now: acting is off" in one.told for one in found)


def test_with_looser_settings_what_waited_would_have_begun(store: Engine) -> None:
    world = World(store, acting(playbooks=risky(Risk.MEDIUM, POOL), max_risk="low"))
    world.fault()
    world.run()
    assert [] == world.calls
    (one,) = told(store, "action", Changes(branches={"mitigation": {"max_risk": "medium"}}))
    assert How.WON is one.how
    assert "would have begun; no longer against it: the risk is too high: risk medium, at most low" in one.told


def test_a_playbook_that_wants_more_logs_would_have_called_the_recovery_unproved(store: Engine) -> None:
    proved(store)
    (one,) = told(store, "verification", Changes(playbooks=with_pool(min_samples=1_000, within=timedelta(seconds=20))))
    assert How.LOST is one.how
    assert "the recovery would have been called unproved: too few fresh logs" in one.told


def test_a_playbook_that_waits_longer_would_have_had_no_verdict_by_then(store: Engine) -> None:
    proved(store)
    (one,) = told(store, "verification", Changes(playbooks=with_pool(within=timedelta(hours=1))))
    assert "there would have been no verdict by then: the playbook waits longer for a verdict" in one.told


def test_what_was_not_compared_then_is_said(store: Engine) -> None:
    proved(store)
    (one,) = told(store, "verification", Changes(playbooks=with_pool(measure=Measure.METRIC, metric="queue_depth")))
    assert "the playbook looks at queue_depth, which was not compared" in one.told


def test_a_recovery_that_nobody_controlled_says_so(store: Engine) -> None:
    in_vain(store)
    (before,) = kept(store, Kind.VERIFICATION)
    assert "ineffective" == before.asked.answered.outcome
    (one,) = told(store, "verification", Changes(playbooks=with_pool(at_most=0.5)))
    assert How.WON is one.how
    assert "it would have been called a recovery: the measure is back" in one.told
    assert one.told.endswith("what other services did was not looked at")


def test_where_playbooks_begin_by_observing_no_plan_would_have_been_made(store: Engine) -> None:
    acted(store)
    observing = Changes(branches={"mitigation": {"autonomy": AutonomySettings(start="observe")}})
    (one,) = told(store, "classification", observing)
    assert How.LOST is one.how
    assert "against a plan: the playbook may only observe the service: because it begins there" in one.told
    assert one.told.endswith("no plan would have been made; it was: restart web")
