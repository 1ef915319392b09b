"""Analyses as rows: when each is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapters.store import analyses
from adapters.store.database import Engine, transaction
from domain.incidents import Kind
from tests.parts.incidents_part import an_incident
from tests.parts.judged_part import NOW, rows

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [
        pytest.param(Kind.LOG, 15, id="texts-say-most-at-once"),
        pytest.param(Kind.STORM, 15, id="so-do-those-of-a-storm"),
        pytest.param(Kind.METRIC, 75, id="a-metric-comes-once-a-minute"),
        pytest.param(Kind.ALERT, 75, id="whoever-rings-looks-at-metrics"),
    ],
)
def test_an_analysis_waits_for_what_shows_most(store: Engine, kind: Kind, seconds: int) -> None:
    incident = an_incident(id=1, kind=kind)
    with transaction(store) as connection:
        assert analyses.queue(connection, incident, now=NOW)
        assert not analyses.queue(connection, incident, now=NOW)
    (row,) = rows(store, "SELECT due_at FROM analyses")
    due_at = row["due_at"]
    due_at = due_at if isinstance(due_at, datetime) else datetime.fromisoformat(due_at).replace(tzinfo=UTC)
    assert NOW + seconds * SECOND == due_at


@pytest.mark.parametrize("kind", [Kind.OWN, Kind.FLEET])
def test_what_is_about_no_service_is_not_looked_into(store: Engine, kind: Kind) -> None:
    with transaction(store) as connection:
        assert not analyses.queue(connection, an_incident(id=1, kind=kind), now=NOW)
