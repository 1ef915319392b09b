"""Answers that come from afar leave the rows that they leave on the agent's machine, for whoever may give them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.store.database import Engine, connect, transaction
from adapters.store.incident_rows import insert_incidents
from adapters.store.tables.found import incidents
from adapters.store.tables.schema import metadata
from domain.access import LOOKING, Scope
from domain.afar import SENT
from domain.incidents import State
from domain.people import People, Role
from domain.plan_documents import as_document
from tests.parts.afar_part import Agent, a_token, agent, path_of, sre, timeless
from tests.parts.answers_part import a_plan
from tests.parts.console_part import add_user
from tests.parts.desk_part import Desk
from tests.parts.http_part import noted
from tests.parts.incidents_part import an_incident
from tests.parts.judged_part import NOW, rows
from tests.parts.on_call_part import SMALL
from tests.parts.roster_part import FixedRoster

IN_A_MONTH = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
WRITES: tuple[tuple[str, ...], ...] = (
    ("ack", "1"),
    ("comment", "1", "the disk is being swapped", "--json"),
    ("escalate", "1"),
    ("reassign", "1", "user", "bob"),
    ("reassign", "1", "bob"),
    ("snooze", "1", "2h"),
    ("incident", "1", "--verdict", "false-alarm", "--json"),
    ("approve", "2"),
    ("reject", "3", "--json"),
    ("note", "4", "--cause", "the pool was too small"),
    ("resolve", "1", "--cause", "x", "--helped", "y"),
    ("ack", "1", "--json"),
    ("change", "web", "v1.4.2", "--at", "2026-01-05T12:00", "--json"),
    ("silence", "add", "service=web", "--for", "2h", "--comment", "swap"),
    ("silence", "expire", "1"),
    ("maintenance", "add", "owner=storage", "--for", "1h", "--comment", "swap", "--json"),
    ("maintenance", "expire", "2"),
    ("maintenance", "expire", "7"),
    ("pause",),
    ("resume", "--json"),
    ("on-call", "override", "primary", "ann", "--to", IN_A_MONTH, "--why", "dentist"),
    ("on-call", "override", "--remove", "1"),
    ("autonomy", "set", "bad-release", "web", "ask", "--why", "mended", "--json"),
    ("models", "promote", "7"),
    ("models", "rollback"),
)
# An incident that is closed by then, a window that never was, and no registry of models.
FAILING = {
    ("ack", "1", "--json"),
    ("maintenance", "expire", "7"),
    ("models", "promote", "7"),
    ("models", "rollback"),
}
# What differs by the store: secrets, and what links the ledger's entries.
OF_THE_STORE = {"api_tokens", "unsealed"}


def a_world(url: str) -> Engine:
    """1: paged, and somebody is asked; 2 and 3: a plan waits; 4: over. Users are the same everywhere."""
    store = connect(url)
    desk = Desk(store, rosters=FixedRoster(), now=NOW)
    assert 1 == desk.incident("web")
    desk.deliver()
    with transaction(store) as connection:
        for number in (2, 3):
            insert_incidents(connection, [an_incident(id=number, service="db", state=State.WAITING)], now=NOW)
            connection.execute(
                incidents.update().where(incidents.c.id == number).values(plan=as_document(a_plan(incident_id=number)))
            )
        insert_incidents(connection, [an_incident(id=4, service="api")], now=NOW)
    desk.close(4)
    return store


def stored(store: Engine) -> dict[str, list[str]]:
    """The rows of every table, without times."""
    tables = [name for name in metadata.tables if name not in OF_THE_STORE]
    return {
        name: sorted(_without_role(timeless(dict(row))) for row in rows(store, f'SELECT * FROM "{name}"'))
        for name in tables
    }


@pytest.fixture
def two(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Agent, Engine]]:
    """An agent, and a store that is like its own for `sre` on its machine."""
    other = tmp_path / "other.db"
    shutil.copy(sqlite_url.removeprefix("sqlite:///"), other)
    (tmp_path / "on_call.yaml").write_text(SMALL)
    monkeypatch.setenv("SRE_PAGING__ON_CALL", str(tmp_path / "on_call.yaml"))
    monkeypatch.setenv("SRE_PAGING__EMAIL__HOST", "smtp.example.com")
    monkeypatch.setenv("SRE_PAGING__SLACK__TOKEN", "xoxb-1")
    (tmp_path / "inventory.yaml").write_text("services:\n  web: {executor: supervisord, target: web}\n")
    monkeypatch.setenv("SRE_MITIGATION__INVENTORY", str(tmp_path / "inventory.yaml"))
    a_world(sqlite_url).dispose()
    here = a_world(f"sqlite:///{other}")
    with agent(sqlite_url, tmp_path / "home", monkeypatch) as made:
        monkeypatch.setenv("SRE_STORE__URL", f"sqlite:///{other}")
        yield made, here
    here.dispose()


def test_the_table_of_writes_misses_none() -> None:
    changing = {name for name, deed in SENT.items() if deed not in LOOKING}
    assert changing == {path_of(words) for words in WRITES} - {"incident"}


def test_answers_from_afar_leave_the_same_rows(two: tuple[Agent, Engine]) -> None:
    there, here = two
    token = there.token("ann", Role.ADMIN)
    add_user(here, "ann", Role.ADMIN)
    a_token(here, "ann")
    for words in WRITES:
        typed, sent = sre(*words), there.sent(token, *words)
        assert (words in FAILING) == (typed.exit != 0), typed
        assert timeless(_without_role(typed)) == timeless(_without_role(sent)), words
    assert stored(here) == stored(there.store)


def _without_role(said: object) -> str:
    """On the machine everybody is an admin as long as `people` names nobody, and it says so."""
    return str(said).replace("admin, as no people are configured", "admin")


def test_who_answers_is_the_person_of_the_token(two: tuple[Agent, Engine]) -> None:
    there, _ = two
    token = there.token("robert", Role.RESPONDER, person="rob")
    there.environment.setenv("SRE_USER", "somebody")
    assert "incident 1 acknowledged\n" == there.sent(token, "ack", "1").out
    (entry,) = noted(there.store, "incident.acknowledged")
    assert "rob" == entry["by"]
    said = there.sent(token, "ack", "1", "--as", "ann")
    assert (2, "sre: --as is for the agent's machine: from afar you are whom the token belongs to\n") == (
        said.exit,
        said.err,
    )


REFUSED: tuple[tuple[Role, tuple[Scope, ...], tuple[str, ...], str], ...] = (
    (Role.VIEWER, tuple(Scope), ("ack", "1"), "ann is viewer, and this needs the role responder"),
    (Role.VIEWER, tuple(Scope), ("config",), "needs the role responder"),
    (Role.VIEWER, tuple(Scope), ("logs", "--sql", "SELECT 1"), "needs the role responder"),
    (Role.VIEWER, tuple(Scope), ("incident", "1", "--verdict", "false-alarm"), "needs the role responder"),
    (Role.RESPONDER, tuple(Scope), ("approve", "2"), "needs the role approver"),
    (Role.RESPONDER, tuple(Scope), ("models", "promote", "7"), "needs the role approver"),
    (Role.APPROVER, tuple(Scope), ("autonomy", "set", "bad-release", "web", "act", "--why", "x"), "the role admin"),
    (Role.ADMIN, (Scope.READ,), ("ack", "1"), "good for reading alone"),
    (Role.ADMIN, (Scope.READ,), ("pause",), "good for reading alone"),
    (Role.ADMIN, (Scope.READ,), ("on-call", "override", "primary", "ann", "--to", IN_A_MONTH), "reading alone"),
    (Role.ADMIN, (Scope.READ,), ("incident", "1", "--verdict", "false-alarm"), "good for reading alone"),
)


@pytest.mark.parametrize(("role", "scopes", "words", "expected"), REFUSED, ids=lambda one: str(one)[:30])
def test_who_may_not_is_told_why_and_nothing_changes(
    two: tuple[Agent, Engine], role: Role, scopes: tuple[Scope, ...], words: tuple[str, ...], expected: str
) -> None:
    there, _ = two
    token = there.token("ann", role, *scopes)
    before = stored(there.store)
    said = there.sent(token, *words)
    assert (1, "") == (said.exit, said.out)
    assert expected in said.err
    after = stored(there.store)
    (entry,) = noted(there.store, "response.refused")
    assert ("ann", "command") == (entry["by"], entry["via"])
    assert before | {"ledger": []} == after | {"ledger": []}


def test_where_people_have_roles_they_hold_as_well(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_world(sqlite_url).dispose()
    people = People({"ann": Role.VIEWER, "rob": Role.RESPONDER})
    with agent(sqlite_url, tmp_path / "home", monkeypatch, people=people) as there:
        assert "this needs the role responder" in there.sent(there.token("ann", Role.ADMIN), "ack", "1").err
        assert "incident 1 acknowledged\n" == there.sent(there.token("rob", Role.ADMIN), "ack", "1").out
