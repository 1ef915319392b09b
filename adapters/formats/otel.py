"""OpenTelemetry's log data model, one JSON object a log, with the names of the specification."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.formats.json_columns import Layout
from domain.logs import LEVEL_NAMES, Level, Wire

# The least severity number of each level; numbers run from 1 to 24.
SEVERITIES = (
    (21, Level.CRITICAL),
    (17, Level.ERROR),
    (13, Level.WARN),
    (9, Level.INFO),
    (5, Level.DEBUG),
    (1, Level.TRACE),
)
HIGHEST = 24
UNKNOWN_SERVICE = "unknown_service"


def level_of_number(number: int) -> Level | None:
    """The level of a severity number, None for one that the specification does not know."""
    if number > HIGHEST:
        return None
    return next((level for least, level in SEVERITIES if number >= least), None)


BY_NUMBER: Mapping[str, Level] = {
    str(number): level for number in range(1, HIGHEST + 1) if (level := level_of_number(number)) is not None
}
# Short names with a digit, such as INFO2, are of the specification.
BY_SHORT_NAME: Mapping[str, Level] = {
    f"{name}{digit}": LEVEL_NAMES[name]
    for name in ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
    for digit in (2, 3, 4)
}

LAYOUT = Layout(
    Wire.OTEL,
    marks=("$.Timestamp", "$.ObservedTimestamp", "$.SeverityNumber", "$.Resource", "$.Body"),
    paths={
        "timestamp": ("$.Timestamp", "$.ObservedTimestamp"),
        "service": ('$.Resource."service.name"', '$.Resource.Attributes."service.name"', "$.Resource.service.name"),
        "level": ("$.SeverityNumber", "$.SeverityText"),
        "message": ("$.Body",),
        "request_id": ('$.Attributes."request_id"', '$.Attributes."http.request.id"', "$.TraceId"),
        "trace_id": ("$.TraceId",),
        "span_id": ("$.SpanId",),
    },
    metrics=("$.Attributes.metrics",),
    levels={**LEVEL_NAMES, **BY_NUMBER, **BY_SHORT_NAME},
    service=UNKNOWN_SERVICE,
)
