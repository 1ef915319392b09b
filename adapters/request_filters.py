"""Which requests a block may hold: a Bloom filter of lines of 32 bytes, of which a look-up reads one.

A line is chosen by the id's hash, and six bits of it are set. With 12 bits for each id about one look in a
hundred finds a line that only looks as if the block held the id.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

LINE_BYTES = 32
LINE_BITS = LINE_BYTES * 8
BITS_AN_ID = 12
PROBES = 6


def hashes(ids: list[str] | NDArray[np.object_]) -> NDArray[np.uint64]:
    """Of each id the same number in every process and version; shape (n_ids,)."""
    held = np.asarray(ids, dtype=object)
    found: NDArray[np.uint64] = pd.util.hash_array(held, categorize=False)
    return found


def make(ids: pa.Array) -> bytes:
    """The filter over ids, nulls aside; empty where there are none."""
    held = ids.drop_null().unique()
    if not len(held):
        return b""
    numbers = hashes(held.to_numpy(zero_copy_only=False))
    lines = max(1, -(-len(held) * BITS_AN_ID // LINE_BITS))
    bits = np.zeros((lines, LINE_BITS), np.bool_)
    rows = (numbers % np.uint64(lines)).astype(np.intp)
    for bit in _bits(numbers):
        bits[rows, bit] = True
    return np.packbits(bits, axis=1).tobytes()


def _bits(numbers: NDArray[np.uint64]) -> list[NDArray[np.intp]]:
    """Which bits of its line each number sets."""
    mixed = numbers * np.uint64(0x9E3779B97F4A7C15)
    return [((mixed >> np.uint64(8 * probe)) & np.uint64(0xFF)).astype(np.intp) for probe in range(1, PROBES + 1)]


def line_of(request_id: str, lines: int) -> int:
    """The number of the line that would hold the id."""
    return int(hashes([request_id])[0] % np.uint64(lines))


def may_hold(line: bytes, request_id: str) -> bool:
    """Whether the line has the id's bits."""
    bits = np.unpackbits(np.frombuffer(line, np.uint8))
    return all(bits[bit[0]] for bit in _bits(hashes([request_id])))
