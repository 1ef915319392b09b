"""Our own shape: `timestamp`, `service`, `level`, `message`, `metrics{…}`; any other key is an attribute."""

from __future__ import annotations

from adapters.formats.json_columns import TEXT, Layout
from domain.logs import Wire

LAYOUT = Layout(
    Wire.NATIVE,
    marks=("$.timestamp",),  # ECS has a `service` as well
    paths={name: (f"$.{name}",) for name in TEXT},
    metrics=("$.metrics",),
)
