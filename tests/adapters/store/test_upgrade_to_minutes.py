"""A store from before minutes and templates goes on after `migrate`: its logs, blocks and files read as before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from adapters import log_sql
from adapters.log_archive import Archive
from adapters.log_blocks import pack, unpack
from adapters.log_sql import Limits
from adapters.sealing import PLAIN, Keyring, use
from adapters.store import migrations
from adapters.store.database import Engine, transaction
from adapters.store.log_columns import read_columns
from adapters.store.log_search import search
from adapters.store.look_ups import totals
from adapters.store.migrate import migrate
from adapters.store.opening import with_keyring
from adapters.store.tables.stored_logs import log_blocks
from adapters.store.template_states import load
from adapters.store.wanted_logs import Wanted
from tasks.rotation import targets
from tests.parts.compaction_part import fill, gather, held, opened
from tests.parts.judged_part import NOW, count, rows
from tests.parts.keys_part import SECOND
from tests.parts.logs_part import NOON
from tests.tasks.test_templates import Reader, line

HOUR = timedelta(hours=1)
NEW_LOGS = ("order 17 was paid", "order 18 was paid", "cache is cold")


@pytest.fixture(autouse=True)
def _plain_again() -> Iterator[None]:
    yield
    use(PLAIN)


@pytest.fixture
def old(store_url: str, tmp_path: Path) -> Iterator[Engine]:
    """Single logs, blocks where the database takes them, and a file, all without a template, at revision 0009."""
    engine, archive = opened(store_url, tmp_path), Archive(tmp_path)
    fill(engine)
    gather(engine, archive, NOW + HOUR)
    aged(engine, archive)
    yield engine
    engine.dispose()


def aged(engine: Engine, archive: Archive) -> None:
    with transaction(engine) as connection:
        for row in connection.execute(sa.select(log_blocks)).all():
            if row.path:
                archive.write(row.path, archive.read(row.path, None).drop_columns(["template"]))
            else:
                packed = pack(unpack(bytes(row.columns)).drop_columns(["template"]))
                connection.execute(log_blocks.update().where(log_blocks.c.id == row.id).values(columns=packed))
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0009")


def upgraded(engine: Engine, url: str) -> pa.Table:
    """Everything after the migration, once new logs came."""
    migrate(url)
    reader = Reader(engine)
    reader.feed.next = rows(engine, "SELECT next_offset FROM offsets")[0]["next_offset"]
    reader.take(*(line(20 + number, text) for number, text in enumerate(NEW_LOGS)))
    return held(engine)


def test_old_and_new_logs_are_read_searched_and_gathered_together(old: Engine, store_url: str, tmp_path: Path) -> None:
    assert "minutes" not in sa.inspect(old).get_table_names()
    found = upgraded(old, store_url)
    assert found["template"].null_count == len(found) - len(NEW_LOGS)
    gather(old, Archive(tmp_path), NOON + timedelta(days=2))
    assert 0 == rows(old, "SELECT count(*) AS n FROM log_blocks WHERE path IS NULL")[0]["n"]
    after = held(old)
    assert found["message"].to_pylist() == after["message"].to_pylist()
    assert found["template"].to_pylist() == after["template"].to_pylist()
    wanted = Wanted(since=NOON)
    question = "SELECT count(*), count(template), count(DISTINCT template) FROM logs"
    answer = log_sql.answer(question, lambda names: read_columns(old, wanted, names), Limits())
    assert [(len(found), 3, 2)] == answer.rows
    assert list(NEW_LOGS) == [one["message"] for one in search(old, wanted, len(NEW_LOGS))]
    assert len(found) == totals(old)["logs"]
    assert 0 < count(old, "minutes")


def test_what_is_known_of_templates_is_sealed_with_the_rest_and_turned_to_another_key(
    old: Engine, store_url: str, tmp_path: Path
) -> None:
    upgraded(old, store_url)
    before = load(old)
    sealing = with_keyring(old, Keyring([SECOND]))
    for target in targets(sealing, Archive(tmp_path)):
        list(target.reseal())
        assert 0 == target.left()
    (state,) = rows(old, "SELECT packed FROM template_states")
    assert SECOND.id.encode() in bytes(state["packed"])[:40]
    assert before is not None
    after = load(sealing)
    assert after is not None
    assert before.table.equals(after.table)
    assert len(held(sealing))
