"""Alertmanager's webhooks come in, are stored before they are acknowledged, and become one incident a group."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from adapters.store import outside_alerts as outside
from adapters.store.closing import close_by_hand, close_quiet
from adapters.store.database import Engine, connect
from adapters.store.outside_alerts import keep
from adapters.store.tables.paging import pages
from domain.incidents import Severity
from domain.ledger_sentences import sentence
from domain.outside_alerts import OURS, SEVERITIES, OutsideAlert, Status, change
from tasks.outside_alerts import take
from tests.parts.http_part import a_client, a_service, a_webhook, an_alert, noted
from tests.parts.judged_part import rows
from tests.parts.logs_part import NOON

QUIET = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def client(store: Engine, tmp_path: Path) -> TestClient:
    return a_client(a_service(store, tmp_path))


def post(client: TestClient, *alerts: dict[str, Any], **changes: Any) -> Any:
    return client.post("/alertmanager", json=a_webhook(*alerts, **changes))


def incidents(store: Engine) -> list[tuple[object, ...]]:
    found = rows(store, "SELECT * FROM incidents ORDER BY id")
    return [(row["service"], row["template"], row["severity"], row["state"], row["episode"]) for row in found]


def reasons(store: Engine) -> list[object]:
    return [row["reason"] for row in rows(store, "SELECT reason FROM pages ORDER BY id")]


def sent(store: Engine) -> None:
    """Somebody has every page so far."""
    with store.begin() as connection:
        connection.execute(pages.update().where(pages.c.state == "queued").values(state="sent", sent_at=NOON))


ONE = ("web", "HighLatency: p99 is 2 s", Severity.MEDIUM)


def test_a_group_becomes_one_incident_and_one_page(store: Engine, client: TestClient) -> None:
    done = post(client, an_alert(), an_alert("f2", labels={"service": "api"}))
    assert {"stored": 2, "new": 2} == done.json()
    assert 1 == take(store, quiet=QUIET, now=NOON)
    assert [(*ONE, "open", 1)] == incidents(store)
    assert ["uncommon"] == reasons(store)
    assert 0 == take(store, quiet=QUIET, now=NOON)


def test_an_alert_of_our_own_that_comes_back_is_no_incident(store: Engine, client: TestClient) -> None:
    """An Alertmanager may be told by us and tell us: each page would make an incident, and each of these a page."""
    done = post(client, an_alert(labels={"alertname": OURS}), an_alert("f2"))
    assert {"stored": 1, "new": 1} == done.json()
    take(store, quiet=QUIET, now=NOON)
    assert 1 == len(incidents(store))


def test_the_same_webhook_twice_makes_one_incident(store: Engine, client: TestClient) -> None:
    """Fault 4: two alerts two seconds apart made two tickets."""
    for expected in (1, 0):
        assert expected == post(client, an_alert()).json()["new"]
        take(store, quiet=QUIET, now=NOON)
    assert 1 == len(incidents(store))


@pytest.mark.slow
def test_at_the_same_time_too(postgres_url: str, tmp_path: Path) -> None:
    """Fault 4, over several processes: each has connections of its own."""
    engines = [connect(postgres_url) for _ in range(4)]

    def deliver(engine: Engine) -> int:
        alerts = [an_outside_alert(f"f{number}") for number in range(20)]
        keep(engine, alerts, now=NOON)
        return take(engine, quiet=QUIET, now=NOON)

    with ThreadPoolExecutor(4) as threads:
        changed = sum(threads.map(deliver, engines * 5))
    assert 1 == len(incidents(engines[0]))
    assert ["uncommon"] == reasons(engines[0])
    assert 1 <= changed
    for engine in engines:
        engine.dispose()


def an_outside_alert(fingerprint: str, **labels: str) -> OutsideAlert:
    said = {"service": "web", "severity": "warning"} | labels
    return OutsideAlert(fingerprint, "g", Status.FIRING, said, {}, NOON)


def test_worse_pages_again_and_better_does_not(store: Engine, client: TestClient) -> None:
    for severity in ("warning", "error", "warning", "critical"):
        post(client, an_alert(labels={"severity": severity}))
        take(store, quiet=QUIET, now=NOON)
    assert ["uncommon", "worse", "critical"] == reasons(store)
    assert [Severity.CRITICAL] == [row[2] for row in incidents(store)]


def test_it_is_over_when_its_source_says_so_of_all(store: Engine, client: TestClient) -> None:
    post(client, an_alert(), an_alert("f2"))
    take(store, quiet=QUIET, now=NOON)
    sent(store)
    post(client, an_alert(status="resolved"), an_alert("f2"))
    take(store, quiet=QUIET, now=NOON)
    assert ["open"] == [row[3] for row in incidents(store)]
    post(client, an_alert("f2", status="resolved"))
    take(store, quiet=QUIET, now=NOON)
    assert ["resolved"] == [row[3] for row in incidents(store)]
    assert ["uncommon", "resolved"] == reasons(store)
    (fields,) = noted(store, "incident.resolved")
    assert "resolved: its source says that it is over" == sentence("incident.resolved", fields)


def test_what_comes_back_soon_is_a_further_episode(store: Engine, client: TestClient) -> None:
    post(client, an_alert())
    take(store, quiet=QUIET, now=NOON)
    post(client, an_alert(status="resolved"))
    take(store, quiet=QUIET, now=NOON + MINUTE)
    post(client, an_alert(startsAt="2026-01-05T12:03:00Z"))
    take(store, quiet=QUIET, now=NOON + 3 * MINUTE)
    assert [(*ONE, "reopened", 2)] == incidents(store)
    assert ["uncommon", "uncommon"] == reasons(store)


def test_what_comes_back_late_is_another_incident(store: Engine, client: TestClient) -> None:
    post(client, an_alert())
    take(store, quiet=QUIET, now=NOON)
    post(client, an_alert(status="resolved"))
    take(store, quiet=QUIET, now=NOON + MINUTE)
    post(client, an_alert(startsAt="2026-01-05T13:00:00Z"))
    take(store, quiet=QUIET, now=NOON + 60 * MINUTE)
    assert ["resolved", "open"] == [row[3] for row in incidents(store)]


def test_what_a_person_closed_stays_closed_while_its_source_only_repeats_itself(
    store: Engine, client: TestClient
) -> None:
    post(client, an_alert())
    take(store, quiet=QUIET, now=NOON)
    close_by_hand(store, 1, by="ann", now=NOON + MINUTE)
    post(client, an_alert())
    assert 0 == take(store, quiet=QUIET, now=NOON + 2 * MINUTE)
    assert ["resolved"] == [row[3] for row in incidents(store)]


def test_silence_of_logs_does_not_close_it(store: Engine, client: TestClient) -> None:
    post(client, an_alert())
    take(store, quiet=QUIET, now=NOON)
    with store.begin() as connection:
        connection.exec_driver_sql("DELETE FROM steps")
    assert [] == close_quiet(store, quiet=QUIET, now=NOON + timedelta(hours=3))


@pytest.mark.parametrize(
    ("hours", "expected"),
    [pytest.param(23, "open", id="not after 23 h"), pytest.param(25, "resolved", id="after 24 h")],
)
def test_silence_of_its_source_does(store: Engine, client: TestClient, hours: int, expected: str) -> None:
    post(client, an_alert())
    take(store, quiet=QUIET, now=NOON)
    take(store, quiet=QUIET, now=NOON + timedelta(hours=hours))
    assert [expected] == [row[3] for row in incidents(store)]
    told = [sentence("incident.resolved", fields) for fields in noted(store, "incident.resolved")]
    assert told == (["resolved: its source said nothing for 24 h"] if expected == "resolved" else [])


@pytest.mark.slow
def test_an_alert_that_comes_in_while_its_group_is_looked_at_is_looked_at_next(
    postgres: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was marked as taken with the rest: nobody was paged, however bad it was."""
    worse = OutsideAlert("f2", "g", Status.FIRING, {"service": "web", "severity": "critical"}, {}, NOON)

    def late(*given: Any, **named: Any) -> outside.Change:
        keep(postgres, [worse], now=NOON)
        return change(*given, **named)

    keep(postgres, [OutsideAlert("f1", "g", Status.FIRING, {"service": "web", "severity": "info"}, {}, NOON)], now=NOON)
    with monkeypatch.context() as patch:
        patch.setattr(outside, "change", late)
        take(postgres, quiet=QUIET, now=NOON)
    take(postgres, quiet=QUIET, now=NOON + MINUTE)
    assert [Severity.CRITICAL] == [row[2] for row in incidents(postgres)]


