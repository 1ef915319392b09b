"""What is old or too much goes, with its files; what is open never does, and the ledger still holds.

I8: incidents, pages, actions and the ledger were never cleaned; its upper bounds are in test_settings_bounds.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters.anchors import FileAnchors
from adapters.log_archive import Archive
from adapters.store.chain import begins_after, seal, verify
from adapters.store.chain_cut import cut, links_before
from adapters.store.changes import keep
from adapters.store.database import Engine, transaction
from adapters.store.ledger_rows import note
from adapters.store.question_rows import keep_question
from adapters.store.resolution_notes import add
from adapters.store.retention import GIGABYTE, drop_logs, going, pieces
from adapters.store.tables.analysed import analyses, llm_calls
from domain.changes import Change, ChangeKind
from domain.ledger import LedgerKind
from domain.questions import Answered, Asked, Kind
from domain.resolution_notes import ResolutionNote
from domain.settings import StoreSettings
from tasks.keeping import clean, preview
from tests.parts.compaction_part import LATER, filled_store, gather
from tests.parts.judged_part import NOW, Feed, count, rows

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
SECOND_HOUR = NOW + timedelta(minutes=50)


@pytest.fixture
def filled(store_url: str, tmp_path: Path) -> Iterator[Engine]:
    with filled_store(store_url, tmp_path / "files") as engine:
        yield engine


@pytest.fixture
def kept(tmp_path: Path) -> StoreSettings:
    return StoreSettings(files=str(tmp_path / "files"), keep_days=14, keep_records_days=30)


def test_old_logs_go_with_their_files(filled: Engine, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "files")
    first, second = gather(filled, archive)
    told = going(filled, SECOND_HOUR)
    drop_logs(filled, archive, SECOND_HOUR)
    assert (1_023, 1) == (told.logs, told.files)
    assert [second] == archive.paths()
    assert [second] == [row["path"] for row in rows(filled, "SELECT path FROM log_blocks")]
    assert first != second


def test_a_file_outlives_rows_that_could_not_be_dropped(
    filled: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file goes after the rows that name it, never before."""
    archive, seen = Archive(tmp_path / "files"), []
    gather(filled, archive)
    real = Archive.remove

    def removed(self: Archive, path: str) -> None:
        seen.append([row["path"] for row in rows(filled, "SELECT path FROM log_blocks")])
        real(self, path)

    monkeypatch.setattr(Archive, "remove", removed)
    drop_logs(filled, archive, LATER)
    assert [[], []] == seen


def test_by_size_the_oldest_go_first(filled: Engine, kept: StoreSettings) -> None:
    held = sorted(pieces(filled), key=lambda one: one.arrived_at)
    newest = held[-1].size
    small = kept.model_copy(update={"keep_gigabytes": newest * 1.5 / GIGABYTE})
    now = NOW + timedelta(hours=2)
    assert preview(filled, small, now=now).logs.logs == clean(filled, small, now=now).logs.logs == 1_023
    assert 7 == count(filled, "logs")
    assert 0 == count(filled, "log_blocks")


def test_by_age_whole_days_go(filled: Engine, kept: StoreSettings) -> None:
    assert 0 == clean(filled, kept, now=NOW + 14 * DAY).logs.logs
    assert 1_030 == clean(filled, kept, now=NOW + 15 * DAY).logs.logs
    assert (0, 0) == (count(filled, "logs"), count(filled, "log_blocks"))


