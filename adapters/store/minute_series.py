"""What a service did minute by minute, from the minutes that are kept, and what was found about an incident there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.minute_findings import StoredFinding, as_finding
from adapters.store.minute_rows import unpacked
from adapters.store.tables import minute_findings, minutes
from domain.findings import OF_TEXTS, SUBJECTS
from domain.minutes import Measured, together

Subject = tuple[str, Measured, str]  # service, what is measured, name of the metric or template
Series = Mapping[int, float]  # minute since 1970 -> value
MOST_FINDINGS = 500
OF_TEMPLATES = "template "  # begins what a template's share is called, with its id behind


def numbers(rows: pa.Table, templates: Collection[str] = ()) -> dict[str, float]:
    """A service's minute: logs a minute, errors in a hundred of them, the mean of each metric.

    `templates`: ids of which the logs in a hundred are told as well, as `template 17`.
    """
    found: dict[str, float] = {}
    held = sorted(rows.to_pylist(), key=lambda row: int(row["measured"]))  # the count of logs comes first
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
    parts: dict[tuple[int, str], list[pa.Table]] = {}
    query = sa.select(minutes.c.minute, minutes.c.packed).where(
        minutes.c.minute >= first, minutes.c.minute <= last, ~minutes.c.late
    )
    with transaction(engine) as connection:
        for minute, packed in connection.execute(query.order_by(minutes.c.minute, minutes.c.id)):
            table = unpacked(bytes(packed))
            for service in services:
                mine = table.filter(pc.equal(table["service"], service))
                if len(mine):
                    parts.setdefault((int(minute), service), []).append(mine)
    told = {where: numbers(together(tables), templates) for where, tables in parts.items()}
    return {subject: _one(subject, told) for subject in subjects}


def metrics_of(engine: sa.Engine, service: str, first: int, last: int) -> list[str]:
    """The names of a service's metrics in the minutes from `first` to `last`, the most frequent first."""
    found: Counter[str] = Counter()
    query = sa.select(minutes.c.packed).where(minutes.c.minute >= first, minutes.c.minute <= last, ~minutes.c.late)
    with transaction(engine) as connection:
        for packed in connection.scalars(query):
            table = unpacked(bytes(packed))
            mine = pc.and_(pc.equal(table["service"], service), pc.equal(table["measured"], int(Measured.METRIC)))
            found.update(table.filter(mine)["name"].to_pylist())
    return [name for name, _ in sorted(found.items(), key=lambda one: (-one[1], one[0]))]


def volumes(engine: sa.Engine, first: int, last: int) -> dict[str, tuple[int, int]]:
    """Logs and errors of each service in the minutes from `first` to `last` that are kept; both since 1970."""
    parts: list[pa.Table] = []
    query = sa.select(minutes.c.packed).where(minutes.c.minute >= first, minutes.c.minute <= last, ~minutes.c.late)
    with transaction(engine) as connection:
        for packed in connection.scalars(query):
            table = unpacked(bytes(packed))
            parts.append(table.filter(pc.less_equal(table["measured"], int(Measured.ERRORS))))
    found: dict[str, tuple[int, int]] = {}
    if not parts:
        return found
    summed = pa.concat_tables(parts).group_by(["service", "measured"]).aggregate([("values", "sum")])
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