@pytest.mark.slow
def test_a_group_that_had_ever_new_alerts_is_not_read_again_from_its_beginning(postgres: Engine) -> None:
    with postgres.begin() as connection:
        fill = """INSERT INTO outside_alerts (fingerprint, group_key, status, labels, annotations, starts_at, url,
            received_at, taken_at) SELECT 'old' || n, 'g' || n % 2, 'resolved', '{}', '{}', :then, '', :then, :then
            FROM generate_series(1, 20000) n"""
        connection.execute(sa.text(fill), {"then": NOON - timedelta(days=9)})
    keep(postgres, [OutsideAlert("f", "g1", Status.FIRING, {"service": "web"}, {}, NOON)], now=NOON)
    assert 1 == take(postgres, quiet=QUIET, now=NOON)
    (found,) = rows(postgres, "SELECT count(*) AS count FROM outside_alerts WHERE taken_at = :now", now=NOON)
    assert 1 == found["count"]
    with postgres.begin() as connection:
        connection.execute(sa.text("ANALYZE outside_alerts"))
        query = outside.with_news(NOON).compile(postgres, compile_kwargs={"literal_binds": True})
        plan = "\n".join(connection.scalars(sa.text(f"EXPLAIN {query}")))
    assert "Seq Scan" not in plan


