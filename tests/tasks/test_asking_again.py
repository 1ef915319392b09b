"""What was asked live is asked again by a replay; with other settings or playbooks it is told what was answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
import sqlalchemy as sa

from adapters.store.database import Engine, transaction
from adapters.store.question_rows import kept_questions
from adapters.store.switches import set_pause
from adapters.store.tables import actions, questions
from domain.autonomy import Autonomy, Word
from domain.cases import Case, case_document, case_of
from domain.differences import Difference, How
from domain.experience import Likeness, Past
from domain.incidents import State
from domain.plans import Measure, Risk
from domain.playbooks import Playbook
from domain.questions import COUNTED_AS, Kept, Kind
from tasks.plan import classified, plan_for
from tasks.recalling import Changes
from tests.domain.test_classification import HISTORIES, runs
from tests.parts.answering_part import PLAYBOOKS, World, acting, risky, tried_in_vain
from tests.parts.incidents_part import an_incident
from tests.parts.judged_part import NOW
from tests.parts.logs_part import NOON
from tests.parts.replay_part import BEGIN, END, replayed

POOL = "connection-pool-exhausted"
INCIDENT = an_incident(template="connection pool exhausted", playbook=POOL)
STRICTER = Changes(branches={"mitigation": {"common_error_threshold": 0.95}})


def acted(store: Engine) -> World:
    """An incident that a playbook answered by itself."""
    world = World(store)
    world.fault()
    world.run()
    return world


def proved(store: Engine) -> World:
    """An incident that a playbook answered by itself, and that fresh logs show to be over."""
    world = World(store)
    world.traffic()
    number = world.fault()
    world.run()
    world.forward(31)
    world.traffic()
    world.forward(1)
    world.run()
    assert State.RESOLVED == world.incident(number).state
    return world


def in_vain(store: Engine) -> World:
    """An incident that a playbook answered by itself, of which a tenth goes on: too much, but few of its own logs."""
    world = World(store)
    world.fault(logs=300)
    world.forward(1)
    world.run()
    world.forward(20)
    world.traffic(40)
    world._send(5, message="connection pool exhausted")
    world.forward(41)
    world.run()
    return world


def kept(store: Engine, kind: Kind | None = None) -> list[Kept]:
    with transaction(store) as connection:
        found = kept_questions(connection, BEGIN, END)
    return [one for one in found if kind is None or one.asked.kind is kind]


def told(store: Engine, what: str, changes: Changes) -> list[Difference]:
    return [one for one in replayed(store, changes=changes).differences.found if one.what == what]


def with_pool(**verification: object) -> tuple[Playbook, ...]:
    """The playbooks; that for connection pools wants something else to be true again."""
    return tuple(
        replace(book, verification=replace(book.verification, **verification)) if book.id == POOL else book  # type: ignore[arg-type]  # as each test has it
        for book in PLAYBOOKS
    )


def assert_all_the_same(store: Engine, asked: Sequence[Kind]) -> None:
    found = replayed(store).differences
    wanted = Counter(COUNTED_AS[kind] for kind in asked)
    assert wanted == {kind: many for kind, many in found.same.items() if kind in COUNTED_AS.values()}
    assert [] == [one.told for one in found.found if one.what in ("action", "classification", "verification")]


# --- as it was --------------------------------------------------------------------------------------


def test_each_question_is_kept_with_its_answer_and_comes_out_again(store: Engine) -> None:
    world = proved(store)
    assert "carry_out" in world.calls
    asked = kept(store)
    assert [Kind.CLASSIFICATION, Kind.GATE, Kind.GATE, Kind.VERIFICATION] == [one.asked.kind for one in asked]
    assert ["common", "allowed", "allowed", "recovered"] == [one.asked.answered.outcome for one in asked]
    assert ["begin", "next"] == [one.asked.question["purpose"] for one in kept(store, Kind.GATE)]
    with transaction(store) as connection:
        assert [] == kept_questions(connection, BEGIN, NOW)
    assert_all_the_same(store, [one.asked.kind for one in asked])


def test_what_did_not_help_comes_out_again_with_what_that_taught(store: Engine) -> None:
    tried_in_vain(store)
    asked = kept(store)
    weighed = [len(one.asked.question["runs"]) for one in kept(store, Kind.CLASSIFICATION)]
    assert [0, 1, 2] == weighed
    assert {"unknown"} == {one.asked.answered.outcome for one in kept(store, Kind.VERIFICATION)}
    assert_all_the_same(store, [one.asked.kind for one in asked])


def test_what_is_uncommon_by_experience_comes_out_again(store: Engine) -> None:
    world = tried_in_vain(store)
    world.knowledge = replace(world.knowledge, settings=acting(common_error_threshold=0.85).settings)
    world.fault()
    assert ["plan"] == world.run()[:1]
    *_, last = kept(store)
    assert (Kind.CLASSIFICATION, "uncommon") == (last.asked.kind, last.asked.answered.outcome)
    assert_all_the_same(store, [one.asked.kind for one in kept(store)])


@pytest.mark.parametrize(("letters", "likeness", "past", "fits"), HISTORIES)
@pytest.mark.parametrize("said", [None, *Autonomy])
def test_every_case_gets_the_same_plan_again(
    letters: str, likeness: Likeness, past: Past, fits: float, said: Autonomy | None
) -> None:
    knowledge = acting(common_error_threshold=min(fits, 0.85))
    word = None if said is None else Word(said, "ann", "it is new", NOON)
    case = Case(INCIDENT, tuple(replace(run, playbook=POOL) for run in runs(letters, likeness)), past, word)
    again = case_of(orjson.loads(orjson.dumps(case_document(case))))
    made, second = (plan_for(knowledge, one) for one in (case, again))
    assert made == second
    assert classified(case, made) == classified(again, second)


# --- with other settings and playbooks --------------------------------------------------------------


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


def test_a_pause_is_given(store: Engine) -> None:
    world = World(store)
    set_pause(store, on=True, by="ann", now=NOW)
    world.fault()
    world.run()
    (one,) = kept(store, Kind.GATE)
    assert one.asked.question["paused"]
    assert_all_the_same(store, [Kind.CLASSIFICATION, Kind.GATE])


def test_what_cannot_be_read_is_left_out_and_said(store: Engine) -> None:
    proved(store)
    with transaction(store) as connection:
        ours = questions.c.kind == Kind.VERIFICATION
        connection.execute(questions.update().where(ours).values(question={"samples": "many"}))
    found = replayed(store)
    assert [] == [one.told for one in found.differences.found]
    assert COUNTED_AS[Kind.VERIFICATION] not in found.differences.same
    assert 2 == found.differences.same[COUNTED_AS[Kind.GATE]]
    (doubt,) = found.doubts
    assert doubt.startswith("a kept question of a verification cannot be read: ")
    assert doubt.endswith("; questions like it are left out")


# --- what it costs ----------------------------------------------------------------------------------


def test_an_answered_incident_takes_some_kilobytes(store: Engine) -> None:
    """What is told in ADR 30."""
    proved(store)
    sizes = {kind: sum(len(orjson.dumps(one.asked.question)) for one in kept(store, kind)) for kind in Kind}
    assert sizes[Kind.CLASSIFICATION] < 1_000
    assert sizes[Kind.VERIFICATION] < 1_000
    with transaction(store) as connection:
        done = connection.scalar(sa.select(sa.func.count()).select_from(actions))
        assert (1, 4) == (done, connection.scalar(sa.select(sa.func.count()).select_from(questions)))
