"""`/metrics`: who may read it, what it tells of a real store, and that a store that is away is told, not hidden."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from adapters.store.database import Engine
from adapters.store.own_figures import figures, tell_totals
from adapters.store.switches import report_condition
from console.http.exposition import KEPT, Exposition
from domain.errors import Unavailable
from domain.http_settings import HttpSettings
from domain.own_figures import COUNTED, Figures, Totals
from tests.parts.answering_part import World
from tests.parts.http_part import LOCAL, Clock, a_client, a_service
from tests.parts.judged_part import NOW
from tests.parts.logs_part import NOON

AWAY = ("192.0.2.7", 50_000)
TOKEN = HttpSettings(token=SecretStr("secret-token"), per_minute=100_000)


def read(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every figure by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("settings", "client", "headers", "expected"),
    [
        (HttpSettings(), LOCAL, {}, 200),
        (HttpSettings(), LOCAL, {"Host": "localhost:8088"}, 200),
        (HttpSettings(), LOCAL, {"Host": "evil.example"}, 403),
        (HttpSettings(), LOCAL, {"Host": "127.0.0.1.evil.example"}, 403),
        (HttpSettings(), LOCAL, {"Host": ""}, 403),
        (HttpSettings(), LOCAL, {"Origin": "http://evil.example"}, 403),
        (HttpSettings(), AWAY, {}, 403),
        (TOKEN, AWAY, {"Authorization": "Bearer secret-token", "Host": "agent.example"}, 200),
        (TOKEN, AWAY, {"Authorization": "Bearer secret-token"}, 200),
        (TOKEN, LOCAL, {}, 401),
    ],
)
def test_who_may_read(
    store: Engine,
    tmp_path: Path,
    settings: HttpSettings,
    client: tuple[str, int],
    headers: dict[str, str],
    expected: int,
) -> None:
    made = a_service(store, tmp_path, settings=settings)
    assert expected == a_client(made, client).get("/metrics", headers=headers).status_code


def test_what_is_told_of_a_real_store(store: Engine, tmp_path: Path) -> None:
    world = World(store)
    world.fault()
    world.run()
    totals = Totals()
    totals.add({"logs": 40, "batches": 2}, {"read": 0.25})
    totals.add({"logs": 2}, {"read": 0.25, "save": 1.0})
    tell_totals(store, "watch", totals, now=NOW)
    totals.add({"logs": 1}, {})
    tell_totals(store, "watch", totals, now=NOW)
    report_condition(store, "kafka", seen_by="watch", healthy=False, detail="gone", now=NOW)
    exposition = Exposition(lambda: figures(store, "logs", now=NOW), lambda: {0: 10, 7: 3}, Clock(), promised=2.0)
    found = a_client(a_service(store, tmp_path, exposition=exposition)).get("/metrics")
    assert found.headers["content-type"].startswith("text/plain; version=0.0.4")
    told = read(found.text)

    def one(name: str, **labels: str) -> float | None:
        return told.get((name, frozenset(labels.items())))

    assert (43, 2, 0) == tuple(one(f"sre_watch_{name}_total", member="watch") for name in ("logs", "batches", "pages"))
    assert (0.5, 1.0) == tuple(one("sre_watch_step_seconds_total", member="watch", step=s) for s in ("read", "save"))
    assert one("sre_lag_messages", partition="0") == 10 - world.feed.next
    assert one("sre_lag_messages", partition="7") is None, "of a partition that nobody read nothing is known"
    assert sum(value for (name, _), value in told.items() if name == "sre_incidents") == 1
    assert sum(value for (name, _), value in told.items() if name == "sre_actions") >= 1
    assert (1, 1, 2) == (one("sre_store_up"), one("sre_kafka_up"), one("sre_false_alarms_promised_per_day"))
    assert one("sre_part_healthy", part="kafka", seen_by="watch") == 0
    assert one("sre_deciding_model", model="rules alone") == 1


def away() -> Figures:
    raise Unavailable("the store does not answer")


def nobody() -> dict[int, int]:
    raise Unavailable("no broker answers")


def test_what_is_away_is_told() -> None:
    told = read(Exposition(away, nobody, lambda: NOON, promised=1.0).latest().decode())
    assert (0, 0) == (told["sre_store_up", frozenset()], told["sre_kafka_up", frozenset()])
    assert not any(name.startswith("sre_watch") for name, _ in told)


def test_however_many_ask_the_store_is_asked_once_in_a_while() -> None:
    asked: list[int] = []
    clock = Clock()

    def ask() -> Figures:
        asked.append(1)
        return Figures(clock.now)

    exposition = Exposition(ask, dict, clock, promised=1.0)
    for _ in range(50):
        exposition.latest()
    assert [1] == asked
    clock.now += KEPT + timedelta(seconds=1)
    exposition.latest()
    assert [1, 1] == asked


def test_totals_only_rise() -> None:
    totals = Totals()
    totals.add(dict.fromkeys(COUNTED, 3), {"save": 1.0})
    totals.add({"logs": 2}, {"save": 0.5})
    assert (5, 3, 1.5) == (totals.counts["logs"], totals.counts["pages"], totals.seconds["save"])
