"""Models in MLflow: which version is champion, and how to load it.

`model_versions` changes who is champion, `model_runs` registers candidates. Models are stored with skops and read
with our own list of trusted types, never with the list that a model brings along.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np

from domain.errors import BadInput, Unavailable
from domain.logs import Level
from ml.scoring import Champion, Detector, WholeDetector

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from domain.settings import Settings

ALIAS = "champion"
CHALLENGER = "challenger"  # alias of the newest version that was not promoted
MODEL_FILE = "model.skops"
GONE = "RESOURCE_DOES_NOT_EXIST"  # MLflow's word for what is not there
DIGEST = "sha256"  # of the model's file: a tag of its version, and a file beside each copy
# Reviewed: plain data and our own detectors, nothing that runs code on loading.
TRUSTED_TYPES = [
    "ml.detectors.joint_deviation.JointDeviation",
    "ml.detectors.service_deviation.ServiceDeviation",
    "ml.detectors.service_model.ServiceModel",
    "ml.lines.detector.LineDetector",
    "ml.lines.habits.LineHabits",
    "ml.lines.opinions.Opinion",
    "ml.lines.sketch.Sketch",
    "ml.lines.state.LineState",
]
# Whoever asks goes on with the model in hand and asks again later.
CALL_LIMITS = {
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "DO_NOT_TRACK": "true",
}


def load_file(folder: Path, version: int) -> Champion:
    """The champion saved in a folder. Raises BadInput when there is none or it holds untrusted types."""
    import skops.io  # noqa: PLC0415 - 1 s, only where a model is loaded
    from skops.io.exceptions import UntrustedTypesFoundException  # noqa: PLC0415

    path = folder / MODEL_FILE
    try:
        return Champion(checked(skops.io.load(path, trusted=TRUSTED_TYPES), path), version)
    except FileNotFoundError as error:
        raise BadInput(f"no model at {path}; train one with the deployment `retrain`") from error
    except (UntrustedTypesFoundException, BadZipFile, ValueError, KeyError, OSError) as error:
        raise BadInput(f"model at {path} cannot be loaded: {error}") from error


def checked(model: object, path: Path) -> Detector:
    """The model, if it can judge logs. Raises BadInput for another kind, or one that says nothing usable of a log."""
    if not isinstance(model, WholeDetector):
        kind = type(model).__name__
        of_old = isinstance(model, Detector)
        why = (
            "knows no habits of lines: it is of an older version, train again"
            if of_old
            else "judges no logs of services"
        )
        raise BadInput(f"model at {path} is a {kind}, which {why}")
    probe = {name: np.zeros(1) for name in model.metrics_}
    codes = np.zeros(1 if model.services_ else 0, np.intp)
    columns = {name: column[: len(codes)] for name, column in probe.items()}
    shape = (len(model.services_), len(model.metrics_))
    try:
        reaches = [look(codes, columns).reach for look in (model.measure, model.jointly)]
        habits = [model.habits_.judge(0, Level.ERROR, "a probe").confidence] if model.habits_.services_ else []
    except (ValueError, TypeError, IndexError, AttributeError, ArithmeticError) as error:
        raise BadInput(f"model at {path} cannot judge a log: {error}") from error
    fits = all(reach.shape == codes.shape and np.isfinite(reach).all() for reach in reaches)
    if model.center_.shape != shape or not fits or not np.isfinite(habits).all():
        raise BadInput(f"model at {path} has another schema: {model.center_.shape} for {shape} services and metrics")
    return model


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def registry_of(tree: Settings, home: Path) -> Registry | None:
    """The registry of the settings, with its copies below that folder; None where no MLflow server is known."""
    uri = tree.servers.mlflow_tracking_uri
    if not uri:
        return None
    limits, name = tree.calls, tree.detection.model_name
    return Registry(uri, name, home / "models", retries=limits.max_retries, seconds=limits.timeout_seconds)


def _same(folder: Path, digest: str) -> None:
    """Raises BadInput when the model there is not the one that was registered under that digest."""
    if digest and digest_of(folder / MODEL_FILE) != digest:
        raise BadInput(f"the model in {folder} is not the one that was registered: its SHA-256 is another one")


@contextmanager
def answered(uri: str) -> Iterator[None]:
    """Raises Unavailable where MLflow does not answer or refuses."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - 3 s, only where the registry is asked

    try:
        yield
    except (MlflowException, OSError) as error:
        raise Unavailable(f"mlflow at {uri}: {str(error)[:300]}") from error


