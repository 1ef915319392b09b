"""Stored logs as JSON shows them: names, texts and objects in place of numbers and bytes."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pyarrow as pa
import sqlalchemy as sa

from adapters.store.tables.stored_logs import topics
from domain.logs import Level


def told_of(connection: sa.Connection, found: pa.Table) -> list[dict[str, Any]]:
    """The logs of a table as JSON shows them, in its order."""
    names = topic_names(connection)
    return [told(log, names) for log in found.to_pylist()]


def topic_names(connection: sa.Connection) -> dict[int, str]:
    """Our numbers of topics with their names."""
    return {row.id: row.name for row in connection.execute(sa.select(topics.c.id, topics.c.name))}


def told(log: dict[str, Any], topic_names: dict[int, str]) -> dict[str, Any]:
    """A stored log as JSON shows it: names, texts and objects in place of numbers, bytes and lists of pairs."""
    texts: dict[str, Any] = {name: readable(log[name]) for name in ("body", "key") if name in log}
    documents: dict[str, Any] = {
        name: _document(log[name]) if log[name] else {} for name in ("attributes", "headers") if name in log
    }
    named = {"level": Level(log["level"]).name, "topic": topic_names.get(log["topic"]), "topic_id": log["topic"]}
    measured: dict[str, float] = dict(reversed(log["measured"] or []))
    return {**log, **texts, **documents, **named, "measured": measured}


def _document(text: str) -> Any:  # noqa: ANN401 - whatever the producer wrote
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # NaN, or a number beyond a float
        return json.loads(text, parse_int=float)


def readable(value: bytes | None) -> str | None:
    """What is no text is shown as far as it is."""
    return value.decode("utf-8", "replace") or None if value is not None else None
