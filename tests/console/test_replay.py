"""`sre replay` on a store that was filled live, with real processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.store.database import connect
from console.main import cli
from domain.errors import BadSettings
from tests.parts.desk_part import Desk
from tests.parts.logs_part import NOON, SECOND, a_log
from tests.parts.replay_part import FAULTS, Live, rows_of
from tests.parts.roster_part import FixedRoster

SPAN = ("--since", "2026-01-05T11:00", "--until", "2026-01-05T13:00")


@pytest.fixture
def environ(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store with one fault of six logs, and two partitions."""
    engine = connect(sqlite_url)
    live = Live(engine)
    for second in range(6):
        live.now = NOON + second * SECOND
        live.take([(second % 2, a_log(timestamp=live.now.isoformat(), **FAULTS[0])), (0, a_log())])
    engine.dispose()
    monkeypatch.setenv("SRE_STORE__URL", sqlite_url)
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    return sqlite_url


def called(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["replay", *arguments])


OTHER = """
users:
  dora:
    contacts: [{email: dora@example.org}]
policies:
  default:
    steps: [{notify: [{user: dora}], wait: 5m}]
"""


def test_another_file_of_who_is_on_call_tells_whom_it_would_have_woken(
    environ: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = connect(environ)
    desk = Desk(engine, rosters=FixedRoster(), now=NOON + 60 * SECOND)
    desk.deliver()
    engine.dispose()
    found = called(*SPAN)
    assert 0 == found.exit_code, found.output
    assert "1 × choice of whom to tell" in found.output
    file = tmp_path / "other.yaml"
    file.write_text(OTHER)
    monkeypatch.setenv("SRE_PAGING__EMAIL__HOST", "127.0.0.1")
    found = called(*SPAN, "--on-call", str(file))
    assert 1 == found.exit_code, found.output
    assert "dora by email dora@example.org (the policy names this person) would have been told, not ann" in found.output
    file.write_text(OTHER.replace("user: dora", "user: gone"))
    found = called(*SPAN, "--on-call", str(file))
    assert isinstance(found.exception, BadSettings)
    assert "gone" in str(found.exception)


@pytest.mark.usefixtures("environ")
def test_what_was_decided_is_decided_again() -> None:
    found = called(*SPAN)
    assert 0 == found.exit_code, found.output
    assert "Decided again: 12 logs in 6 batches" in found.output
    assert "The same: 12 verdicts on logs" in found.output
    assert "1 × page.queued" in found.output
    assert found.output.endswith("Nothing differs.\n")


def test_other_settings_differ_in_words_and_change_nothing(environ: str, tmp_path: Path) -> None:
    file = tmp_path / "stricter.yaml"
    file.write_text("detection:\n  confidence_threshold: 0.95\n")
    engine = connect(environ)
    before = rows_of(engine)
    found = called(*SPAN, "--settings", str(file))
    assert 1 == found.exit_code
    assert "page 1 lost: web: “connection refused”; it opens no incident: 6 of its logs are no anomaly" in found.output
    assert "web: 6 logs are no anomaly any more" in found.output
    assert before == rows_of(engine)
    engine.dispose()


@pytest.mark.usefixtures("environ")
def test_programs_get_the_same_as_json() -> None:
    found = json.loads(called(*SPAN, "--json").output)
    assert (12, 6, True, []) == (found["logs"], found["batches"], found["same"], found["differences"])
    assert {"alike": 12, "other": 0, "won": {}, "lost": {}, "examples": []} == found["verdicts"]


@pytest.mark.usefixtures("environ")
def test_a_time_without_batches_is_said() -> None:
    found = called("--since", "2026-01-05T09:00", "--until", "2026-01-05T10:00")
    assert (0, True) == (found.exit_code, found.output.startswith("No batch was decided between 2026-01-05 09:00:00"))


@pytest.mark.usefixtures("environ")
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--since", "13:00", "--until", "24h"), id="the-end-before-the-begin"),
        pytest.param(("--since", "yesterday"), id="no-time"),
        pytest.param((*SPAN, "--settings", "no-such-file.yaml"), id="no-file"),
        pytest.param((*SPAN, "--model", "-1"), id="no-version"),
    ],
)
def test_wrong_options_are_exit_code_2(arguments: tuple[str, ...]) -> None:
    assert 2 == called(*arguments).exit_code


@pytest.mark.usefixtures("environ")
def test_a_model_that_cannot_be_had_is_said_at_once() -> None:
    assert "model 3 cannot be loaded: no MLflow server is known" in str(called(*SPAN, "--model", "3").exception)


@pytest.mark.usefixtures("environ")
def test_playbooks_with_flaws_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    (folder / "broken.md").write_text("no front matter")
    assert "broken.md" in str(called(*SPAN, "--playbooks", str(folder)).exception)


@pytest.mark.usefixtures("environ")
def test_without_a_model_its_rules_decide_alone() -> None:
    """Rules decided then as well; only the reason why there was no model is another one."""
    found = called(*SPAN, "--model", "0")
    assert "page" not in found.output.split("The same:")[0]
