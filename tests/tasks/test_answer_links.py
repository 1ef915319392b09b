"""The link that a page carries is the one that the service takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from adapters import link_keys
from domain.contacts import Contact, ContactKind
from domain.http_settings import HttpSettings
from domain.pages import Page, PageKind, PageReason
from domain.responses import Verb
from tasks.answer_links import with_link
from tests.parts.logs_part import NOON

HTTP = HttpSettings(public_url="https://sre.example.com/agent/", link_hours=2)
PAGE = Page(
    key="k",
    kind=PageKind.TRIGGER,
    incident_id=17,
    episode=2,
    thread="k",
    service="web",
    severity="high",
    summary="web: it broke",
    reason=PageReason.UNCOMMON,
    created_at=NOON,
    to=Contact(ContactKind.EMAIL, "ann@example.com"),
    person="ann",
)


def linked(page: Page, home: Path, later: timedelta = timedelta()) -> str:
    return with_link(page, link_keys.signer(home), HTTP, now=NOON + later).links[0].url


def said(url: str, home: Path) -> object:
    return link_keys.verifier(home).verify(urlsplit(url).path.rpartition("/")[2], now=NOON)


def test_a_link_names_its_person_incident_and_end(tmp_path: Path) -> None:
    url = linked(PAGE, tmp_path)
    assert url.startswith("https://sre.example.com/agent/i/")
    link = said(url, tmp_path)
    assert ("ann", 17, 2, NOON + timedelta(hours=3)) == (link.person, link.incident_id, link.episode, link.expires_at)  # type: ignore[attr-defined]


def test_a_contact_that_is_nobodys_answers_under_its_own_name(tmp_path: Path) -> None:
    assert "email ann@example.com" == said(linked(replace(PAGE, person=""), tmp_path), tmp_path).person  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("plan", "expected"),
    [pytest.param("", False, id="none"), pytest.param("abc", True, id="one that waits")],
)
def test_a_plan_is_answered_where_there_is(tmp_path: Path, plan: str, expected: bool) -> None:  # noqa: FBT001 - a column
    link = said(linked(replace(PAGE, plan_digest=plan), tmp_path), tmp_path)
    assert expected == (Verb.APPROVE in link.verbs)  # type: ignore[attr-defined]
    assert plan == link.plan  # type: ignore[attr-defined]


def test_a_delivery_that_is_tried_again_carries_the_same_link(tmp_path: Path) -> None:
    """Fault 8: a retry is recognisable as one."""
    assert linked(PAGE, tmp_path) == linked(PAGE, tmp_path, timedelta(minutes=20))


def test_another_persons_delivery_carries_another(tmp_path: Path) -> None:
    assert linked(PAGE, tmp_path) != linked(replace(PAGE, person="bob"), tmp_path)


@pytest.mark.parametrize(
    ("page", "http"),
    [
        pytest.param(replace(PAGE, kind=PageKind.RESOLVE), HTTP, id="what is over"),
        pytest.param(replace(PAGE, incident_id=0), HTTP, id="a digest"),
        pytest.param(PAGE, HttpSettings(), id="nowhere to answer"),
        pytest.param(PAGE, HTTP.model_copy(update={"enabled": False}), id="a service that is switched off"),
    ],
)
def test_nothing_to_answer_has_no_link(tmp_path: Path, page: Page, http: HttpSettings) -> None:
    assert page is with_link(page, link_keys.signer(tmp_path), http, now=NOON)
