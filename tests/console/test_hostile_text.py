"""P7: what a stranger wrote into a log steers no terminal, whatever command shows it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.store import mutes
from adapters.store.changes import keep
from adapters.store.closing import acknowledge
from adapters.store.database import Engine, transaction
from adapters.store.resolution_notes import add
from adapters.store.switches import report_condition
from console import main as entry
from console.main import cli
from domain.changes import Change, ChangeKind
from domain.errors import Refused
from domain.resolution_notes import ResolutionNote
from tests.parts.judged_part import Feed, known
from tests.parts.logs_part import a_log, an_error
from tests.parts.mutes_part import a_silence

PROJECT = Path(__file__).resolve().parents[2]
# Clears the screen, rewrites the title, hides a link, turns the reading direction, forges a line, paints it red.
HOSTILE = "refused\x1b[2J\x1b]0;owned\x07\x1b]8;;http://evil\x1b\\here\x1b]8;;\x1b\\\u202edesrever\u2066\x9b31m\x7f\r\n[red]FORGED[/red]"
COMMANDS = (
    ("logs", "--since", "2026-01-01"),
    ("stats", "--since", "2026-01-01"),
    ("incidents",),
    ("incident", "1"),
    ("why", "hostile"),
    ("why", "page", "1"),
    ("why", "not", HOSTILE),
    ("why", "not", "[red]web[/red]", "--at", "1m"),
    ("why", "minute", HOSTILE, "5m"),
    ("dead-letters",),
    ("silence", "list"),
    ("maintenance", "list"),
    ("slo",),
    ("ledger", "verify"),
    ("playbooks",),
    ("playbooks", "search", HOSTILE),
    ("playbooks", "search", "--past", HOSTILE),
    ("inventory",),
    ("autonomy",),
    ("on-call",),
    ("config",),
    ("ack", "1"),
    ("comment", "1", HOSTILE),
    ("resolve", "1", "--cause", HOSTILE, "--helped", HOSTILE, "--origin", HOSTILE),
    ("change", HOSTILE, HOSTILE, "--by", HOSTILE),
    ("changes",),
)


@pytest.fixture
def stranger(store: Engine, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One incident, a dead letter, a silence and a condition, with as much of a stranger's text as each takes."""
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SRE_STORE__URL", store_url)
    monkeypatch.setenv("SRE_USER", HOSTILE)
    now = datetime.now(UTC)
    feed = Feed(store, known())
    logs = [an_error(n, service="[red]web[/red]", message=HOSTILE, request_id="hostile") for n in range(3)]
    feed.take(*logs, a_log(request_id="hostile"), HOSTILE.encode(), now=now)  # type: ignore[arg-type]
    report_condition(store, f"kafka {HOSTILE}", seen_by="watch", healthy=False, detail=HOSTILE, now=now)
    acknowledge(store, 1, by=HOSTILE, now=now)
    keep(store, [Change(now, HOSTILE, ChangeKind.DEPLOY, HOSTILE, HOSTILE)], now=now)
    with transaction(store) as connection:
        add(connection, ResolutionNote(1, 1, now, HOSTILE, HOSTILE, HOSTILE, HOSTILE))
    silence = a_silence("service=web", starts_at=now, ends_at=now + timedelta(hours=1))
    mutes.add(store, replace(silence, comment=HOSTILE, author=HOSTILE), now=now)


def steering(text: str) -> list[str]:
    return sorted({letter for letter in text if not letter.isprintable() and letter != "\n"})


def sre(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, color=True)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: " ".join(words[:2]).replace(HOSTILE, "…"))
def test_p7_what_is_shown_is_printable(command: tuple[str, ...], stranger: None) -> None:
    done = sre(*command)
    shown = re.sub(r"\x1b\[(0|2)m", "", done.stdout)  # what nobody set stands back in `sre config`
    assert [] == steering(shown + done.stderr)
    assert not re.search(r"^\[?(red\])?FORGED", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("command", [one for one in COMMANDS if one[0] in ("incidents", "incident", "why", "silence")])
def test_p7_json_escapes_what_is_not_printable_and_keeps_it(command: tuple[str, ...], stranger: None) -> None:
    done = sre(*command, "--json")
    assert [] == steering(done.stdout + done.stderr)
    assert json.loads(done.stdout)


def test_p7_an_incident_keeps_the_strangers_text_in_json_as_it_was(stranger: None) -> None:
    found = json.loads(sre("incident", "1", "--json").stdout)
    assert "\x1b[2J" in found["evidence"][0]["message"]


def test_p7_an_error_is_shown_free_of_what_steers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(**_: object) -> None:
        raise Refused(f"smtp: {HOSTILE}")

    monkeypatch.setattr(entry, "cli", refuse)
    with pytest.raises(SystemExit):
        entry.main()
    shown = capsys.readouterr().err
    assert shown.startswith("sre: smtp: refused")
    assert [] == steering(shown)


def test_p7_there_is_one_way_to_the_terminal() -> None:
    """Whoever adds a command prints through `console/output.py`."""
    elsewhere = [
        path.name
        for path in sorted((PROJECT / "console").rglob("*.py"))
        if path.name != "output.py" and re.search(r"click\.s?echo\(|(?<![.\w])print\(", path.read_text())
    ]
    assert [] == elsewhere
