"""`sre backup` and `sre restore` as people type them, into a new embedded PostgreSQL as well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from adapters import parts_file, postgres
from adapters.encryption_keys import VARIABLE
from adapters.link_keys import private_file, signer
from adapters.log_archive import Archive
from adapters.parts_file import PROJECT
from adapters.postgres_serving import new_server, running
from adapters.sealing import PLAIN, use
from adapters.settings_files import load
from adapters.store.migrate import migrate
from adapters.store.opening import open_database
from console.main import cli
from console.restore import archive_of
from domain.encryption_settings import EncryptionSettings
from domain.errors import Refused, SreError
from tests.parts.compaction_part import fill, gather, held, opened, places
from tests.parts.filled_part import fill as fill_words
from tests.parts.keys_part import FIRST, line


class Machine:
    """Homes and databases below one folder, and the environment of whoever types."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch
        self.backup = folder / "monday"
        self.home("one")

    def home(self, name: str) -> Path:
        self.monkeypatch.setenv("SRE_HOME", str(self.folder / name))
        return self.folder / name

    def sqlite(self, name: str) -> str:
        url = f"sqlite:///{self.folder / name / 'store.db'}"
        self.monkeypatch.setenv("SRE_STORE__URL", url)
        self.monkeypatch.setenv("SRE_STORE__FILES", str(self.folder / name / "files"))
        return url

    def sealing(self) -> None:
        self.monkeypatch.setenv("SRE_ENCRYPTION__ENABLED", "true")
        self.monkeypatch.setenv(VARIABLE, line(FIRST))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    yield Machine(tmp_path, monkeypatch)
    use(PLAIN)


def said(*words: object) -> str:
    done = CliRunner().invoke(cli, list(map(str, words)))
    assert 0 == done.exit_code, done.output + repr(done.exception)
    return done.output


def refusal(*words: object) -> str:
    done = CliRunner().invoke(cli, list(map(str, words)))
    assert isinstance(done.exception, SreError), done.output
    return str(done.exception)


def filled(url: str, files: Path) -> None:
    migrate(url)
    engine = opened(url, files)
    fill(engine)
    gather(engine, Archive(files))
    engine.dispose()


def test_a_file_of_sqlite_goes_elsewhere_in_words(machine: Machine) -> None:
    url = machine.sqlite("one")
    filled(url, machine.folder / "one" / "files")
    told = said("backup", machine.backup)
    assert "rows" in told
    assert "MB" in told
    assert "keys are not in it: see --keys-to" in told
    machine.home("two")
    there = machine.sqlite("two")
    told = said("restore", machine.backup)
    assert "the ledger's chain holds" in told
    assert "acting is paused" in told
    before, after = opened(url, machine.folder / "one" / "files"), opened(there, machine.folder / "two" / "files")
    assert held(before).equals(held(after))
    before.dispose()
    after.dispose()
    assert "belongs to an agent already" in refusal("restore", machine.backup)


def test_keys_travel_apart(machine: Machine) -> None:
    url = machine.sqlite("one")
    migrate(url)
    machine.sealing()
    engine = open_database(url, EncryptionSettings(enabled=True), str(machine.folder / "one" / "files"))
    fill_words(engine, "delivery to the spool failed")
    engine.dispose()
    signer(machine.folder / "one")
    assert "whoever has one has both" in refusal("backup", machine.backup, "--keys-to", machine.backup / "keys")
    keys = machine.folder / "keys"
    assert f"keys are in {keys}" in said("backup", machine.backup, "--keys-to", keys)
    secret = line(FIRST).partition(":")[2].encode()
    assert not any(secret in path.read_bytes() for path in machine.backup.rglob("*") if path.is_file())
    assert "exists already" in refusal("backup", machine.folder / "tuesday", "--keys-to", keys)
    machine.monkeypatch.delenv(VARIABLE)
    machine.monkeypatch.delenv("SRE_ENCRYPTION__ENABLED")
    two = machine.home("two")
    machine.sqlite("two")
    assert "give it by --keys-from FILE" in refusal("restore", machine.backup)
    done = json.loads(said("restore", machine.backup, "--keys-from", keys, "--json"))
    assert f"{line(FIRST)}\n" == Path(done["keys_file"]).read_text()
    assert private_file(machine.folder / "one").read_bytes() == private_file(two).read_bytes()


