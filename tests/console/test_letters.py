"""N5: a hundred dead letters, and nobody was told which logs and why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.parts_file import PROJECT
from adapters.store.database import Engine
from console.main import cli
from tests.parts.judged_part import Feed
from tests.parts.logs_part import a_log, write_lines

UNREADABLE = [
    b'{"resourceLogs": []}',
    b'{"timestamp": "soon", "service": "web"}',
    b'{"timestamp": "\\u001b[31mlater", "service": "web"}',
    b"\xff\xfe",
]


@pytest.fixture
def letters(store: Engine, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Feed:
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SRE_STORE__URL", store_url)
    fed = Feed(store)
    fed.take(a_log(), *UNREADABLE, now=datetime.now(UTC))
    return fed


def test_reasons_with_counts_and_the_newest_example(letters: Feed) -> None:
    done = CliRunner().invoke(cli, ["dead-letters", "--json"])
    assert 0 == done.exit_code, done.output
    rows = json.loads(done.stdout)
    assert [
        ("timestamp is not ISO 8601 nor a number since 1970", 2),
        ("OTLP without a log in it", 1),
        ("not UTF-8", 1),
    ] == [(row["reason"], row["logs"]) for row in rows]
    (example,) = rows[0]["examples"]
    assert ("logs", 0, 3) == (example["topic"], example["partition"], example["offset"])
    assert UNREADABLE[2].decode() == example["body"]


def test_in_words_and_without_what_would_steer_the_terminal(letters: Feed) -> None:
    shown = CliRunner().invoke(cli, ["dead-letters", "--examples", "5"]).stdout
    assert "logs, partition 0, offset 1: OTLP without a log in it" in shown
    assert "\\xff\\xfe" in shown
    assert "\x1b" not in shown


def test_none_is_said_to_be_none(letters: Feed) -> None:
    assert (
        "every log of the last 0s could be read\n" == CliRunner().invoke(cli, ["dead-letters", "--since", "0s"]).stdout
    )


@pytest.mark.slow
def test_score_says_what_it_could_not_read_and_nothing_else(tmp_path: Path) -> None:
    """N5: it printed a count without reasons; N9: and a line of Great Expectations."""
    file = write_lines(tmp_path / "logs.jsonl", [a_log(), *UNREADABLE])
    call = [sys.executable, "-c", "from console.main import main; main()", "score", str(file), "--rules-only"]
    environ = os.environ | {"SRE_HOME": str(tmp_path)}
    done = subprocess.run(call, cwd=PROJECT, env=environ, capture_output=True, text=True, check=True)
    assert "could not be read: 2 logs, timestamp is not ISO 8601 nor a number since 1970" in done.stdout
    assert "could not be read: 1 log, OTLP without a log in it" in done.stdout
    assert "" == done.stderr
