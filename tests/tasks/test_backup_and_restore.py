"""What was backed up while it was written is restored elsewhere, goes on there, and holds every log once."""

from __future__ import annotations

import os
import stat
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.anchors import FILE, FileAnchors
from adapters.backup_folder import MANIFEST, BackupFolder
from adapters.log_archive import Archive
from adapters.sealing import PLAIN, Keyring, use
from adapters.store import dumping
from adapters.store.chain import seal, verify
from adapters.store.database import Engine, connect, transaction
from adapters.store.log_reader import Asked, whole
from adapters.store.opening import with_archive, with_keyring
from adapters.store.switches import is_paused
from domain.backups import Database, read, written
from domain.errors import Refused
from tasks.backing_up import DUMP, Source, back_up
from tasks.restoring import Restored, Target, check, restore
from tests.parts.compaction_part import FILLED_LOGS, LATER, fill, gather, held, opened, places
from tests.parts.databases_part import Server
from tests.parts.filled_part import fill as fill_words
from tests.parts.first_version_part import a_page, add, an_incident, make
from tests.parts.judged_part import NOW, Feed, count, rows
from tests.parts.keys_part import FIRST
from tests.parts.logs_part import a_log, an_error

# What is not equal afterwards: the pause, and that the ledger says it was restored.
CHANGED = {"switches", "ledger", "unsealed"}
STREAM = 600  # messages of the topic


@pytest.fixture(autouse=True)
def _plain_again() -> Iterator[None]:
    yield
    use(PLAIN)


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, store_url: str, tmp_path: Path) -> str:
    """An empty database of the same kind."""
    if store_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'elsewhere' / 'store.db'}"
    server: Server = request.getfixturevalue("postgres_server")
    return server.empty()


class Site:
    """A database with its files and home, backed up and restored elsewhere."""

    def __init__(self, url: str, elsewhere: str, folder: Path) -> None:
        self.folder, self.elsewhere = folder, elsewhere
        self.source = Source(url, Archive(folder / "files"), folder / "home")
        self.target = Target(elsewhere, Archive(folder / "elsewhere-files"), folder / "elsewhere-home")
        self.backup = BackupFolder(folder / "monday")
        self.into = dumping.kind(elsewhere)

    def back_up(self) -> None:
        back_up(self.source, self.backup.root, version="1", now=NOW)

    def restore(self, keys: tuple[str, ...] = ()) -> Restored:
        manifest = check(self.backup, self.target.home, self.into, keys)
        return restore(self.backup, manifest, self.target, now=LATER)

    @contextmanager
    def restored(self) -> Iterator[Engine]:
        self.restore()
        engine = opened(self.elsewhere, self.folder / "elsewhere-files")
        yield engine
        engine.dispose()


@pytest.fixture
def site(store_url: str, elsewhere: str, tmp_path: Path) -> Site:
    return Site(store_url, elsewhere, tmp_path)


@pytest.fixture
def live(site: Site) -> Iterator[Engine]:
    """The store that is backed up: logs in blocks, rows and a file, an incident, a page and a sealed ledger."""
    engine = opened(site.source.url, site.folder / "files")
    fill(engine)
    gather(engine, site.source.archive, NOW + timedelta(hours=1))
    fill_words(engine, "connection lost to the replica")
    seal(engine, [FileAnchors(site.source.home / FILE)], now=NOW)
    yield engine
    engine.dispose()


def tables(engine: Engine) -> dict[str, list[dict[str, object]]]:
    """Every row of every table that a restore does not touch."""
    with transaction(engine) as connection:
        names = dumping.row_counts(connection).keys() - CHANGED
    return {name: sorted(rows(engine, f"SELECT * FROM {name}"), key=repr) for name in sorted(names)}


def test_everything_is_as_it_was(site: Site, live: Engine) -> None:
    site.back_up()
    with site.restored() as there:
        assert held(live).equals(held(there))
        assert tables(live) == tables(there)
        assert all(count(there, name) for name in ("incidents", "pages", "dead_letters", "seals", "log_blocks"))
        assert len(site.source.archive.paths()) == len(site.target.archive.paths()) == 1
        assert (count(live, "seals"), []) == verify(there, [FileAnchors(site.target.home / FILE)], now=LATER)[::2]


@pytest.fixture
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> set[tuple[str, str]]:
    """The modes of its folders and files."""
    found = (folder, *folder.rglob("*"))
    return {("folder" if one.is_dir() else "file", f"{stat.S_IMODE(one.stat().st_mode):o}") for one in found}


