"""Elastic Common Schema, flat (`"log.level"`) and nested (`"log": {"level"}`), as Beats and Fluent Bit send it."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.formats.json_columns import Layout
from domain.logs import Wire


def _both(*names: str) -> tuple[str, ...]:
    """Each name as one key, then as nested keys."""
    return tuple(path for name in names for path in (f'$."{name}"', f"$.{name}"))


# Percentages of ECS are 0–1 and durations nanoseconds; ours are 0–100 and milliseconds.
MEASURES: Mapping[str, tuple[str, float]] = {
    "system.cpu.total.norm.pct": ("cpu_usage", 100.0),
    "host.cpu.usage": ("cpu_usage", 100.0),
    "system.memory.actual.used.pct": ("memory_usage", 100.0),
    "system.memory.used.pct": ("memory_usage", 100.0),
    "system.filesystem.used.pct": ("disk_usage", 100.0),
    "event.duration": ("request_latency_ms", 1e-6),
}

LAYOUT = Layout(
    Wire.ECS,
    marks=('$."@timestamp"',),
    paths={
        "timestamp": ('$."@timestamp"',),
        "service": _both("service.name", "container.name", "kubernetes.container.name", "event.dataset", "host.name"),
        "level": _both("log.level"),
        "message": ("$.message", *_both("event.original", "error.message"), "$.log"),
        "request_id": _both("http.request.id", "request_id", "trace.id", "transaction.id"),
        "trace_id": _both("trace.id"),
        "span_id": _both("span.id"),
    },
    metrics=("$.metrics",),
    measures={path: told for name, told in MEASURES.items() for path in _both(name)},
    service="unknown_service",
)
