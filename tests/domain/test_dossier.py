"""The dossier tells what moved beyond chance, quotes by name, and masks whatever a log or a person wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.changes import Change, ChangeKind
from domain.dossier import Dossier, Looked, compose, shown_logs
from domain.exhibits import LogExhibit, MetricExhibit
from domain.logs import Level
from domain.movements import Movement, MovementKind
from domain.quoted import mask_quoted
from domain.suspects import Suspect
from domain.telemetry import LogId, Telemetry
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON, SECOND
from tests.parts.telemetry_part import a_telemetry

HERE = LogId(1, 0, 7)
TEXT = "could not check out a connection: 10 of 10 in use, password=hunter2"
QUOTED = LogExhibit(HERE, NOON + SECOND, "db", Level.ERROR, mask_quoted(TEXT))


def moved(kind: MovementKind, what: str, size: float, second: float = 0, example: LogId | None = None) -> Movement:
    return Movement("db", kind, what, 1.0, 9.0, size, NOON + second * SECOND, example)


NEW = moved(MovementKind.TEXT_NEW, TEXT, 4.0, 1, HERE)
ROSE = moved(MovementKind.METRIC_ROSE, "pool_in_use", 3.0)
LESS = moved(MovementKind.TEXT_LESS, "row read", 2.0)
CHANCE = moved(MovementKind.TEXT_MORE, "row written", 0.5)
TELEMETRY = a_telemetry({("db", "pool_in_use"): (2.0, 10.0)})


def a_dossier(*found: Suspect, telemetry: Telemetry = TELEMETRY, looked: Looked | None = None) -> Dossier:
    incident = an_incident(service="db", template=TEXT)
    return compose(incident, telemetry, found, looked or Looked({HERE: QUOTED}), mask_quoted)


def test_what_moved_is_told_the_strongest_first_and_chance_is_left_out() -> None:
    (lead,) = a_dossier(Suspect("db", 7.0, (NEW, ROSE, LESS, CHANCE))).suspects
    assert 3 == len(lead.facts)
    assert "could not check out" in lead.facts[0].text
    assert "row written" not in str(lead)


def test_what_is_told_cites_logs_and_windows_of_metrics_by_name() -> None:
    dossier = a_dossier(Suspect("db", 7.0, (NEW, ROSE)))
    text, metric = dossier.suspects[0].facts
    assert QUOTED == dossier.exhibits[text.cites[0]]
    shown = dossier.exhibits[metric.cites[0]]
    assert isinstance(shown, MetricExhibit)
    assert (10.0, 2.0) == (pytest.approx(shown.value, rel=0.05), pytest.approx(shown.before, rel=0.05))


def test_what_began_is_told_in_order_of_time_and_what_only_became_rarer_has_none() -> None:
    early = replace(ROSE, at=NOON - 30 * SECOND)
    dossier = a_dossier(Suspect("db", 7.0, (NEW, early, LESS)))
    assert [early.at, NEW.at] == [fact.at for fact in dossier.first]


def test_a_service_of_which_nothing_is_worth_telling_is_no_suspect() -> None:
    dossier = a_dossier(Suspect("db", 7.0, (NEW,)), Suspect("web", 0.4, (replace(CHANCE, service="web"),)))
    assert ["db"] == [one.service for one in dossier.suspects]


def test_secrets_are_masked_wherever_they_stand() -> None:
    change = Change(NOON - timedelta(minutes=5), "db", ChangeKind.CONFIG, "password=hunter2", by="ann@example.com")
    dossier = a_dossier(Suspect("db", 7.0, (NEW,)), looked=Looked({HERE: QUOTED}, changes=[change]))
    assert "hunter2" not in str(dossier)
    assert "ann@example.com" not in str(dossier)
    assert "config password=***" in dossier.changes[0].text


@pytest.mark.parametrize(
    ("minutes", "told"), [(5, True), (119, True), (121, False), (-5, False)], ids=["just", "long", "too-long", "after"]
)
def test_changes_of_the_two_hours_before_are_told(minutes: float, told: bool) -> None:  # noqa: FBT001
    change = Change(NOON - timedelta(minutes=minutes), "db", ChangeKind.DEPLOY, "v2")
    assert told is bool(a_dossier(looked=Looked({}, changes=[change])).changes)


def test_who_leads_clearly_is_sure_and_who_does_not_is_not() -> None:
    clear = a_dossier(Suspect("db", 9.0, (NEW,)), Suspect("web", 2.0, (replace(LESS, service="web"),)))
    even = a_dossier(Suspect("db", 3.0, (NEW,)), Suspect("web", 2.9, (replace(LESS, service="web"),)))
    assert clear.is_clear
    assert clear.confidence > even.confidence


def test_where_nothing_moved_nobody_leads() -> None:
    dossier = a_dossier()
    assert (dossier.lead, dossier.suspects, dossier.first, dossier.confidence) == (None, (), (), 0.0)
    assert not dossier.is_clear


def test_the_logs_that_are_quoted_are_asked_for_once() -> None:
    found = [Suspect("db", 7.0, (NEW, ROSE)), Suspect("web", 6.0, (replace(NEW, service="web"),))]
    assert [HERE] == shown_logs(found)
