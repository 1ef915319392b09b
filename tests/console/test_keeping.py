"""`sre compact` and `sre clean-up` say what they would do, do it, and say what they did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.store.database import Engine
from console.main import cli
from tests.parts.compaction_part import filled_store, places
from tests.parts.judged_part import count


@pytest.fixture
def filled(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv("SRE_STORE__URL", sqlite_url)
    monkeypatch.setenv("SRE_STORE__FILES", str(tmp_path / "files"))
    with filled_store(sqlite_url, tmp_path / "files") as engine:
        yield engine


def said(*words: str) -> str:
    done = CliRunner().invoke(cli, list(words))
    assert 0 == done.exit_code, done.output
    return done.output


def test_compact(filled: Engine, tmp_path: Path) -> None:
    before = places(filled)
    preview = json.loads(said("compact", "--dry-run", "--json"))
    assert (1_030, 0, True) == (preview["logs"], preview["files"], preview["dry_run"])
    assert not (tmp_path / "files").exists()
    assert "1,030 logs of 2 hours" in said("compact")
    assert 2 == len(list((tmp_path / "files").rglob("*.parquet")))
    assert before == places(filled)
    assert "would gather 0 logs" in said("compact", "--dry-run")


def test_clean_up(filled: Engine, tmp_path: Path) -> None:
    said("compact")
    preview = json.loads(said("clean-up", "--dry-run", "--json"))
    assert (1_030, 2) == (preview["logs"], preview["files"])
    assert 2 == count(filled, "log_blocks")
    assert "gone: 1,030 logs" in said("clean-up")
    assert 0 == count(filled, "log_blocks")
    assert [] == list((tmp_path / "files").rglob("*.parquet"))