def _resolve(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE incidents SET state = 'resolved', resolved_at = last_at"))
        connection.execute(sa.text("UPDATE pages SET state = 'sent'"))
        connection.execute(sa.text("DELETE FROM steps"))


def test_closed_incidents_go_with_what_belongs_to_them(store: Engine, kept: StoreSettings) -> None:
    Feed(store).incident()
    _resolve(store)
    assert 0 == clean(store, kept, now=NOW + 29 * DAY).incidents
    assert 1 == preview(store, kept, now=NOW + 31 * DAY).incidents
    assert 1 == clean(store, kept, now=NOW + 31 * DAY).incidents
    left = {table: count(store, table) for table in ("incidents", "alerts", "pages", "steps_taken", "actions")}
    assert dict.fromkeys(left, 0) == left


def test_what_was_found_out_about_them_goes_too(store: Engine, kept: StoreSettings) -> None:
    number = Feed(store).incident()
    _resolve(store)
    of_it = {"incident_id": number, "episode": 1}
    call = {"at": NOW, "tokens_in": 1, "tokens_out": 1, "cost": 0.1, "seconds": 1.0}
    with transaction(store) as connection:
        connection.execute(analyses.insert().values(**of_it, signature="web", state="done", due_at=NOW, queued_at=NOW))
        connection.execute(llm_calls.insert().values(**of_it, **call))
        add(connection, ResolutionNote(number, 1, NOW, "ann", "a slow disk"))
        keep_question(connection, number, Asked(Kind.GATE, {}, Answered("allowed", {})), knowledge="digest", now=NOW)
    tables = ("analyses", "llm_calls", "resolution_notes", "questions")
    clean(store, kept, now=NOW + 29 * DAY)
    assert [1, 1, 1, 1] == [count(store, name) for name in tables]
    clean(store, kept, now=NOW + 31 * DAY)
    assert [0, 0, 0, 0] == [count(store, name) for name in tables]


def test_old_changes_go(store: Engine, kept: StoreSettings) -> None:
    keep(store, [Change(NOW + days * DAY, "web", ChangeKind.DEPLOY, "v2") for days in (0, 5)], now=NOW)
    assert 0 == clean(store, kept, now=NOW + 29 * DAY).changes
    assert 1 == preview(store, kept, now=NOW + 31 * DAY).changes == clean(store, kept, now=NOW + 31 * DAY).changes
    assert 1 == count(store, "changes")


def test_open_incidents_never_go_nor_do_their_entries(store: Engine, kept: StoreSettings) -> None:
    Feed(store).incident()
    seal(store, (), now=NOW)
    entries = count(store, "ledger")
    gone = clean(store, kept, now=NOW + 9_000 * DAY)
    assert (0, 0) == (gone.incidents, gone.links)
    assert (1, entries) == (count(store, "incidents"), count(store, "ledger"))


def _write(store: Engine, count: int, day: int) -> None:
    with transaction(store) as connection:
        for number in range(count):
            note(connection, LedgerKind.OPENED, 1_000 + number, {"n": number}, now=NOW + day * DAY)


def test_the_ledger_verifies_after_its_old_end_went(store: Engine, tmp_path: Path) -> None:
    places = (FileAnchors(tmp_path / "ledger.anchor"),)
    _write(store, 5, 0)
    seal(store, places, now=NOW)
    _write(store, 4, 10)
    seal(store, places, now=NOW + 10 * DAY)
    later = NOW + 11 * DAY
    assert 5 == links_before(store, NOW + DAY) == cut(store, NOW + DAY, now=later)
    assert (4, 1, []) == verify(store, places, now=later)
    assert 5 == begins_after(store)
    seal(store, places, now=later)
    assert (5, 0, []) == verify(store, places, now=later)
    assert 0 == cut(store, NOW + DAY, now=later)
    # A second cut takes the first one's entry along with what is older than it.
    _write(store, 2, 20)
    seal(store, places, now=NOW + 20 * DAY)
    assert 5 == cut(store, NOW + 15 * DAY, now=NOW + 21 * DAY)
    seal(store, places, now=NOW + 21 * DAY)
    assert (3, 0, []) == verify(store, places, now=NOW + 21 * DAY)


@pytest.mark.parametrize(
    ("order", "says"),
    [
        pytest.param("DELETE FROM ledger WHERE kind = 'ledger.cut'", "links 1 to 2 are missing", id="the cut's entry"),
        pytest.param("DELETE FROM seals WHERE seq = 3", "link 3 is missing", id="the first link that is left"),
    ],
)
def test_what_is_removed_around_the_cut_is_found(store: Engine, order: str, says: str) -> None:
    _write(store, 2, 0)
    _write(store, 2, 10)
    seal(store, (), now=NOW)
    cut(store, NOW + DAY, now=NOW + 11 * DAY)
    seal(store, (), now=NOW + 11 * DAY)
    with store.begin() as connection:
        connection.execute(sa.text(order))
    assert says in verify(store, (), now=NOW + 11 * DAY)[2]
