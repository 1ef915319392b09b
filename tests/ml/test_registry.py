"""Models in a real MLflow: kept with skops, read with our own list of trusted types, cached for when it is gone."""

from __future__ import annotations

from copy import copy
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LinearRegression

from domain.errors import BadInput, Unavailable
from domain.settings import Settings
from ml.detectors.service_deviation import SERVICE, ServiceDeviation
from ml.detectors.service_model import ServiceModel
from ml.model_runs import Submission, register
from ml.model_versions import promote
from ml.promotion import Decision
from ml.registry import ALIAS, MODEL_FILE, Registry, load_file
from ml.training import Candidate, train
from tasks.champion import ChampionSource
from tasks.judging import Knowledge
from tests.ml.test_training import normal
from tests.parts.logs_part import NOON

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow writes the address that it is given into the environment, where later tests would find it."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry in a file, without a server."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    return Registry(f"sqlite:///{tmp_path}/mlflow.db", "detector", tmp_path / "models")


@pytest.fixture(scope="module")
def candidate() -> Candidate:
    found = train(normal()).candidate
    assert found is not None
    return found


def take(registry: Registry, candidate: Candidate, *, refuse: str = "") -> int:
    """Register a candidate that was promoted, or refused for that reason; its version."""
    return register(registry, Submission(candidate, Decision(not refuse, refuse or "first")), now=NOON)


def source(registry: Registry | None, **detection: object) -> ChampionSource:
    tree = Settings()
    tree = tree.model_copy(update={"detection": tree.detection.model_copy(update=detection)})
    return ChampionSource(Knowledge(tree, (), None), registry)


def version_of(found: ChampionSource) -> int:
    return found.knowledge.champion.version if found.knowledge.champion else 0


def test_from_the_first_candidate_to_the_next_champion(registry: Registry, candidate: Candidate) -> None:
    """A new champion is taken up without a restart; a refused one is not."""
    watching = source(registry)
    assert "" == watching.refresh()
    assert 0 == version_of(watching)
    assert 1 == take(registry, candidate)
    assert "" == watching.refresh()
    assert 1 == version_of(watching)
    assert 2 == take(registry, candidate, refuse="no better")
    watching.refresh()
    assert (1, 1) == (registry.champion_version(), version_of(watching))
    assert 3 == take(registry, candidate)
    watching.refresh()
    assert 3 == version_of(watching)
    champion = watching.knowledge.champion
    assert champion is not None
    np.testing.assert_array_equal(champion.detector.center_, candidate.center_)
    _goes_on_without_the_server(registry)


def _goes_on_without_the_server(registry: Registry) -> None:
    """Fault 14: the newest version that was ever loaded here decides while the registry is down."""
    gone = Registry("http://127.0.0.1:1", registry.name, registry.cache)
    watching = source(gone)
    assert 3 == version_of(watching)
    assert "mlflow at http://127.0.0.1:1" in watching.refresh()
    assert 3 == version_of(watching)
    assert 0 == version_of(source(Registry("http://127.0.0.1:1", "other", registry.cache)))
    with pytest.raises(Unavailable):
        Registry(gone.uri, "other", registry.cache).champion_version()


def test_a_saved_model_is_used_where_no_registry_is(candidate: Candidate, tmp_path: Path) -> None:
    skops.io.dump(candidate, tmp_path / MODEL_FILE)
    assert 1 == version_of(source(None, model_path=str(tmp_path)))
    assert 0 == version_of(source(None, model_path=str(tmp_path), enabled=False))


@pytest.mark.parametrize("content", [None, b"not a model"])
def test_a_folder_without_a_model_is_said_to_have_none(tmp_path: Path, content: bytes | None) -> None:
    if content:
        (tmp_path / MODEL_FILE).write_bytes(content)
    with pytest.raises(BadInput, match=str(tmp_path)):
        load_file(tmp_path, 1)
    assert 0 == version_of(source(None, model_path=str(tmp_path)))


def test_a_model_of_a_type_that_nobody_reviewed_is_refused(tmp_path: Path) -> None:
    """Loading must not run what a file brings along."""
    frame = normal()[["cpu", "latency"]]
    skops.io.dump(IsolationForest(n_estimators=2).fit(frame), tmp_path / MODEL_FILE)
    with pytest.raises(BadInput, match="cannot be loaded"):
        load_file(tmp_path, 1)


