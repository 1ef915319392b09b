"""What decided, as texts and their digests, and in which order logs were read: enough to decide the same again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.logs import Place, RawBatch

# Of a batch that goes to and fro between partitions more often the order is not kept.
MOST_RUNS = 2_000
Runs = list[list[int]]  # topic, partition and last offset of what was read in one piece, in the order of reading


class Texts(NamedTuple):
    """Everything that decisions are made from, beside the logs and the time."""

    settings: str  # without secrets
    playbooks: str
    inventory: str
    model: str  # kind and version, "" where rules decide alone


def digest(text: str) -> str:
    """The name of a text by its content; 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def knowledge_digest(texts: Texts) -> str:
    """The name of all of them together: over the digests of the parts."""
    return digest("\n".join(map(digest, texts)))


def runs(raw: RawBatch) -> Runs | None:
    """In which order the partitions of a batch were read; None where it is one, or they change too often."""
    if len(raw.following.keys() - raw.idle) < 2:  # noqa: PLR2004 - one of them has no order
        return None
    places = np.array([raw.topics, raw.partitions])
    last = np.append(np.flatnonzero((places[:, 1:] != places[:, :-1]).any(axis=0)), len(raw) - 1)
    if len(last) > MOST_RUNS:
        return None
    return [[raw.topics[at], raw.partitions[at], raw.offsets[at]] for at in last.tolist()]


def run_of(place: Place, offsets: NDArray[np.int64], order: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """In which run each log of a partition was read; `offsets`: shape (n_logs,), as the result."""
    mine = [(number, run[2]) for number, run in enumerate(order) if (run[0], run[1]) == place]
    if not mine:
        return np.zeros(len(offsets), np.int64)
    numbers, ends = (np.array(column, np.int64) for column in zip(*mine, strict=True))
    found: NDArray[np.int64] = numbers[np.minimum(np.searchsorted(ends, offsets), len(ends) - 1)]
    return found
