"""`sre` from another machine says what it says on the agent's machine, and leaves the same rows."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.store.database import Engine, connect, transaction
from adapters.store.incident_rows import insert_incidents
from adapters.store.tables import incidents, metadata
from domain.access import LOOKING, Scope
from domain.afar import SENT
from domain.incidents import State
from domain.people import People, Role
from domain.plan_documents import as_document
from tests.parts.afar_part import Agent, a_token, agent, sre
from tests.parts.answers_part import a_plan
from tests.parts.console_part import add_user, filled
from tests.parts.desk_part import Desk
from tests.parts.http_part import noted
from tests.parts.incidents_part import an_incident
from tests.parts.judged_part import NOW, rows
from tests.parts.on_call_part import SMALL
from tests.parts.roster_part import FixedRoster

LONG_AGO = ("--since", "2026-01-01")
READS: tuple[tuple[str, ...], ...] = (
    ("incidents",),
    ("incidents", "--open", "--limit", "1"),
    ("incident", "1"),
    ("incident", "17"),
    ("incident", "one"),
    ("logs", *LONG_AGO),
    ("logs", "--incident", "1"),
    ("logs", *LONG_AGO, "--sql", "SELECT service, level, count(*) FROM logs GROUP BY ALL ORDER BY ALL"),
    ("logs", *LONG_AGO, "--sql", "DROP TABLE logs"),
    ("changes", "--since", "2026-01-01"),
    ("stats", *LONG_AGO),
    ("templates", *LONG_AGO),
    ("findings", *LONG_AGO),
    ("findings", "--since", "soon"),
    ("models",),
    ("models", "drift"),
    ("why", "log", "nobody"),
    ("why", "nobody"),
    ("why", "page", "1"),
    ("why", "action", "1"),
    ("why", "not", "web", "--at", "2026-01-05T12:00"),
    ("why", "minute", "web", "2026-01-05T12:00"),
    ("quality", "--since", "3650d"),
    ("dead-letters", "--since", "3650d", "--examples", "2"),
    ("slo", "--days", "3650", "--check"),
    ("ledger", "verify"),
    ("playbooks",),
    ("playbooks", "search", "too many clients"),
    ("silence", "list", "--all"),
    ("maintenance", "list", "--all"),
    ("autonomy",),
    ("autonomy", "--all", "--service", "web"),
    ("on-call", "--at", "2026-03-10T12:00"),
    ("on-call", "--week", "--at", "2026-03-10T12:00"),
    ("on-call", "check"),
    ("config",),
)
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(\+00:00)?|\d{8}T\d{6}Z|UID:\w+|\d{9,}\.\d+")
WITHOUT_JSON: tuple[tuple[str, ...], ...] = (
    ("on-call", "export", "--ical", "primary", "--weeks", "1"),
    ("config", "--reference"),
    ("silence",),
    ("silence", "nope"),
    ("incidents", "--nope"),
    ("nope",),
)


def timeless(value: object) -> str:
    return TIME.sub("<time>", str(value))


def path_of(words: tuple[str, ...]) -> str:
    return max((name for name in SENT if " ".join(words).startswith(name)), key=len, default="")


@pytest.fixture(scope="module")
def there(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """An agent with something of everything, and with people who are on call."""
    folder = tmp_path_factory.mktemp("afar")
    shutil.copy(sqlite_template, folder / "store.db")
    (folder / "on_call.yaml").write_text(SMALL)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SRE_PAGING__ON_CALL", str(folder / "on_call.yaml"))
        environment.setenv("SRE_PAGING__EMAIL__HOST", "smtp.example.com")
        environment.setenv("SRE_PAGING__SLACK__TOKEN", "xoxb-1")
        with agent(f"sqlite:///{folder}/store.db", folder / "home", environment) as made:
            filled(made.store)
            yield made


@pytest.fixture(scope="module")
def token(there: Agent) -> str:
    return there.token("ann", Role.RESPONDER, Scope.READ)


def test_the_table_of_reads_misses_none() -> None:
    looking = {name for name, deed in SENT.items() if deed in LOOKING}
    assert looking == {path_of(words) for words in (*READS, *WITHOUT_JSON)} - {""}


@pytest.mark.parametrize("words", [*READS, *WITHOUT_JSON], ids=" ".join)
def test_what_is_said_is_the_same(there: Agent, token: str, words: tuple[str, ...]) -> None:
    here = sre(*words)
    assert timeless(here) == timeless(there.sent(token, *words))
    assert here.out + here.err


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_json_is_the_same(there: Agent, token: str, words: tuple[str, ...]) -> None:
    here = sre(*words, "--json")
    assert timeless(here) == timeless(there.sent(token, *words, "--json"))
    assert _is_json(words, here.out) or here.err


def test_help_is_of_here_and_needs_no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    here = sre("silence", "add", "--help")
    monkeypatch.setenv("SRE_API_URL", "http://127.0.0.1:1")
    assert here.out == sre("silence", "add", "--help").out
    assert "Example: sre silence add" in here.out


def test_a_command_of_the_machine_says_so_without_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_API_URL", "http://127.0.0.1:1")
    done = sre("users", "list")
    assert (2, "") == (done.exit, done.out)
    assert "`sre users` works on the agent's machine only" in done.err
    assert "--config names a file of this machine" in sre("--config", "sre.yaml", "incidents").err


WRITES: tuple[tuple[str, ...], ...] = (
    ("ack", "1"),
    ("comment", "1", "the disk is being swapped", "--json"),
    ("escalate", "1"),
    ("reassign", "1", "user", "bob"),
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
    ("on-call", "override", "primary", "ann", "--to", "2099-01-01", "--why", "dentist"),
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
    assert (1, "sre: --as is for the agent's machine: from afar you are whom the token belongs to\n") == (
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
    (Role.ADMIN, (Scope.READ,), ("on-call", "override", "primary", "ann", "--to", "2099-01-01"), "reading alone"),
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


def test_what_came_out_of_logs_is_masked(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mask(text: str) -> str:
        return text.replace("s3cret", "***")

    with agent(sqlite_url, tmp_path / "home", monkeypatch, mask=mask) as there:
        filled(there.store, said="the pool failed with s3cret")
        token = there.token()
        for words in (*READS, ("comment", "1", "it was s3cret")):
            shown, document = there.sent(token, *words), there.sent(token, *words, "--json")
            assert "s3cret" not in f"{shown}{document}", words
            _is_json(words, document.out)
        assert "***" in there.sent(token, "incident", "1").out
        assert "***" in there.sent(token, "incident", "1", "--json").out
        assert "s3cret" in sre("incident", "1").out


def _is_json(words: tuple[str, ...], text: str) -> Any:
    lines = text.splitlines() if words[0] == "logs" else [text]
    return [json.loads(line) for line in lines if line]
