"""JSON with other names, as the settings `kafka.fields` say: ours -> theirs, nested ones with dots."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from adapters.formats.json_columns import TEXT, Layout
from domain.logs import Wire

METRIC = "metrics."


def layout(fields: Mapping[str, str]) -> Layout:
    """Where a producer keeps what we look for; what the settings do not name is looked for under our own names."""
    return _layout(tuple(sorted(fields.items())))


@lru_cache(maxsize=8)
def _layout(fields: tuple[tuple[str, str], ...]) -> Layout:
    named = dict(fields)
    texts = {name: named[name] for name in TEXT if name in named}
    measures = {name.removeprefix(METRIC): theirs for name, theirs in fields if name.startswith(METRIC)}
    mark = texts.get("timestamp") or texts.get("message") or next(iter(texts.values()), "timestamp")
    return Layout(
        Wire.MAPPED,
        marks=places(mark),
        paths={name: places(texts[name]) if name in texts else (f"$.{name}",) for name in TEXT},
        metrics=places(named.get("metrics", "metrics")),
        measures={place: (name, 1.0) for name, theirs in measures.items() for place in places(theirs)},
    )


def places(name: str) -> tuple[str, ...]:
    """Where a field with that name may be: under one key that holds dots, or nested."""
    whole = f'$."{name}"'
    nested = "$" + "".join(f'."{step}"' for step in name.split("."))
    return (whole,) if whole == nested else (whole, nested)
