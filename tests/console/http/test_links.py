"""Links in pages: opening one only shows, a button acts once, and what is refused is in the ledger."""

from __future__ import annotations

import html
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from adapters.store import responses, users
from adapters.store.database import Engine, transaction
from console.http.refusals import OF_ONE, OF_STRANGERS
from domain.answer_links import MEANING, Flaw
from domain.incidents import Evidence, State
from domain.people import People, Role
from domain.responses import Verb
from tests.parts.console_part import add_user
from tests.parts.http_part import (
    HOUR,
    PLAN,
    Clock,
    a_client,
    a_service,
    a_token,
    all_counts,
    answers,
    noted,
    put,
)
from tests.parts.incidents_part import an_incident
from tests.parts.judged_part import rows
from tests.parts.logs_part import NOON


@pytest.fixture
def client(store: Engine, tmp_path: Path) -> TestClient:
    put(store)
    return a_client(a_service(store, tmp_path))


def press(client: TestClient, token: str, verb: str = "acknowledge", **more: str) -> Any:
    return client.post(f"/i/{token}", data={"token": token, "verb": verb} | more)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_a_link_changes_nothing(store: Engine, client: TestClient, tmp_path: Path, method: str) -> None:
    """Scanners of mail open links."""
    before = all_counts(store)
    shown = client.request(method, f"/i/{a_token(tmp_path)}")
    assert 200 == shown.status_code
    assert before == all_counts(store)


def test_the_page_says_what_it_is_and_who_has_it(client: TestClient, tmp_path: Path) -> None:
    text = html.unescape(client.get(f"/i/{a_token(tmp_path)}").text)
    for part in ("Incident 1: web: mend-it", "high", "nobody yet", "2026-01-05 11:59:58 UTC, 2 s ago", "it broke"):
        assert part in text


def test_of_a_long_text_a_link_shows_the_beginning(store: Engine, tmp_path: Path) -> None:
    put(store, an_incident(template="it broke " * 11_000, playbook=""))
    text = a_client(a_service(store, tmp_path)).get(f"/i/{a_token(tmp_path)}").text
    assert 20_000 > len(text)
    assert "more characters" in text


def test_a_button_stores_one_answer_and_says_what_comes_next(store: Engine, client: TestClient, tmp_path: Path) -> None:
    done = press(client, a_token(tmp_path))
    assert 200 == done.status_code
    assert "on-call will act on it within seconds" in done.text
    assert 'http-equiv="refresh"' in done.text
    assert [(1, 1, "acknowledge", "ann", "link", "", "n1")] == answers(store)
    assert [{"by": "ann", "via": "link", "verb": "acknowledge", "argument": ""}] == noted(store, "response.taken")


def test_the_page_tells_what_became_of_the_answer(store: Engine, client: TestClient, tmp_path: Path) -> None:
    token = a_token(tmp_path)
    press(client, token)
    (due,) = responses.take_due(store, 10)
    with transaction(store) as connection:
        assert responses.mark_done(connection, due, "acknowledged by ann", NOON)
        assert not responses.mark_done(connection, due, "again", NOON)
    shown = client.get(f"/i/{token}").text
    assert "acknowledge: acknowledged by ann" in shown
    assert "refresh" not in shown
    assert [] == responses.take_due(store, 10)


@pytest.mark.parametrize(
    ("verb", "given", "expected"),
    [
        pytest.param("snooze", "1800", "1800", id="for how long"),
        pytest.param("reassign", "user ann", "user ann", id="to whom"),
        pytest.param("comment", "disk\nis full", "disk is full", id="what others should know"),
        pytest.param("approve", "", PLAN, id="of which plan"),
    ],
)
def test_an_answer_says(store: Engine, tmp_path: Path, verb: str, given: str, expected: str) -> None:
    put(store, waiting=True)
    press(a_client(a_service(store, tmp_path)), a_token(tmp_path), verb, argument=given)
    assert [(1, 1, verb, "ann", "link", expected, "n1")] == answers(store)


def test_given_to_nobody_is_refused_at_once(store: Engine, client: TestClient, tmp_path: Path) -> None:
    refused = press(client, a_token(tmp_path), "reassign", argument="user anne")
    assert 400 == refused.status_code
    assert "no user 'anne'; the nearest is ann" in html.unescape(refused.text)
    assert [] == answers(store)


def test_a_link_acts_once_for_each_verb(store: Engine, client: TestClient, tmp_path: Path) -> None:
    token = a_token(tmp_path)
    assert [200, 409, 200] == [
        press(client, token, verb, argument="it was the disk").status_code
        for verb in ("acknowledge", "acknowledge", "comment")
    ]
    assert 2 == len(answers(store))


