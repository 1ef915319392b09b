"""A line as numbers for the part that learns from labels.

Words, pairs of words and pieces of words are hashed into a fixed number of columns (Weinberger et al., *Feature hashing
for large scale multitask learning*, ICML 2009), so that words that never occurred have something in common with known
ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import sqrt
from zlib import crc32

from ml.lines.reading import Line, Reading

COLUMNS = 1 << 16
PIECES = (3, 4, 5)  # letters
# What each kind counts against a word; the larger, the less it is shrunk.
WORD, PAIR, PIECE, ORIGIN, SIGN = 1.0, 0.5, 0.3, 0.2, 0.5


def features(line: Line, read: Reading) -> dict[str, float]:
    """Names and values of what a line has, without the column of the signs."""
    text = dict(_text(read))
    length = sqrt(sum(value * value for value in text.values())) or 1.0
    origin = {
        f"level {line.level}": ORIGIN,
        f"service {line.service}": ORIGIN,
        f"both {line.service} {line.level}": ORIGIN,
    }
    signs = {"failed": SIGN * read.failed, "healed": SIGN * read.healed, "reading": SIGN * read.reading}
    return {name: value / length for name, value in text.items()} | origin | signs


def place(name: str) -> int:
    """The column of a feature."""
    return crc32(name.encode("utf-8", "surrogatepass")) % COLUMNS


def _text(read: Reading) -> Iterator[tuple[str, float]]:
    for word in read.words:
        yield f"word {word}", WORD
        around = f"<{word}>"
        for size in PIECES:
            for start in range(len(around) - size + 1):
                yield f"piece {around[start : start + size]}", PIECE
    for one, next_one in pairwise(read.words):
        yield f"pair {one} {next_one}", PAIR