@pytest.mark.usefixtures("_open_umask")
def test_everything_is_open_to_its_owner_alone_whatever_the_umask(site: Site, live: Engine) -> None:
    """The dump and the manifest were readable by all, though the guide said otherwise."""
    books = site.folder / "books"
    books.mkdir(mode=0o755)
    (books / "one.md").write_text("a playbook")
    site.source = replace(site.source, own={"playbooks": books}, said={"settings/effective.json": "{}"})
    site.back_up()
    assert {("folder", "700"), ("file", "600")} == modes(site.backup.root)
    site.restore()
    there = site.target.home
    assert "700" == f"{stat.S_IMODE(there.stat().st_mode):o}"
    assert {("folder", "700"), ("file", "600")} == modes(there / "restored" / "playbooks")
    if site.elsewhere.startswith("sqlite"):
        assert "600" == f"{stat.S_IMODE((site.folder / 'elsewhere' / 'store.db').stat().st_mode):o}"


def test_acting_is_paused_and_the_ledger_says_from_where_it_goes_on(site: Site, live: Engine) -> None:
    site.back_up()
    with site.restored() as there:
        assert is_paused(there)
        assert not is_paused(live)
        (entry,) = rows(there, "SELECT kind FROM ledger WHERE kind = 'store.restored'")
        place = FileAnchors(site.target.home / FILE)
        assert seal(there, [place], now=LATER)
        assert [] == verify(there, [place], now=LATER)[2]
        assert {"kind": "store.restored"} == entry


def test_numbers_go_on_where_they_stopped(site: Site, live: Engine) -> None:
    site.back_up()
    with site.restored() as there:
        before = rows(there, "SELECT max(id) AS n FROM incidents")[0]["n"]
        feed = Feed(there)
        assert feed.next == rows(live, "SELECT next_offset AS n FROM offsets")[0]["n"]
        feed.incident(service="mail", message="delivery to the spool failed")
        assert before < rows(there, "SELECT max(id) AS n FROM incidents")[0]["n"]


def test_a_backup_during_writes_goes_on_at_its_own_offsets_and_ends_with_each_log_once(
    site: Site, store_url: str
) -> None:
    engine = connect(store_url)
    feed, stop, begun = Feed(engine), threading.Event(), threading.Event()
    topic = [a_log(request_id=f"r{number}") if number % 50 else an_error(number) for number in range(STREAM)]

    def write() -> None:
        while feed.next < STREAM // 2 or (not stop.is_set() and feed.next < STREAM):
            feed.take(*topic[feed.next : feed.next + 5])
            begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(60)
        site.back_up()
    finally:
        stop.set()
        writer.join()
    with site.restored() as there:
        again = Feed(there)
        assert 0 < again.next <= feed.next
        assert Counter({(1, 0, number, 0): 1 for number in range(again.next)}) == places(there)
        again.take(*topic[again.next :])
        assert Counter({(1, 0, number, 0): 1 for number in range(STREAM)}) == places(there)
    engine.dispose()


@pytest.mark.parametrize("name", [DUMP, "log-files", f"home/{FILE}"])
def test_a_damaged_file_is_refused_and_nothing_is_touched(site: Site, live: Engine, name: str) -> None:
    assert count(live, "logs")
    site.back_up()
    path = site.backup.root / name
    path = next(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else path
    path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1]))
    with pytest.raises(Refused, match=r"is damaged: .* was changed: its digest is another; nothing was restored"):
        site.restore()
    assert dumping.is_empty(site.elsewhere)
    assert not site.target.home.exists()


def test_counts_that_are_others_are_refused(site: Site, live: Engine) -> None:
    assert count(live, "logs")
    site.back_up()
    manifest = read((site.backup.root / MANIFEST).read_text())
    more = replace(manifest, rows=dict(manifest.rows) | {"pages": 9_999})
    (site.backup.root / MANIFEST).write_text(written(more))
    with pytest.raises(Refused, match=r"pages has \d+ rows?, not 9,999"):
        site.restore()


def test_only_an_empty_place_is_filled(site: Site, live: Engine) -> None:
    assert count(live, "logs")
    site.back_up()
    site.restore()
    with pytest.raises(Refused, match="belongs to an agent already"):
        site.restore()
    site.target = replace(site.target, home=site.folder / "third-home")
    with pytest.raises(Refused, match="the database holds tables already"):
        site.restore()


