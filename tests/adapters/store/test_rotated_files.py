"""Files of compacted logs are sealed anew, whole or not at all, and read the same before and after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from adapters.log_archive import Archive
from adapters.sealing import PLAIN, Keyring, use
from adapters.store import rotation
from adapters.store.database import Engine, Unavailable, connect
from adapters.store.opening import with_archive, with_keyring
from adapters.store.sealed_archive import SealedArchive, UnnamedFiles
from adapters.store.unnamed_files import sweep
from domain.encryption_keys import MasterKey
from tests.parts.compaction_part import LATER, fill, gather, held
from tests.parts.judged_part import rows
from tests.parts.keys_part import FIRST, SECOND

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _plain_again() -> Iterator[None]:
    yield
    use(PLAIN)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "files")


def opened(url: str, archive: Archive, *keys: MasterKey, seals: bool = True) -> Engine:
    """The store as a process with these keys opens it."""
    return with_archive(with_keyring(connect(url), Keyring(keys, seals=seals)), archive)


def gathered(url: str, archive: Archive, *keys: MasterKey) -> None:
    engine = opened(url, archive, *keys)
    fill(engine)
    assert 2 == len(gather(engine, archive))
    engine.dispose()


def named(engine: Engine) -> set[str]:
    return {row["path"] for row in rows(engine, "SELECT path FROM log_blocks WHERE path IS NOT NULL")}


@pytest.mark.parametrize(
    ("before", "after", "seals", "expected"),
    [
        pytest.param((), (FIRST,), True, FIRST.id, id="what was plain is sealed"),
        pytest.param((FIRST,), (SECOND, FIRST), True, SECOND.id, id="another key"),
        pytest.param((FIRST,), (FIRST,), False, "", id="written plain again"),
    ],
)
def test_a_rotation_rewrites_every_file_once(
    store_url: str,
    archive: Archive,
    before: tuple[MasterKey, ...],
    after: tuple[MasterKey, ...],
    *,
    seals: bool,
    expected: str,
) -> None:
    gathered(store_url, archive, *before)
    told = held(opened(store_url, archive, *before))
    engine = opened(store_url, archive, *after, seals=seals)
    files, old = SealedArchive(engine, archive), set(archive.paths())
    for table in rotation.targets(engine):
        sum(table.reseal())
    assert 2 == files.left()
    assert [1, 1] == list(files.reseal())
    assert (0, []) == (files.left(), list(files.reseal()))
    assert named(engine) == set(archive.paths())
    assert not old & set(archive.paths()), "the old ones are gone"
    assert {expected} == {archive.key_of(path) for path in archive.paths()}
    (found,) = files.found()
    assert (2, {expected: 2} if expected else {}, 0 if expected else 2) == (found.values, found.sealed, found.plain)
    again = opened(store_url, archive, *after[:1], seals=seals)
    assert told == held(again), "also without the old key"


class Dying(Archive):
    """Whose process dies, so to say, at the second call of one kind."""

    def __init__(self, where: str, method: str) -> None:
        super().__init__(where)
        self._method = method
        self._calls = 0

    def _point(self, method: str) -> None:
        self._calls += method == self._method
        if self._calls == 2:
            raise Unavailable("killed")

    def write(self, path: str, logs: pa.Table, *, level: int = 3) -> int:
        self._point("before writing")
        size = super().write(path, logs, level=level)
        self._point("after writing")
        return size

    def remove(self, path: str) -> None:
        self._point("before removing")
        super().remove(path)


@pytest.mark.parametrize(
    ("where", "left", "unnamed"),
    [("before writing", 1, 0), ("after writing", 1, 1), ("before removing", 0, 1)],
)
def test_one_that_is_interrupted_goes_on_and_says_what_it_leaves(
    store_url: str, archive: Archive, where: str, left: int, unnamed: int
) -> None:
    """Fault 16: killed anywhere, nothing is lost; a file without a row goes after a day."""
    gathered(store_url, archive, FIRST)
    engine = opened(store_url, archive, SECOND, FIRST)
    told = held(engine)
    with pytest.raises(Unavailable):
        list(SealedArchive(engine, Dying(archive.where, where)).reseal())
    files, others = SealedArchive(engine, archive), UnnamedFiles(engine, archive)
    assert told == held(engine)
    assert left == files.left()
    assert unnamed == sum(one.values for one in others.found())
    assert [1] * left == list(files.reseal())
    assert told == held(engine)
    assert int(where == "before removing") == others.left(), "the others are sealed with the new key"
    sweep(engine, archive, now=LATER.replace(year=LATER.year + 10))
    assert named(engine) == set(archive.paths())
    assert [] == others.found()


def test_a_file_that_retention_dropped_meanwhile_stays_dropped(store_url: str, archive: Archive) -> None:
    gathered(store_url, archive)
    engine = opened(store_url, archive, FIRST)

    before = set(archive.paths())

    class Slow(Archive):
        def write(self, path: str, logs: pa.Table, *, level: int = 3) -> int:
            with engine.begin() as connection:
                connection.exec_driver_sql("DELETE FROM log_blocks WHERE path IS NOT NULL")
            return super().write(path, logs, level=level)

    assert [] == list(SealedArchive(engine, Slow(archive.where)).reseal())
    assert set() == named(engine)
    assert before == set(archive.paths()), "the two old files, which retention removes itself"
