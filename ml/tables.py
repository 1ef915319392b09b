"""Columns with one row per series that grow as series appear, and become plain arrays and come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Column:
    """What a new row of a column holds."""

    dtype: DTypeLike
    fill: float = 0.0
    width: int = 0  # values per row; 0 is one value without an axis of its own

    def rows(self, count: int) -> Array:
        """`count` new rows; shape (count,) or (count, width)."""
        return np.full((count, self.width) if self.width else count, self.fill, self.dtype)


class Table:
    """One array per column, the first axis the series; rows are made when they are first asked for.

    A table is state, so what owns one writes into its arrays. Rows are made ahead of need, so that a
    thousand new series do not copy the table a thousand times.
    """

    def __init__(self, columns: Mapping[str, Column], held: Mapping[str, Array] | None = None) -> None:
        self._columns = dict(columns)
        self._held = {name: column.rows(0) for name, column in columns.items()} if held is None else dict(held)

    def __getitem__(self, name: str) -> Array:
        return self._held[name]

    def __len__(self) -> int:
        return min((len(array) for array in self._held.values()), default=0)

    def reach(self, rows: int) -> None:
        """Make sure that there are at least `rows` rows."""
        short = rows - len(self)
        if short <= 0:
            return
        more = max(short, len(self) // 2)
        for name, column in self._columns.items():
            self._held[name] = np.concatenate([self._held[name], column.rows(more)])

    def arrays(self) -> dict[str, Array]:
        """A copy of every column by name, to be saved."""
        return {name: array.copy() for name, array in self._held.items()}

    @classmethod
    def of(cls, columns: Mapping[str, Column], arrays: Mapping[str, Array]) -> Table:
        """The table whose `arrays` these were; ValueError where a column is missing or has another shape."""
        for name, column in columns.items():
            expected = column.rows(0)
            if name not in arrays or arrays[name].shape[1:] != expected.shape[1:]:
                raise ValueError(f"column {name} is missing or of another shape")
        return cls(columns, {name: np.array(arrays[name], column.dtype) for name, column in columns.items()})

    @property
    def bytes_per_row(self) -> int:
        """What one series costs in memory."""
        return sum(column.rows(1).nbytes for column in self._columns.values())
