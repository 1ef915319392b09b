"""The list and the page of an incident: everything is said, nothing of it needs a script, and no text is markup."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from adapters.store.closing import acknowledge_in, close_by_hand
from adapters.store.database import Engine, transaction
from adapters.store.incident_rows import insert_incidents
from console.http.web.render import POLICY
from domain.incidents import State
from tests.parts.console_part import HOSTILE, a_browser, a_desk, a_finding, filled, put_findings, put_minutes
from tests.parts.desk_part import Desk
from tests.parts.http_part import put
from tests.parts.incidents_part import an_incident
from tests.parts.judged_part import NOW
from tests.parts.roster_part import FixedRoster


@pytest.fixture
def client(engine: Engine, tmp_path: Path) -> TestClient:
    return a_browser(a_desk(engine, tmp_path))


def many(engine: Engine, states: list[State]) -> None:
    """Incidents 1, 2, 3 … in these states."""
    made = [
        an_incident(id=at + 1, service=f"s{at % 3}", template=f"fault {at}", playbook="", state=state, resolved_at=NOW)
        for at, state in enumerate(states)
    ]
    with transaction(engine) as connection:
        insert_incidents(connection, made, now=NOW)


def numbers(text: str) -> list[int]:
    return [int(one) for one in re.findall(r'href="/incidents/(\d+)"', text)]


def test_what_is_open_comes_first_and_every_page_goes_on_where_the_last_one_ended(
    engine: Engine, client: TestClient
) -> None:
    many(engine, [State.ESCALATED if at % 2 else State.RESOLVED for at in range(130)])
    found, path = [], "/incidents"
    while path:
        text = client.get(path).text
        found += numbers(text)
        more = re.search(r'rel="next" href="([^"]+)"', text)
        path = html.unescape(more[1]) if more else ""
    assert [*range(130, 0, -2), *range(129, 0, -2)] == found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("state=all-open", [4, 2, 1], id="all that is not over"),
        pytest.param("state=open", [1], id="the state of that name alone"),
        pytest.param("state=closed", [3], id="what is over"),
        pytest.param("state=escalated", [2], id="one state"),
        pytest.param("service=s0", [4, 1], id="one service"),
        pytest.param("service=nobody", [], id="a service that has none"),
        pytest.param("state=all-open&service=s1", [2], id="both"),
    ],
)
def test_a_list_of_what_was_asked_for(engine: Engine, client: TestClient, query: str, expected: list[int]) -> None:
    many(engine, [State.OPEN, State.ESCALATED, State.RESOLVED, State.ACTING])
    assert expected == numbers(client.get(f"/incidents?{query}").text)


def test_no_two_states_to_pick_are_called_alike(engine: Engine, client: TestClient) -> None:
    """Two were called `open`, and both meant all that is not over."""
    many(engine, [State.OPEN, State.ESCALATED])
    text = client.get("/incidents?state=open").text
    options = re.findall(r'<option value="([^"]*)"( selected)?>([^<]+)', text)
    assert len(options) == len({value for value, _, _ in options}) == len({label for _, _, label in options})
    assert [("open", "open")] == [(value, label) for value, chosen, label in options if chosen]
    asked = client.get("/incidents?state=open", headers={"Accept": "application/json"}).json()
    assert [1] == [one["incident"] for one in asked["incidents"]]


@pytest.mark.parametrize("query", ["before=x", "before=open-", "before=open-1e9", "state=nonsense", "before=-1"])
def test_what_cannot_be_asked_is_said_on_a_page(client: TestClient, query: str) -> None:
    shown = client.get(f"/incidents?{query}")
    assert 400 == shown.status_code
    assert "<h1>" in shown.text


def test_the_page_says_everything_that_the_command_says(engine: Engine, client: TestClient) -> None:
    number = filled(engine)
    text = html.unescape(client.get(f"/incidents/{number}").text)
    for part in (
        *("the pool failed", "What it is made of", "Who was told", "What people found out", "Analysis"),
        *("Everything that was decided", "opened by", "page queued", "acknowledged by ann", "Next"),
        *('<a href="/services/web">its service</a>', "for 7 days"),
        *("web: latency_ms", "normally 20 ms ± 3 ms", "5 minutes not as usual", "errors in 100 logs"),
    ):
        assert part in text, part


def test_each_plot_is_told_in_words_and_in_numbers_too(engine: Engine, client: TestClient) -> None:
    number = filled(engine)
    text = client.get(f"/incidents/{number}").text
    plots = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(plots) >= 2
    assert all("<title" in one and "<desc" in one and 'role="img"' in one for one in plots)
    assert len(plots) == text.count("<summary>In numbers</summary>")
    assert 5 == plots[0].count('class="mark"')
    assert "250 ms (not as usual)" in text


def test_no_text_of_a_log_a_person_or_a_service_is_markup(engine: Engine, client: TestClient) -> None:
    number = filled(engine, HOSTILE)
    put_minutes(engine, HOSTILE)
    put_findings(engine, number, [a_finding(service=HOSTILE, name=HOSTILE)])
    with transaction(engine) as connection:
        insert_incidents(connection, [an_incident(id=99, service=HOSTILE, template=HOSTILE, playbook="")], now=NOW)
    for path in ("/incidents", f"/incidents/{number}", "/incidents/99", f"/incidents?service={HOSTILE}"):
        text = client.get(path).text
        assert "&lt;script&gt;alert(1)" in text, path
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "49" not in re.findall(r"\}(\d\d)<", text)


def test_secrets_of_logs_are_masked(engine: Engine, client: TestClient) -> None:
    number = filled(engine, "the login of s3cret failed")
    for path in ("/incidents", f"/incidents/{number}"):
        assert "s3cret" not in client.get(path).text
    for path in ("/incidents", f"/incidents/{number}"):
        answer = client.get(path, headers={"Accept": "application/json"})
        assert "s3cret" not in answer.text
        assert answer.json()


def test_nothing_comes_from_elsewhere_and_no_script_stands_in_a_page(engine: Engine, client: TestClient) -> None:
    number = filled(engine)
    for path in ("/incidents", f"/incidents/{number}"):
        shown = client.get(path)
        assert POLICY == shown.headers["content-security-policy"]
        assert "no-store" == shown.headers["cache-control"]
        assert "DENY" == shown.headers["x-frame-options"]
        assert "nosniff" == shown.headers["x-content-type-options"]
        assert [] == re.findall(r"(?:src|href|action)=\"(?:https?:)?//", shown.text)
        assert [] == re.findall(r"<script(?![^>]*src=)|<style| style=| on[a-z]+=", shown.text)


def test_an_unknown_incident_is_a_page_that_says_so(client: TestClient) -> None:
    shown = client.get("/incidents/7")
    assert 404 == shown.status_code
    assert "there is no such incident" in shown.text


def test_an_incident_of_which_nothing_else_is_known(engine: Engine, client: TestClient) -> None:
    put(engine, an_incident(evidence=[]))
    text = client.get("/incidents/1").text
    assert "No minute of that time is kept" in text
    assert "No log of that time is kept" in text


@pytest.mark.parametrize(
    "name", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "/etc/passwd", "console.css/../x", "nothing.css", ""]
)
def test_no_other_file_is_sent(client: TestClient, name: str) -> None:
    assert 404 == client.get(f"/static/{name}").status_code


def test_our_files_are_kept_by_browsers_until_they_change(client: TestClient) -> None:
    text = client.get("/incidents").text
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', text):
        sent = client.get(path)
        assert 200 == sent.status_code
        assert "immutable" in sent.headers["cache-control"]
        assert "nosniff" == sent.headers["x-content-type-options"]


@pytest.mark.parametrize(
    "path",
    [
        "/incidents/99999999999999999999999",
        "/incidents/-1",
        "/incidents/x",
        "/incidents?before=open-999999999999999999999999",
        "/incidents?service=%00",
        "/incidents?state=%00",
        "/services/%00",
        "/services/%ff%fe",
        "/logs?incident=99999999999999999999999",
        "/logs?q=%00&service=%00",
        "/templates?service=%00&since=99999999999d",
        "/logs?since=99999999999d",
    ],
)
def test_no_address_makes_the_service_fail(store: Engine, tmp_path: Path, path: str) -> None:
    shown = a_browser(a_desk(store, tmp_path)).get(path)
    assert shown.status_code in (200, 400, 404)
    assert "<h1>" in shown.text


def test_a_page_of_what_is_over_says_that_nothing_is_due(engine: Engine, client: TestClient) -> None:
    number = filled(engine)
    close_by_hand(engine, number, by="ann", now=NOW)
    text = html.unescape(client.get(f"/incidents/{number}").text)
    assert "nobody: the incident is over; ann had it" in text
    assert "is reminded" not in text


def test_a_page_says_who_snoozed_it_and_until_when(engine: Engine, client: TestClient) -> None:
    desk = Desk(engine, now=NOW, rosters=FixedRoster())
    number = desk.incident()
    desk.deliver()
    with transaction(engine) as connection:
        acknowledge_in(connection, number, by="ann", now=NOW, until=NOW + timedelta(hours=2))
    until = f"{NOW + timedelta(hours=2):%Y-%m-%d %H:%M}"
    assert f"nobody: ann snoozed it until {until} UTC" in html.unescape(client.get(f"/incidents/{number}").text)
    listed = html.unescape(client.get("/incidents").text)
    assert "snoozed until" in listed
    assert ", acknowledged" not in listed