def test_a_damaged_copy_is_fetched_anew_and_no_reason_to_stop(registry: Registry, candidate: Candidate) -> None:
    take(registry, candidate)
    watching = source(registry)
    watching.refresh()
    broken = registry.cache / registry.name / "1" / MODEL_FILE
    broken.write_bytes(b"half a file")
    assert 1 == version_of(source(registry))
    broken.write_bytes(b"half a file")
    assert 0 == version_of(source(Registry("http://127.0.0.1:1", registry.name, registry.cache)))


def test_a_version_that_was_rolled_back_never_returns_from_the_cache(registry: Registry, candidate: Candidate) -> None:
    """D2: without the server the newest version that lay here was taken."""
    take(registry, candidate)
    take(registry, candidate)
    watching = source(registry)
    watching.refresh()
    assert 2 == version_of(watching)
    champion(registry, "1")
    watching.refresh()
    assert 1 == version_of(watching)
    assert 1 == version_of(source(Registry("http://127.0.0.1:1", registry.name, registry.cache)))


def test_where_no_version_is_champion_any_more_rules_decide(registry: Registry, candidate: Candidate) -> None:
    take(registry, candidate)
    watching = source(registry)
    watching.refresh()
    registry.client().delete_registered_model_alias(registry.name, ALIAS)
    watching.refresh()
    assert 0 == version_of(watching)
    assert 0 == version_of(source(Registry("http://127.0.0.1:1", registry.name, registry.cache)))


@pytest.mark.parametrize(
    ("model", "why"),
    [
        pytest.param(LinearRegression(), "is a LinearRegression", id="another kind"),
        pytest.param(ServiceDeviation(), "is a ServiceDeviation, which", id="not fitted"),
        pytest.param(ServiceModel(), "is a ServiceModel, which", id="the right kind, not fitted"),
        pytest.param(
            ServiceDeviation().fit(normal()[[SERVICE, "cpu"]]),
            "is a ServiceDeviation, which knows no habits of lines: it is of an older version, train again",
            id="an older kind",
        ),
    ],
)
def test_a_champion_of_another_kind_is_refused_when_it_is_loaded(tmp_path: Path, model: object, why: str) -> None:
    """D2: it loaded, and then raised in every batch."""
    skops.io.dump(model, tmp_path / MODEL_FILE)
    with pytest.raises(BadInput, match=why):
        load_file(tmp_path, 1)


def test_a_champion_of_another_schema_is_refused(candidate: Candidate, tmp_path: Path) -> None:
    odd = copy(candidate)
    odd.metrics_ = [*odd.metrics_, "one more"]
    skops.io.dump(odd, tmp_path / MODEL_FILE)
    with pytest.raises(BadInput, match=r"cannot judge a log|has another schema"):
        load_file(tmp_path, 1)


def test_a_tampered_model_is_refused_by_its_hash(registry: Registry, candidate: Candidate, tmp_path: Path) -> None:
    take(registry, candidate)
    (stored,) = tmp_path.rglob(f"artifacts/**/{MODEL_FILE}") if list(tmp_path.rglob(MODEL_FILE)) else ()
    other = copy(candidate)
    other.center_ = other.center_ + 1
    skops.io.dump(other, stored)
    watching = source(Registry(registry.uri, registry.name, tmp_path / "elsewhere"))
    assert "not the one that was registered" in watching.refresh()
    assert 0 == version_of(watching)


def champion(registry: Registry, version: str) -> None:
    """Make a version champion, as a person does in MLflow."""
    registry.client().set_registered_model_alias(registry.name, ALIAS, version)


def test_a_challenger_is_taken_up_beside_the_champion_and_leaves_when_it_is_promoted(
    registry: Registry, candidate: Candidate
) -> None:
    take(registry, candidate)
    watching = source(registry)
    watching.refresh()
    assert watching.challenger is None
    take(registry, candidate, refuse="no better")
    watching.refresh()
    assert watching.challenger is not None
    assert (1, 2) == (version_of(watching), watching.challenger.version)
    promote(registry, 2, by="ann", now=NOON)
    watching.refresh()
    assert (2, None) == (version_of(watching), watching.challenger)


def test_a_challenger_that_cannot_be_loaded_leaves_the_champion_alone(
    registry: Registry, candidate: Candidate, tmp_path: Path
) -> None:
    take(registry, candidate)
    watching = source(Registry(registry.uri, registry.name, tmp_path / "elsewhere"))
    watching.refresh()
    take(registry, candidate, refuse="no better")
    for model in tmp_path.rglob(f"artifacts/**/{MODEL_FILE}"):
        model.write_bytes(b"half a file")
    assert ["", ""] == [watching.refresh(), watching.refresh()]
    assert (1, None) == (version_of(watching), watching.challenger)
