"""Anomalies of metric series, point by point, for many series at once."""

from ml.series.detector import SeriesDetector, SeriesState
from ml.series.findings import Findings

__all__ = ["Findings", "SeriesDetector", "SeriesState"]
