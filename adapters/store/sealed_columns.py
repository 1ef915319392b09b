"""Columns in which a text of a log may stand: sealed on the way in, opened on the way out, by the process's keyring."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from adapters.sealing import MAGIC, SEALED, SIGNED, in_use

Json = sa.JSON().with_variant(JSONB(), "postgresql")
Column = sa.ColumnElement[Any]


class _BehindColon(GenericFunction[str]):
    """The text behind the first colon."""

    type = sa.Text()
    inherit_cache = True


@compiles(_BehindColon)
def _behind_colon(element: _BehindColon, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    text = compiler.process(element.clauses, **kwargs)
    place = "strpos" if compiler.dialect.name == "postgresql" else "instr"
    return f"substr({text}, {place}({text}, ':') + 1)"


class Sealed(sa.types.TypeDecorator[Any]):
    """What all of them are; `what` is authenticated with each value, so that none opens in another column."""

    impl: Any = sa.Text
    cache_ok = True

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def to_store(self, value: Any) -> Any:  # noqa: ANN401 - as the column has it
        """The value as it is stored."""
        return in_use().seal_text(value, self.what)

    def from_store(self, value: Any) -> Any:  # noqa: ANN401
        """The value that is stored."""
        return in_use().open_text(value, self.what)

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ANN401
        """None stays what it is."""
        return None if value is None else self.to_store(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ANN401
        """None stays what it is."""
        return None if value is None else self.from_store(value)

    def raw(self, column: Column) -> Column:
        """The column as text, for what looks at its mark."""
        return sa.type_coerce(column, sa.Text())

    def sealed_with(self, column: Column, key_id: str) -> Column:
        """Whether a value is sealed with that key; with an empty id: with any."""
        return self.raw(column).startswith(f"{SEALED}{key_id}:", autoescape=True) if key_id else ~self.plain(column)

    def plain(self, column: Column) -> Column:
        """Whether a value is not sealed; marked as plain is plain."""
        raw = self.raw(column)
        return ~raw.startswith(SEALED, autoescape=True) | raw.startswith(f"{SEALED}:", autoescape=True)

    def stale(self, column: Column) -> Column:
        """Whether a value is not as it would be written now."""
        key_id = in_use().sealing_id
        return self.counts(column) & ~(self.sealed_with(column, key_id) if key_id else self.plain(column))

    def counts(self, column: Column) -> Column:
        """Whether there is anything to be sealed."""
        return column.is_not(None) & (self.raw(column) != "")

    def id_of(self, stored: Any) -> str:  # noqa: ANN401
        """The id of the key that a stored value asks for."""
        return str(stored).partition(SEALED)[2].partition(":")[0]


class SealedText(Sealed):
    """A text."""

    cache_ok = True


class SealedReason(Sealed):
    """A text whose words before the first colon are ours and stay readable, so that they can be counted."""

    cache_ok = True

    def to_store(self, value: str) -> str:
        """`not a time: ` and the rest sealed."""
        kind, colon, rest = value.partition(":")
        return f"{kind}:{in_use().seal_text(rest, self.what)}" if colon else value

    def from_store(self, value: str) -> str:
        """The whole text."""
        kind, colon, rest = value.partition(":")
        return f"{kind}:{in_use().open_text(rest, self.what)}" if colon else value

    def raw(self, column: Column) -> Column:
        """What is behind the first colon."""
        return _BehindColon(sa.type_coerce(column, sa.Text()))

    def counts(self, column: Column) -> Column:
        """Whether there is anything behind the colon."""
        return column.is_not(None) & sa.type_coerce(column, sa.Text()).contains(":")


class SealedJson(Sealed):
    """A document; sealed it is a JSON string in the same kind of column."""

    impl = Json
    cache_ok = True

    def to_store(self, value: Any) -> Any:  # noqa: ANN401
        """The document, or its text sealed."""
        return in_use().seal_text(json.dumps(value), self.what) if in_use().sealing_id else value

    def from_store(self, value: Any) -> Any:  # noqa: ANN401
        """The document."""
        return orjson.loads(in_use().open_text(value, self.what)) if _is_sealed(value) else value

    def raw(self, column: Column) -> Column:
        """Its text without the quotation mark that a JSON string begins with."""
        return sa.func.ltrim(sa.cast(sa.type_coerce(column, Json), sa.Text()), '"')

    def counts(self, column: Column) -> Column:
        """Nothing is in JSON's null."""
        return column.is_not(None) & (self.raw(column) != "null")


class SealedBytes(Sealed):
    """Bytes."""

    impl = sa.LargeBinary
    cache_ok = True

    def to_store(self, value: bytes) -> bytes:
        """Sealed."""
        return in_use().seal(value, self.what)

    def from_store(self, value: bytes) -> bytes:
        """Opened."""
        return in_use().open(bytes(value), self.what)

    def raw(self, column: Column) -> Column:
        """The bytes."""
        return sa.type_coerce(column, sa.LargeBinary())

    def sealed_with(self, column: Column, key_id: str) -> Column:
        """By the head of the value."""
        name = key_id.encode()
        return _begins(column, MAGIC + bytes([len(name)]) + name) if name else ~self.plain(column)

    def plain(self, column: Column) -> Column:
        """Without our head, or with that of what is marked as plain."""
        return ~_begins(column, MAGIC) | _begins(column, MAGIC + b"\0")

    def counts(self, column: Column) -> Column:
        """Nothing is in no bytes."""
        return column.is_not(None) & (self.raw(column) != sa.literal(b"", sa.LargeBinary()))

    def id_of(self, stored: bytes) -> str:
        """By the head of the value."""
        begin = len(MAGIC) + 1
        return bytes(stored[begin : begin + stored[begin - 1]]).decode("ascii", errors="replace")


class SignedText(Sealed):
    """A text that is looked up: the same text is always stored the same, over every rotation of keys.

    What was written before encryption was turned on is found, too.
    """

    cache_ok = True

    class comparator_factory(sa.types.TypeDecorator.Comparator[Any], sa.Text.Comparator[Any]):  # noqa: N801 - SQLAlchemy's name
        """Compares with what a text would be stored as, and with the text itself."""

        def operate(self, op: Callable[..., Any], *other: Any, **kwargs: Any) -> Column:  # noqa: ANN401
            """`==` and `!=` with a text look at both."""
            if op in (operator.eq, operator.ne) and isinstance(other[0], str) and other[0] and in_use().ids:
                both = [super().operate(op, *other, **kwargs), super().operate(op, sa.literal(other[0], sa.Text()))]
                return sa.or_(*both) if op is operator.eq else sa.and_(*both)
            return super().operate(op, *other, **kwargs)

    def to_store(self, value: str) -> str:
        """Signed and sealed in one."""
        return in_use().sign_text(value)

    def sealed_with(self, column: Column, key_id: str) -> Column:
        """With the signing key, whichever master key is asked for."""
        return ~self.plain(column)

    def plain(self, column: Column) -> Column:
        """Without our mark."""
        return ~self.raw(column).startswith(SIGNED, autoescape=True)


def _begins(column: Column, head: bytes) -> Column:
    start = sa.func.substr(sa.type_coerce(column, sa.LargeBinary()), 1, len(head))
    return sa.type_coerce(start, sa.LargeBinary()) == sa.literal(head, sa.LargeBinary())


def _is_sealed(value: object) -> bool:
    return isinstance(value, str) and value.startswith(SEALED)