def test_a_settings_file_with_a_credential_stays_out(machine: Machine, tmp_path: Path) -> None:
    migrate(machine.sqlite("one"))
    for name, text in (("plain.yaml", "kafka: {topic: mine}"), ("secret.yaml", "http: {token: hush-hush}")):
        (tmp_path / name).write_text(text)
        told = said("--config", tmp_path / name, "backup", tmp_path / f"of-{name}", "--json")
        made = tmp_path / f"of-{name}"
        assert ("plain" in name) is (made / "settings" / name).exists()
        assert ("secret" in name) is any("http.token" in one for one in json.loads(told)["left_out"])
        assert "hush-hush" not in (made / "settings" / "effective.json").read_text()
    assert len(list((PROJECT / "playbooks").glob("*.md"))) == len(list((made / "playbooks").glob("*.md")))


@pytest.mark.slow
def test_an_embedded_database_with_its_models_goes_into_a_new_home(machine: Machine) -> None:
    """What `sre up` keeps: the agent's database, files of logs, MLflow's database and its files."""
    one = machine.home("one")
    with new_server(one) as server:
        urls = {name: server.url(name) for name in postgres.DATABASES}
        parts_file.change(one, postgres=urls, mlflow={"tracking_uri": "http://127.0.0.1:1"})
        filled(urls["agent"], one / "log-files")
        with psycopg.connect(urls["mlflow"]) as connection:
            connection.execute("CREATE TABLE models AS SELECT 7 AS version")
        (one / "mlflow" / "1").mkdir(parents=True)
        (one / "mlflow" / "1" / "model.skops").write_bytes(b"a model")
        engine = opened(urls["agent"], one / "log-files")
        before = places(engine)
        engine.dispose()
        made = json.loads(said("backup", machine.backup, "--json"))
        assert [] == made["left_out"]
    two = machine.folder / "two"
    done = json.loads(said("restore", machine.backup, "--home", two, "--json"))
    assert (str(two), made["rows"], False) == (done["home"], done["rows"], done["migrated"])
    assert b"a model" == (two / "mlflow" / "1" / "model.skops").read_bytes()
    embedded = postgres.place(two)
    with running(embedded):
        engine = opened(embedded.url("agent"), two / "log-files")
        assert before == places(engine)
        engine.dispose()
        with psycopg.connect(embedded.url("mlflow")) as connection:
            assert [(7,)] == connection.execute("SELECT version FROM models").fetchall()
    assert "belongs to an agent already" in refusal("restore", machine.backup, "--home", two)
    for home in (one, two):
        postgres.remove(home)


def test_log_files_go_where_the_agent_will_look_for_them(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    home, elsewhere = machine.home("one"), machine.folder / "elsewhere"
    assert str(home / "log-files") == archive_of(load(None), home).where
    monkeypatch.setenv("SRE_STORE__FILES", str(elsewhere))
    assert str(elsewhere) == archive_of(load(None), home).where


@pytest.mark.slow
def test_a_new_server_of_a_restore_that_failed_goes_again(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="because"), new_server(tmp_path / "home") as server:
        folder = server.folder
        raise Refused("because")
    assert not folder.exists()
    assert not (tmp_path / "home" / "postgres.json").exists()


def test_without_a_database_there_is_nothing_to_back_up(machine: Machine) -> None:
    machine.monkeypatch.delenv("SRE_STORE__URL", raising=False)
    assert "start the embedded one with `sre up`" in refusal("backup", machine.backup)
    assert not machine.backup.exists()
