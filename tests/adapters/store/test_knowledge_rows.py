"""What decided is kept once, and every batch names it: the same decisions can be made again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from adapters import parts_file
from adapters.playbook_files import load
from adapters.store import effects, watches
from adapters.store.batches import BatchStore
from adapters.store.database import Engine, transaction
from adapters.store.knowledge_rows import recall, remember
from adapters.store.records import drop_records_before
from adapters.store.tables.decided import batches
from domain.inventory import Inventory, Service
from domain.replay import Texts
from domain.settings import Settings
from ml.scoring import Champion
from tasks.judging import Knowledge
from tasks.minutes import MinuteMemory
from tasks.storing import store_batch
from tests.parts.judged_part import NOW, Feed, count, rows
from tests.parts.logs_part import a_log

TEXTS = Texts("settings", "playbooks", "inventory", "")


def test_the_same_texts_are_kept_once(store: Engine) -> None:
    with transaction(store) as connection:
        first = remember(connection, *TEXTS, now=NOW)
        assert first == remember(connection, *TEXTS, now=NOW + timedelta(days=1))
        other = remember(connection, *TEXTS._replace(settings="others"), now=NOW)
        assert [TEXTS, None] == [recall(connection, first), recall(connection, "unknown")]
    assert first != other
    assert (2, 5) == (count(store, "knowledge"), count(store, "documents"))


def test_every_batch_names_what_decided_and_what_it_read(store: Engine) -> None:
    feed = Feed(store)
    feed.take(a_log(), a_log())
    feed.take(a_log(), now=NOW + timedelta(seconds=1))
    with transaction(store) as connection:
        found = connection.execute(sa.select(batches).order_by(batches.c.id)).all()
        assert feed.knowledge.texts == recall(connection, found[0].knowledge)
    place = f"{feed.topic_id}/0"
    assert [({place: 0}, {place: 2}, NOW), ({place: 2}, {place: 3}, NOW + timedelta(seconds=1))] == [
        (row.first_offsets, row.next_offsets, row.now) for row in found
    ]
    assert 1 == len({row.knowledge for row in found})


def test_what_was_rolled_back_is_kept_with_the_next_batch(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process remembers what is stored only once that is committed."""
    feed, kept = Feed(store), BatchStore(store)
    judged = feed.judged([a_log()])

    def save() -> None:
        store_batch(kept, judged, feed.knowledge, MinuteMemory(), now=NOW)

    with monkeypatch.context() as broken, pytest.raises(ZeroDivisionError):
        broken.setattr(sa.engine.RootTransaction, "commit", lambda _: 1 / 0)
        save()
    save()
    assert 1 == count(store, "knowledge")


class Model:
    """Something that scores."""


KNOWN = Knowledge(Settings(), load(parts_file.PROJECT / "playbooks"), None)


@pytest.mark.parametrize(
    "changed",
    [
        replace(
            KNOWN,
            settings=Settings().model_copy(
                update={"incidents": Settings().incidents.model_copy(update={"confirm_logs": 5})}
            ),
        ),
        replace(KNOWN, playbooks=KNOWN.playbooks[:1]),
        replace(KNOWN, inventory=Inventory({"web": Service("web", "supervisord", "web")})),
        replace(KNOWN, champion=Champion(Model(), 3)),  # type: ignore[arg-type]
    ],
    ids=["settings", "playbooks", "inventory", "model"],
)
def test_whatever_decides_is_in_the_texts(changed: Knowledge) -> None:
    assert KNOWN.texts == replace(KNOWN, playbooks=tuple(reversed(KNOWN.playbooks))).texts
    assert KNOWN.texts != changed.texts


def test_no_secret_is_in_the_texts() -> None:
    tree = Settings.model_validate(
        {
            "store": {"url": "postgresql://a:hidden@b/c"},
            "paging": {"email": {"password": "hidden"}},
            "llm": {"api_key": "hidden"},
        }
    )
    assert "hidden" not in str(replace(KNOWN, settings=tree).texts)


def test_old_records_go_and_the_texts_stay(store: Engine) -> None:
    feed = Feed(store)
    feed.take(a_log())
    feed.take(a_log(), now=NOW + timedelta(days=2))
    assert 1 == drop_records_before(store, NOW + timedelta(days=1))
    assert (1, 1) == (count(store, "batches"), count(store, "knowledge"))
    assert rows(store, "SELECT 1 FROM batches")


def test_old_effects_and_watches_are_dropped_and_young_ones_stay(store: Engine) -> None:
    for age, key in ((timedelta(days=2), "old"), (timedelta(hours=1), "young")):
        effects.begin(store, key, "a command", now=NOW - age)
        watches.add(store, key, "web", since=NOW - age, until=NOW - age)
    assert 2 == drop_records_before(store, NOW - timedelta(days=1))
    assert [(None, True), (None, True)] == [
        (find(store, "old"), find(store, "young") is not None) for find in (effects.read, watches.until)
    ]
