"""A training as a run in MLflow, and its candidate as a version of the registered model."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ml.model_versions import JUDGEMENT, challenge, promote
from ml.promotion import Decision
from ml.registry import DIGEST, MODEL_FILE, TRUSTED_TYPES, Registry, answered, digest_of
from ml.training import Candidate

if TYPE_CHECKING:
    from mlflow import MlflowClient

LONGEST = 400  # of a parameter or tag
EXAMPLES = 5  # rows from which the signature is told


@dataclass(frozen=True)
class Submission:
    """A candidate with what was decided about it and everything that is kept of its training."""

    candidate: Candidate
    decision: Decision
    parameters: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)  # file name -> text
    sample: pd.DataFrame | None = None  # a few rows of what it was fitted on


def register(registry: Registry, submission: Submission, *, now: datetime) -> int:
    """Log and register the candidate, as champion or as challenger; its version. Raises Unavailable."""
    client = registry.client()
    with answered(registry.uri):
        version = _log(registry, submission)
        for tag, value in ((JUDGEMENT, submission.decision.reason), (DIGEST, _digest(registry, client, version))):
            client.set_model_version_tag(registry.name, str(version), tag, value)
    if submission.decision.promote:
        promote(registry, version, by="retrain", now=now)
    else:
        challenge(registry, version)
    return version


def _log(registry: Registry, submission: Submission) -> int:
    import mlflow  # noqa: PLC0415 - 3 s, only where the registry is asked

    mlflow.set_tracking_uri(registry.uri)
    mlflow.set_experiment(registry.name)
    candidate, sample = submission.candidate, submission.sample
    with mlflow.start_run(run_name="retrain"):
        parameters = {"detector": type(candidate).__name__, **candidate.get_params(), **submission.parameters}
        mlflow.log_params({name: str(value)[:LONGEST] for name, value in parameters.items()})
        mlflow.log_metrics(dict(submission.metrics))
        for name, text in submission.artifacts.items():
            mlflow.log_text(text, name)
        info = mlflow.sklearn.log_model(
            candidate,
            name="detector",
            registered_model_name=registry.name,
            skops_trusted_types=TRUSTED_TYPES,
            pip_requirements=["scikit-learn", "skops"],  # asking pip what is needed takes a minute
            signature=None if sample is None else _signature(candidate, sample.head(EXAMPLES)),
        )
    return int(info.registered_model_version)


def _signature(candidate: Candidate, rows: pd.DataFrame) -> object:
    from mlflow.models import infer_signature  # noqa: PLC0415 - as above

    return infer_signature(rows, candidate.predict(rows))


def _digest(registry: Registry, client: MlflowClient, version: int) -> str:
    """Of the file as the server has it."""
    import mlflow  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory() as folder:
        source = client.get_model_version_download_uri(registry.name, str(version))
        path = mlflow.artifacts.download_artifacts(source, dst_path=folder, tracking_uri=registry.uri)
        return digest_of(next(Path(path).rglob(MODEL_FILE)))
