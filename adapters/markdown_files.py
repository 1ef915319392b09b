"""Any folder of Markdown as documents to search, with front matter or without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from adapters.located_yaml import read_yaml
from domain.documents import Document, words_of_pattern
from domain.errors import BadInput

LARGEST = 1_000_000  # characters of a file that are read
# Keys of the front matter below which it says what the text is about.
ABOUT = ("id", "aliases", "keywords", "matches", "tags")
_FENCE = "---"


def read_folder(folder: Path) -> list[Document]:
    """Every *.md file in the folder and below, hidden ones aside, under its path within the folder.

    Raises BadInput for a folder that is none, and for a file that cannot be read.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder; name one that holds Markdown files")
    paths = sorted(path for path in folder.rglob("*.md") if path.is_file() and not _hidden(path, folder))
    return [read_file(path, path.relative_to(folder).as_posix()) for path in paths]


def read_file(path: Path, named: str) -> Document:
    """One file; bytes that are no UTF-8 and front matter that is no YAML are text like any other."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")[:LARGEST]
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}; make it readable or move it away") from error
    front, body = _split(text)
    title = front.get("title")
    about = (word for key in ABOUT for word in _texts(front.get(key)))
    return Document(named, body, title if isinstance(title, str) else "", (path.stem, *map(words_of_pattern, about)))


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _split(text: str) -> tuple[Mapping[str, object], str]:
    """Front matter and the text below it; all of it is text where there is no front matter."""
    first, _, rest = text.partition("\n")
    front, fence, body = rest.partition(f"\n{_FENCE}")
    if first.rstrip() != _FENCE or not fence:
        return {}, text
    try:
        value = read_yaml(front).value
    except BadInput:
        return {}, text
    return (value, body.partition("\n")[2]) if isinstance(value, Mapping) else ({}, text)


def _texts(value: object) -> Iterator[str]:
    """Every text in a value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _texts(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(entry)
