"""`sre config` and `sre playbooks`, called as people call them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.parts_file import PROJECT
from console.main import cli
from console.settings_reference import markdown
from domain.errors import BadSettings
from domain.settings_keys import leaves

SETTINGS = """\
kafka:
  topic: logs
  client: {sasl.password: hidden-word}
store: {url: "postgresql://agent:hidden-word@db/agent"}
paging: {email: {password: hidden-word}}
llm: {model: gpt-5}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    path = tmp_path / "mine.yaml"
    path.write_text(SETTINGS)
    return path


def sre(*arguments: object, **environ: str) -> Result:
    return CliRunner(env=environ).invoke(cli, list(map(str, arguments)), prog_name="sre")


def test_config_prints_values_and_where_they_came_from(file: Path) -> None:
    result = sre("--config", file, "config", SRE_KAFKA__START="earliest")
    assert result.exit_code == 0
    lines = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert lines["kafka.topic"] == ["logs", "file", f"{file}:2"]
    assert lines["kafka.start"] == ["earliest", "environment", "SRE_KAFKA__START"]
    assert lines["kafka.batch_rows"][-1] == "default"
    assert "hidden-word" not in result.output


def test_what_is_off_or_zero_says_so() -> None:
    lines = {line.split()[0]: line.split()[1:] for line in sre("config").stdout.splitlines()}
    assert ["no", "default"] == lines["quality.quarantine"]
    assert ["0", "default"] == lines["llm.temperature"]


def test_config_warns_about_what_has_no_effect(file: Path) -> None:
    assert f"warning: {file}:6: llm.model: without effect yet" in sre("--config", file, "config").stderr


def test_config_as_json_names_every_setting_and_masks_secrets(file: Path) -> None:
    result = sre("--config", file, "config", "--json")
    document = json.loads(result.stdout)
    found = {row["setting"]: row for row in document["settings"]}
    assert {key for key, _ in leaves()} - set(found) == {"kafka.client"}
    assert found["paging.email.password"] == {
        "setting": "paging.email.password",
        "value": "***",
        "origin": f"file {file}:5",
    }
    assert found["store.url"]["value"] == "postgresql://agent:***@db/agent"
    assert len(document["warnings"]) == 1
    assert "hidden-word" not in result.output


def test_config_of_a_wrong_file_is_an_error_of_ours(file: Path) -> None:
    file.write_text("kafka: {topc: x}")
    result = sre("--config", file, "config")
    assert result.exit_code == 1
    assert isinstance(result.exception, BadSettings)
    assert "the nearest is kafka.topic" in str(result.exception)


def test_reference_of_settings_is_up_to_date() -> None:
    """`sre config --reference > docs/guides/settings.md` mends it."""
    assert (PROJECT / "docs/guides/settings.md").read_text(encoding="utf-8") == sre("config", "--reference").stdout


def test_reference_of_settings_is_complete() -> None:
    text = markdown()
    assert [key for key, _ in leaves() if f"`{key}`" not in text] == []


@pytest.mark.parametrize("command", ["config", "playbooks"])
def test_help_has_an_example(command: str) -> None:
    assert "Example: " in sre(command, "--help").stdout


def test_playbooks_are_listed() -> None:
    result = sre("playbooks", "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["faults"] == []
    assert {path.stem for path in (PROJECT / "playbooks").glob("*.md")} - {"README"} == {
        row["id"] for row in document["playbooks"]
    }


def test_check_names_faults_and_fails(tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_text("---\nid: bad\n---\n")
    result = sre("playbooks", "--check", tmp_path)
    assert result.exit_code == 1
    assert f"{tmp_path / 'bad.md'}:2: title: is missing" in result.stderr
    as_json = sre("playbooks", "--json", "--check", tmp_path)
    assert as_json.exit_code == 1
    assert f"{tmp_path / 'bad.md'}:2: title: is missing" in json.loads(as_json.stdout)["faults"]
