"""Pages that go out beside the store: the same fault is told of once, by one key, whatever dies in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from adapters.page_spool import PageSpool
from adapters.store.batches import BatchStore
from adapters.store.closing import resolve
from adapters.store.database import Engine, transaction
from domain.errors import Unavailable
from domain.folded import Folded
from domain.incidents import Resolution
from domain.pages import PageKind
from domain.settings import Settings
from tasks.delivering import run
from tasks.minutes import MinuteMemory
from tasks.outage import Outage, Remembered
from tasks.paging import Pager
from tasks.spooled import drain
from tasks.storing import store_batch
from tests.contracts.fakes import RecordingChannel
from tests.parts.judged_part import NOW, Feed, rows
from tests.parts.logs_part import NOON, SECOND, a_log, an_error

MINUTE = timedelta(minutes=1)


def critical(number: int = 0, **changes: object) -> bytes:
    at = NOON + number * SECOND
    fields = {"service": "pay", "level": "CRITICAL", "message": "disk failed"}
    return a_log(**({"timestamp": at.isoformat(), **fields} | changes))


class Scene:
    """`watch` and `on-call` over one store and one spool, each without a memory but its files'."""

    def __init__(self, store: Engine, home: Path) -> None:
        self.home = home
        self.feed = Feed(store)
        self.now = NOW
        self.receiver = RecordingChannel()
        self.outage = self.lost()
        self.remembered = Remembered(100)

    def lost(self, most: int = 100) -> Outage:
        return Outage(PageSpool(self.home), since=NOW, open_before=(), most=most)

    def unstored(self, *logs: bytes) -> None:
        """What `watch` does with a batch while the store does not answer."""
        self.outage.take(self.feed.judged(logs, now=self.now), self.feed.knowledge, now=self.now)

    def stored(self, *logs: bytes) -> Folded:
        """What it does when the store is back."""
        judged = self.feed.judged(logs, now=self.now)
        store = BatchStore(self.feed.engine, PageSpool(self.home).gone_out)
        folded, _ = store_batch(store, judged, self.feed.knowledge, MinuteMemory(), now=self.now)
        self.feed.next = judged.raw.following[self.feed.topic_id, 0]
        self.remembered.add(folded)
        return folded

    @property
    def pager(self) -> Pager:
        paging = Settings().paging
        email = paging.email.model_copy(update={"recipients": ("ann@example.org",)})
        tree = Settings(paging=paging.model_copy(update={"email": email}))
        clock: Callable[[], datetime] = lambda: self.now  # noqa: E731
        return Pager(tree, self.feed.engine, clock=clock, given=self.receiver, spool=PageSpool(self.home))

    def delivers(self) -> list[str]:
        return [outcome for _, outcome in run(self.pager, f"{self.now}")]

    def told(self) -> list[tuple[str, str]]:
        """Who was told of what, by kind and thread."""
        return [(page.kind.value, page.thread) for page in self.receiver.pages]


@pytest.fixture
def scene(store: Engine, tmp_path: Path) -> Scene:
    return Scene(store, tmp_path)


def test_the_incident_joins_the_page_that_went_out_and_its_end_goes_to_the_same_thread(scene: Scene) -> None:
    logs = [critical(number) for number in range(3)]
    scene.unstored(*logs)
    drain(scene.pager)
    (page,) = scene.receiver.pages
    folded = scene.stored(*logs)
    assert [page.key] == [made.key for made in folded.pages]
    scene.delivers()
    assert [("trigger", page.key)] == scene.told()
    (incident,) = folded.touched.values()
    with transaction(scene.feed.engine) as connection:
        resolve(connection, incident.id, Resolution.HUMAN, now=scene.now)
    scene.now += MINUTE
    scene.delivers()
    assert [("trigger", page.key), ("resolve", page.key)] == scene.told()
    end = scene.receiver.pages[1]
    assert (page.alert, PageKind.RESOLVE) == (end.alert, end.kind)
    assert page.alert == page.key, "its alert has no number to be named by"
    assert scene.receiver.before[1] is not None, "the end comes with the receipt of the begin"


def test_a_fault_that_was_over_before_the_store_came_back_has_its_end_told_too(scene: Scene) -> None:
    logs = [critical(number) for number in range(3)]
    scene.unstored(*logs)
    drain(scene.pager)
    (incident,) = scene.stored(*logs).touched.values()
    with transaction(scene.feed.engine) as connection:
        resolve(connection, incident.id, Resolution.QUIET, now=scene.now)
    for _ in range(2):
        scene.delivers()
        scene.now += MINUTE
    assert ["trigger", "resolve"] == [kind for kind, _ in scene.told()]


def test_a_store_that_comes_back_before_anybody_was_told_sends_the_page_itself(scene: Scene) -> None:
    logs = [critical(number) for number in range(3)]
    scene.unstored(*logs)
    scene.stored(*logs)
    assert [] == drain(scene.pager), "the store delivers it"
    scene.delivers()
    assert 1 == len(scene.receiver.pages)
    assert [] == drain(scene.pager)


