"""Files that are sealed whole, and sealing them anew: each is replaced at once, or stays as it was."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from adapters.sealing import MAGIC, in_use, key_id
from domain.errors import Unavailable
from domain.rotation import Found

HEAD_BYTES = 64  # more than the longest head


def write_sealed(path: Path, data: bytes, what: str) -> None:
    """Write a file that opens as `what` alone; whoever reads it sees the old or the new one, also after a crash."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with fresh.open("wb") as file:
        file.write(in_use().seal(data, what))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def read_sealed(path: Path, what: str) -> bytes:
    """What the file holds, also where it was written plain. Raises as `Keyring.open` does."""
    return in_use().open(path.read_bytes(), what)


class SealedFiles:
    """One kind of file, as a part of a rotation."""

    def __init__(self, name: str, what: str, find: Callable[[], Iterable[Path]]) -> None:
        self.name = name
        self._what = what
        self._find = find

    def found(self) -> list[Found]:
        """How many files there are by key."""
        ids = Counter(_key_of(path) for path in self._find())
        return [Found(self.name, ids.total(), ids.pop("", 0), ids)] if ids else []

    def left(self) -> int:
        """Files that are not as they would be written now."""
        return sum(1 for _ in self._stale())

    def reseal(self) -> Iterator[int]:
        """One file after the other."""
        for path in self._stale():
            try:
                write_sealed(path, read_sealed(path, self._what), self._what)
            except FileNotFoundError:
                continue  # whoever it was for took it meanwhile
            except OSError as error:
                raise Unavailable(f"{path}: {error.strerror}") from error
            yield 1

    def _stale(self) -> Iterator[Path]:
        return (path for path in sorted(self._find()) if _key_of(path) != in_use().sealing_id)


def _key_of(path: Path) -> str:
    """The id of the key that a file asks for; nothing for one that is plain or gone."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError:
        return in_use().sealing_id
    return key_id(head) if head.startswith(MAGIC) else ""
