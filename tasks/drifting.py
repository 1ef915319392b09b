"""What is seen against what the champion was trained on, as steps that the flow, people and tests call alike."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from adapters.log_summaries import bucket_of, value_of
from adapters.store.database import Engine
from adapters.store.drift_rows import DriftCheck, in_storm, started_at, wrong_alarms
from adapters.store.log_statistics import spread_since
from domain.drift import Seen, Trained, compare, due
from domain.errors import BadInput
from domain.settings import Settings
from ml.detectors.service_deviation import SERVICE
from ml.registry import Registry
from ml.trained_on import trained_on
from ml.training import TIME
from ml.training import Trained as Fitted

DAY = timedelta(days=1)
NO_CHAMPION = "no version is champion, so nothing can drift; the deployment `retrain` trains the first"


def sketches(frame: pd.DataFrame) -> dict[tuple[str, str], dict[int, int]]:
    """How the metrics of each service are spread, by bucket; `frame` as `ml/training.py:train` takes it."""
    found: dict[tuple[str, str], dict[int, int]] = {}
    metrics = [name for name in frame.columns if name not in (TIME, SERVICE)]
    for service, rows in frame.groupby(SERVICE, sort=True)[metrics]:
        for metric in metrics:
            values = rows[metric].to_numpy(float)
            buckets, counts = np.unique(bucket_of(values[np.isfinite(values)]), return_counts=True)
            if len(buckets):
                found[str(service), metric] = dict(zip(buckets.tolist(), counts.tolist(), strict=True))
    return found


def check(engine: Engine, tree: Settings, models: Registry, *, now: datetime) -> DriftCheck:
    """Compare the last day with the training of the champion, and decide whether it is time for another one.

    Nothing is kept and nothing started. Raises Unavailable, and BadInput where there is nothing to compare with.
    """
    version = models.champion_version()
    if version is None:
        raise BadInput(NO_CHAMPION)
    trained = trained_on(models, version)
    rows = compare(trained, seen(engine, now), tree.detection.false_alarms_per_day, value_of)
    quiet = timedelta(seconds=tree.incidents.quiet_seconds)
    what = due(rows, started_at=started_at(engine), in_storm=in_storm(engine, now=now, quiet=quiet), now=now)
    return DriftCheck(now, version, tuple(rows), what.start, what.reason)


def seen(engine: Engine, now: datetime) -> Seen:
    """The last day, from what blocks of logs say of themselves."""
    spread = spread_since(engine, now - DAY)
    return Seen(spread.metrics, spread.logs, spread.anomalies, wrong_alarms(engine, since=now - DAY))


def trained(frame: pd.DataFrame, fitted: Fitted, logs: int, flagged: int) -> Trained:
    """What a candidate was fitted on and looks at; what it is blind to drifts by itself.

    `frame`: as it was trained on; `logs`: later normal ones, `flagged`: those of them that it found anomalous.
    """
    early = frame if fitted.split_at is None else frame[frame[TIME] < fitted.split_at]
    known = fitted.candidate
    if known is None:
        return Trained({}, logs, flagged)
    pairs = np.argwhere(np.isfinite(known.center_)).tolist()
    looked_at = {(known.services_[row], known.metrics_[column]) for row, column in pairs}
    return Trained({pair: one for pair, one in sketches(early).items() if pair in looked_at}, logs, flagged)
