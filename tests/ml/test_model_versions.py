"""Who is champion can be changed by hand and taken back, further and further; the history is kept."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import BadInput, Unavailable
from ml.model_runs import Submission, register
from ml.model_versions import BEFORE, promote, rollback, versions, way_back
from ml.promotion import Decision
from ml.registry import ALIAS, Registry
from ml.training import Candidate, train
from tests.ml.test_training import normal
from tests.parts.logs_part import NOON

pytestmark = pytest.mark.slow
LATER = NOON + timedelta(hours=1)


@pytest.fixture(scope="module")
def candidate() -> Candidate:
    found = train(normal()).candidate
    assert found is not None
    return found


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Without a server and without a version."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    return Registry(f"sqlite:///{tmp_path}/mlflow.db", "detector", tmp_path / "models")


@pytest.fixture
def three(registry: Registry, candidate: Candidate) -> Registry:
    """Versions 1 and 2 were promoted in turn, 3 was not."""
    for promoted in (True, True, False):
        register(registry, Submission(candidate, Decision(promoted, f"promoted: {promoted}")), now=NOON)
    return registry


def aliases(registry: Registry) -> list[tuple[str, ...]]:
    return [one.aliases for one in versions(registry)]


def test_versions_say_what_was_found_and_since_when_they_decide(three: Registry) -> None:
    newest, second, first = versions(three)
    assert [("challenger",), ("champion",), ()] == aliases(three)
    assert ("promoted: False", "promoted: True") == (newest.judgement, second.judgement)
    assert ("", NOON.isoformat()) == (newest.champion_since, second.champion_since)
    assert (NOON.isoformat(), "") == (first.champion_until, second.champion_until)
    assert "retrain" == second.champion_by


def test_a_challenger_that_is_promoted_is_none_any_more(three: Registry) -> None:
    assert 2 == promote(three, 3, by="ann", now=LATER)
    assert [("champion",), (), ()] == aliases(three)
    newest, second, _ = versions(three)
    assert ("ann", LATER.isoformat()) == (newest.champion_by, newest.champion_since)
    assert LATER.isoformat() == second.champion_until


def test_rolling_back_twice_goes_back_two_versions(three: Registry) -> None:
    promote(three, 3, by="ann", now=LATER)
    assert (3, 2) == rollback(three, by="ann", now=LATER)
    assert (2, 1) == rollback(three, by="ann", now=LATER)
    assert [(), (), ("champion",)] == aliases(three)
    with pytest.raises(BadInput, match="no version of detector was champion before"):
        rollback(three, by="ann", now=LATER)


def test_who_died_between_history_and_alias_left_a_way_back(three: Registry) -> None:
    three.client().set_registered_model_tag(three.name, BEFORE, "1 2")  # 2 is champion still
    assert (2, 1) == rollback(three, by="ann", now=LATER)


def test_a_champion_that_somebody_made_in_mlflow_is_gone_back_to(three: Registry) -> None:
    three.client().set_registered_model_alias(three.name, ALIAS, "1")
    assert 1 == promote(three, 3, by="ann", now=LATER)
    assert (3, 1) == rollback(three, by="ann", now=LATER)


@pytest.mark.parametrize(
    ("version", "why"),
    [(9, "there is no version 9 of detector"), (2, "version 2 of detector is champion already")],
)
def test_what_cannot_be_promoted_changes_nothing(three: Registry, version: int, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        promote(three, version, by="ann", now=LATER)
    assert [("challenger",), ("champion",), ()] == aliases(three)


def test_whoever_was_shown_another_champion_changes_nothing(three: Registry) -> None:
    for shown in (0, 1, 3):
        with pytest.raises(BadInput, match=r"another one by now \(version 2 is\)"):
            promote(three, 3, by="ann", now=LATER, shown=shown)
        with pytest.raises(BadInput, match="another one by now"):
            rollback(three, by="ann", now=LATER, shown=shown)
    assert 1 == way_back(three)
    assert (2, 1) == rollback(three, by="ann", now=LATER, shown=2)
    assert way_back(three) is None


def test_a_version_that_cannot_be_loaded_is_not_promoted(three: Registry, tmp_path: Path) -> None:
    for model in tmp_path.rglob("artifacts/**/model.skops"):
        model.write_bytes(b"half a file")
    fresh = Registry(three.uri, three.name, tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="not the one that was registered"):
        promote(fresh, 3, by="ann", now=LATER)
    assert 2 == fresh.champion_version()


def test_a_registry_without_a_model_has_no_versions(registry: Registry) -> None:
    assert [] == versions(registry)
    with pytest.raises(BadInput):
        rollback(registry, by="ann", now=LATER)


def test_a_server_that_does_not_answer_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"mlflow at http://127\.0\.0\.1:1"):
        versions(Registry("http://127.0.0.1:1", "detector", tmp_path, retries=0, seconds=1))
