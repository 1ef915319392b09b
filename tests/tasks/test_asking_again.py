"""What was asked live is kept, and a replay asks it again and gets the same answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import orjson
import pytest
import sqlalchemy as sa

from adapters.sealing import PLAIN, SEALED, Keyring, use
from adapters.store.database import Engine, transaction
from adapters.store.opening import with_keyring
from adapters.store.question_rows import kept_questions
from adapters.store.switches import set_pause
from adapters.store.tables.acting import actions
from adapters.store.tables.decided import questions
from domain.autonomy import Autonomy, Word
from domain.cases import Case, case_document, case_of
from domain.experience import Likeness, Past
from domain.questions import COUNTED_AS, Kind
from tasks.plan import classified, plan_for
from tests.domain.test_classification import HISTORIES, runs
from tests.parts.answering_part import World, acting, tried_in_vain
from tests.parts.asked_part import POOL, kept, proved
from tests.parts.incidents_part import an_incident
from tests.parts.judged_part import NOW, rows
from tests.parts.keys_part import FIRST
from tests.parts.logs_part import NOON
from tests.parts.replay_part import BEGIN, replayed

INCIDENT = an_incident(template="connection pool exhausted", playbook=POOL)


def assert_all_the_same(store: Engine, asked: Sequence[Kind]) -> None:
    found = replayed(store).differences
    wanted = Counter(COUNTED_AS[kind] for kind in asked)
    assert wanted == {kind: many for kind, many in found.same.items() if kind in COUNTED_AS.values()}
    assert [] == [one.told for one in found.found if one.what in ("action", "classification", "verification")]


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


def test_questions_are_sealed_and_come_out_again(store: Engine) -> None:
    try:
        sealed = with_keyring(store, Keyring([FIRST]))
        proved(sealed)
        stored = rows(
            sealed, "SELECT CAST(question AS text) AS question, CAST(answer AS text) AS answer FROM questions"
        )
        assert 4 == len(stored)
        assert all(value.startswith(f'"{SEALED}{FIRST.id}:') for row in stored for value in row.values())
        assert_all_the_same(sealed, [one.asked.kind for one in kept(sealed)])
    finally:
        use(PLAIN)


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
