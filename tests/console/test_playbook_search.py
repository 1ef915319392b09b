"""`sre playbooks search`: as people call it, and as programs do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.main import cli


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    runbooks = tmp_path / "runbooks"
    runbooks.mkdir()
    (runbooks / "disk.md").write_text("# Disk full\n\n## Meaning\n\nNo space is left on the device.\n")
    (runbooks / "clock.md").write_text("# Clock skew\n\n## Meaning\n\nThe host's clock drifts.\n")
    (runbooks / "esc.md").write_text("# Bell \x1b[2J rings\n\nA bell rings for ever.\n")
    return runbooks


def search(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, ["playbooks", "search", *map(str, words)])


def test_it_finds_the_playbook_with_the_words_that_say_so() -> None:
    found = json.loads(search("connection pool exhausted", "--json").stdout)
    best = found["results"][0]
    assert (True, "") == (found["answered"], found["degraded"])
    assert ("connection-pool-exhausted", True) == (best["id"], best["answers"])
    assert {"Connection", "pool", "exhausted"} <= set(best["terms"])


def test_any_folder_can_be_searched(folder: Path) -> None:
    done = search("no space left on the device", "--folder", folder)
    assert 0 == done.exit_code, done.output
    assert "disk.md" in done.stdout
    assert "No space is left on the device." in done.stdout


def test_it_says_that_nothing_answers_and_names_the_nearest(folder: Path) -> None:
    """A wrong playbook is worse than none."""
    done = search("the printer drifts", "--folder", folder, "-k", "1")
    assert "no text answers this" in done.stdout
    assert "Nearest, and not an answer" in done.stdout
    assert "clock.md" in done.stdout


def test_texts_do_not_steer_the_terminal(folder: Path) -> None:
    assert "\x1b" not in search("bell rings for ever", "--folder", folder).stdout


def test_max_context_length_bounds_the_excerpt(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_PLAYBOOKS__MAX_CONTEXT_LENGTH", "40")
    found = json.loads(search("no space left on the device", "--folder", folder, "--json").stdout)
    assert all(len(each["excerpt"]) <= 40 for each in found["results"])


def test_an_endpoint_that_does_not_answer_is_a_warning(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_RETRIEVAL__EMBEDDING_URL", "http://127.0.0.1:1/v1")
    done = search("no space left on the device", "--folder", folder, "--json")
    found = json.loads(done.stdout)
    assert "disk.md" == found["results"][0]["id"]
    assert "without embeddings" in found["degraded"]
    assert "warning: without embeddings" in done.stderr


def test_past_incidents_are_searched(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_STORE__URL", sqlite_url)
    done = search("anything", "--past")
    assert (0, "no past incident answers this\n") == (done.exit_code, done.stdout)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["x", "--folder", ".", "--past"], "give one of them", id="two places at once"),
        pytest.param([], "Missing argument 'TEXT'", id="no question"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: list[str], said: str) -> None:
    done = search(*words)
    assert 2 == done.exit_code
    assert said in done.output


def test_options_of_the_list_are_no_options_of_the_search() -> None:
    done = CliRunner().invoke(cli, ["playbooks", "--json", "search", "x"])
    assert (2, True) == (done.exit_code, "options go behind the command" in done.output)


def test_without_a_command_the_playbooks_are_listed() -> None:
    done = CliRunner().invoke(cli, ["playbooks", "--json"])
    assert "connection-pool-exhausted" in [each["id"] for each in json.loads(done.stdout)["playbooks"]]