def test_files_of_others_are_not_mixed_with_ours(site: Site, live: Engine) -> None:
    assert count(live, "logs")
    site.back_up()
    (site.folder / "elsewhere-files").mkdir()
    (site.folder / "elsewhere-files" / "theirs").write_bytes(b"")
    with pytest.raises(Refused, match="holds files already: name another place in SRE_STORE__FILES"):
        site.restore()
    assert dumping.is_empty(site.elsewhere)


def test_a_file_that_goes_meanwhile_begins_it_anew(site: Site, live: Engine) -> None:
    """As a rotation of keys does: the same logs under another name."""

    class Rotated(Archive):
        turned = False

        def copy_out(self, path: str, target: Path) -> None:
            if not Rotated.turned:
                Rotated.turned = True
                self.copy_in("another", Path(self.where) / path)
                with transaction(live) as connection:
                    connection.exec_driver_sql("UPDATE log_blocks SET path = 'another' WHERE path IS NOT NULL")
                self.remove(path)
            super().copy_out(path, target)

    before = held(live)
    site.source = replace(site.source, archive=Rotated(site.source.archive.where))
    site.back_up()
    with site.restored() as there:
        assert before.equals(held(there))


def test_files_that_stay_away_are_told_of(site: Site, live: Engine) -> None:
    (path,) = site.source.archive.paths()
    site.source.archive.remove(path)
    assert count(live, "log_blocks")
    with pytest.raises(Refused, match="repeat `sre backup` when it is over"):
        site.back_up()
    assert not site.backup.root.exists()


def test_what_is_sealed_needs_its_key(site: Site) -> None:
    engine = with_archive(with_keyring(connect(site.source.url), Keyring([FIRST])), site.source.archive)
    fill_words(engine, "a secret of the replica failed")
    seal(engine, [FileAnchors(site.source.home / FILE)], now=NOW)
    said = rows(engine, "SELECT count(*) AS n FROM incidents")[0]["n"]
    engine.dispose()
    site.source = replace(site.source, keys=(FIRST.id,))
    site.back_up()
    assert b"a secret" not in b"".join(path.read_bytes() for path in site.backup.root.rglob("*") if path.is_file())
    with pytest.raises(Refused, match="without the key 2026-01: give it by --keys-from FILE"):
        site.restore()
    use(PLAIN)
    site.target = replace(site.target, keyring=Keyring([FIRST]))
    site.restore((FIRST.id,))
    there = with_keyring(connect(site.elsewhere), Keyring([FIRST]))
    assert said == count(there, "incidents")
    with transaction(there) as connection:
        assert {"a secret of the replica failed"} & set(whole(connection, Asked(), ["message"])["message"].to_pylist())
    there.dispose()


def test_a_backup_of_the_first_version_is_brought_up_to_date(
    request: pytest.FixtureRequest, store_url: str, elsewhere: str, tmp_path: Path
) -> None:
    old = f"sqlite:///{tmp_path / 'old.db'}"
    if not store_url.startswith("sqlite"):
        server: Server = request.getfixturevalue("postgres_server")
        old = server.empty()
    engine = connect(old)
    make(engine)
    add(engine, "incidents", an_incident(7, "web"))
    add(engine, "pages", a_page(3, 7))
    engine.dispose()
    site = Site(old, elsewhere, tmp_path)
    site.back_up()
    assert "0001" == site.backup.manifest().revision
    assert site.restore().migrated
    there = connect(elsewhere)
    assert [{"id": 7, "service": "web"}] == rows(there, "SELECT id, service FROM incidents")
    assert [{"id": 3, "incident_id": 7}] == rows(there, "SELECT id, incident_id FROM pages")
    assert [{"version_num": dumping.known_revisions()[0]}] == rows(there, "SELECT version_num FROM alembic_version")
    there.dispose()


def test_a_store_in_memory_and_one_that_is_missing_cannot_be_backed_up(tmp_path: Path) -> None:
    for url, said in (("sqlite://", "in memory"), (f"sqlite:///{tmp_path / 'no.db'}", "does not exist")):
        with pytest.raises(Refused, match=said):
            back_up(Source(url, Archive(tmp_path), tmp_path), tmp_path / "monday", version="1", now=NOW)


def test_another_kind_of_database_is_refused(site: Site, live: Engine) -> None:
    assert FILLED_LOGS < len(held(live))
    site.back_up()
    site.into = Database.SQLITE if site.into is Database.POSTGRESQL else Database.POSTGRESQL
    with pytest.raises(Refused, match="the backup is of"):
        site.restore()
