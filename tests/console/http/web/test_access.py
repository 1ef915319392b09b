"""Who sees the pages and who presses the buttons: without a login, by a login, by a token; and forms of elsewhere."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from adapters.store import users
from adapters.store.database import Engine
from console.http.refusals import OF_STRANGERS
from console.http.web.callers import COOKIE
from domain.access import Scope
from domain.http_settings import HttpSettings
from domain.people import People, Role
from domain.responses import Verb
from tasks.responding import act_on_stored
from tests.parts.console_part import PASSWORD, a_browser, a_desk, add_user, csrf_of
from tests.parts.http_part import PLAN, Clock, answers, noted, put
from tests.parts.judged_part import NOW, rows

AWAY = ("192.0.2.7", 50_000)
OPEN_TO_OTHERS = HttpSettings(host="0.0.0.0", token=SecretStr("x"), per_minute=100_000)  # noqa: S104
PAGES = ("/incidents", "/incidents/1", "/events")


@pytest.fixture
def engine(engine: Engine) -> Engine:
    put(engine, waiting=True)
    return engine


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def client(engine: Engine, tmp_path: Path, clock: Clock) -> TestClient:
    return a_browser(a_desk(engine, tmp_path, clock=clock))


def log_in(client: TestClient, name: str = "ann", password: str = PASSWORD, **more: str) -> Any:
    form = {"name": name, "password": password} | more
    return client.post("/login", data=form, follow_redirects=False)


def press(client: TestClient, verb: str = "acknowledge", **more: str) -> Any:
    return client.post(f"/incidents/1/{verb}", data=more, follow_redirects=False)


def test_without_a_user_this_machine_needs_no_login_and_is_told_so(client: TestClient) -> None:
    text = html.unescape(client.get("/incidents").text)
    assert "Nobody needs to log in" in text
    assert "sre users add NAME" in text


@pytest.mark.parametrize(
    ("settings", "address", "host"),
    [
        pytest.param(HttpSettings(), AWAY, "127.0.0.1", id="another machine"),
        pytest.param(HttpSettings(), ("127.0.0.1", 1), "evil.example", id="a name of elsewhere that leads here"),
        pytest.param(HttpSettings(), ("127.0.0.1", 1), "10.0.0.7", id="another address of this machine"),
        pytest.param(OPEN_TO_OTHERS, ("127.0.0.1", 1), "127.0.0.1", id="this machine, while others are let in"),
        pytest.param(
            HttpSettings(public_url="https://sre.example"), ("127.0.0.1", 1), "127.0.0.1", id="a proxy stands before it"
        ),
    ],
)
@pytest.mark.parametrize("path", PAGES)
def test_without_a_user_nobody_else_sees_a_page(
    engine: Engine, tmp_path: Path, settings: HttpSettings, address: tuple[str, int], host: str, path: str
) -> None:
    shown = a_browser(a_desk(engine, tmp_path, settings=settings), address).get(path, headers={"Host": host})
    assert 403 == shown.status_code
    assert "sre users add NAME" in shown.text
    assert "mend-it" not in shown.text


@pytest.mark.parametrize("path", PAGES)
def test_with_a_user_everybody_logs_in_this_machine_too(engine: Engine, client: TestClient, path: str) -> None:
    add_user(engine)
    sent = client.get(path, follow_redirects=False)
    assert (303, f"/login?next={path.replace('/', '%2F')}") == (sent.status_code, sent.headers["location"])
    assert 401 == client.get(path, headers={"Accept": "*/*"}).status_code


def test_a_login_leads_to_the_page_that_was_asked_for(engine: Engine, client: TestClient) -> None:
    add_user(engine)
    done = log_in(client, next="/incidents/1")
    assert (303, "/incidents/1") == (done.status_code, done.headers["location"])
    cookie = done.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", f"{COOKIE}="))
    assert "Secure" not in cookie
    assert "ann, responder" in client.get("/incidents").text
    assert [{"user": "ann", "from": "127.0.0.1"}] == noted(engine, "access.login")


@pytest.mark.parametrize(
    "following", ["//evil.example", "https://evil.example/x", "/\\evil.example", "evil", "javascript:x", "/\tevil"]
)
def test_a_login_leads_nowhere_else(engine: Engine, client: TestClient, following: str) -> None:
    add_user(engine)
    assert "/incidents" == log_in(client, next=following).headers["location"]


def test_behind_https_the_cookie_goes_by_https_alone(engine: Engine, tmp_path: Path) -> None:
    add_user(engine)
    settings = HttpSettings(public_url="https://sre.example", token=SecretStr("x"))
    assert "Secure" in log_in(a_browser(a_desk(engine, tmp_path, settings=settings))).headers["set-cookie"]


def test_each_login_has_a_new_cookie_and_ends_the_one_before(engine: Engine, client: TestClient) -> None:
    add_user(engine)
    log_in(client)
    first = client.cookies[COOKIE]
    log_in(client)
    assert first != client.cookies[COOKIE]
    assert 1 == len(rows(engine, "SELECT digest FROM logins"))
    assert first not in str(rows(engine, "SELECT * FROM logins"))


def test_a_cookie_that_somebody_planted_is_no_login(engine: Engine, client: TestClient) -> None:
    add_user(engine)
    client.cookies.set(COOKIE, "planted")
    assert 303 == client.get("/incidents", follow_redirects=False).status_code
    assert f"{COOKIE}=planted" not in log_in(client).headers["set-cookie"]


def test_whoever_logs_out_is_out_and_only_by_their_own_button(engine: Engine, client: TestClient) -> None:
    add_user(engine)
    log_in(client)
    secret = client.cookies[COOKIE]
    assert 403 == client.post("/logout", data={"csrf": "wrong"}).status_code
    client.post("/logout", data={"csrf": csrf_of(client, "/incidents")})
    client.cookies.set(COOKIE, secret)
    assert 303 == client.get("/incidents", follow_redirects=False).status_code


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([11], 200, id="used within the idle time"),
        pytest.param([13], 303, id="not used for long"),
        pytest.param([11] * 15, 200, id="used again and again"),
        pytest.param([11] * 16, 303, id="used again and again, and old"),
    ],
)
def test_a_login_ends_by_itself(
    engine: Engine, client: TestClient, clock: Clock, steps: list[int], expected: int
) -> None:
    add_user(engine)
    log_in(client)
    for hours in steps:
        clock.now += timedelta(hours=hours)
        last = client.get("/incidents", follow_redirects=False).status_code
    assert expected == last


def test_a_disabled_user_is_out_at_once_and_does_not_come_in_again(engine: Engine, client: TestClient) -> None:
    add_user(engine)
    secret = users.add_token(engine, "ann", [Scope.READ], by="root", now=NOW, expires_at=NOW + timedelta(days=1))
    log_in(client)
    users.disable(engine, "ann", by="root", now=NOW)
    assert 303 == client.get("/incidents", follow_redirects=False).status_code
    assert 403 == log_in(client).status_code
    assert 401 == client.get("/incidents", headers=bearer(secret) | {"Accept": "*/*"}).status_code


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("ann", "wrong horse battery", id="a wrong password"),
        pytest.param("nobody", PASSWORD, id="no such user"),
        pytest.param("", "", id="nothing"),
        pytest.param("ann' OR 1=1 --", "x", id="SQL"),
    ],
)
def test_a_refused_login_says_the_same_of_every_cause_and_is_in_the_ledger(
    engine: Engine, client: TestClient, name: str, password: str
) -> None:
    add_user(engine)
    done = log_in(client, name, password)
    assert 403 == done.status_code
    assert "there is no such user with that password" in done.text
    assert "set-cookie" not in done.headers
    (entry,) = noted(engine, "access.refused")
    assert (name, "127.0.0.1") == (entry["user"], entry["from"])


def test_whoever_guesses_waits_longer_and_longer(engine: Engine, client: TestClient, clock: Clock) -> None:
    add_user(engine)
    waits = []
    for _ in range(8):
        while (done := log_in(client, password="wrong")).status_code == 429:
            waits.append(int(done.headers["retry-after"]))
            clock.now += timedelta(seconds=waits[-1])
    assert [1, 2, 4, 8] == waits
    assert 429 == log_in(client).status_code  # the right one, too early
    clock.now += timedelta(seconds=16)
    assert 303 == log_in(client).status_code


def test_whoever_guesses_names_waits_as_well_and_others_do_not(
    engine: Engine, tmp_path: Path, client: TestClient
) -> None:
    add_user(engine)
    for number in range(5):
        log_in(client, f"user{number}", "wrong")
    assert 429 == log_in(client).status_code
    other = TestClient(client.app, "http://127.0.0.1", client=AWAY)
    assert 303 == log_in(other).status_code


def test_guesses_do_not_fill_the_ledger(engine: Engine, client: TestClient) -> None:
    add_user(engine)
    for number in range(3 * OF_STRANGERS):
        log_in(client, f"user{number}", "wrong")
    assert OF_STRANGERS == len(noted(engine, "access.refused"))


# --- buttons ------------------------------------------------------------------------------------


LEAST = {Verb.APPROVE: Role.APPROVER, Verb.REJECT: Role.APPROVER}
ARGUMENTS = {Verb.SNOOZE: "3600", Verb.REASSIGN: "user ann", Verb.COMMENT: "disk is full"}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("verb", Verb)
def test_each_role_may_press_its_buttons_and_no_others(
    engine: Engine, client: TestClient, role: Role, verb: Verb
) -> None:
    add_user(engine, role=role)
    log_in(client)
    text = client.get("/incidents/1").text
    may = role.includes(LEAST.get(verb, Role.RESPONDER))
    assert may == (f'action="/incidents/1/{verb}"' in text)
    done = press(
        client, verb, csrf=csrf_of(client, "/incidents"), plan=PLAN, argument=ARGUMENTS.get(verb, ""), nonce="n"
    )
    assert (303 if may else 403) == done.status_code
    assert int(may) == len(answers(engine))
    if not may:
        (entry,) = noted(engine, "response.refused")
        assert ("ann", "console", verb) == (entry["by"], entry["via"], entry["verb"])


def other_login(client: TestClient) -> str:
    other = TestClient(client.app, "http://127.0.0.1", client=client._transport.client)  # type: ignore[attr-defined]
    other.headers.update(client.headers)
    log_in(other)
    return csrf_of(other, "/incidents")


@pytest.mark.parametrize(
    ("csrf", "headers"),
    [
        pytest.param(lambda _: "", {}, id="no word of the form"),
        pytest.param(lambda _: "wrong", {}, id="another word"),
        pytest.param(other_login, {}, id="the word of another login"),
        pytest.param(lambda c: csrf_of(c, "/incidents"), {"Origin": "https://evil.example"}, id="a form of elsewhere"),
        pytest.param(lambda c: csrf_of(c, "/incidents"), {"Origin": "null"}, id="a form of nowhere"),
    ],
)
def test_a_form_that_is_not_ours_changes_nothing(
    engine: Engine, client: TestClient, csrf: Any, headers: dict[str, str]
) -> None:
    add_user(engine)
    log_in(client)
    form = {"csrf": csrf(client)}
    for path in ("acknowledge", "verdict", "note", "resolve"):
        assert 403 == client.post(f"/incidents/1/{path}", data=form, headers=headers).status_code
    assert [] == answers(engine)
    assert "it is not signed by this agent" in {one["why"] for one in noted(engine, "response.refused")}


def test_without_a_login_forms_must_be_ours_as_well(engine: Engine, client: TestClient) -> None:
    assert 403 == press(client, csrf="").status_code
    assert 303 == press(client, csrf=csrf_of(client, "/incidents/1")).status_code


def test_an_answer_is_that_of_the_person_and_taken_once(engine: Engine, client: TestClient) -> None:
    add_user(engine, person="ann.archer")
    log_in(client)
    form = {"csrf": csrf_of(client, "/incidents"), "nonce": "n1", "episode": "1", "person": "bob"}
    assert [303, 409] == [press(client, **form).status_code for _ in range(2)]
    assert [(1, 1, "acknowledge", "ann.archer", "console", "", "console ann n1")] == answers(engine)
    text = html.unescape(client.get("/incidents/1").text)
    assert "on-call will act on it within seconds" in text
    assert 'http-equiv="refresh"' in text


def test_no_answer_to_an_earlier_time_or_another_plan(engine: Engine, client: TestClient) -> None:
    add_user(engine, role=Role.APPROVER)
    log_in(client)
    csrf = csrf_of(client, "/incidents")
    assert 410 == press(client, csrf=csrf, episode="0").status_code
    assert 409 == press(client, "approve", csrf=csrf, plan="0123456789ab").status_code
    assert 400 == press(client, csrf=csrf, episode="x").status_code
    assert 404 == client.post("/incidents/77/acknowledge", data={"csrf": csrf}).status_code
    assert 400 == press(client, "dance", csrf=csrf).status_code
    assert [] == answers(engine)


def test_a_verdict_is_kept_with_who_gave_it(engine: Engine, client: TestClient) -> None:
    add_user(engine)
    log_in(client)
    csrf = csrf_of(client, "/incidents")
    assert 303 == press(client, "verdict", csrf=csrf, verdict="false-alarm").status_code
    assert 400 == press(client, "verdict", csrf=csrf, verdict="perhaps").status_code
    assert [{"verdict": "false-alarm", "by": "ann"}] == noted(engine, "incident.verdict")


FOUND = {"cause": "a full disk", "helped": "a larger one", "origin": "db", "analysis": "partly"}


def test_an_incident_is_resolved_with_what_was_found_out_in_one_step(engine: Engine, client: TestClient) -> None:
    add_user(engine)
    log_in(client)
    csrf = csrf_of(client, "/incidents")
    assert 303 == press(client, "resolve", csrf=csrf, **FOUND).status_code
    assert "resolve: taken; on-call will act on it" in html.unescape(client.get("/incidents/1").text)
    assert 1 == act_on_stored(engine, People(), now=NOW)
    assert "resolve: incident 1 resolved, with a note" in html.unescape(client.get("/incidents/1").text)
    kept = {"by": "ann", "cause": "a full disk", "helped": "a larger one", "origin": "db", "verdict": "partly"}
    assert [kept] == noted(engine, "incident.noted")
    assert [""] == [one["argument"] for one in noted(engine, "response.taken")]


def test_of_an_incident_that_is_resolved_without_a_word_no_note_is_kept(engine: Engine, client: TestClient) -> None:
    add_user(engine)
    log_in(client)
    empty = dict.fromkeys(FOUND, " ")
    assert 303 == press(client, "resolve", csrf=csrf_of(client, "/incidents"), **empty).status_code
    assert 1 == act_on_stored(engine, People(), now=NOW)
    assert "resolve: incident 1 resolved\n" in html.unescape(client.get("/incidents/1").text).replace("</p>", "\n")
    assert [] == noted(engine, "incident.noted")


@pytest.mark.parametrize(
    ("name", "text"),
    [("cause", "x" * 2_001), ("helped", "x" * 2_001), ("origin", "x" * 201), ("analysis", "perhaps")],
)
def test_a_finding_that_cannot_be_kept_is_refused_before_anything_is_done(
    engine: Engine, client: TestClient, name: str, text: str
) -> None:
    add_user(engine)
    log_in(client)
    form = FOUND | {"csrf": csrf_of(client, "/incidents"), name: text}
    assert 400 == press(client, "resolve", **form).status_code
    assert 400 == press(client, "note", **form).status_code
    assert [] == answers(engine)


def test_a_note_is_kept_when_it_is_over(engine: Engine, client: TestClient) -> None:
    add_user(engine)
    log_in(client)
    form = {"csrf": csrf_of(client, "/incidents"), "cause": "a full disk", "helped": "a larger one"}
    assert 400 == press(client, "note", **form).status_code  # open still
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE incidents SET state = 'resolved'")
    assert 'action="/incidents/1/note"' in client.get("/incidents/1").text
    assert 303 == press(client, "note", **form).status_code
    assert [("a full disk", "a larger one")] == [
        (one["cause"], one["helped"]) for one in noted(engine, "incident.noted")
    ]


# --- tokens -------------------------------------------------------------------------------------


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        pytest.param([Scope.READ], (200, 403), id="to read"),
        pytest.param([Scope.ANSWER], (200, 202), id="to answer, which includes reading"),
    ],
)
def test_a_token_is_good_for_its_scopes(
    engine: Engine, client: TestClient, scopes: list[Scope], expected: tuple[int, int]
) -> None:
    add_user(engine)
    secret = users.add_token(engine, "ann", scopes, by="root", now=NOW, expires_at=NOW + timedelta(days=1))
    headers = bearer(secret) | {"Accept": "application/json"}
    assert expected == (
        client.get("/incidents/1", headers=headers).status_code,
        client.post("/incidents/1/acknowledge", headers=headers).status_code,
    )
    assert secret not in str(rows(engine, "SELECT * FROM api_tokens"))


def test_a_token_ends_and_a_wrong_one_is_none(engine: Engine, client: TestClient, clock: Clock) -> None:
    add_user(engine)
    secret = users.add_token(engine, "ann", [Scope.READ], by="root", now=NOW, expires_at=NOW + timedelta(days=1))
    plain = {"Accept": "*/*"}
    assert 200 == client.get("/incidents", headers=bearer(secret) | plain).status_code
    clock.now += timedelta(days=1)
    for wrong in (secret, "", "x", secret + "x"):
        assert 401 == client.get("/incidents", headers=bearer(wrong) | plain).status_code


def test_a_wrong_token_is_not_made_good_by_a_cookie_or_by_this_machine(engine: Engine, client: TestClient) -> None:
    assert 401 == client.get("/incidents", headers=bearer("x") | {"Accept": "*/*"}).status_code
    add_user(engine)
    log_in(client)
    assert 401 == client.get("/incidents", headers=bearer("x") | {"Accept": "*/*"}).status_code


def test_the_same_desk_serves_a_clock_of_its_own(engine: Engine, tmp_path: Path) -> None:
    """Logins are judged by the service's clock alone."""
    add_user(engine)
    late = Clock(NOW + timedelta(days=30))
    client = a_browser(replace(a_desk(engine, tmp_path), clock=late))
    log_in(client)
    assert 200 == client.get("/incidents", follow_redirects=False).status_code