class Registry:
    """One registered model in one MLflow server.

    Parameters
    ----------
    uri : tracking and registry URI
    name : name of the registered model
    cache : folder that keeps a copy of each version that was loaded, for when the server is gone
    retries, seconds : of each call
    """

    def __init__(self, uri: str, name: str, cache: Path, *, retries: int = 1, seconds: float = 5) -> None:
        self.uri = uri
        self.name = name
        self.cache = cache
        self.limits = CALL_LIMITS | {
            "MLFLOW_HTTP_REQUEST_TIMEOUT": str(max(1, round(seconds))),
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": str(retries),
        }

    def client(self) -> MlflowClient:
        """MLflow's client, with our limits of time."""
        for key, value in self.limits.items():
            os.environ.setdefault(key, value)
        from mlflow import MlflowClient  # noqa: PLC0415 - 3 s, only where the registry is asked

        return MlflowClient(self.uri, self.uri)

    def champion_version(self) -> int | None:
        """The version that has the alias, None when there is none. Raises Unavailable."""
        version = self._version_of(ALIAS)
        self._remember(version)
        return version

    def challenger_version(self) -> int | None:
        """The newest version that was not promoted, None when there is none. Raises Unavailable."""
        return self._version_of(CHALLENGER)

    def _version_of(self, alias: str) -> int | None:
        client = self.client()
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        try:
            return int(client.get_model_version_by_alias(self.name, alias).version)
        except MlflowException as error:
            if error.error_code in (GONE, "INVALID_PARAMETER_VALUE"):
                return None
            raise Unavailable(f"mlflow at {self.uri}: {str(error)[:200]}") from error

    def run_of(self, version: int) -> tuple[Mapping[str, float], Mapping[str, str]]:
        """Metrics and parameters of the training that made a version; none where it is gone. Raises Unavailable."""
        client = self.client()
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        with answered(self.uri):
            run_id = client.get_model_version(self.name, str(version)).run_id
            try:
                kept = client.get_run(run_id).data if run_id else None
            except MlflowException as error:
                if error.error_code != GONE:
                    raise
                kept = None
        return (kept.metrics, kept.params) if kept is not None else ({}, {})

    @property
    def _remembered(self) -> Path:
        return self.cache / self.name / ALIAS

    def _remember(self, version: int | None) -> None:
        """Which version was champion when somebody asked last: for a start without the server."""
        told = "" if version is None else str(version)
        if self._remembered.exists() and self._remembered.read_text() == told:
            return
        self._remembered.parent.mkdir(parents=True, exist_ok=True)
        partial = self._remembered.with_name(f"{ALIAS}.partial-{os.getpid()}")
        partial.write_text(told)
        partial.replace(self._remembered)

    def load(self, version: int) -> Champion:
        """One version, from the cache or the server. Raises Unavailable or BadInput."""
        folder = self.cache / self.name / str(version)
        if (folder / MODEL_FILE).exists():
            try:
                _same(folder, (folder / DIGEST).read_text() if (folder / DIGEST).exists() else "")
                return load_file(folder, version)
            except BadInput:
                shutil.rmtree(folder)  # a copy that was damaged here must not stay in the way of a good one
        self._download(version, folder)
        return load_file(folder, version)

    def _download(self, version: int, folder: Path) -> None:
        client = self.client()
        import mlflow  # noqa: PLC0415
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        mlflow.set_tracking_uri(self.uri)
        fetched = folder.with_name(f"{version}.partial-{os.getpid()}")
        fetched.mkdir(parents=True, exist_ok=True)
        try:
            source = client.get_model_version_download_uri(self.name, str(version))
            path = mlflow.artifacts.download_artifacts(source, dst_path=str(fetched), tracking_uri=self.uri)
            digest = client.get_model_version(self.name, str(version)).tags.get(DIGEST, "")
        except (MlflowException, OSError) as error:
            shutil.rmtree(fetched, ignore_errors=True)
            raise Unavailable(f"mlflow at {self.uri}: version {version}: {str(error)[:200]}") from error
        model = next(Path(path).rglob(MODEL_FILE), None)
        if model is None:
            shutil.rmtree(fetched, ignore_errors=True)
            raise BadInput(f"version {version} of {self.name} holds no {MODEL_FILE}")
        try:
            _same(model.parent, digest)
        except BadInput:
            shutil.rmtree(fetched, ignore_errors=True)
            raise
        (model.parent / DIGEST).write_text(digest)
        if folder.exists():
            shutil.rmtree(folder)
        model.parent.rename(folder)
        shutil.rmtree(fetched, ignore_errors=True)

    def cached(self) -> Champion | None:
        """The version that was champion when the server was asked last, for a start without it.

        Never another one that lies here: it may have been rolled back.
        """
        told = self._remembered.read_text() if self._remembered.exists() else ""
        return self.load(int(told)) if told.isdigit() else None
