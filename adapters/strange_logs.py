"""What libraries raise over a log that nobody foresaw, as an error of ours: the log alone is to blame, and found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from domain.errors import BadBatch

RAISED = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError, pa.ArrowException)


@contextmanager
def as_bad_batch(doing: str) -> Iterator[None]:
    """Inside, such errors become BadBatch: whoever has the batch takes it in halves until one log is left."""
    try:
        yield
    except RAISED as error:
        raise BadBatch(f"a log cannot be {doing}: {type(error).__name__}: {str(error)[:200]}") from error
