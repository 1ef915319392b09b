"""Rows that are alike in several whole numbers, counted without a loop."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

DENSE = 4  # counting in a table is cheaper than sorting until it has so many cells an entry

LARGEST = 2**62  # combinations that a number can count


def codes_of(column: pa.ChunkedArray | pa.Array) -> tuple[NDArray[np.int64], pa.Array]:
    """For each row the number of its value, and the distinct values."""
    flat = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = flat.dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary


def microseconds(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """A column of times as microseconds since 1970."""
    found: NDArray[np.int64] = column.cast(pa.int64()).to_numpy()
    return found


def grouped(*parts: NDArray[np.int64]) -> tuple[list[NDArray[np.int64]], NDArray[np.intp]]:
    """The distinct combinations, part by part, and which one each row is."""
    key = np.zeros(len(parts[0]), np.int64)
    held = []
    size = 1
    for part in parts:
        low = int(part.min()) if len(part) else 0
        span = (int(part.max()) - low + 1) if len(part) else 1
        if size * span > LARGEST:
            return _far_apart(parts)
        held.append((low, span))
        key = key * span + (part - low)
        size *= span
    distinct, inverse = _distinct(key, size)
    found = []
    for low, span in reversed(held):
        found.append(distinct % span + low)
        distinct = distinct // span
    return found[::-1], inverse


def _far_apart(parts: tuple[NDArray[np.int64], ...]) -> tuple[list[NDArray[np.int64]], NDArray[np.intp]]:
    """The same for parts that no one number can tell apart, such as times of which one is wrong by centuries."""
    found, inverse = np.unique(np.stack(parts), axis=1, return_inverse=True)
    return list(found), inverse.reshape(-1)


def _distinct(key: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    if size > DENSE * max(len(key), 1):
        values, inverse = np.unique(key, return_inverse=True)
        return values, inverse
    there = np.zeros(size, np.bool_)
    there[key] = True
    values = np.flatnonzero(there)
    number = np.zeros(size, np.intp)
    number[values] = np.arange(len(values))
    return values, number[key]


def entries(maps: pa.ChunkedArray) -> tuple[NDArray[np.intp], pa.Array, NDArray[np.float64]]:
    """A column of maps from names to numbers, flat: the row of each entry, its name, its number."""
    flat = maps.combine_chunks()
    flat = flat.chunk(0) if isinstance(flat, pa.ChunkedArray) else flat
    if not len(flat):
        return np.empty(0, np.intp), pa.array([], pa.string()), np.empty(0)
    begin, end = flat.offsets[0].as_py() or 0, flat.offsets[-1].as_py() or 0
    of_row = np.repeat(np.arange(len(flat)), np.diff(flat.offsets.to_numpy()))
    values = flat.items.slice(begin, end - begin).to_numpy(zero_copy_only=False)
    return of_row, flat.keys.slice(begin, end - begin), values
