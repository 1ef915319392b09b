"""What a document points to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.documents_part import DOCUMENTS, PROJECT, anchors, links, prose

# A file as the documents name it: `tasks/steps.py`, `tasks/steps.py:judge`, `tests/x/test_y.py:test_z`.
NAMED = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|md|yaml|toml|xml))(?::([\w.]+))?`")


def documents() -> list[object]:
    """Each document as a case with its path as id."""
    return [pytest.param(path, id=str(path.relative_to(PROJECT))) for path in DOCUMENTS]


@pytest.mark.parametrize("document", documents())
def test_every_link_into_the_project_leads_somewhere(document: Path) -> None:
    broken = []
    for target in links(document.read_text()):
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        if not path.exists() or (anchor and anchor not in anchors(path.read_text())):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("document", documents())
def test_every_file_and_function_that_is_named_exists(document: Path) -> None:
    missing = []
    for name, inside in NAMED.findall(prose(document.read_text())):
        path = next((base / name for base in (PROJECT, document.parent) if (base / name).exists()), None)
        if path is None or not all(defined(path.read_text(), part) for part in inside.split(".") if part):
            missing.append(f"{name}:{inside}")
    assert missing == []


def defined(source: str, name: str) -> bool:
    """Whether the file defines a function, class or constant of that name."""
    return bool(re.search(rf"^\s*(?:async )?(?:def|class) {name}\b|^{name}\b.*=", source, re.MULTILINE))


@pytest.mark.parametrize("document", documents())
def test_one_sentence_per_line(document: Path) -> None:
    text = prose(document.read_text())
    lines = [line for line in text.splitlines() if not line.startswith("|")]
    assert [line for line in lines if re.search(r"[a-z`)]\. [A-Z]", line)] == []


def test_every_decision_is_listed_in_the_architecture_and_has_its_parts() -> None:
    listed = set(links((PROJECT / "docs/architecture.md").read_text()))
    for path in sorted((PROJECT / "docs/adr").glob("*.md")):
        assert f"adr/{path.name}" in listed
        text = path.read_text()
        assert text.startswith(f"# {int(path.name[:4])}. ")
        assert {"context", "decision", "consequences"} <= anchors(text)
        assert "The price:" in text
