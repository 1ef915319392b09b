"""Sealing the rows of tables anew: with the first key of the process, or plain where encryption is off.

A step is a transaction of a few hundred rows. What is done is told from what is left by the mark of each
value, so that a rotation which was killed goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import sqlalchemy as sa

from adapters.sealing import SIGNATURES, in_use, key_id
from adapters.store.database import Engine, as_long_as_it_takes, mapped, transaction
from adapters.store.opening import SIGNING
from adapters.store.sealed_columns import Sealed, SignedText
from adapters.store.tables.chained import sealed_keys
from adapters.store.tables.schema import metadata
from domain.rotation import SIGNING_KEY, Found, Target

AT_ONCE = 300  # rows
ROUNDS = 3  # what others held is looked at again
# What tells the rows of a table apart that has no primary key.
KEYS: Mapping[str, tuple[str, ...]] = {
    "dead_letters": ("arrived_at", "topic_id", "partition", "offset"),
    "logs": ("arrived_at", "topic_id", "partition", "offset", "part"),
}
# Rows of so large values are taken one by one or a few at a time.
FEW_AT_ONCE: Mapping[str, int] = {"documents": 20, "log_blocks": 10}


class SealedTable:
    """The sealed columns of one table."""

    def __init__(self, engine: Engine, table: sa.Table) -> None:
        self.name = table.name
        self._engine = engine
        self._table = table
        self._kinds: dict[str, Sealed] = {c.name: c.type for c in table.c if isinstance(c.type, Sealed)}
        names = KEYS.get(table.name) or tuple(column.name for column in table.primary_key)
        self._key = [table.c[name] for name in names]

    def found(self) -> list[Found]:
        """Each column, by the keys that we have and those that its values name."""
        with transaction(self._engine) as connection:
            return [self._found(connection, name, kind) for name, kind in self._kinds.items()]

    def _found(self, connection: sa.Connection, name: str, kind: Sealed) -> Found:
        column = self._table.c[name]
        there = kind.counts(column)
        values = _count(connection, there)
        plain = _count(connection, there & kind.plain(column))
        sealed: dict[str, int] = {}
        if isinstance(kind, SignedText):
            sealed = {SIGNING_KEY: values - plain}
        while sum(sealed.values()) < values - plain:
            others = [~kind.sealed_with(column, known) for known in sealed]
            wanted = sa.select(kind.raw(column)).where(there, ~kind.plain(column), *others).limit(1)
            one = kind.id_of(connection.scalars(wanted).one())
            sealed[one] = _count(connection, there & kind.sealed_with(column, one))
        return Found(f"{self.name}.{name}", values, plain, {one: number for one, number in sealed.items() if number})

    def left(self) -> int:
        """Rows with at least one value that is not as it would be written now."""
        with transaction(self._engine) as connection:
            return _count(connection, self._stale())

    def _stale(self) -> sa.ColumnElement[bool]:
        return sa.or_(*(kind.stale(self._table.c[name]) for name, kind in self._kinds.items()))

    def reseal(self) -> Iterator[int]:
        """Go through the table; rows that somebody else holds are left for the next round."""
        for _ in range(ROUNDS):
            last: tuple[object, ...] | None = None
            while rows := self._step(last):
                yield len(rows)
                last = tuple(rows[-1][column.name] for column in self._key)
            if not self.left():
                return

    def _step(self, after: tuple[object, ...] | None) -> list[sa.RowMapping]:
        """The next rows, in a transaction of their own."""
        query = sa.select(*self._key, *(self._table.c[name] for name in self._kinds if name not in self._key))
        query = query.where(self._stale()).order_by(*self._key).limit(FEW_AT_ONCE.get(self.name, AT_ONCE))
        if after is not None:
            beyond = [sa.literal(value, column.type) for value, column in zip(after, self._key, strict=True)]
            query = query.where(sa.tuple_(*self._key) > sa.tuple_(*beyond))
        with transaction(self._engine) as connection:
            rows = list(connection.execute(query.with_for_update(skip_locked=True)).mappings())
            for row in rows:
                mine = [column == row[column.name] for column in self._key]
                # None stays as it is: NULL and JSON's null are read alike.
                values = {name: row[name] for name in self._kinds if row[name] is not None}
                connection.execute(self._table.update().where(*mine).values(values))
        return rows


class SigningKey:
    """The signing key itself: sealed with the first key; it is only read by processes that start."""

    name = sealed_keys.name

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def found(self) -> list[Found]:
        """The one value, where there is one."""
        known = self._sealed()
        return [Found(SIGNING_KEY, 1, 0, {key_id(known): 1})] if known else []

    def left(self) -> int:
        """1 where it is sealed with another key than the first."""
        known, wanted = self._sealed(), in_use().sealing_id
        return int(bool(known and wanted and key_id(known) != wanted))

    def reseal(self) -> Iterator[int]:
        """What it signs stays comparable: the key is the same."""
        if not self.left():
            return
        ring = in_use()
        with transaction(self._engine) as connection:
            mine = sealed_keys.c.name == SIGNING
            known = connection.scalars(sa.select(sealed_keys.c.sealed).where(mine).with_for_update()).one()
            anew = ring.seal(ring.open(bytes(known), SIGNATURES), SIGNATURES)
            connection.execute(sealed_keys.update().where(mine).values(sealed=anew))
        yield 1

    def _sealed(self) -> bytes:
        with transaction(self._engine) as connection:
            return bytes(connection.scalar(sa.select(sealed_keys.c.sealed)) or b"")


def targets(engine: Engine) -> list[Target]:
    """The signing key, then every table with a sealed column."""
    held = [table for table in metadata.sorted_tables if any(isinstance(column.type, Sealed) for column in table.c)]
    return [SigningKey(engine), *(SealedTable(engine, table) for table in held)]


def vacuum(engine: Engine, names: Iterable[str]) -> None:
    """Rewrite tables, so that what their rows were before a rotation is not left in their files.

    Each is locked while that goes on. Raises Contended where somebody works in it for more than 5 s.
    """
    with mapped(), engine.connect() as connection, as_long_as_it_takes(connection):
        free = connection.execution_options(isolation_level="AUTOCOMMIT")
        if engine.dialect.name != "postgresql":
            free.execute(sa.text("VACUUM"))
            return
        for name in (one for one in names if one in metadata.tables):
            free.execute(sa.text(f'VACUUM FULL "{name}"'))


def _count(connection: sa.Connection, where: sa.ColumnElement[bool]) -> int:
    return int(connection.scalar(sa.select(sa.func.count()).where(where)) or 0)
