"""Service levels come from what is stored: incidents, pages and the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from adapters.store.closing import acknowledge
from adapters.store.database import Engine
from adapters.store.service_levels import samples
from domain.incidents import Severity
from domain.logs import RawBatch
from domain.pages import PageReason
from domain.service_levels import Sample, Stage
from tests.parts.desk_part import Desk
from tests.parts.judged_part import Feed
from tests.parts.logs_part import NOON, an_error
from tests.parts.mutes_part import a_silence

WEEK = timedelta(days=7)
CRITICAL = {"severity": 4, "reason": PageReason.CRITICAL}


def found(desk: Desk, stage: Stage) -> list[Sample]:
    every = samples(desk.engine, since=desk.now - WEEK, now=desk.now)
    return [sample for sample in every if sample.stage is stage]


@pytest.fixture
def desk(store: Engine) -> Desk:
    return Desk(store)


def test_a_decision_is_measured_from_the_log_that_confirmed_it(desk: Desk) -> None:
    Feed(desk.engine).take(*(an_error(number) for number in range(3)), now=NOON + timedelta(seconds=10))
    (sample,) = found(desk, Stage.DECISION)
    assert (Severity.HIGH, True) == (sample.severity, sample.over)
    assert 0 < sample.seconds <= 10


@dataclass
class Stamped(Feed):
    """A feed whose logs the broker got at one moment."""

    at: datetime = NOON

    def raw(self, values: Iterable[bytes | None]) -> RawBatch:
        """As `Feed.raw`, with the broker's time."""
        made = super().raw(values)
        return replace(made, sent=[round(self.at.timestamp() * 1_000)] * len(made))


@pytest.mark.parametrize(
    ("sent", "decided", "expected"),
    [
        pytest.param(120.0, 123.0, 3.0, id="logs that come late are no delay of ours"),
        pytest.param(3.0, 123.0, 120.0, id="logs that waited for us are"),
        pytest.param(-60.0, 10.0, 70.0, id="the clock of whoever wrote them says nothing"),
        pytest.param(20.0, 10.0, 0.0, id="nor does one that is ahead of ours make it negative"),
    ],
)
def test_a_decision_is_measured_from_when_the_broker_had_the_log(
    desk: Desk, sent: float, decided: float, expected: float
) -> None:
    feed = Stamped(desk.engine, at=NOON + timedelta(seconds=sent))
    feed.take(*(an_error(number) for number in range(3)), now=NOON + timedelta(seconds=decided))
    # What comes later says nothing of what decided.
    feed.at = NOON - timedelta(hours=1)
    feed.take(*(an_error(number) for number in range(3)), now=NOON + timedelta(seconds=decided + 1))
    (sample,) = found(desk, Stage.DECISION)
    assert expected == sample.seconds


def test_a_page_is_measured_to_its_first_delivery_and_an_answer_from_there(desk: Desk) -> None:
    number = desk.incident(**CRITICAL)
    desk.forward(3)
    desk.deliver()
    desk.forward(120)
    acknowledge(desk.engine, number, by="ann", now=desk.now)
    desk.forward(60)
    desk.deliver()
    assert [Sample(Stage.PAGE, Severity.CRITICAL, number, 3.0)] == found(desk, Stage.PAGE)
    assert [Sample(Stage.ACK, Severity.CRITICAL, number, 120.0)] == found(desk, Stage.ACK)


def test_what_nobody_took_goes_on_while_its_incident_is_open(desk: Desk) -> None:
    number = desk.incident(**CRITICAL)
    desk.deliver()
    desk.forward(300)
    assert [Sample(Stage.ACK, Severity.CRITICAL, number, 300.0, over=False)] == found(desk, Stage.ACK)
    desk.close(number)
    assert [] == found(desk, Stage.ACK)


def test_what_people_muted_is_no_delay_of_ours(desk: Desk) -> None:
    desk.mute(a_silence("service=web"), seconds=600)
    desk.incident(service="web")
    desk.deliver()
    desk.forward(700)
    desk.deliver()
    assert ["sent"] == desk.states()
    assert [] == found(desk, Stage.PAGE)


def test_what_is_older_than_the_time_asked_for_is_left_out(desk: Desk) -> None:
    desk.incident(**CRITICAL)
    desk.deliver()
    desk.forward(WEEK.total_seconds() + 1)
    assert [] == samples(desk.engine, since=desk.now - WEEK, now=desk.now)
