"""Anomalies of metric series, point by point, for many series at once."""

from ml.series.detector import SeriesDetector, SeriesState
from ml.series.entities import Entities, EntityFindings, EntityState, limit_of
from ml.series.findings import Findings

__all__ = ["Entities", "EntityFindings", "EntityState", "Findings", "SeriesDetector", "SeriesState", "limit_of"]
