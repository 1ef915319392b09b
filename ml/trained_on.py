"""What a version was trained on, kept beside it: counts by bucket of each metric, and how many logs it flagged."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import orjson

from domain.drift import Trained
from domain.errors import BadInput
from ml.registry import Registry, answered

FILE = "trained_on.json"


def written(trained: Trained) -> str:
    """As the text of an artifact."""
    services: dict[str, dict[str, Mapping[str, int]]] = {}
    for (service, metric), sketch in trained.metrics.items():
        services.setdefault(service, {})[metric] = {str(bucket): values for bucket, values in sketch.items()}
    return orjson.dumps({"logs": trained.logs, "flagged": trained.flagged, "services": services}).decode()


def read(text: str) -> Trained:
    """What was written. Raises BadInput for what is none."""
    try:
        held = orjson.loads(text)
        metrics = {
            (service, metric): {int(bucket): int(values) for bucket, values in sketch.items()}
            for service, of_service in held["services"].items()
            for metric, sketch in of_service.items()
        }
        return Trained(metrics, int(held["logs"]), int(held["flagged"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{FILE} cannot be read: {error}") from error


def trained_on(registry: Registry, version: int) -> Trained:
    """What a version was trained on. Raises Unavailable, or BadInput where it was registered without that."""
    client = registry.client()
    with answered(registry.uri):
        run = client.get_model_version(registry.name, str(version)).run_id
        if not run or FILE not in {one.path for one in client.list_artifacts(run)}:
            raise BadInput(f"version {version} of {registry.name} has no {FILE}; the next training keeps it")
        with tempfile.TemporaryDirectory() as folder:
            return read(Path(client.download_artifacts(run, FILE, folder)).read_text(encoding="utf-8"))
