"""Texts of services through the live steps: what is off or new is found, worded, and told of where it should be."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from adapters.store.database import Engine, connect
from adapters.store.minute_findings import StoredFinding, stored_findings
from adapters.store.tables.found import incidents
from adapters.store.tables.schema import metadata
from domain.minutes import Measured
from tasks.templates import Templates
from tests.parts.judged_part import Feed, known
from tests.parts.logs_part import NOON, a_log

# A service and its texts are known for so many minutes when something changes, for so long.
QUIET, LENGTH = 40, 46
LATER = NOON + timedelta(minutes=LENGTH + 5)
USUAL = ("page {} was served",) * 20 + ("cache holds {} pages",) * 9 + ("mirror {} was asked again",)


def minutes(text: str, many: int) -> list[bytes]:
    """Three logs every two seconds; in the last minutes `many` of them a minute say something else."""
    logs = []
    for second in range(LENGTH * 60):
        if second % 2:
            continue
        at, number = NOON + timedelta(seconds=second), second // 2
        said = text if second >= QUIET * 60 and number % 30 < many else USUAL[number % 30]
        logs.append(a_log(timestamp=at.isoformat(), service="web", message=said.format(number), metrics={}))
    return logs


def taken(stream: list[bytes], size: int = 100) -> Engine:
    engine = connect("sqlite:///:memory:")
    metadata.create_all(engine)
    feed = Feed(engine, known(), templates=Templates())
    for begin in range(0, len(stream), size):
        feed.take(*stream[begin : begin + size], now=LATER)
    return engine


def of_texts(engine: Engine) -> list[StoredFinding]:
    found = stored_findings(engine, since=NOON, services=None)
    return [one for one in found if one.finding.measured in (Measured.TEMPLATE, Measured.NEW)]


def titles(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.select(incidents.c.template)))


@pytest.mark.parametrize(
    ("text", "opened"),
    [
        pytest.param("serving a copy of page {}", False, id="new, as of a deploy"),
        pytest.param("reading page {} from store failed, giving up", True, id="new, and of a failure"),
    ],
)
def test_a_new_text_is_listed_and_opens_an_incident_where_it_tells_of_a_failure(text: str, *, opened: bool) -> None:
    engine = taken(minutes(text, 15))
    found = of_texts(engine)
    assert {Measured.NEW} == {one.finding.measured for one in found}
    assert QUIET == min(one.finding.minute for one in found) - int(NOON.timestamp()) // 60
    assert opened == any(one.incident_id is not None for one in found)
    assert opened == any("from store failed" in one and one.endswith("high") for one in titles(engine))
    worded = Templates.of(engine).worded(found[0].finding)
    assert worded.told.startswith(f"new: “{text.format('<*>')}” 50 in 100 logs, normally")


def test_a_text_that_another_member_reads_is_told_of_by_the_one_that_judges() -> None:
    engine = connect("sqlite:///:memory:")
    metadata.create_all(engine)
    fails, usual = minutes("reading page {} from store failed, giving up", 15), minutes(USUAL[0], 15)
    members = [Feed(engine, known(), partition=number, templates=Templates.of(engine)) for number in range(2)]
    for begin in range(0, len(fails), 100):
        # Whoever closes the last partition judges: the one that never read a failure.
        for member, stream in zip(members, (fails, [one.replace(b"web", b"db") for one in usual]), strict=True):
            member.take(*stream[begin : begin + 100], now=LATER)
    assert any("from store failed" in one for one in titles(engine))
    known_by_all = Templates.of(engine)
    told = {known_by_all.worded(one.finding).text for one in of_texts(engine) if one.finding.service == "web"}
    assert {"reading page <*> from store failed, giving up"} == told


def test_a_text_that_takes_over_opens_an_incident_after_four_minutes() -> None:
    engine = taken(minutes("mirror {} was asked again", 20))
    (first, *rest) = sorted(of_texts(engine), key=lambda one: one.finding.minute)
    assert (Measured.TEMPLATE, "high", None) == (first.finding.measured, first.finding.direction, first.incident_id)
    assert first.finding.value == pytest.approx(70)
    assert first.finding.normal == pytest.approx(3.3, abs=0.5)
    assert [False, False, True] == [one.incident_id is not None for one in rest[:3]]
    assert ["“mirror <*> was asked again” high"] == titles(engine)


@pytest.mark.parametrize("size", [37, 1_000])
def test_where_batches_end_changes_no_finding(size: int) -> None:
    stream = minutes("reading page {} from store failed, giving up", 15)
    assert [one.finding for one in of_texts(taken(stream))] == [one.finding for one in of_texts(taken(stream, size))]
