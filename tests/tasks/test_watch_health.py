"""P5: Kafka gone, rights withdrawn, `watch` in a crash loop: a condition, an incident, a page, news of its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import KafkaError
from pydantic import SecretStr

from adapters.kafka.consumer import LogConsumer
from adapters.store.database import Engine
from adapters.store.positions import start_positions, topic_number
from adapters.store.switches import degraded, report_condition
from domain.incidents import Resolution
from domain.kafka_settings import KafkaSettings
from domain.pages import PageReason
from domain.settings import Settings, StoreSettings
from domain.watch_health import Reading
from tasks import bootstrap
from tasks.watch_health import NOT_READ, WatchHealth, kafka_trouble, topic_ends
from tests.parts.desk_part import Desk
from tests.parts.judged_part import rows
from tests.parts.logs_part import NOON

TOPIC = "system-logs"
LOOK, PATIENCE = 20.0, 90.0


class Scene:
    """An `on-call` that looks every 20 s at a `watch` that the test plays."""

    def __init__(self, engine: Engine) -> None:
        self.desk = Desk(engine)
        self.ends: dict[int, int] = {}
        self.begin()
        self.topic, _ = topic_number(engine, TOPIC, "id", now=NOON)
        self.stores(0)

    def begin(self) -> None:
        """A new run of `on-call`."""
        patience = timedelta(seconds=PATIENCE)
        self.health = WatchHealth(self.desk.engine, TOPIC, lambda: self.ends, patience=patience, begun=self.desk.now)

    def stores(self, offset: int) -> None:
        start_positions(self.desk.engine, {(self.topic, 0): 0}, now=self.desk.now)
        rows(self.desk.engine, "UPDATE offsets SET next_offset = :at RETURNING 1 AS one", at=offset)

    def says(self, part: str = "prefect", *, wrong: str = "") -> None:
        report_condition(self.desk.engine, part, seen_by="watch", healthy=not wrong, detail=wrong, now=self.desk.now)

    def look(self, times: int = 1, *, alive: bool = True, kafka: str = "") -> Reading:
        """So many looks, with what `watch` says before each."""
        for _ in range(times):
            self.desk.forward(LOOK)
            if alive:
                self.says()
                self.says("kafka", wrong=kafka)
            found = self.health.look(self.desk.now).reading
            self.desk.deliver()
        return found

    def incidents(self) -> list[tuple[str, str]]:
        found = rows(self.desk.engine, "SELECT state, resolution FROM incidents WHERE template = :text", text=NOT_READ)
        return [(row["state"], row["resolution"] or "") for row in found]

    def first_page(self) -> str:
        page = self.desk.receiver.pages[0]
        return "\n".join((page.summary, *page.evidence, *page.lines))

    def reasons(self) -> list[PageReason]:
        return [reason for _, reason in self.desk.told()]


@pytest.fixture
def scene(store: Engine) -> Scene:
    return Scene(store)


def test_p5_a_watch_that_died_pages_once_with_the_reason_and_is_a_condition(scene: Scene) -> None:
    assert Reading.WELL is scene.look(10)
    assert Reading.SILENT is scene.look(60, alive=False)
    assert [("open", "")] == scene.incidents()
    assert [PageReason.UNCOMMON] == scene.reasons()
    assert "watch gave no sign of life for 1" in scene.first_page()
    assert any(said.startswith("watch is down since") for said in degraded(scene.desk.engine, now=scene.desk.now))


def test_p5_kafka_that_cannot_be_read_pages_with_what_the_client_said(scene: Scene) -> None:
    scene.look(3)
    assert Reading.NO_KAFKA is scene.look(7, kafka="kafka: topic system-logs: Broker: Topic authorization failed")
    assert [PageReason.UNCOMMON] == scene.reasons()
    assert "Topic authorization failed" in scene.first_page()


def test_p5_a_crash_loop_that_reports_and_never_commits_pages(scene: Scene) -> None:
    scene.look(3)
    scene.ends = {0: 5_000}
    assert Reading.STUCK is scene.look(7)
    assert [PageReason.UNCOMMON] == scene.reasons()
    assert "5,000 logs wait in Kafka" in scene.first_page()


def test_when_it_works_again_it_is_closed_and_those_who_were_paged_are_told(scene: Scene) -> None:
    scene.look(3)
    scene.ends = {0: 5_000}
    scene.look(10)
    scene.stores(2_000)
    assert Reading.UNSURE is scene.look()
    assert [("open", "")] == scene.incidents()
    scene.stores(5_000)
    assert Reading.WELL is scene.look()
    scene.desk.forward(600)
    scene.desk.deliver()
    assert [("resolved", Resolution.WORKS)] == scene.incidents()
    assert [PageReason.UNCOMMON, PageReason.RESOLVED] == scene.reasons()
    assert [] == degraded(scene.desk.engine, now=scene.desk.now)


def test_a_new_run_of_on_call_does_not_take_a_dead_watch_for_a_live_one(scene: Scene) -> None:
    scene.look(3)
    scene.look(10, alive=False)
    scene.begin()
    assert Reading.UNSURE is scene.look(2, alive=False)
    assert [("open", "")] == scene.incidents()
    assert Reading.WELL is scene.look()


def test_nobody_is_paged_on_a_fresh_start_before_watch_ran(scene: Scene) -> None:
    scene.look(8, alive=False)
    scene.look(3)
    assert ([], []) == (scene.incidents(), scene.reasons())


# --- what `watch` says of Kafka -----------------------------------------------------------------


def test_p5_a_watch_that_waits_for_its_cluster_leaves_word(store: Engine, store_url: str) -> None:
    tree = Settings(store=StoreSettings(url=SecretStr(store_url)))
    bootstrap.say_waiting(tree, "kafka: login refused")
    (said,) = degraded(store, now=datetime.now(UTC))
    assert said.endswith("kafka: login refused")


def test_p5_a_broker_that_is_gone_is_said_in_words_and_nothing_is_known_to_wait() -> None:
    nobody = KafkaSettings(bootstrap_servers="127.0.0.1:1", client={"socket.timeout.ms": SecretStr("500")})
    assert "is the cluster reachable?" in kafka_trouble(nobody)
    assert {} == topic_ends(nobody)()


class Refusal:
    """What the client hands out, once, when a right was withdrawn."""

    def __init__(self, code: int) -> None:
        self.code = code

    def error(self) -> KafkaError:
        return KafkaError(self.code)


def test_p5_a_right_that_was_withdrawn_is_a_complaint_until_a_log_comes_again() -> None:
    quiet = KafkaSettings(bootstrap_servers="127.0.0.1:1", client={"log_level": SecretStr("0")})
    consumer = LogConsumer(quiet, None)  # type: ignore[arg-type]
    consumer._without_errors([Refusal(KafkaError.TOPIC_AUTHORIZATION_FAILED)])  # type: ignore[list-item]
    consumer._batch([])
    assert "authorization failed" in consumer.complaint
    consumer.numbers[quiet.topic] = 1
    consumer.next_offsets = {(1, 0): 5}
    consumer._batch([ALog()])
    assert "" == consumer.complaint


class ALog:
    """One log as the client hands it out."""

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return 5

    def value(self) -> bytes:
        return b"{}"

    def key(self) -> None:
        return None

    def headers(self) -> None:
        return None

    def timestamp(self) -> tuple[int, int]:
        return 0, 0


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        pytest.param(1_767_614_400_000, 1_767_614_400_000, id="a time"),
        pytest.param(-1, 0, id="none"),
        pytest.param(1_767_614_400_000_000, 0, id="microseconds in place of milliseconds"),
    ],
)
def test_a_brokers_time_that_no_clock_shows_is_none(told: int, kept: int) -> None:
    class Stamped(ALog):
        def timestamp(self) -> tuple[int, int]:
            return 1, told

    consumer = LogConsumer(KafkaSettings(bootstrap_servers="127.0.0.1:1"), None)  # type: ignore[arg-type]
    consumer.numbers[KafkaSettings().topic] = 1
    consumer.next_offsets = {(1, 0): 5}
    assert [kept] == consumer._batch([Stamped()]).sent
