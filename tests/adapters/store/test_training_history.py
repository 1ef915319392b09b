"""What a model learns from: all of the time, every service, and nothing of incidents and silences."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from adapters.store import mutes
from adapters.store.alarm_verdicts import give
from adapters.store.database import Engine
from adapters.store.training_history import LEARNED, SOME, History, history, sampled, usual
from adapters.store.training_lines import SAID
from domain.alarm_verdicts import AlarmVerdict
from domain.errors import BadInput
from domain.muting import Matcher, Mute, MuteKind
from domain.recurrence import Span
from domain.unusual import Unusual, of_alert, of_mutes
from ml.detectors.service_deviation import SERVICE
from ml.training import TIME
from tasks.retraining import training_frame
from tests.parts.judged_part import NOW, Feed
from tests.parts.logs_part import NOON, SECOND, a_log, an_error

MINUTE = timedelta(minutes=1)
LATER = NOON + 60 * MINUTE


def at(minute: int, **fields: object) -> bytes:
    return a_log(**({"timestamp": (NOON + minute * MINUTE).isoformat(), "metrics": {"cpu": minute}} | fields))


def learned(store: Engine, limit: int = 10_000) -> History:
    return history(store, since=NOON - MINUTE, now=LATER, limit=limit)


def minutes(found: History, service: str) -> list[int]:
    here = found.logs.filter(pc.equal(found.logs["service"], service))
    return sorted(int((one - NOON) / MINUTE) for one in here["timestamp"].to_pylist())


def test_what_surrounds_a_confirmed_incident_is_not_learned(store: Engine) -> None:
    """The poisoning guard: logs that say nothing themselves show the fault in their numbers."""
    feed = Feed(store)
    feed.take(*(at(minute) for minute in range(10)), *(at(minute, service="db") for minute in range(10)), now=LATER)
    broken = [an_error(240 + number, message="connection refused") for number in range(5)]
    feed.take(*broken, now=LATER)
    found = learned(store)
    assert [] == minutes(found, "web")[2:]  # until two minutes before it; it is open, so it lasts until now
    assert list(range(10)) == minutes(found, "db")
    assert {"anomaly": 5, "incident": 8, "silence": 0} == found.left_out


def test_what_people_call_a_false_alarm_is_learned(store: Engine) -> None:
    feed = Feed(store)
    feed.take(*(at(minute) for minute in range(10)), now=LATER)
    feed.take(*(an_error(240 + number, message="connection refused") for number in range(5)), now=LATER)
    assert 5 == learned(store).left_out["anomaly"]
    give(store, 1, AlarmVerdict.REAL, by="ann", now=LATER)
    assert 5 == learned(store).left_out["anomaly"]
    give(store, 1, AlarmVerdict.FALSE_ALARM, by="ann", now=LATER)
    found = learned(store)
    assert ({"anomaly": 0, "incident": 0, "silence": 0}, 15) == (found.left_out, len(found.logs))


def test_there_is_no_verdict_on_what_never_was(store: Engine) -> None:
    with pytest.raises(BadInput, match="there is no incident 9"):
        give(store, 9, AlarmVerdict.REAL, by="ann", now=NOW)


def test_what_people_silenced_is_not_learned(store: Engine) -> None:
    feed = Feed(store)
    feed.take(*(at(minute) for minute in range(10)), now=LATER)
    begins, ends = NOON + 3 * MINUTE, NOON + 7 * MINUTE
    matchers = (Matcher("service", "=", "web"),)
    silence = Mute(0, MuteKind.SILENCE, matchers, begins, ends, "", None, "ann", "a load test")
    mutes.add(store, silence, now=begins)
    found = learned(store)
    assert [0, 1, 2, 7, 8, 9] == minutes(found, "web")
    assert 4 == found.left_out["silence"]


def table(services: list[str]) -> pa.Table:
    times = pa.array([NOON + number * SECOND for number in range(len(services))], pa.timestamp("us", "UTC"))
    none, many = pa.nulls(len(services), pa.int64()), len(services)
    columns = {"timestamp": times, "service": services, "measured": none, "anomaly": [False] * many}
    return pa.table(columns | {"level": [2] * many, "message": ["fine"] * many, SAID: [-1] * many, "incident_id": none})


def test_a_busy_service_does_not_crowd_out_a_quiet_one_and_all_of_the_time_is_seen() -> None:
    found = sampled(table(["busy"] * 10_000 + ["quiet"] * 5).select(LEARNED), 100)
    counts = {row["values"]: row["counts"] for row in found["service"].value_counts().to_pylist()}
    assert {"busy": 100 + SOME - 1, "quiet": 5} == counts
    assert (pc.max(found["timestamp"]).as_py() - NOON).total_seconds() > 9_800


def test_why_each_log_is_left_out_is_counted_once() -> None:
    times = [Unusual("web", Span(NOON, NOON + 3 * SECOND), why) for why in ("incident", "silence")]
    kept, why = usual(table(["web"] * 5), times)
    assert (2, {"anomaly": 0, "incident": 3, "silence": 0}) == (len(kept), why)


def test_the_time_of_an_alert() -> None:
    def span(*, is_open: bool) -> tuple[datetime, datetime]:
        found = of_alert("web", NOON, NOON + MINUTE, is_open=is_open, now=LATER).span
        return found.begins, found.ends

    assert (NOON - 2 * MINUTE, NOON + 3 * MINUTE) == span(is_open=False)
    assert (NOON - 2 * MINUTE, LATER) == span(is_open=True)


def test_a_window_that_comes_back_every_day_counts_every_day() -> None:
    matchers = (Matcher("service", "=", "web"),)
    nightly = Mute(1, MuteKind.MAINTENANCE, matchers, NOON, NOON + 30 * MINUTE, "day", None, "ann", "backup")
    whole = Span(NOON - MINUTE, NOON + timedelta(days=3))
    assert 3 == len(list(of_mutes([nightly], ["web", "db"], whole)))


def test_a_metric_that_is_called_as_a_column_of_ours_spoils_nothing(store: Engine) -> None:
    """D1: a metric called `service` or `timestamp` made every retraining fail."""
    odd = {"service": 1.0, "timestamp": 2.0, "cpu": 3.0, SERVICE: 4.0, TIME: 5.0}
    Feed(store).take(at(0, metrics=odd), now=NOW)
    frame = training_frame(learned(store).logs)
    assert {TIME, SERVICE, "service", "timestamp", "cpu"} == set(frame.columns)
    assert ("web", 1.0, 2.0) == tuple(frame.loc[0, [SERVICE, "service", "timestamp"]])
