"""A9: what the agent knows is read as far as it can be, and the rest is told of."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from adapters.parts_file import PROJECT
from adapters.store.database import Engine, connect
from domain.settings import Settings
from tasks import bootstrap, on_call
from tasks.held import Means
from tasks.judging import Knowledge
from tests.parts.judged_part import count, rows

GOOD = "memory-leak"


@pytest.fixture
def playbooks(tmp_path: Path) -> Path:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    shutil.copy(PROJECT / "playbooks" / f"{GOOD}.md", folder)
    return folder


def tree(playbooks: Path, **mitigation: object) -> Settings:
    return Settings.model_validate({"playbooks": {"path": str(playbooks)}, "mitigation": mitigation})


@pytest.mark.parametrize(
    "content", [b"no front matter", b"---\nid: [\n---\n", b"\xff\xfe", b"---\n" + b"[" * 100_000 + b"\n---\n"]
)
def test_one_broken_playbook_leaves_the_others(playbooks: Path, content: bytes) -> None:
    """A9: it ended ingestion and paging at the next restart."""
    (playbooks / "broken.md").write_bytes(content)
    known = bootstrap.knowledge(tree(playbooks))
    assert [GOOD] == [playbook.id for playbook in known.playbooks]
    assert "broken.md" in known.flaws[0]


def test_without_the_folder_nothing_is_known_and_that_is_told(tmp_path: Path) -> None:
    known = bootstrap.knowledge(tree(tmp_path / "gone"))
    assert () == known.playbooks
    assert "no such folder" in known.flaws[0]


def test_a_broken_inventory_leaves_nothing_to_act_upon(playbooks: Path, tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text("services: {a: {}}")
    known = bootstrap.knowledge(tree(playbooks, inventory=str(path)))
    assert {} == known.inventory.services
    assert [GOOD] == [playbook.id for playbook in known.playbooks]
    assert "services.a.executor: is missing" in known.flaws[0]


def test_an_inventory_is_known(playbooks: Path, tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text("services: {a: {executor: supervisord}}")
    known = bootstrap.knowledge(tree(playbooks, inventory=str(path)))
    assert {"a"} == set(known.inventory.services)
    assert () == known.flaws


def test_what_cannot_be_read_is_an_incident_of_ours_once(sqlite_url: str, tmp_path: Path) -> None:
    store: Engine = connect(sqlite_url)
    known = bootstrap.knowledge(tree(tmp_path / "gone"))
    assert on_call.tell_flaws(store, known) == on_call.tell_flaws(store, known) != 0
    assert 1 == count(store, "pages")
    (row,) = rows(store, "SELECT service, kind FROM incidents")
    assert {"service": "sre-agent", "kind": "own"} == row
    store.dispose()


def test_nothing_is_told_when_all_is_well(sqlite_url: str, playbooks: Path) -> None:
    store = connect(sqlite_url)
    assert 0 == on_call.tell_flaws(store, bootstrap.knowledge(tree(playbooks)))
    assert 0 == count(store, "incidents")
    store.dispose()


@pytest.mark.parametrize("llm", [{"base_url": "http://[::1"}, {"api_key": "not a key"}])
def test_a_model_that_cannot_be_asked_leaves_an_analyst_without_one(store: Engine, llm: dict[str, str]) -> None:
    means = Means(store, Knowledge(Settings.model_validate({"llm": llm}), (), None))
    found = bootstrap.analyst(means)
    assert found.model is None
    assert "llm." in found.flaw
