"""`sre` from another machine says what it says on the agent's machine, and leaves the same rows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.redaction import redaction
from adapters.store.changes import keep
from domain.access import LOOKING, Scope
from domain.afar import SENT
from domain.changes import Change, ChangeKind, ChangeSource
from domain.people import Role
from tests.parts.afar_part import Agent, agent, path_of, sre, timeless
from tests.parts.console_part import a_finding, filled, put_findings, put_minutes
from tests.parts.judged_part import NOW, Feed
from tests.parts.logs_part import an_error
from tests.parts.on_call_part import SMALL

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
    ("autonomy", "changes"),
    ("on-call", "--at", "2026-03-10T12:00"),
    ("on-call", "--week", "--at", "2026-03-10T12:00"),
    ("on-call", "check"),
    ("config",),
)
WITHOUT_JSON: tuple[tuple[str, ...], ...] = (
    ("on-call", "export", "--ical", "primary", "--weeks", "1"),
    ("config", "--reference"),
    ("silence",),
    ("silence", "nope"),
    ("incidents", "--nope"),
    ("nope",),
)


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


@pytest.fixture
def secretive(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Agent, str]]:
    """An agent whose logs hold a password, masked as by default, and a token of somebody who may ask by SQL."""
    with agent(sqlite_url, tmp_path / "home", monkeypatch, mask=redaction()) as made:
        filled(made.store, said="the pool failed with password=hunter2")
        yield made, made.token("bo", Role.RESPONDER, Scope.READ)


@pytest.mark.parametrize(
    "what",
    [
        "regexp_extract(message, 'password=(.+)', 1)",
        "base64(message::blob)",
        "hex(body)",
        "replace(message, '=', '~')",
        "reverse(message)",
        "strpos(message, 'hunter2')",
        "message LIKE '%password=h%'",
    ],
)
def test_no_question_takes_a_secret_out_of_its_mask(secretive: tuple[Agent, str], what: str) -> None:
    there, token = secretive
    words = ("logs", *LONG_AGO, "--json", "--sql")
    sql = f"SELECT DISTINCT {what} AS it FROM logs ORDER BY ALL"
    found = _is_json(words, there.sent(token, *words, sql).out)
    assert found
    assert found == _is_json(words, sre(*words, _over(sql)).out)
    assert found != _is_json(words, sre(*words, sql).out)


def _over(sql: str) -> str:
    """The same question over logs in which the password is masked."""
    body = "replace(body::varchar, 'hunter2', '***')::blob"
    masked = f"SELECT replace(message, 'hunter2', '***') AS message, {body} AS body FROM logs"
    return f"WITH masked AS ({masked}) {sql.replace('FROM logs', 'FROM masked')}"


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        pytest.param(("--text", "hunter2"), False, id="the secret"),
        pytest.param(("--text", "password=h"), False, id="its first letter"),
        pytest.param(("--regex", "--text", "password=h"), False, id="... as an expression"),
        pytest.param(("--regex", "--text", "password=[^x]"), True, id="what is not its first letter"),
        pytest.param(("--regex", "--text", "password=[^h]"), True, id="... and what it is: the same answer"),
        pytest.param(("--template", "the pool failed with password=hunter2"), True, id="a message with it"),
        pytest.param(
            ("--template", "the pool failed with password=another"), True, id="... and without: the same answer"
        ),
        pytest.param(("--text", "pool FAILED"), True, id="what is no secret"),
        pytest.param(("--text", "password=***"), True, id="as it is shown"),
        pytest.param(("--template", "the pool failed with password=***"), True, id="a message as it is shown"),
    ],
)
def test_only_what_is_shown_is_searched(secretive: tuple[Agent, str], asked: tuple[str, ...], seen: bool) -> None:  # noqa: FBT001 - a column of the table
    there, token = secretive
    found = there.sent(token, "logs", *LONG_AGO, *asked)
    assert seen == ("the pool failed" in found.out), found


HIDDEN = "pool password=hunter2"  # a service that somebody called so
OF_A_SERVICE = (
    pytest.param(("logs", *LONG_AGO), id="logs"),
    pytest.param(("logs", *LONG_AGO, "--sql", "SELECT message FROM logs"), id="logs by SQL"),
    pytest.param(("stats", *LONG_AGO), id="stats"),
    pytest.param(("templates", *LONG_AGO), id="templates"),
    pytest.param(("findings", *LONG_AGO), id="findings"),
    pytest.param(("changes", *LONG_AGO), id="changes"),
)


@pytest.mark.parametrize("words", OF_A_SERVICE)
def test_a_secret_in_the_name_of_a_service_cannot_be_tried(
    secretive: tuple[Agent, str], words: tuple[str, ...]
) -> None:
    there, token = secretive
    Feed(there.store, partition=7).take(*(an_error(number, service=HIDDEN) for number in range(3)))
    put_findings(there.store, 1, [a_finding(service=HIDDEN)])
    put_minutes(there.store, HIDDEN)
    keep(there.store, [Change(NOW, HIDDEN, ChangeKind.DEPLOY, "v1.4.2", "ann", ChangeSource.COMMAND)], now=NOW)

    def found(name: str) -> str:
        done = there.sent(token, *words, "--json", "--service", name)
        assert 0 == done.exit, done
        return done.out

    right, *others = [found(f"pool password={guess}") for guess in ("hunter2", "h", "another", "***")]
    assert [right] * 3 == others
    assert any(_is_json(words, right))
    assert "hunter2" not in right
    assert not any(_is_json(words, found("nobody")))


def test_on_its_own_machine_everything_is_searched(secretive: tuple[Agent, str]) -> None:
    assert secretive
    assert "password=hunter2" in sre("logs", *LONG_AGO, "--regex", "--text", "password=h").out


def _is_json(words: tuple[str, ...], text: str) -> Any:
    lines = text.splitlines() if words[0] == "logs" else [text]
    return [json.loads(line) for line in lines if line]
