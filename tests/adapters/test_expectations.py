"""Great Expectations on a summary: what is not as expected is told in words and units."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.expectations import expected, failures, row, write_docs
from domain.batch_facts import Facts, Volume
from domain.quality_settings import QualitySettings

SETTINGS = QualitySettings(ranges={"cpu_usage": (0, 100)})
USUAL = Volume((), (), (), 10)
GOOD = Facts(messages=100, logs=100, late_seconds=(1.0,), services={"web": 100})


def told(facts: Facts, volume: Volume = USUAL) -> list[str]:
    return [one.words for one in failures(row(facts, volume, SETTINGS), SETTINGS)]


def test_what_is_as_expected_fails_nothing() -> None:
    assert [] == told(GOOD)


@pytest.mark.parametrize(
    ("changes", "volume", "words"),
    [
        ({"rejected": 10}, USUAL, "10.0 % of the messages cannot be read, at most 5 % may"),
        ({"without_message": 30}, USUAL, "30.0 % of the logs have no message, at most 20 % may"),
        ({"unknown_levels": 20}, USUAL, "20.0 % of the logs have a level that is not known, at most 10 % may"),
        ({"disordered": 60}, USUAL, "60.0 % of the logs are older than the one before them, at most 50 % may"),
        (
            {"late_seconds": (1.0, 400.0, 500.0)},
            USUAL,
            "half of the logs are 400 s old or older when they arrive, at most 300 s they may be",
        ),
        ({"outside": {"cpu_usage": 3}}, USUAL, "3 values of cpu_usage are outside 0 to 100"),
        (
            {},
            Volume((), ("a", "b"), ("c", "d"), 10),
            "40.0 % of the services send far more or less than usual, at most 30 % may",
        ),
        (
            {},
            Volume(tuple(f"s{number}" for number in range(51)), (), (), 10),
            "51 services were never seen before, at most 50 may appear at once",
        ),
    ],
    ids=["unreadable", "no message", "levels", "order", "late", "range", "volume", "new services"],
)
def test_what_is_not_as_expected_is_told_in_words(changes: dict[str, object], volume: Volume, words: str) -> None:
    fields = {name: getattr(GOOD, name) for name in Facts.__dataclass_fields__}
    assert [words] == told(Facts(**(fields | changes)), volume)


def test_every_expectation_has_a_column_of_the_summary() -> None:
    assert {one.column for one in expected(SETTINGS)} <= row(GOOD, USUAL, SETTINGS).keys()


@pytest.mark.slow
def test_stretches_are_written_as_pages(tmp_path: Path) -> None:
    page = write_docs([row(GOOD, USUAL, SETTINGS)] * 2, SETTINGS, tmp_path / "docs")
    assert "html" in page.read_text()
    assert any("stretches" in one.name or "batches" in one.read_text() for one in page.parent.rglob("*.html"))
