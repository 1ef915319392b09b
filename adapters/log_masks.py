"""Stored logs without what must not be repeated, for those who ask from afar: before the question, not behind it.

A question can take a secret apart, turn it round or encode it, and no mask knows the result again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from domain.quoted import MASK, Mask, masked_within

AT_ONCE = 10_000  # logs, so that whoever waits can stop it


def masked_tables(tables: Iterable[pa.Table], mask: Mask) -> Iterator[pa.Table]:
    """The same tables with every text masked, names of metrics included; in smaller pieces."""
    whole = document_mask(mask)
    for table in tables:
        for start in range(0, len(table), AT_ONCE):
            part = table.slice(start, AT_ONCE)
            columns = [_masked(column, whole) for column in part.columns]
            yield pa.table(columns, schema=part.schema)


def masked_texts(column: pa.ChunkedArray, mask: Mask) -> pa.Array:
    """A column of texts, each masked; each distinct one is looked at once."""
    return _distinct(column, mask)


def document_mask(mask: Mask) -> Mask:
    """The mask for texts that may be JSON: it looks behind escapes, which would hide a secret from it."""

    def masked(text: str) -> str:
        if "\\" in text and text.lstrip()[:1] in tuple('{["'):
            try:
                text = orjson.dumps(masked_within(orjson.loads(text), masked)).decode()
            except orjson.JSONDecodeError:
                return mask(text)
            except (RecursionError, TypeError):  # nested so deep that nobody could say what is in it
                return MASK
        return mask(text)

    return masked


def _masked(column: pa.ChunkedArray, mask: Mask) -> pa.ChunkedArray | pa.Array:
    if pa.types.is_string(column.type):
        return masked_texts(column, mask)
    if pa.types.is_binary(column.type):
        return _distinct(column, lambda held: _masked_bytes(held, mask))
    if pa.types.is_map(column.type):
        return _masked_names(column, mask)
    return column


def _distinct(column: pa.ChunkedArray, change: Callable[[Any], Any]) -> pa.Array:
    kinds = pc.dictionary_encode(column.combine_chunks())
    kinds = kinds.combine_chunks() if isinstance(kinds, pa.ChunkedArray) else kinds
    changed = pa.array([change(one) for one in kinds.dictionary.to_pylist()], column.type)
    return changed.take(kinds.indices)


def _masked_bytes(held: bytes, mask: Mask) -> bytes:
    """What is no UTF-8 is masked whole: no mask can read it, and SQL could."""
    try:
        return mask(held.decode()).encode()
    except UnicodeDecodeError:
        return MASK.encode()


def _masked_names(column: pa.ChunkedArray, mask: Mask) -> pa.Array:
    """Metrics by name; of names that are the same once they are masked, each stays an entry."""
    logs = [None if log is None else [(mask(name), value) for name, value in log] for log in column.to_pylist()]
    return pa.array(logs, column.type)