def expired(client: TestClient, home: Path) -> Any:
    return press(client, a_token(home, expires_at=NOON))


def forged(client: TestClient, home: Path) -> Any:
    return press(client, a_token(home / "other"))


def without_the_form(client: TestClient, home: Path) -> Any:
    return client.post(f"/i/{a_token(home)}", data={"verb": "acknowledge"})


def from_another_link(client: TestClient, home: Path) -> Any:
    return client.post(f"/i/{a_token(home)}", data={"token": a_token(home, nonce="n2"), "verb": "acknowledge"})


def replayed(client: TestClient, home: Path) -> Any:
    press(client, a_token(home))
    return press(client, a_token(home))


def another_persons(client: TestClient, home: Path) -> Any:
    return press(client, a_token(home, person="bob"))


def earlier(client: TestClient, home: Path) -> Any:
    return press(client, a_token(home, episode=0))


def other_verb(client: TestClient, home: Path) -> Any:
    return press(client, a_token(home, verbs=(Verb.COMMENT,)), "resolve")


def other_plan(client: TestClient, home: Path) -> Any:
    return press(client, a_token(home, plan="0123456789ab"), "approve")


def unknown(client: TestClient, home: Path) -> Any:
    return press(client, a_token(home, incident_id=7))


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        pytest.param(expired, (410, Flaw.EXPIRED, "ann"), id="an expired link"),
        pytest.param(forged, (403, Flaw.FORGED, None), id="a forged link"),
        pytest.param(without_the_form, (403, Flaw.FORGED, None), id="a request that another site made"),
        pytest.param(from_another_link, (403, Flaw.FORGED, None), id="the token of another link"),
        pytest.param(replayed, (409, Flaw.REPLAYED, "ann"), id="a replayed link"),
        pytest.param(another_persons, (403, Flaw.WRONG_PERSON, "bob"), id="the link of somebody who is no user"),
        pytest.param(earlier, (410, Flaw.EARLIER_EPISODE, "ann"), id="a link of an earlier time"),
        pytest.param(other_verb, (403, Flaw.WRONG_VERB, "ann"), id="what the link is not good for"),
        pytest.param(other_plan, (409, Flaw.OTHER_PLAN, "ann"), id="a plan that is another one by now"),
        pytest.param(unknown, (404, Flaw.UNKNOWN, "ann"), id="an incident that does not exist"),
    ],
)
def test_refused_and_in_the_ledger(
    store: Engine, client: TestClient, tmp_path: Path, act: Any, expected: tuple[int, Flaw, str | None]
) -> None:
    status, flaw, by = expected
    done = act(client, tmp_path)
    assert status == done.status_code
    assert MEANING[flaw] in html.unescape(done.text)
    assert "<code>sre " in done.text
    (entry,) = noted(store, "response.refused")
    assert (MEANING[flaw], by, "link") == (entry["why"], entry.get("by"), entry["via"])
    assert (flaw is Flaw.REPLAYED) == bool(answers(store))


def test_a_role_that_does_not_suffice_is_refused(store: Engine, tmp_path: Path) -> None:
    put(store, waiting=True)
    service = a_service(store, tmp_path, people=People({"ann": Role.RESPONDER}))
    assert 403 == press(a_client(service), a_token(tmp_path), "approve").status_code
    assert [] == answers(store)


def test_an_expired_link_opens_as_a_page_that_says_what_to_do(client: TestClient, tmp_path: Path) -> None:
    shown = client.get(f"/i/{a_token(tmp_path, expires_at=NOON)}")
    assert 410 == shown.status_code
    assert "<code>sre ack 1</code> takes the incident" in shown.text


def test_what_is_over_offers_nothing(store: Engine, tmp_path: Path) -> None:
    put(store, an_incident(state=State.RESOLVED, resolved_at=NOON))
    shown = a_client(a_service(store, tmp_path)).get(f"/i/{a_token(tmp_path)}").text
    assert "resolved at" in shown
    assert "<button" not in shown


def test_a_stranger_cannot_fill_the_ledger(store: Engine, tmp_path: Path) -> None:
    service = a_service(store, tmp_path)
    client = a_client(service)
    for number in range(OF_STRANGERS * 3):
        press(client, f"forged-{number}")
    assert OF_STRANGERS == len(noted(store, "response.refused"))
    service.refusals.limiter.storage.reset()
    press(client, "forged")
    assert OF_STRANGERS * 2 == noted(store, "response.refused")[-1]["unsaid"]


