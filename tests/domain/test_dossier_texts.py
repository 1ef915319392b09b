"""The dossier of an incident: facts that are masked as whole logs are, of a bounded size."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.redaction import redaction
from domain.dossier import LONGEST_FACT, MOST_CALLS, Dossier, Looked, compose
from domain.exhibits import LONGEST_NAME, LogExhibit, MetricExhibit
from domain.logs import Level
from domain.movements import Movement, MovementKind
from domain.suspects import Suspect
from domain.telemetry import LogId, Series, Span, Telemetry
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON, SECOND

LOG = LogId(1, 0, 7)
MASK = redaction()
QUIET, SINCE = Span(NOON - timedelta(minutes=15), NOON), Span(NOON, NOON + timedelta(minutes=5))
SEEN = Telemetry(NOON, QUIET, SINCE)
# A key that is known by its look, of which a template holds the beginning.
KEY = "ghp_" + "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGhIj"


def told(movement: Movement, text: str = "", seen: Telemetry = SEEN) -> Dossier:
    texts = {LOG: LogExhibit(LOG, NOON, "web", Level.ERROR, MASK(text))} if text else {}
    return compose(an_incident(), seen, [Suspect("web", 3.0, (movement,))], Looked(texts), MASK)


def new_text(template: str) -> Movement:
    return Movement("web", MovementKind.TEXT_NEW, template, 0.0, 3.0, 2.0, NOON, LOG)


def test_a_secret_of_which_a_template_holds_half_is_not_told() -> None:
    message = f"{'very ' * 26}often refused {KEY}"
    found = told(new_text(message[:155]), message)
    assert "AbCd" not in str(found)
    assert "very often refused ***" in found.first[0].text


def test_what_no_log_shows_is_masked_before_it_is_cut() -> None:
    assert "hunter" not in str(told(new_text(f"{'long ' * 30}password=hunterandfisher")))


def test_a_long_text_becomes_a_short_fact() -> None:
    found = told(Movement("web", MovementKind.METRIC_ROSE, "m" * 100_000, 1.0, 2.0, 1.0, NOON))
    assert len(found.first[0].text) <= LONGEST_FACT


def test_names_of_metrics_are_masked_and_short() -> None:
    name = "latency of ann@example.com " + "x" * 1_000
    times = tuple(NOON + timedelta(minutes=minute) for minute in range(-3, 3))
    seen = replace(SEEN, series=(Series("web", name, times, (1.0, 1.0, 1.0, 9.0, 9.0, 9.0)),))
    found = told(Movement("web", MovementKind.METRIC_ROSE, name, 1.0, 9.0, 1.0, NOON), seen=seen)
    (shown,) = found.exhibits.values()
    assert isinstance(shown, MetricExhibit)
    assert shown.metric.startswith("latency of ***")
    assert len(shown.metric) <= LONGEST_NAME
    assert "ann@" not in str(found)


@pytest.mark.parametrize("service", ["web", "db"])
def test_calls_are_those_of_the_services_that_it_is_about(service: str) -> None:
    others = frozenset((f"a{n}", f"b{n}") for n in range(2_000))
    seen = replace(SEEN, calls=others | {("web", "db")} | {("web", f"c{n}") for n in range(100)})
    moved = replace(new_text("it broke"), service=service, at=NOON + SECOND)
    found = compose(an_incident(service="web"), seen, [Suspect(service, 3.0, (moved,))], Looked({}), MASK)
    assert len(found.calls) == MOST_CALLS
    assert {caller for caller, _ in found.calls} == {"web"}
