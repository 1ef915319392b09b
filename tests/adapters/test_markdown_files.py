"""Any folder of Markdown can be searched."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.markdown_files import read_folder
from domain.documents import Document, words_of_pattern
from domain.errors import BadInput


@pytest.mark.parametrize(
    ("text", "document"),
    [
        pytest.param("# Disk full\n", Document("a.md", "# Disk full\n", "", ("a",)), id="no front matter"),
        pytest.param(
            "---\ntitle: Disk\nid: disk-full\nmatches: {templates: ['\\bno space\\b.{0,9}left']}\n---\ntext\n",
            Document("a.md", "text\n", "Disk", ("a", "disk full", "no space left")),
            id="front matter says what it is about",
        ),
        pytest.param(
            "---\n{[\n---\nx\n", Document("a.md", "---\n{[\n---\nx\n", "", ("a",)), id="front matter is no YAML"
        ),
        pytest.param("---\nno end\n", Document("a.md", "---\nno end\n", "", ("a",)), id="front matter has no end"),
        pytest.param("", Document("a.md", "", "", ("a",)), id="an empty file"),
    ],
)
def test_a_file_is_a_document(tmp_path: Path, text: str, document: Document) -> None:
    (tmp_path / "a.md").write_text(text)
    assert [document] == read_folder(tmp_path)


def test_folders_below_are_read_and_hidden_files_are_not(tmp_path: Path) -> None:
    for name in ("b/c.md", "a.md", ".git/d.md", "e.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert ["a.md", "b/c.md"] == [document.id for document in read_folder(tmp_path)]


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"disk \xff full")
    assert "disk � full" == read_folder(tmp_path)[0].text


def test_no_such_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nowhere: no such folder"):
        read_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"\bOOM[- ]?kill(ed|er)?\b", "OOM kill ed er"),
        (r"connection pool\b.{0,40}\b(exhausted|full)", "connection pool exhausted full"),
        ("memory_*", "memory_"),
    ],
)
def test_a_pattern_says_its_words(pattern: str, words: str) -> None:
    assert words == words_of_pattern(pattern)
