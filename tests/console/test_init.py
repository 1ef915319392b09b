"""`sre init` writes a file that loads, replaces none, keeps acting off and says what answers."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from adapters.parts_file import PROJECT
from adapters.settings_files import load
from adapters.settings_writing import Given, text
from console.main import cli
from domain.errors import BadSettings
from tests.parts.databases_part import Server


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine" / "sre.yaml"


def sre(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments])


def test_what_is_given_is_in_the_file_and_acting_is_off(path: Path) -> None:
    done = sre(
        *("init", "--yes", "--file", path, "--brokers", "127.0.0.1:9", "--topic", "my-logs"),
        *("--mail-to", "ann@example.com, bob@example.com", "--mail-server", "127.0.0.1:9"),
        *("--page-url", "https://pages.example.com/x"),
    )
    assert 0 == done.exit_code, done.exception
    found = load(path, environ={}).settings
    assert ("127.0.0.1:9", "my-logs") == (found.kafka.bootstrap_servers, found.kafka.topic)
    assert (("ann@example.com", "bob@example.com"), "127.0.0.1", 9) == (
        found.paging.email.recipients,
        found.paging.email.host,
        found.paging.email.port,
    )
    assert "https://pages.example.com/x" == found.paging.webhook.get_secret_value()
    assert not found.mitigation.acting
    assert "does not answer" in done.stdout
    assert f"export SRE_CONFIG_FILE={path}" in done.stdout
    assert all(f"sre {name}" in done.stdout for name in ("config", "peek", "up"))


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        pytest.param("smtp.internal", ("smtp.internal", 587), id="a name"),
        pytest.param("smtp.internal:25", ("smtp.internal", 25), id="a name and a port"),
        pytest.param("[::1]", ("::1", 587), id="IPv6"),
        pytest.param("[2001:db8::5]:25", ("2001:db8::5", 25), id="IPv6 and a port"),
    ],
)
def test_a_mail_server_is_a_host_and_perhaps_a_port(path: Path, server: str, expected: tuple[str, int]) -> None:
    path.parent.mkdir()
    path.write_text(text(Given(mail_to=("ann@example.com",), mail_server=server)))
    email = load(path, environ={}).settings.paging.email
    assert expected == (email.host, email.port)


def test_an_ipv6_address_without_brackets_is_told_how_to_be_written() -> None:
    with pytest.raises(BadSettings, match=r"\[::1:25\]:587"):
        text(Given(mail_server="::1:25"))


def test_without_an_option_everything_is_at_its_default_and_explained(path: Path) -> None:
    assert 0 == sre("init", "--yes", "--file", path).exit_code
    changed = {name for name, origin in load(path, environ={}).origins.items() if origin.startswith("file")}
    assert {"kafka.topic", "kafka.start", "store.keep_days", "paging.email.port", "mitigation.acting"} == changed
    assert path.read_text().count("  # ") > 10


def test_a_file_that_is_there_is_replaced_only_when_told_so(path: Path) -> None:
    sre("init", "--yes", "--file", path)
    before = path.read_text()
    refused = sre("init", "--yes", "--file", path, "--topic", "other")
    assert "is there already; --force replaces it" in str(refused.exception)
    assert before == path.read_text()
    assert 0 == sre("init", "--yes", "--file", path, "--topic", "other", "--force").exit_code
    assert "other" == load(path, environ={}).settings.kafka.topic


def test_what_cannot_be_leaves_no_file(path: Path) -> None:
    error = sre("init", "--yes", "--file", path, "--topic", "^pattern").exception
    assert "topic is a pattern" in str(error)
    assert [] == list(path.parent.iterdir())


def test_only_its_owner_may_read_it(path: Path) -> None:
    sre("init", "--yes", "--file", path, "--store", "postgresql://sre:secret@127.0.0.1:9/sre")
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_a_password_is_not_shown(path: Path) -> None:
    done = sre("init", "--yes", "--file", path, "--store", "postgresql://sre:hidden-word@127.0.0.1:9/sre")
    assert "does not answer" in done.stdout
    assert "hidden-word" not in done.output


def test_without_a_terminal_it_asks_for_options(path: Path) -> None:
    done = sre("init", "--file", path)
    assert (2, False) == (done.exit_code, path.exists())
    assert "give the options and --yes" in done.stderr


def test_texts_are_quoted(path: Path) -> None:
    strange = Given(topic='a"b: #c', playbooks="/my books: new")
    path.parent.mkdir()
    path.write_text(text(strange))
    found = load(path, environ={}).settings
    assert ('a"b: #c', "/my books: new") == (found.kafka.topic, found.playbooks.path)


@pytest.mark.slow
def test_a_database_that_answers_is_said_to(path: Path, postgres_server: Server) -> None:
    done = sre("init", "--yes", "--json", "--file", path, "--store", postgres_server.fresh())
    (found,) = json.loads(done.stdout)["reached"]
    assert ("database", "answers") == (found["what"], found["found"])


def test_playbooks_outside_of_the_project_are_used(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "books"
    folder.mkdir()
    shutil.copy(next(iter(sorted((PROJECT / "playbooks").glob("*.md")))), folder)
    sre("init", "--yes", "--file", path, "--playbooks", folder)
    monkeypatch.setenv("SRE_CONFIG_FILE", str(path))
    listed = json.loads(sre("playbooks", "--json").stdout)
    assert (str(folder), 1) == (listed["folder"], len(listed["playbooks"]))


def test_at_a_terminal_it_asks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.init.sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    answers = ["ann@example.com", "", "my-logs", "", ""]  # mail, brokers, topic, store, address
    done = CliRunner().invoke(cli, ["init", "--file", str(path), "--mail-server", ""], input="\n".join(answers) + "\n")
    assert 0 == done.exit_code, done.output
    found = load(path, environ={}).settings
    assert ("my-logs", ("ann@example.com",)) == (found.kafka.topic, found.paging.email.recipients)
    assert "Topic to watch [system-logs]: my-logs" in done.output