def test_whoever_dies_after_the_receiver_took_it_sends_the_same_key_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both sides fail at the worst moment: at least once, and recognisable."""
    scene.unstored(*(critical(number) for number in range(3)))
    with monkeypatch.context() as dying:
        dying.setattr(PageSpool, "note", _dies)
        with pytest.raises(KeyboardInterrupt):
            drain(scene.pager)
    assert [] == drain(scene.pager), "its claim is somebody's yet"
    scene.now += 2 * MINUTE
    drain(scene.pager)
    first, second = scene.receiver.pages
    assert first.key == second.key


def _dies(*_: object) -> None:
    raise KeyboardInterrupt


def test_while_it_is_being_sent_the_store_waits_and_then_nobody_is_told_twice(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = [critical(number) for number in range(3)]
    scene.unstored(*logs)
    scene.stored(*logs)
    meanwhile: list[list[str]] = []
    send = scene.receiver.send

    def slowly(page: object, before: object = None) -> object:
        monkeypatch.setattr(scene.receiver, "send", send)
        meanwhile.append(scene.delivers())
        return send(page, before)  # type: ignore[arg-type]

    monkeypatch.setattr(scene.receiver, "send", slowly)
    monkeypatch.setattr("tasks.spooled.outbox.is_queued", lambda *_: False)  # the page was stored just after that
    drain(scene.pager)
    assert [["it is being sent"]] == meanwhile
    scene.now += MINUTE
    scene.delivers()
    assert 1 == len(scene.receiver.pages)


def test_what_a_receiver_does_not_take_goes_again_and_in_the_end_from_the_store(scene: Scene) -> None:
    logs = [critical(number) for number in range(3)]
    scene.receiver.failure = Unavailable("mail: gone")
    scene.unstored(*logs)
    assert ["not accepted: mail: gone"] == drain(scene.pager)
    assert [] == drain(scene.pager), "not at once"
    scene.stored(*logs)
    scene.receiver.failure = None
    scene.now += MINUTE
    scene.delivers()
    assert 1 == len(scene.receiver.pages)


def test_what_is_not_critical_waits_for_the_store(scene: Scene) -> None:
    scene.unstored(*(an_error(number) for number in range(3)))
    assert [] == drain(scene.pager)
    assert [] == scene.receiver.pages


def test_a_fault_that_got_critical_is_one_page_in_the_store_too(scene: Scene) -> None:
    """It was worth a page before it got critical, which only the store sends; people know it at its worst."""
    logs = [
        critical(0, level="ERROR"),
        critical(1, level="ERROR"),
        critical(2, level="ERROR"),
        critical(3),
        critical(4),
    ]
    for log in logs:
        scene.unstored(log)
    drain(scene.pager)
    for log in logs:
        scene.stored(log)
        scene.delivers()
    assert 1 == len(scene.receiver.pages)
    assert 1 == rows(scene.feed.engine, "SELECT count(*) AS n FROM pages")[0]["n"]


def test_the_same_fault_later_on_is_another_page(scene: Scene) -> None:
    """What went out for one must never keep people from hearing of the next."""
    logs = [critical(number) for number in range(3)]
    scene.unstored(*logs)
    drain(scene.pager)
    (incident,) = scene.stored(*logs).touched.values()
    scene.delivers()
    with transaction(scene.feed.engine) as connection:
        resolve(connection, incident.id, Resolution.HUMAN, now=scene.now)
    scene.now += 60 * MINUTE
    folded = scene.stored(*(critical(3_590 + number) for number in range(3)))
    scene.delivers()
    assert [False] == [made.gone_out for made in folded.pages]
    assert ["trigger", "trigger"] == sorted(kind for kind, _ in scene.told() if kind == "trigger")


def test_a_late_page_beside_the_store_is_joined_as_well(scene: Scene) -> None:
    """Fault 23: a backlog pages once per service; what people have already is no further page."""
    first = [critical(number) for number in range(3)]
    second = [critical(number, message="fan stuck", service="ship") for number in range(3, 6)]
    scene.unstored(*first, *second)
    drain(scene.pager)
    keys = {page.key for page in scene.receiver.pages}
    scene.now += 30 * MINUTE
    scene.stored(*first, *second)
    scene.delivers()
    stored = rows(scene.feed.engine, "SELECT key, state FROM pages")
    assert {(key, "sent") for key in keys} == {(row["key"], row["state"]) for row in stored}
    assert len(keys) == len(scene.receiver.pages)


def test_what_was_open_and_told_of_just_before_is_not_told_of_again(scene: Scene) -> None:
    logs = [critical(number) for number in range(3)]
    scene.stored(*logs)
    scene.delivers()
    known = scene.remembered.lately(scene.feed.knowledge)
    scene.outage = Outage(PageSpool(scene.home), since=scene.now, open_before=known, most=100)
    scene.unstored(*(critical(number) for number in range(3, 6)))
    assert [] == drain(scene.pager)
    assert 1 == len(scene.receiver.pages)


WORDS = ("refused", "timed out", "corrupt", "full", "denied", "missing", "broken", "expired")


@pytest.mark.parametrize("same", [True, False], ids=["one fault of many services", "a fault of each service"])
def test_memory_is_bounded_by_a_number_of_alerts(scene: Scene, *, same: bool) -> None:
    scene.outage = scene.lost(most=10)
    for number in range(40):
        scene.now += SECOND
        message = "refused" if same else f"{WORDS[number % 8]} {WORDS[number // 8]}"
        scene.unstored(an_error(number, service=f"service-{number}", message=message))
    kept = [alert.service for incident in scene.outage.open for alert in incident.alerts]
    assert "service-39" in kept
    assert 10 == len(kept)


def test_a_spool_that_cannot_be_written_ends_nothing(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    scene.outage = Outage(PageSpool(tmp_path / "file"), since=NOW, open_before=(), most=10)
    scene.unstored(*(critical(number) for number in range(3)))
    assert (3, 0) == (scene.outage.logs, scene.outage.pages)


def test_paging_that_is_switched_off_sends_nothing_from_the_spool(scene: Scene) -> None:
    scene.unstored(*(critical(number) for number in range(3)))
    off = scene.pager.settings.model_copy(
        update={"paging": scene.pager.settings.paging.model_copy(update={"enabled": False})}
    )
    assert [] == drain(replace(scene.pager, settings=off))
