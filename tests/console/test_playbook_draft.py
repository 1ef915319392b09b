"""`sre playbooks draft N` on a real store: a file for review, checked, and never among those in use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from adapters.playbook_files import load
from adapters.store.database import Engine
from console.main import cli
from domain.errors import BadInput, Refused, SreError
from domain.playbooks import best_fit
from tests.parts.incidents_part import an_incident
from tests.parts.judged_part import Feed

TEXT = "tenant quota exceeded for upload, request refused"
FILE = "drafts/tenant-quota-exceeded-for-upload-request.md"
CURE = "raised the quota of the tenant"


@pytest.fixture(autouse=True)
def home(store: Engine, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The commands use the store of the test, in a folder of its own."""
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SRE_STORE__URL", store_url)
    monkeypatch.setenv("SRE_USER", "ann")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sre(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def resolved(store: Engine, *cures: str) -> None:
    """An incident of another service for each cure: of the same one it would be the same incident."""
    for place, cure in enumerate(cures):
        number = Feed(store).incident(message=TEXT, service=f"upload-{place}")
        assert 0 == sre("resolve", str(number), "--cause", "growth", "--helped", cure).exit_code


def test_three_incidents_with_one_cure_make_a_file(store: Engine, home: Path) -> None:
    resolved(store, CURE, f"{CURE}.", CURE)
    done = sre("playbooks", "draft", "3")
    assert 0 == done.exit_code, done.output
    assert done.output.startswith(
        f"{FILE}: a draft for review, not in use, from incidents 1, 2, 3; what helped: {CURE}"
    )
    (book,) = load(home / "drafts")
    fresh = an_incident(id=9, service="upload-2", template=TEXT, playbook="")
    assert best_fit((book,), fresh) is not None
    assert ((), "review me") == (book.actions, book.owner)
    assert 0 == sre("playbooks", "--check", FILE).exit_code


def test_it_can_be_called_otherwise_and_told_to_programs(store: Engine) -> None:
    resolved(store, CURE, CURE, CURE)
    done = sre("playbooks", "draft", "1", "--out", "mine/quota.md", "--json")
    expected: dict[str, Any] = {"incident": 1, "file": "mine/quota.md", "id": "quota", "incidents": [1, 2, 3]}
    assert expected | {"cure": CURE, "faults": [], "beside_those_in_use": []} == json.loads(done.stdout)


def test_what_it_would_take_from_those_in_use_is_said(store: Engine) -> None:
    for place in range(3):
        number = Feed(store).incident(message="connection pool exhausted", service=f"upload-{place}")
        sre("resolve", str(number), "--helped", CURE)
    done = sre("playbooks", "draft", "1", "--out", "mine/connection-pool-exhausted.md")
    assert "beside those in use: the id connection-pool-exhausted is taken" in done.output


@pytest.mark.parametrize(
    ("cures", "says"),
    [
        pytest.param([CURE, CURE], "2 resolved incidents of this kind, and 3 with one cure are needed", id="two"),
        pytest.param([CURE, "restarted it", "waited"], "what helped differs", id="three cures"),
    ],
)
def test_why_there_is_none(store: Engine, home: Path, cures: list[str], says: str) -> None:
    resolved(store, *cures)
    done = sre("playbooks", "draft", "1")
    assert (1, True) == (done.exit_code, isinstance(done.exception, Refused))
    assert says in str(done.exception)
    assert not (home / "drafts").exists()


def test_nothing_is_overwritten(store: Engine, home: Path) -> None:
    resolved(store, CURE, CURE, CURE)
    (home / "quota.md").write_text("mine")
    done = sre("playbooks", "draft", "1", "--out", "quota.md")
    assert isinstance(done.exception, BadInput)
    assert "quota.md is there already" in str(done.exception)
    assert "mine" == (home / "quota.md").read_text()


@pytest.mark.parametrize("out", ["known/quota.md", "known/deep/quota.md", "link/quota.md", "known/../known/quota.md"])
def test_a_draft_is_never_in_use_by_itself(
    store: Engine, home: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    (home / "known").mkdir()
    (home / "link").symlink_to(home / "known")
    monkeypatch.setenv("SRE_PLAYBOOKS__PATH", str(home / "known"))
    resolved(store, CURE, CURE, CURE)
    done = sre("playbooks", "draft", "1", "--out", out)
    assert isinstance(done.exception, BadInput)
    assert "lies in the folder of the playbooks in use" in str(done.exception)
    assert [] == list((home / "known").rglob("*"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(("17",), "there is no incident 17", id="unknown"),
        pytest.param(("1", "--out", "Quota.md"), "lower-case words joined by hyphens", id="no id"),
        pytest.param(("1", "--out", "quota.txt"), "and .md", id="no Markdown"),
    ],
)
def test_what_cannot_be_is_an_error(store: Engine, arguments: tuple[str, ...], says: str) -> None:
    resolved(store, CURE)
    done = sre("playbooks", "draft", *arguments)
    assert isinstance(done.exception, SreError)
    assert says in str(done.exception)
