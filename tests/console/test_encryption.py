"""`sre encryption`: what is sealed, and a rotation that may be killed at any moment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from adapters.encryption_keys import VARIABLE
from adapters.page_spool import PageSpool
from adapters.parts_file import PROJECT
from adapters.sealing import PLAIN, use
from adapters.store.database import Engine
from console.main import cli
from tests.parts.filled_part import fill
from tests.parts.judged_part import rows
from tests.parts.keys_part import FIRST, SECOND, line
from tests.parts.spooled_part import spool_a_page

SAID = "payment of Ann failed"
CALL = [sys.executable, "-c", "from console.main import main; main()", "encryption", "rotate"]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SRE_STORE__URL", store_url)
    yield
    use(PLAIN)


def sealing(monkeypatch: pytest.MonkeyPatch, *keys: str, enabled: bool = True) -> None:
    monkeypatch.setenv("SRE_ENCRYPTION__ENABLED", str(enabled).lower())
    monkeypatch.setenv(VARIABLE, ",".join(keys))


def asked(*words: str, code: int = 0) -> dict[str, object]:
    done = CliRunner().invoke(cli, ["encryption", *words, "--json"])
    assert code == done.exit_code, done.output
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_plain_then_sealed_then_rotated_then_plain_again(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, SAID)
    status = asked("status")
    assert (False, "", []) == (status["enabled"], status["seals"], status["keys"])
    for keys, enabled in (((FIRST,), True), ((SECOND, FIRST), True), ((SECOND,), False)):
        sealing(monkeypatch, *map(line, keys), enabled=enabled)
        assert {} == asked("rotate")["left"]
        places = {one["place"]: one for one in asked("status")["places"]}  # type: ignore[attr-defined]
        letters = places["dead_letters.body"]
        assert (3, {keys[0].id: 3} if enabled else {}) == (letters["values"], letters["sealed"])
    assert "1 row" not in CliRunner().invoke(cli, ["encryption", "rotate"]).stdout


def test_in_words(store: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, SAID)
    spool_a_page(PageSpool(tmp_path / "home"), SAID)
    plain = CliRunner().invoke(cli, ["encryption", "status"]).stdout
    assert "encryption is off: new values are written plain" in plain
    sealing(monkeypatch, line(FIRST))
    told = CliRunner().invoke(cli, ["encryption", "rotate", "--vacuum"])
    assert "dead_letters: 3 of 3" in told.output
    assert "sealed anew, nothing is left" in told.stdout
    assert "spool: 2 not sealed anew; they go a day after they were written, so keep their keys as long" in told.stdout
    shown = CliRunner().invoke(cli, ["encryption", "status"]).stdout
    assert re.search(r"spool\W+2\W+2", shown), shown
    assert "new values are sealed with 2026-01" in shown
    assert "2026-01: 3" in shown
    assert SAID not in told.output + shown


def test_a_missing_key_is_named(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, SAID)
    sealing(monkeypatch, line(FIRST))
    asked("rotate")
    sealing(monkeypatch, line(SECOND))
    done = CliRunner().invoke(cli, ["encryption", "status"])
    assert "2026-01, which is not there (given: 2026-02)" in str(done.exception or done.output)


@pytest.mark.slow
@pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
def test_a_rotation_that_is_killed_goes_on_where_it_stopped(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 16: killed anywhere, nothing is lost and nothing is done twice."""
    fill(store, SAID, letters=1_000)
    sealing(monkeypatch, line(FIRST))
    held = psycopg.connect(os.environ["SRE_STORE__URL"])
    held.execute("LOCK TABLE mutes IN ACCESS EXCLUSIVE MODE")  # it gets so far and waits
    with subprocess.Popen(CALL, cwd=PROJECT, env=dict(os.environ), stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        seen = next(told for told in running.stderr if told.startswith("dead_letters: "))
        running.kill()
    held.close()
    assert "of 1,000" in seen
    sealed = "SELECT count(*) AS n FROM dead_letters WHERE reason LIKE '%:sealed:2026-01:%'"
    (row,) = rows(store, sealed)
    assert 300 <= row["n"]
    (mute,) = rows(store, "SELECT comment FROM mutes")
    assert SAID == mute["comment"]
    done = asked("rotate")
    assert {} == done["left"]
    assert 1_000 - row["n"] == done["resealed"]["dead_letters"]  # type: ignore[index]
    assert [{"n": 1_000}] == rows(store, sealed)
