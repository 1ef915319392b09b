"""What a model is trained on, in numbers: whether it is enough, and a fingerprint by which it is known again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from ml.detectors.service_deviation import SERVICE
from ml.training import LEAST_ROWS, TIME

PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Which sample it was."""

    sha256: str  # over services, times, values and lines in order, and the names of the metrics
    rows: int
    begins: datetime | None  # by event time; None where there is no row
    ends: datetime | None


def fingerprint(frame: pd.DataFrame, lines: pd.DataFrame) -> Fingerprint:
    """Of what `train` takes; the same for the same rows in the same order."""
    digest = hashlib.sha256("\0".join(map(str, frame.columns)).encode())
    for rows in (frame, lines):
        digest.update(pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes())
    begins, ends = (frame[TIME].min(), frame[TIME].max()) if len(frame) else (None, None)
    return Fingerprint(digest.hexdigest(), len(frame), begins, ends)


def facts(frame: pd.DataFrame) -> dict[str, float]:
    """What is expected of training data, by name: see `adapters/training_expectations.py`."""
    metrics = [name for name in frame.columns if name not in (TIME, SERVICE)]
    values = frame[metrics].to_numpy(float)
    carries = ~np.isnan(values).all(axis=1) if metrics else np.zeros(len(frame), bool)
    counts = frame.groupby(SERVICE)[metrics].count().to_numpy() if metrics else np.zeros((0, 0))
    seen = int((counts > 0).sum())
    span = (frame[TIME].max() - frame[TIME].min()).total_seconds() if len(frame) else 0.0
    return {
        "logs": float(carries.sum()),
        "services": float(frame[SERVICE][carries].nunique()),
        "seconds": float(span),
        "thin_percent": PERCENT * int(((counts > 0) & (counts < LEAST_ROWS)).sum()) / max(seen, 1),
        "infinite": float(np.isinf(values).sum()),
    }
