from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from adapters.parts_file import PROJECT
from ml.sessions import SessionModel
from ml.sessions.findings import Fault

SHARED = PROJECT.parent / "shared"
DATA = SHARED / "data" / "log_sessions" / "hdfs_100k"
SCORER = SHARED / "bench" / "session_score.py"

OPENED, READ, CHECKED, CLOSED = "job <*> opened", "part <*> read", "part <*> checked", "job <*> closed"
BROKEN = "part <*> broken"


def a_job(random: Random) -> list[str]:
    """Opened, three parts read, some checked, closed."""
    middle = [READ] * 3 + [CHECKED] * random.choice([0, 0, 1, 1, 2, 3, 5, 9])
    random.shuffle(middle)
    return [OPENED, *middle, CLOSED]


def a_failure(random: Random) -> list[str]:
    """A job in one of three failures."""
    kind = random.choice(["cut", "broken", "many"])
    if kind == "cut":
        return [OPENED, READ]
    return [OPENED, READ, READ, READ, BROKEN, CLOSED] if kind == "broken" else [OPENED, *[READ] * 4, CLOSED]


def a_history(failures: float, seed: int = 1, size: int = 2000) -> list[list[str]]:
    random = Random(seed)
    return [a_failure(random) if random.random() < failures else a_job(random) for _ in range(size)]


@pytest.fixture(scope="module")
def clean() -> SessionModel:
    return SessionModel().fit(a_history(0))


@pytest.fixture(scope="module")
def polluted() -> SessionModel:
    return SessionModel().fit(a_history(0.03))


ABNORMAL = [
    pytest.param([OPENED, READ], Fault.MISSING, CLOSED, id="cut short"),
    pytest.param([OPENED, READ, READ, READ, BROKEN, CLOSED], None, BROKEN, id="a template that is rare or new"),
    pytest.param([OPENED, READ, READ, READ, READ, CLOSED], Fault.MORE, READ, id="one part too many"),
]


@pytest.mark.parametrize(("session", "fault", "template"), ABNORMAL)
@pytest.mark.parametrize("history", ["clean", "polluted"])
def test_failures_are_found_with_what_departs(
    history: str, session: list[str], fault: Fault | None, template: str, request: pytest.FixtureRequest
) -> None:
    found = request.getfixturevalue(history).find(session)
    assert found.anomaly
    assert found.score > 1
    assert found.p_value < 0.03
    assert template in {reason.template for reason in found.reasons if fault in {None, reason.fault}}


@pytest.mark.parametrize("history", ["clean", "polluted"])
def test_normal_sessions_are_left_alone(history: str, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue(history)
    flagged = [model.find(session).anomaly for session in a_history(0, seed=2, size=1000)]
    assert np.mean(flagged) <= 0.003


def test_an_unknown_template_is_new(clean: SessionModel) -> None:
    found = clean.find([OPENED, READ, READ, READ, "disk <*> lost", CLOSED])
    assert [(reason.fault, reason.template, reason.count) for reason in found.reasons][:1] == [
        (Fault.NEW, "disk <*> lost", 1)
    ]


def test_a_wrong_order_is_told_with_what_was_before(clean: SessionModel) -> None:
    found = clean.find([CLOSED, READ, READ, READ, OPENED])
    assert found.anomaly
    assert Fault.ORDER in {reason.fault for reason in found.reasons}


def test_a_session_like_most_others_has_no_reasons(clean: SessionModel) -> None:
    found = clean.find([OPENED, READ, READ, READ, CLOSED])
    assert (found.score < 1, found.anomaly, found.reasons) == (True, False, ())


def test_the_history_is_judged_by_itself(clean: SessionModel, polluted: SessionModel) -> None:
    assert (clean.limits_.channels.polluted, polluted.limits_.channels.polluted) == (False, True)


def test_a_history_of_sessions_that_all_differ_flags_few_of_their_kind() -> None:
    random = Random(3)
    history = [[f"step {random.randrange(40)}" for _ in range(random.randrange(3, 12))] for _ in range(1500)]
    model = SessionModel().fit(history[:1000])
    assert np.mean([model.find(session).anomaly for session in history[1000:]]) < 0.1


def test_where_all_sessions_differ_words_of_failure_and_unknown_templates_are_enough() -> None:
    random = Random(5)
    history = [[f"step {random.randrange(40)}" for _ in range(random.randrange(3, 12))] for _ in range(1500)]
    failed = [[*session, "disk <*> failed"] if number % 40 == 0 else session for number, session in enumerate(history)]
    found = SessionModel().fit(failed).find(["step 1", "disk <*> failed", "step 7"])
    assert found.anomaly
    assert (Fault.TELLS, "disk <*> failed") in {(reason.fault, reason.template) for reason in found.reasons}
    unknown = SessionModel().fit(history).find(["step 1", "disk <*> failed", "step 7"])
    assert unknown.anomaly
    assert unknown.reasons[0].fault == Fault.NEW


@given(
    st.lists(st.lists(st.sampled_from("abcdé\n "), max_size=8), min_size=1, max_size=30), st.lists(st.text(max_size=2))
)
@settings(max_examples=60, deadline=None)
def test_any_history_and_any_session_have_an_answer(history: list[list[str]], session: list[str]) -> None:
    model = SessionModel().fit(history)
    before = pickle.dumps(model)
    found = model.find(session)
    assert np.isfinite(found.score)
    assert found.score >= 0
    assert 0 < found.p_value <= 1
    assert found.anomaly == (found.score > 1)
    assert found == SessionModel().fit(history).find(session)
    assert before == pickle.dumps(model), "finding changes the model"


def test_what_is_kept_is_bounded() -> None:
    random = Random(4)
    history = [[f"template {random.randrange(500)}" for _ in range(9)] for _ in range(600)]
    model = SessionModel(most_templates=100, most_rows=50, most_pairs=200).fit(history)
    assert model.core_.rows.shape[0] <= 50
    assert model.core_.rows.shape[1] <= 100
    assert len(model.core_.order.pairs) <= 200
    assert np.isfinite(model.find(history[0]).score)


def test_the_rules_of_estimators_are_kept() -> None:
    with pytest.raises(NotFittedError):
        SessionModel().find(["a"])
    with pytest.raises(ValueError, match="at least one"):
        SessionModel().fit([])
    model = SessionModel(most_rows=7)
    assert clone(model).get_params() == model.get_params()
    history = [["a", "b"]] * 30
    assert model.fit(history) is model
    assert model.score_samples([["a", "b"], ["c"]]).shape == (2,)


@pytest.mark.parametrize("train", ["normal", "mixed"])
@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is not there")
def test_the_scorer_of_sessions(train: str) -> None:
    command = [
        sys.executable,
        str(SCORER),
        str(DATA),
        "--callable",
        "benchmarks.quality_logs:sessions",
        "--train",
        train,
    ]
    done = subprocess.run(command, cwd=Path(PROJECT), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["own"]["f1"] >= 0.68
