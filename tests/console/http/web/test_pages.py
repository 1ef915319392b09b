"""Services, on-call, logs, templates, models and settings: each is a page, of text alone, with the commands' words."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from adapters.store import mutes, overrides, switches
from adapters.store.batches import BatchStore
from adapters.store.database import Engine, transaction
from adapters.store.incident_rows import insert_incidents
from adapters.store.noise_reports import keep_report
from console.http.desk import Desk
from domain.http_settings import HttpSettings
from domain.muting import MuteKind
from domain.noise_report import Section
from domain.people import Role
from domain.roster import Override
from domain.settings import PagingSettings, Settings
from tests.parts.console_part import (
    HOSTILE,
    PASSWORD,
    a_browser,
    a_desk,
    a_finding,
    add_user,
    csrf_of,
    filled,
    put_findings,
    put_minutes,
)
from tests.parts.http_part import noted
from tests.parts.incidents_part import an_incident
from tests.parts.judged_part import NOW, Feed, rows
from tests.parts.logs_part import a_log, an_error
from tests.parts.pages_part import ROSTER

PATHS = (
    "/services",
    "/services/web",
    "/on-call",
    "/logs",
    "/templates",
    "/models",
    "/reports",
    "/settings",
    "/incidents",
)


@pytest.fixture
def client(engine: Engine, tmp_path: Path) -> TestClient:
    return a_browser(a_desk(engine, tmp_path))


def text_of(client: TestClient, path: str) -> str:
    shown = client.get(path)
    assert 200 == shown.status_code, (path, shown.text[-2000:])
    return html.unescape(shown.text)


@pytest.mark.parametrize("path", PATHS)
def test_every_page_of_an_empty_store_says_so(client: TestClient, path: str) -> None:
    text = text_of(client, path)
    assert "<h1>" in text
    assert [] == re.findall(r"<script(?![^>]*src=)|<style| style=", text)


@pytest.mark.parametrize("path", PATHS)
def test_each_page_is_in_the_menu_of_every_other(client: TestClient, path: str) -> None:
    links = re.findall(r'<a href="(/[^"]+)"', client.get(path).text)
    assert {"/incidents", "/services", "/on-call", "/logs", "/templates", "/models", "/settings"} <= set(links)


def test_services_are_those_that_logged_and_those_in_trouble(engine: Engine, client: TestClient) -> None:
    put_minutes(engine, "web")
    with transaction(engine) as connection:
        insert_incidents(connection, [an_incident(id=3, service="db")], now=NOW)
    text = text_of(client, "/services")
    assert ["db", "web"] == re.findall(r'href="/services/(\w+)"', text)
    assert "none seen" in text
    assert re.search(r"1[0-9](\.\d)? %", text)  # the last five minutes of those that are counted are bad


@pytest.mark.parametrize("name", ["..", ".", "../x", "a/../b", "a b&c=d", "?name=x", "http://x"])
def test_a_link_to_a_service_leads_there_whatever_it_is_called(engine: Engine, client: TestClient, name: str) -> None:
    """Browsers take a segment of dots for a way up, so the link to `..` opened the incidents."""
    with transaction(engine) as connection:
        insert_incidents(connection, [an_incident(id=3, service=name)], now=NOW)
    for page in ("/services", "/incidents/3"):
        (link,) = re.findall(r'href="(/services[/?][^"]+)"', client.get(page).text)
        path = urljoin("http://sre.test/services", html.unescape(link))
        assert f"<h1>{name}</h1>" in text_of(client, path.removeprefix("http://sre.test")), path


def test_a_service_shows_its_last_hour_and_what_was_found(engine: Engine, client: TestClient) -> None:
    filled(engine)
    text = text_of(client, "/services/web")
    for part in ("web: logs a minute", "web: errors in 100 logs", "web: latency_ms", "Not as usual", "250 ms"):
        assert part in text, part
    assert text_of(client, "/services/a/b%20c")


def test_of_a_long_text_a_page_shows_the_beginning_and_says_how_much_is_left_out(
    engine: Engine, client: TestClient
) -> None:
    """Six such messages made a page of 722 KB, and the heading filled the screen of a phone."""
    BatchStore(engine).prepare(NOW)
    number = Feed(engine).incident(message="the pool failed " * 2_000)
    put_long(engine)
    for path in ("/incidents", f"/incidents/{number}", f"/logs?incident={number}", "/logs?since=3h"):
        text = text_of(client, path)
        assert 60_000 > len(text), path
        assert "…" in text, path
        assert "the pool failed " * 200 not in text, path
    assert re.search(r"… \([\d,]+ more characters\)", text_of(client, f"/incidents/{number}"))
    assert "sre logs --json" in text_of(client, f"/logs?incident={number}")
    (heading,) = re.findall("<h1>(.*?)</h1>", text_of(client, "/incidents/9"))
    assert 300 > len(heading)


def put_long(store: Engine) -> None:
    """Incident 9, of which nothing but a long text is known."""
    with transaction(store) as connection:
        long = an_incident(id=9, template="it broke " * 11_000, playbook="")
        insert_incidents(connection, [long], now=NOW)


@pytest.mark.parametrize(("text", "seen"), [("s3cret", False), ("with s", False), ("failed with", True)])
def test_a_search_looks_at_what_the_page_shows_and_at_no_secret(
    engine: Engine,
    client: TestClient,
    text: str,
    seen: bool,  # noqa: FBT001 - a column of the table
) -> None:
    filled(engine, "the pool failed with s3cret")
    found = client.get("/logs", params={"q": text, "since": "2026-01-01"}).text
    assert seen == ("the pool failed with ***" in found)


@pytest.mark.parametrize("path", ["/logs", "/templates", "/incidents"])
def test_a_secret_in_the_name_of_a_service_cannot_be_tried(engine: Engine, client: TestClient, path: str) -> None:
    hidden = "pool-s3cret"
    Feed(engine).take(*(a_log(service=hidden), *(an_error(number, service=hidden) for number in range(3))))
    put_minutes(engine, hidden)

    def found(name: str) -> str:
        text = client.get(path, params={"service": name, "since": "2026-01-01"}).text
        return re.search(r"<main.*?</main>", text, re.DOTALL)[0].replace(f'value="{name}"', "")  # type: ignore[index]

    right, shown = found(hidden), found("pool-***")
    assert right == shown
    assert right != found("pool-another")
    assert hidden not in right


def test_no_page_takes_a_name_or_a_message_for_markup(engine: Engine, client: TestClient) -> None:
    number = filled(engine, HOSTILE)
    put_minutes(engine, HOSTILE)
    put_findings(engine, number, [a_finding(service=HOSTILE, name=HOSTILE)])
    for path in (
        "/services",
        f"/services/{HOSTILE}",
        "/logs?since=2026-01-05T11:00",
        f"/logs?q={HOSTILE}&service={HOSTILE}",
    ):
        text = client.get(path).text
        assert "&lt;script&gt;" in text, path
        assert "<script>alert" not in text
        assert "<img" not in text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("since=2026-01-05T11:00", 3, id="all of that time"),
        pytest.param("since=2026-01-05T11:00&q=POOL", 3, id="a text, large and small alike"),
        pytest.param("since=2026-01-05T11:00&q=nothing", 0, id="a text that is not there"),
        pytest.param("since=2026-01-05T11:00&service=db", 0, id="another service"),
        pytest.param("since=2026-01-05T11:00&level=critical", 0, id="a level above"),
        pytest.param("since=10s", 0, id="a later time"),
        pytest.param("incident=1", 3, id="of an incident"),
    ],
)
def test_logs_are_found(engine: Engine, client: TestClient, query: str, expected: int) -> None:
    filled(engine)
    assert expected == text_of(client, f"/logs?{query}").count("the pool failed")


@pytest.mark.parametrize("query", ["since=yesterday", "level=loud", "until=x", "incident=x"])
def test_what_cannot_be_searched_is_said_on_a_page(client: TestClient, query: str) -> None:
    shown = client.get(f"/logs?{query}")
    assert 400 == shown.status_code
    assert "<h1>" in shown.text


def test_templates_are_told_with_their_text(engine: Engine, client: TestClient) -> None:
    put_minutes(engine)
    text = text_of(client, "/templates?since=2h")
    assert "(not remembered any more)" in text
    assert "no such template" in text_of(client, "/templates?since=2h&new=true")
    assert "no such template" in text_of(client, "/templates?since=2h&service=db")


def test_the_registry_may_be_away(client: TestClient) -> None:
    assert "the versions are not known" in text_of(client, "/models")


def test_settings_show_no_secret_and_where_each_came_from(engine: Engine, tmp_path: Path) -> None:
    tree = Settings(http=HttpSettings(token=SecretStr("t0p-secret")))
    desk = Desk(tree, {"http.token": "environment"}, tmp_path)
    text = text_of(a_browser(a_desk(engine, tmp_path, desk=desk)), "/settings")
    assert "http.token" in text
    assert "environment" in text
    assert "t0p-secret" not in text


def test_settings_are_not_for_viewers(engine: Engine, client: TestClient) -> None:
    add_user(engine, role=Role.VIEWER)
    client.post("/login", data={"name": "ann", "password": PASSWORD})
    assert 200 == client.get("/services").status_code
    assert 403 == client.get("/settings").status_code


# --- on call ------------------------------------------------------------------------------------


def with_roster(engine: Engine, home: Path, text: str = ROSTER) -> TestClient:
    file = home / "on_call.yaml"
    file.write_text(text)
    desk = Desk(Settings(paging=PagingSettings(on_call=str(file))), {}, home)
    return a_browser(a_desk(engine, home, desk=desk))


def test_who_is_on_call_is_shown_without_the_credentials_of_paging(engine: Engine, tmp_path: Path) -> None:
    text = text_of(with_roster(engine, tmp_path), "/on-call")
    assert "primary" in text
    assert "ann: email ann@example.com" in text
    assert "Mon 2026-01-12 00:00 UTC" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("users: [", "on_call.yaml:", id="no YAML"),
        pytest.param(ROSTER.replace("begins:", "beginns:"), "unknown key", id="what no schedule has"),
    ],
)
def test_a_broken_file_is_told_of(engine: Engine, tmp_path: Path, text: str, expected: str) -> None:
    assert expected in text_of(with_roster(engine, tmp_path, text), "/on-call")


def test_a_shift_is_taken_and_given_back(engine: Engine, tmp_path: Path) -> None:
    client = with_roster(engine, tmp_path)
    csrf = csrf_of(client, "/on-call")
    form = {"csrf": csrf, "schedule": "primary", "person": "bob", "ends": "18:00", "why": "dentist"}
    assert 403 == client.post("/on-call/overrides", data=form | {"csrf": ""}).status_code
    assert 400 == client.post("/on-call/overrides", data=form | {"person": "eve"}).status_code
    assert 200 == client.post("/on-call/overrides", data=form).status_code
    assert "dentist" in text_of(client, "/on-call")
    assert 200 == client.post("/on-call/overrides/1/remove", data={"csrf": csrf}).status_code
    assert "nobody took over a shift" in text_of(client, "/on-call")
    assert [1, 1] == [len(noted(engine, kind)) for kind in ("override.added", "override.removed")]


# --- what is held back --------------------------------------------------------------------------


def test_a_silence_is_added_and_ended(engine: Engine, client: TestClient) -> None:
    csrf = csrf_of(client, "/services")
    form: dict[str, Any] = {"csrf": csrf, "matchers": "service=web severity=low", "for": "2h", "comment": "disk swap"}
    assert 400 == client.post("/mutes/silence", data=form | {"for": "long"}).status_code
    assert 400 == client.post("/mutes/everything", data=form).status_code
    assert 403 == client.post("/mutes/silence", data=form | {"csrf": "x"}).status_code
    assert 200 == client.post("/mutes/silence", data=form).status_code
    (made,) = mutes.all_mutes(engine, MuteKind.SILENCE)
    assert ["service=web", "severity=low"] == [str(one) for one in made.matchers]
    assert "disk swap" in text_of(client, "/services/web")
    assert "disk swap" not in text_of(client, "/services/db")
    assert 200 == client.post(f"/mutes/silence/{made.id}/expire", data={"csrf": csrf}).status_code
    assert "nothing is held back" in text_of(client, "/services")
    assert 400 == client.post(f"/mutes/silence/{made.id}/expire", data={"csrf": csrf}).status_code


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param({"for": "23:30"}, "service=web 12:02-23:30", id="until a time"),
        pytest.param({"for": "2026-01-08T09:00"}, "service=web 12:02-09:00", id="until a day"),
        pytest.param(
            {"from": "13:00", "every": "day", "ends": "2026-01-20T00:00"},
            "service=web 13:00-15:00 every day until 2026-01-20",
            id="again and again",
        ),
        pytest.param({"matchers": "service=.+"}, "service=.+ 12:02-14:02", id="no pattern"),
        pytest.param(
            {"matchers": "template=no free worker  service!=my web"},
            "template=no free worker service!=my web 12:02-14:02",
            id="spaces in values",
        ),
        pytest.param({"matchers": "service=~.+", "everything": "yes"}, "service=~.+ 12:02-14:02", id="everything"),
        pytest.param({"matchers": "service=~.+"}, "match every incident", id="everything, not said"),
        pytest.param({"matchers": "service=web sevrity=low"}, "there is no label sevrity", id="no such label"),
        pytest.param({"for": "2026-02-30T00:00"}, "is no moment", id="no such day"),
        pytest.param({"for": "2 hours"}, "is not a duration; write 30m", id="no such duration"),
        pytest.param({"for": ""}, "when does it end?", id="without an end"),
        pytest.param({"every": "year"}, "write day or week", id="no such period"),
        pytest.param({"ends": "2026-01-20T00:00"}, "give --every day or week", id="an end of what comes once"),
    ],
)
def test_a_silence_says_by_a_form_what_it_says_by_command(
    engine: Engine, client: TestClient, said: dict[str, str], expected: str
) -> None:
    form = {"csrf": csrf_of(client, "/services"), "matchers": "service=web", "for": "2h", "comment": "disk swap"}
    answer = client.post("/mutes/silence", data=form | said)
    made = mutes.all_mutes(engine, MuteKind.SILENCE)
    if not made:
        assert 400 == answer.status_code
        assert expected in html.unescape(answer.text)
        return
    (mute,) = made
    again = f" every {mute.every} until {mute.until:%Y-%m-%d}" if mute.until else ""
    times = f"{mute.starts_at:%H:%M}-{mute.ends_at:%H:%M}"
    assert expected == f"{' '.join(map(str, mute.matchers))} {times}{again}"


def test_every_action_is_paused_and_allowed_again(engine: Engine, client: TestClient) -> None:
    csrf = csrf_of(client, "/services")
    for what, expected in (("pause", True), ("resume", False)):
        assert 200 == client.post(f"/actions/{what}", data={"csrf": csrf}).status_code
        assert expected == switches.is_paused(engine)
    assert 400 == client.post("/actions/dance", data={"csrf": csrf}).status_code
    assert [1, 1] == [len(noted(engine, kind)) for kind in ("acting.paused", "acting.resumed")]


@pytest.mark.parametrize("path", ["/mutes/silence", "/mutes/silence/1/expire", "/actions/pause", "/on-call/overrides"])
def test_whoever_only_looks_changes_none_of_it(engine: Engine, client: TestClient, path: str) -> None:
    add_user(engine, role=Role.VIEWER)
    client.post("/login", data={"name": "ann", "password": PASSWORD})
    text = client.get("/services").text
    assert 'action="/mutes' not in text
    assert 'action="/actions' not in text
    before = {name: len(rows(engine, f"SELECT * FROM {name}")) for name in ("mutes", "switches", "overrides")}
    assert 403 == client.post(path, data={"csrf": csrf_of(client, "/incidents")}).status_code
    assert before == {name: len(rows(engine, f"SELECT * FROM {name}")) for name in before}
    assert "ann" == noted(engine, "response.refused")[-1]["by"]


def test_reports_show_what_would_have_saved_pages(client: TestClient, engine: Engine) -> None:
    asked = Section("What would have saved pages", sentences=[f"`sre silence add service={HOSTILE}` would"])
    counted = Section("Service", ("Service", "pages", "acted upon"), [("web", "2", "0")])
    first = keep_report(engine, NOW, NOW, "2 pages, 2 of them acted upon by nobody", [counted, asked], now=NOW)
    keep_report(engine, NOW, NOW, "nobody was paged", [], now=NOW)
    assert "nobody was paged" in text_of(client, "/reports")
    shown = client.get(f"/reports/{first}").text
    assert '<td data-label="acted upon">0</td>' in shown
    assert "2 pages, 2 of them acted upon by nobody." in shown
    assert HOSTILE not in shown
    assert f'<a href="/reports/{first}">' in shown
    missing = client.get("/reports/99")
    assert (404, True) == (missing.status_code, "there is no report 99" in missing.text)


def test_every_time_of_an_override_names_its_zone(engine: Engine, client: TestClient) -> None:
    begins = NOW + timedelta(hours=1)
    overrides.add(engine, Override("platform", "ann", begins, begins + timedelta(hours=4), "ann", ""), now=NOW)
    shown = text_of(client, "/on-call")
    assert f"{begins:%a %Y-%m-%d %H:%M} UTC" in shown
    assert f"{begins + timedelta(hours=4):%a %Y-%m-%d %H:%M} UTC" in shown
