"""Stretches of batches are checked, kept, and told of; a range can put single logs aside."""

from __future__ import annotations

from datetime import timedelta

from adapters.store.database import Engine
from adapters.store.quality_rows import results
from domain.quality_settings import QualitySettings
from tasks.input_quality import InputQuality
from tests.parts.judged_part import NOW, Feed, known, rows
from tests.parts.logs_part import a_log

SETTINGS = QualitySettings(ranges={"cpu_usage": (0, 100)})


def test_a_stretch_is_checked_once_and_kept(store: Engine) -> None:
    quality, feed = InputQuality(store, SETTINGS), Feed(store)
    quality.add(feed.judged([a_log(), b"{", b"{"]), now=NOW)
    quality.add(feed.judged([a_log(metrics={"cpu_usage": 300})]), now=NOW)
    checked = quality.check(NOW)
    assert checked is not None
    assert (
        "50.0 % of the messages cannot be read, at most 5 % may",
        "1 values of cpu_usage are outside 0 to 100",
    ) == checked.failures
    (kept,) = results(store, since=NOW - timedelta(minutes=1))
    assert (4, list(checked.failures)) == (kept["messages"], kept["failures"])
    assert quality.check(NOW) is None


def test_what_was_as_expected_is_kept_without_a_word(store: Engine) -> None:
    quality = InputQuality(store, SETTINGS)
    quality.add(Feed(store).judged([a_log()]), now=NOW)
    checked = quality.check(NOW)
    assert checked is not None
    assert () == checked.failures
    assert [] == results(store, since=NOW - timedelta(minutes=1), failed_only=True)


def test_switched_off_nothing_is_summed_up(store: Engine) -> None:
    quality = InputQuality(store, QualitySettings(enabled=False))
    quality.add(Feed(store).judged([b"{"]), now=NOW)
    assert quality.check(NOW) is None


def test_a_hard_range_puts_the_log_aside_and_never_its_batch(store: Engine) -> None:
    feed = Feed(store, known(quality={"ranges": {"cpu_usage": (0.0, 100.0)}, "quarantine": True}))
    values = [a_log(request_id="a"), a_log(metrics={"cpu_usage": 101}), a_log(request_id="c"), b"{"]
    feed.take(*values)
    assert ["a", "c"] == [row["request_id"] for row in rows(store, 'SELECT request_id FROM logs ORDER BY "offset"')]
    found = rows(store, 'SELECT "offset", reason FROM dead_letters ORDER BY "offset"')
    assert (1, "quarantined: cpu_usage is outside 0 to 100") == (found[0]["offset"], found[0]["reason"])
    assert [1, 3] == [row["offset"] for row in found]
