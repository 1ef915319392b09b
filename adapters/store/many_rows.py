"""Many rows in one statement: how many statements a batch takes does not grow with what it changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from adapters.store.sealed_columns import Sealed

Rows = Sequence[dict[str, Any]]


def _takes_documents(connection: sa.Connection) -> bool:
    """Whether all rows can be sent as one JSON document, which the database takes apart itself."""
    return connection.dialect.name == "postgresql"


def insert_rows(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows that all have the same columns."""
    if not rows:
        return
    if not _takes_documents(connection):
        connection.execute(table.insert(), list(rows))
        return
    names = ", ".join(f'"{name}"' for name in rows[0])
    order = f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {_new(connection, table, rows)}"  # noqa: S608 - our names
    connection.execute(sa.text(order), {"rows": _document(connection, table, rows)})


def update_rows(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """Set the columns of rows that are named by their `id`; all name the same columns."""
    if not rows:
        return
    names = [name for name in rows[0] if name != "id"]
    if _takes_documents(connection):
        changes = ", ".join(f'"{name}" = new."{name}"' for name in names)
        order = f"UPDATE {table.name} SET {changes} FROM {_new(connection, table, rows)} WHERE {table.name}.id = new.id"  # noqa: S608 - our names
        connection.execute(sa.text(order), {"rows": _document(connection, table, rows)})
        return
    changed = table.update().where(table.c.id == sa.bindparam("new_id"))
    values = {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    given = [{f"new_{name}": value for name, value in row.items()} for row in rows]
    connection.execute(changed.values(values), given)


def _new(connection: sa.Connection, table: sa.Table, rows: Rows) -> str:
    """The rows of the parameter `rows`, as a table `new`."""
    typed = (f'"{name}" {table.c[name].type.compile(dialect=connection.dialect)}' for name in rows[0])
    return f"json_to_recordset(CAST(:rows AS json)) AS new({', '.join(typed)})"


def _document(connection: sa.Connection, table: sa.Table, rows: Rows) -> str:
    """The rows as the database takes them apart; SQLAlchemy does not see them, so they are sealed here."""
    sealed = {name: kind for name in rows[0] if isinstance(kind := table.c[name].type, Sealed)}
    if sealed:
        stored = connection.dialect
        rows = [
            row | {name: kind.process_bind_param(row[name], stored) for name, kind in sealed.items()} for row in rows
        ]
    return orjson.dumps(rows, option=orjson.OPT_NON_STR_KEYS).decode()


def next_ids(connection: sa.Connection, table: sa.Table, count: int) -> list[int]:
    """Numbers for that many new rows, rising; nobody else gets them."""
    if not count:
        return []
    if _takes_documents(connection):
        sequence = sa.func.nextval(sa.func.pg_get_serial_sequence(table.name, "id"))
        numbers = sa.select(sequence).select_from(sa.func.generate_series(1, count))
        return sorted(connection.scalars(numbers))
    newest = connection.scalar(sa.select(sa.func.max(table.c.id))) or 0
    return list(range(newest + 1, newest + 1 + count))


def among(
    connection: sa.Connection, column: sa.ColumnElement[Any], values: Iterable[str | int]
) -> sa.ColumnElement[bool]:
    """Whether a column is one of many values, sent as one parameter."""
    held = sorted(values)
    if _takes_documents(connection):
        kind: sa.types.TypeEngine[Any] = sa.Text() if held and isinstance(held[0], str) else sa.BigInteger()
        return column == sa.any_(sa.literal(held, ARRAY(kind)))
    each = sa.func.json_each(json.dumps(held)).table_valued("value")
    return column.in_(sa.select(each.c.value))
