"""What a service did minute by minute, from the minutes that are kept, and what was found about an incident there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.minute_findings import StoredFinding, as_finding
from adapters.store.minute_rows import unpacked
from adapters.store.tables.counted import minute_findings, minutes
from domain.findings import OF_TEXTS, SUBJECTS
from domain.minutes import ROWS, Measured

Subject = tuple[str, Measured, str]  # service, what is measured, name of the metric or template
Series = Mapping[int, float]  # minute since 1970 -> value
MOST_FINDINGS = 500
MINUTE = pa.field("minute", pa.int64())
OF_TEMPLATES = "template "  # begins what a template's share is called, with its id behind


def numbers(rows: Iterable[Mapping[str, Any]], templates: Collection[str] = ()) -> dict[str, float]:
    """A service's minute: logs a minute, errors in a hundred of them, the mean of each metric.

    `rows`: as ROWS has them. `templates`: ids of which the logs in a hundred are told as well, as `template 17`.
    """
    found: dict[str, float] = {}
    held = sorted(rows, key=lambda row: int(row["measured"]))  # the count of logs comes first
    for row in held:
        kind, logs = Measured(row["measured"]), found.get(SUBJECTS[Measured.LOGS], 0)
        if kind is Measured.LOGS:
            found[SUBJECTS[kind]] = float(row["values"])
        elif kind is Measured.ERRORS:
            found[SUBJECTS[kind]] = 100 * row["values"] / logs if logs else 0.0
        elif kind is Measured.METRIC and row["values"]:
            found[row["name"]] = row["sum"] / row["values"]
        elif kind is Measured.TEMPLATE and row["name"] in templates:
            found[f"{OF_TEMPLATES}{row['name']}"] = 100 * row["values"] / logs if logs else 0.0
    return found


def key_of(subject: Subject) -> str:
    """What a subject is called in `numbers`."""
    _, kind, name = subject
    return f"{OF_TEMPLATES}{name}" if kind in OF_TEXTS else SUBJECTS.get(kind, name)


def series(engine: sa.Engine, subjects: Collection[Subject], first: int, last: int) -> dict[Subject, Series]:
    """The values of each subject in the minutes from `first` to `last` that are kept; both since 1970."""
    services = sorted({service for service, _, _ in subjects})
    templates = {name for _, kind, name in subjects if kind in OF_TEXTS}
    names = sorted({name for _, _, name in subjects} | {""})  # the counts of logs and errors have none
    whole = _between(engine, first, last)
    wanted = pc.and_(
        pc.is_in(whole["service"], value_set=pa.array(services, pa.string())),
        pc.is_in(whole["name"], value_set=pa.array(names, pa.string())),
    )
    keys = ["minute", "service", "measured", "name"]
    summed = whole.filter(wanted).group_by(keys).aggregate([("values", "sum"), ("sum", "sum")])
    parts: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for row in summed.rename_columns([*keys, "values", "sum"]).to_pylist():
        parts.setdefault((row["minute"], row["service"]), []).append(row)
    told = {where: numbers(rows, templates) for where, rows in parts.items()}
    return {subject: _one(subject, told) for subject in subjects}


def _between(engine: sa.Engine, first: int, last: int) -> pa.Table:
    """ROWS with their minute, of all partitions, without what came late."""
    query = sa.select(minutes.c.minute, minutes.c.packed).where(
        minutes.c.minute >= first, minutes.c.minute <= last, ~minutes.c.late
    )
    parts = [ROWS.append(MINUTE).empty_table()]
    with transaction(engine) as connection:
        for minute, packed in connection.execute(query):
            table = unpacked(bytes(packed))
            parts.append(table.append_column(MINUTE, pa.repeat(pa.scalar(minute, pa.int64()), len(table))))
    return pa.concat_tables(parts)


def metrics_of(engine: sa.Engine, service: str, first: int, last: int) -> list[str]:
    """The names of a service's metrics in the minutes from `first` to `last`, the most frequent first."""
    whole = _between(engine, first, last)
    mine = pc.and_(pc.equal(whole["service"], service), pc.equal(whole["measured"], int(Measured.METRIC)))
    found = Counter(whole.filter(mine)["name"].to_pylist())
    return [name for name, _ in sorted(found.items(), key=lambda one: (-one[1], one[0]))]


def volumes(engine: sa.Engine, first: int, last: int) -> dict[str, tuple[int, int]]:
    """Logs and errors of each service in the minutes from `first` to `last` that are kept; both since 1970."""
    whole = _between(engine, first, last)
    counts = whole.filter(pc.less_equal(whole["measured"], int(Measured.ERRORS)))
    summed = counts.group_by(["service", "measured"]).aggregate([("values", "sum")])
    found: dict[str, tuple[int, int]] = {}
    for row in summed.to_pylist():
        logs, errors = found.get(row["service"], (0, 0))
        of_errors = row["measured"] == int(Measured.ERRORS)
        many = int(row["values_sum"])
        found[row["service"]] = (logs, many) if of_errors else (many, errors)
    return found


def _one(subject: Subject, told: Mapping[tuple[int, str], Mapping[str, float]]) -> Series:
    """Where a service was heard of without a template's logs there were none of them."""
    key, of_text = key_of(subject), subject[1] in OF_TEXTS
    return {
        minute: values.get(key, 0.0)
        for (minute, service), values in sorted(told.items())
        if service == subject[0] and (of_text or key in values)
    }


def findings_of_incident(engine: sa.Engine, incident_id: int) -> list[StoredFinding]:
    """What was found about an incident's minutes, the oldest first, at most five hundred."""
    held = minute_findings.c
    query = sa.select(minute_findings).where(held.incident_id == incident_id).order_by(held.minute, held.id)
    with transaction(engine) as connection:
        return [as_finding(row) for row in connection.execute(query.limit(MOST_FINDINGS))]
