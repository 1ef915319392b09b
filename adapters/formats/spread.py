"""Metrics of a map column as a column each, for the names that somebody asks for."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

MOST_METRICS = 256


def spread(measured: pa.ChunkedArray | pa.Array, wanted: Collection[str] | None) -> pa.Table:
    """One float64 column per wanted name that any row carries, by name; null where a row does not.

    Without `wanted` all names, up to the MOST_METRICS that most rows carry. Of a name that a row carries
    twice the first counts.
    """
    maps = measured.combine_chunks() if isinstance(measured, pa.ChunkedArray) else measured
    if isinstance(maps, pa.ChunkedArray):
        maps = maps.chunk(0) if maps.num_chunks else pa.array([], maps.type)
    rows = len(maps)
    names = _flat(maps.keys, maps).dictionary_encode()
    values = _flat(maps.items, maps).to_numpy(zero_copy_only=False)
    lengths = np.diff(maps.offsets.to_numpy())
    of_row = np.repeat(np.arange(rows), np.where(maps.is_valid().to_numpy(zero_copy_only=False), lengths, 0))
    codes = names.indices.to_numpy()
    columns = {}
    for code, name in _chosen(names.dictionary.to_pylist(), codes, wanted):
        mine = np.flatnonzero(codes == code)[::-1]
        column = np.full(rows, np.nan)
        column[of_row[mine]] = values[mine]
        missing = np.ones(rows, np.bool_)
        missing[of_row[mine]] = False
        columns[name] = pa.array(column, mask=missing)
    return pa.table({name: columns[name] for name in sorted(columns)})


def _flat(entries: pa.Array, maps: pa.Array) -> pa.Array:
    """The entries of these maps alone, where they are a slice of more."""
    offsets = maps.offsets
    begin, end = offsets[0].as_py() or 0, offsets[-1].as_py() or 0
    return entries.slice(begin, end - begin)


def _chosen(names: list[str], codes: NDArray[np.int32], wanted: Collection[str] | None) -> list[tuple[int, str]]:
    held = list(enumerate(names))
    if wanted is not None:
        return [(code, name) for code, name in held if name in wanted]
    if len(held) <= MOST_METRICS:
        return held
    counts = np.bincount(codes, minlength=len(names))
    return sorted(held, key=lambda one: (-counts[one[0]], one[1]))[:MOST_METRICS]
