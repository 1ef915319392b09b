"""`sre resolve N --cause …` and `sre note N`: what people found out, where it is kept and who reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from adapters.store.database import Engine, transaction
from adapters.store.look_ups import one_incident
from adapters.store.resolution_notes import of_incident
from console.main import cli
from domain.errors import BadInput, Refused
from domain.resolution_notes import ResolutionNote, Verdict
from flows.incident_page import markdown, without_quotes
from tests.parts.judged_part import Feed

FOUND = ("--cause", "pool too small", "--helped", "set it to 40", "--origin", "db", "--analysis", "partly")


@pytest.fixture
def feed(store: Engine, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Feed:
    """One open incident in the store that the commands use; ann calls them."""
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SRE_STORE__URL", store_url)
    monkeypatch.setenv("SRE_USER", "ann")
    fed = Feed(store)
    fed.incident()
    return fed


def sre(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def notes(feed: Feed) -> list[ResolutionNote]:
    with transaction(feed.engine) as connection:
        return of_incident(connection, 1)


def whole(feed: Feed) -> Any:
    return json.loads(sre("incident", "1", "--json").stdout)


def test_an_incident_is_resolved_with_what_was_found_out(feed: Feed) -> None:
    assert "incident 1 resolved, with a note\n" == sre("resolve", "1", *FOUND).output
    (note,) = notes(feed)
    assert ("ann", "pool too small", "set it to 40") == (note.by, note.cause, note.helped)
    assert (1, "db", Verdict.PARTLY) == (note.episode, note.origin, note.verdict)
    assert ["incident.resolved", "incident.noted"] == [row["kind"] for row in whole(feed)["ledger"]][-2:]


def test_without_a_word_it_is_resolved_as_before(feed: Feed) -> None:
    assert "incident 1 resolved\n" == sre("resolve", "1").output
    assert [] == notes(feed)
    assert "incident.noted" not in [row["kind"] for row in whole(feed)["ledger"]]


def test_people_come_back_the_next_day(feed: Feed) -> None:
    sre("resolve", "1")
    told = json.loads(sre("note", "1", "--cause", "a slow disk", "--json").stdout)
    assert {"incident": 1, "by": "ann", "outcome": "note on incident 1 kept"} == told
    assert 0 == sre("note", "1", "--helped", "swapped it", "--as", "bob").exit_code
    assert [("ann", "a slow disk", ""), ("bob", "", "swapped it")] == [
        (note.by, note.cause, note.helped) for note in notes(feed)
    ]


def test_what_is_sent_twice_is_kept_once_and_what_is_said_again_later_is_kept(feed: Feed) -> None:
    sre("resolve", "1", *FOUND)
    assert 0 == sre("note", "1", *FOUND).exit_code
    assert 1 == len(notes(feed))
    assert 1 == [row["kind"] for row in whole(feed)["ledger"]].count("incident.noted")
    for said in (("--cause", "a slow disk"), FOUND, (*FOUND, "--as", "bob")):
        sre("note", "1", *said)
    assert ["ann", "ann", "ann", "bob"] == [note.by for note in notes(feed)]


def test_an_incident_shows_its_notes(feed: Feed) -> None:
    sre("resolve", "1", *FOUND)
    shown = " ".join(sre("incident", "1").stdout.replace("│", " ").split())
    assert "What people found out" in shown
    assert "ann pool too small set it to 40 db partly" in shown
    assert "ann noted cause: pool too small; helped: set it to 40; origin: db; the analysis was partly" in shown


def test_so_does_the_page_of_prefect_without_quotes_only_whose_they_are(feed: Feed) -> None:
    sre("resolve", "1", *FOUND)
    stored = one_incident(feed.engine, 1)
    assert stored is not None
    assert "ann, cause: pool too small" in markdown(stored).replace("\\", "")
    shown = markdown(without_quotes(stored)).replace("\\", "")
    assert "pool too small" not in shown
    assert "set it to 40" not in shown
    assert "ann, the analysis was partly" in shown


@pytest.mark.parametrize(
    ("before", "arguments", "error", "says"),
    [
        pytest.param((), ("note", "1", *FOUND), Refused, "is open; `sre resolve 1 --cause …` closes it", id="open"),
        pytest.param((), ("note", "17", *FOUND), Refused, "incident 17 does not exist", id="unknown"),
        pytest.param(("resolve", "1"), ("note", "1"), BadInput, "the note says nothing", id="nothing said"),
        pytest.param(
            (), ("resolve", "1", "--cause", "x" * 2_001), BadInput, "cause has 2,001 characters", id="too long"
        ),
        pytest.param(
            ("resolve", "1"), ("resolve", "1", *FOUND), Refused, "closed already; `sre note 1 --cause …`", id="closed"
        ),
    ],
)
def test_what_is_no_note_is_refused_and_changes_nothing(
    feed: Feed, before: tuple[str, ...], arguments: tuple[str, ...], error: type[Exception], says: str
) -> None:
    if before:
        assert 0 == sre(*before).exit_code
    done = sre(*arguments)
    assert isinstance(done.exception, error)
    assert says in str(done.exception)
    assert [] == notes(feed)


def test_a_merged_incident_takes_no_note(feed: Feed) -> None:
    with feed.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE incidents SET state = 'merged'")
    assert "became part of another one" in str(sre("note", "1", *FOUND).exception)


def test_a_viewer_notes_nothing(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    sre("resolve", "1")
    monkeypatch.setenv("SRE_PEOPLE", json.dumps({"ann": {"role": "viewer"}}))
    assert isinstance(sre("note", "1", *FOUND).exception, Refused)
    assert [] == notes(feed)
