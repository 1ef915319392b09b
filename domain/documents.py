"""A text to be found: a playbook, a past incident, any file of Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SYNTAX = re.compile(r"\\[a-zA-Z]|\{[0-9,]*\}|\(\?[a-zA-Z:=!<]*|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Document:
    """One text that a question may be answered by."""

    id: str  # unique among those searched together
    text: str  # Markdown
    title: str = ""  # empty: the first heading of the text
    names: tuple[str, ...] = ()  # what it is called elsewhere: ids, file names, metrics, words of its patterns


def words_of_pattern(pattern: str) -> str:
    r"""The words that a regular expression looks for: `\bOOM[- ]?kill(ed)?` is OOM kill ed."""
    return " ".join(_SYNTAX.sub(" ", pattern).split())
