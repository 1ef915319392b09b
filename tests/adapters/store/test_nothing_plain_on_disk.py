"""With encryption on no file of ours holds what a log said; without it the same search finds it in each place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.log_archive import Archive
from adapters.page_spool import PageSpool
from adapters.sealing import PLAIN, Keyring, use
from adapters.store.database import connect
from adapters.store.log_writer import BLOCK_FROM
from adapters.store.opening import with_archive, with_keyring
from adapters.store.own_incidents import open_own_incident
from tests.parts.compaction_part import gather
from tests.parts.databases_part import Server, serving
from tests.parts.filled_part import fill
from tests.parts.judged_part import NOW, Feed, count
from tests.parts.keys_part import FIRST
from tests.parts.logs_part import a_log
from tests.parts.spooled_part import spool_a_page

PHRASE = "unmistakable payment of Ann Example failed"

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One whose files are of this test alone; they are compressed as in production."""
    with serving(tmp_path_factory.mktemp("postgres")) as running:
        yield running


def files_with(folder: Path, phrase: str) -> list[str]:
    """Files below the folder that hold the phrase, as UTF-8."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(folder)) for path in files if phrase.encode() in path.read_bytes())


@pytest.mark.parametrize(
    ("keyring", "found"),
    [
        pytest.param(Keyring([FIRST]), False, id="sealed: nowhere, the write-ahead log included"),
        pytest.param(PLAIN, True, id="plain: the search finds it, so it can fail"),
    ],
)
def test_the_files_of_the_database(server: Server, keyring: Keyring, *, found: bool) -> None:
    """Dead letters are among what `fill` stores."""
    store = with_keyring(connect(server.fresh()), keyring)
    try:
        fill(store, PHRASE)
        Feed(store, partition=1).take(*(a_log(message=f"{PHRASE} {number}") for number in range(BLOCK_FROM)))
        assert 1 == count(store, "log_blocks")
        assert 3 == count(store, "dead_letters")
        open_own_incident(store, "of our own", PHRASE, now=NOW)
    finally:
        use(PLAIN)
        store.dispose()
    server.administer("CHECKPOINT")
    assert found is bool(files_with(server.embedded.folder, PHRASE))


@pytest.mark.parametrize(
    ("keyring", "found"),
    [
        pytest.param(Keyring([FIRST]), [], id="sealed: in none"),
        pytest.param(PLAIN, ["files", "spool/marks", "spool/pages"], id="plain: in each, so the search can fail"),
    ],
)
def test_compacted_files_and_the_spool(
    postgres_server: Server, tmp_path: Path, keyring: Keyring, found: list[str]
) -> None:
    """The same phrase stands in a file of compacted logs, in a spooled page, and in what became of one."""
    archive = Archive(tmp_path / "files")
    store = with_archive(with_keyring(connect(postgres_server.fresh()), keyring), archive)
    try:
        Feed(store).take(*(a_log(message=PHRASE) for _ in range(BLOCK_FROM)))
        (path,) = gather(store, archive)
        assert {PHRASE} == set(archive.read(path, ["message"])["message"].to_pylist())
        spool_a_page(PageSpool(tmp_path), PHRASE)
    finally:
        use(PLAIN)
        store.dispose()
    places = {"files" if name.endswith(".parquet") else name for name in files_with(tmp_path, PHRASE)}
    assert found == sorted(places)
