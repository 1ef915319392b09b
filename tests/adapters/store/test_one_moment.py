"""Who lists blocks and reads them then sees each log once, whatever is gathered or sealed anew in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.log_archive import Archive, Gone
from adapters.store.database import LOOK_SECONDS, Contended, Engine, Unavailable, snapshot, transaction
from adapters.store.log_columns import read_columns
from adapters.store.log_following import Following
from adapters.store.log_look_ups import find_log, log_totals
from adapters.store.log_reader import Asked, blocks, read_again, single
from adapters.store.log_search import search
from adapters.store.log_statistics import statistics
from adapters.store.traffic import fresh
from adapters.store.training_history import history
from adapters.store.wanted_logs import Wanted
from tests.parts.compaction_part import filled_store, gather, opened
from tests.parts.judged_part import NOW
from tests.parts.logs_part import NOON

pytestmark = pytest.mark.slow

LONG_AGO = NOON - timedelta(days=1)


@pytest.fixture
def filled(postgres_url: str, tmp_path: Path) -> Iterator[Engine]:
    with filled_store(postgres_url, tmp_path / "files") as engine:
        yield engine


def between(engine: Engine, order: str, work: Callable[[], object]) -> None:
    """Do it after the first statement that says so, from elsewhere."""
    done: list[bool] = []

    def see(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if order in statement and not done:
            done.append(True)
            work()

    sa.event.listen(engine, "after_cursor_execute", see)


def _searched(engine: Engine) -> int:
    return len(search(engine, Wanted(), 10_000))


def _read(engine: Engine) -> int:
    return sum(map(len, read_columns(engine, Wanted(), ["service"])))


def _counted(engine: Engine) -> int:
    return sum(hour.logs for hour in statistics(engine, since=LONG_AGO))


def _totals(engine: Engine) -> int:
    return log_totals(engine)["logs"]


def _found(engine: Engine) -> int:
    return len(find_log(engine, "r17"))


def _normal(engine: Engine) -> int:
    return len(history(engine, since=LONG_AGO, now=LONG_AGO, limit=10_000).logs)


def _fresh(engine: Engine) -> int:
    with snapshot(engine) as connection:
        return sum(fresh(connection, name, since=LONG_AGO).logs for name in ("web", "db", "cache"))


READERS = [
    pytest.param(_searched, id="search"),
    pytest.param(_read, id="SQL"),
    pytest.param(_counted, id="statistics"),
    pytest.param(_totals, id="totals"),
    pytest.param(_found, id="by request"),
    pytest.param(_normal, id="training"),
    pytest.param(_fresh, id="verification"),
]


@pytest.mark.parametrize("look", READERS)
def test_what_is_gathered_between_two_reads_is_neither_missed_nor_doubled(
    filled: Engine, tmp_path: Path, look: Callable[[Engine], int]
) -> None:
    expected = look(filled)
    other = opened(filled.url.render_as_string(hide_password=False), tmp_path / "files")
    files: list[str] = []
    between(filled, "FROM log", lambda: files.extend(gather(other, Archive(tmp_path / "files"))))
    assert expected == look(filled)
    assert 2 == len(files), "it happened in between"
    assert expected == look(filled), "and afterwards"
    other.dispose()


def test_without_one_moment_the_same_is_seen_twice_or_not_at_all(filled: Engine, tmp_path: Path) -> None:
    """So the tests above can fail."""
    other = opened(filled.url.render_as_string(hide_password=False), tmp_path / "files")
    with transaction(filled) as connection:
        loose = len(single(connection, Asked()))
        gather(other, Archive(tmp_path / "files"))
        held = sum(block.logs for block in blocks(connection, Asked()))
    assert loose + held > _totals(filled)
    other.dispose()


def test_a_transaction_after_a_look_is_as_before(filled: Engine) -> None:
    """A batch would otherwise fail for what others commit."""
    with snapshot(filled) as connection:
        assert "repeatable read" == connection.scalar(sa.text("SHOW transaction_isolation"))
        assert f"{LOOK_SECONDS // 60}min" == connection.scalar(sa.text("SHOW statement_timeout"))
    with transaction(filled) as connection:
        assert "read committed" == connection.scalar(sa.text("SHOW transaction_isolation"))
        assert "0" == connection.scalar(sa.text("SHOW statement_timeout"))


def test_a_question_that_takes_too_long_is_ended_in_words(filled: Engine) -> None:
    with pytest.raises(Unavailable, match="statement timeout"), snapshot(filled) as connection:
        connection.exec_driver_sql("SET LOCAL statement_timeout = '50ms'")
        connection.exec_driver_sql("SELECT pg_sleep(30)")


@pytest.mark.parametrize("error", [Contended, Gone])
def test_what_went_while_it_was_read_is_read_again_once(error: type[Exception]) -> None:
    tries: list[int] = []

    @read_again
    def reading(failures: int) -> str:
        tries.append(failures)
        if len(tries) <= failures:
            raise error("compacted")
        return "read"

    assert "read" == reading(1)
    tries.clear()
    with pytest.raises(error, match="compacted"):
        reading(2)
    assert 2 == len(tries)


def test_one_who_follows_shows_each_log_once_though_a_file_went_while_it_was_read(
    filled: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adapters.store import log_following  # noqa: PLC0415 - its name is replaced

    following, of = Following(filled, Wanted()), log_following.wanted_of
    failing = [Contended("compacted")]

    def once(*given: Any) -> Any:
        if failing:
            raise failing.pop()
        return of(*given)

    monkeypatch.setattr(log_following, "wanted_of", once)
    assert 0 < len(following.new(NOW)) == _searched(filled)
    assert [] == following.new(NOW)