def test_identity_is_the_fingerprint_and_never_the_place(store: Engine, client: TestClient) -> None:
    post(client, an_alert("f1"), an_alert("f2", labels={"service": "api"}))
    post(client, an_alert("f2", status="resolved", labels={"service": "api"}), an_alert("f1"))
    found = rows(store, "SELECT fingerprint, status, ends_at FROM outside_alerts ORDER BY fingerprint")
    assert [("f1", "firing"), ("f2", "resolved")] == [(row["fingerprint"], row["status"]) for row in found]
    assert found[0]["ends_at"] is None


def test_what_fires_in_two_groups_is_in_the_first(store: Engine, client: TestClient) -> None:
    """Two routes of one Alertmanager may send the same alert."""
    post(client, an_alert(), group="a")
    post(client, an_alert(), group="b")
    take(store, quiet=QUIET, now=NOON)
    assert 1 == len(incidents(store))


def test_what_comes_back_in_another_group_leaves_no_incident_that_nobody_ends(
    store: Engine, client: TestClient
) -> None:
    """Its former group did not hear that it was over, as `on-call` was not there in between."""
    post(client, an_alert(), group="a")
    take(store, quiet=QUIET, now=NOON)
    post(client, an_alert(status="resolved"), group="a")
    post(client, an_alert(), group="b")
    take(store, quiet=QUIET, now=NOON + MINUTE)
    post(client, an_alert(status="resolved"), group="b")
    take(store, quiet=QUIET, now=NOON + MINUTE)
    assert [(*ONE, "resolved", 1)] == incidents(store)


def test_what_comes_back_in_another_group_after_it_was_over_is_another_incident(
    store: Engine, client: TestClient
) -> None:
    post(client, an_alert(), group="a")
    take(store, quiet=QUIET, now=NOON)
    post(client, an_alert(status="resolved"), group="a")
    take(store, quiet=QUIET, now=NOON + MINUTE)
    post(client, an_alert(), group="b")
    take(store, quiet=QUIET, now=NOON + MINUTE)
    assert [(*ONE, "resolved", 1), (*ONE, "open", 1)] == incidents(store)


def test_two_groups_are_two_incidents(store: Engine, client: TestClient) -> None:
    post(client, an_alert("f1"), group="a")
    post(client, an_alert("f2"), group="b")
    assert 2 == take(store, quiet=QUIET, now=NOON)


def test_keys_that_we_do_not_know_are_left_alone(store: Engine, client: TestClient) -> None:
    done = post(client, an_alert(routeLabels={"a": "b"}), routeLabels={"team": "x"}, unheard_of=[1])
    assert 200 == done.status_code


@pytest.mark.parametrize(
    ("document", "why"),
    [
        pytest.param([], "not a JSON object", id="a list"),
        pytest.param(a_webhook(version="3"), "version is '3'", id="an older version"),
        pytest.param(a_webhook(alerts=None), "alerts is no list", id="without alerts"),
        pytest.param(a_webhook(groupKey=""), "groupKey is missing", id="without a group"),
        pytest.param(a_webhook(an_alert(""), an_alert()), "alerts[0]: fingerprint is missing", id="no identity"),
        pytest.param(a_webhook(an_alert(status="odd")), "alerts[0].status is 'odd'", id="an unknown status"),
        pytest.param(a_webhook(an_alert(startsAt="soon")), "alerts[0].startsAt is 'soon'", id="a time that is none"),
        pytest.param(a_webhook(an_alert(annotations={"a": 1})), "annotations is no object of texts", id="no text"),
    ],
)
def test_what_is_not_version_4_is_told_where_and_why(client: TestClient, document: object, why: str) -> None:
    done = client.post("/alertmanager", json=document)
    assert 400 == done.status_code
    assert why in done.json()["error"]


def test_all_or_nothing_is_stored(store: Engine, client: TestClient) -> None:
    post(client, an_alert("f1"), an_alert("f2", status="odd"))
    assert [] == rows(store, "SELECT fingerprint FROM outside_alerts")


def test_while_the_store_is_away_it_is_asked_to_come_again(tmp_path: Path) -> None:
    gone = connect(f"sqlite:///{tmp_path / 'nothing' / 'there.db'}")
    done = post(a_client(a_service(gone, tmp_path)), an_alert())
    assert 503 == done.status_code
    assert "5" == done.headers["retry-after"]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param({"service": "a", "job": "b"}, "a", id="its service"),
        pytest.param({"job": "b", "app": "c"}, "b", id="else its job"),
        pytest.param({"namespace": "d", "instance": "e"}, "d", id="else its namespace"),
        pytest.param({"alertname": "Down"}, "Down", id="else its name"),
        pytest.param({}, "Alertmanager", id="else who sent it"),
    ],
)
def test_whose_an_alert_is(labels: dict[str, str], expected: str) -> None:
    assert expected == OutsideAlert("f", "g", Status.FIRING, labels, {}, NOON).service


@pytest.mark.parametrize(("name", "expected"), [*SEVERITIES.items(), ("", Severity.HIGH), ("P1", Severity.HIGH)])
def test_how_bad_it_is(name: str, expected: Severity) -> None:
    assert expected is an_outside_alert("f", severity=name.upper()).severity