def test_nor_can_whoever_holds_one_link(store: Engine, client: TestClient, tmp_path: Path) -> None:
    for _ in range(OF_ONE * 2):
        press(client, a_token(tmp_path))
    assert OF_ONE == len(noted(store, "response.refused"))


def test_text_of_logs_is_escaped_and_masked(store: Engine, tmp_path: Path) -> None:
    said = '<script>alert(1)</script> <a href="http://x">s3cret</a>'
    kept = Evidence(NOON, 4, None, said, "WORDS", {"word": "<b>"})
    put(store, an_incident(evidence=[kept], template="<img src=x>", playbook=""))
    text = a_client(a_service(store, tmp_path)).get(f"/i/{a_token(tmp_path)}").text
    assert "&lt;script&gt;" in text
    for raw in ("<script", "<img", '<a href="http://x', "s3cret", "<b>"):
        assert raw not in text


def test_every_page_can_be_framed_kept_and_followed_by_nobody(client: TestClient, tmp_path: Path) -> None:
    shown = client.get(f"/i/{a_token(tmp_path)}")
    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    expected = {"x-frame-options": "DENY", "referrer-policy": "no-referrer", "cache-control": "no-store"}
    assert expected == {name: shown.headers[name] for name in expected}
    assert "<script" not in shown.text
    assert "set-cookie" not in shown.headers


def test_while_the_store_is_away_nothing_is_taken_and_the_page_says_so(client: TestClient, tmp_path: Path) -> None:
    service = client.app.state.service  # type: ignore[attr-defined]
    gone = a_service(_nowhere(tmp_path), tmp_path, clock=Clock(service.clock()))
    done = press(a_client(gone), a_token(tmp_path))
    assert 503 == done.status_code
    assert "Nothing was done" in done.text


def _nowhere(tmp_path: Path) -> Engine:
    from adapters.store.database import connect  # noqa: PLC0415 - for this one store

    return connect(f"sqlite:///{tmp_path / 'nothing' / 'there.db'}")


def test_the_earlier_time_is_over_for_its_links(store: Engine, tmp_path: Path) -> None:
    """Fault 2: an answer to what was asked before it came back must not silence what came back."""
    put(store, an_incident(episode=2, state=State.REOPENED))
    client = a_client(a_service(store, tmp_path))
    assert [410, 410] == [
        client.get(f"/i/{a_token(tmp_path)}").status_code,
        press(client, a_token(tmp_path)).status_code,
    ]
    assert [] == answers(store)


def test_a_link_is_good_until_the_hour_that_it_names(store: Engine, tmp_path: Path) -> None:
    put(store)
    clock = Clock(NOON + HOUR)
    service = replace(a_service(store, tmp_path), clock=clock)
    assert 410 == press(a_client(service), a_token(tmp_path)).status_code
    assert [] == rows(store, "SELECT id FROM responses")


@pytest.mark.slow
def test_one_of_many_presses_at_once_is_taken(postgres: Engine, tmp_path: Path) -> None:
    put(postgres)
    client, token = a_client(a_service(postgres, tmp_path)), a_token(tmp_path)
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda _: press(client, token).status_code, range(8)))
    assert [200] + [409] * 7 == sorted(statuses)
    assert 1 == len(answers(postgres))


def test_a_disabled_user_is_out_by_links_as_well(store: Engine, client: TestClient, tmp_path: Path) -> None:
    """`sre users disable` puts somebody out at once; a link in their mail still answered."""
    token = a_token(tmp_path)
    add_user(store, "ann")
    assert 200 == client.get(f"/i/{token}").status_code
    users.disable(store, "ann", by="root", now=NOON)
    shown = client.get(f"/i/{token}")
    done = client.post(f"/i/{token}", data={"token": token, "verb": "acknowledge"})
    assert (403, 403, []) == (shown.status_code, done.status_code, answers(store))
    assert MEANING[Flaw.DISABLED] in shown.text
    assert MEANING[Flaw.DISABLED] in done.text
    assert "ann" == noted(store, "response.refused")[-1]["by"]


def test_a_disabled_user_with_another_user_for_the_same_person_answers(
    store: Engine, client: TestClient, tmp_path: Path
) -> None:
    add_user(store, "ann")
    add_user(store, "ann2", person="ann")
    users.disable(store, "ann", by="root", now=NOON)
    token = a_token(tmp_path)
    assert 200 == client.post(f"/i/{token}", data={"token": token, "verb": "acknowledge"}).status_code
