"""A text to be found: a playbook, a past incident, any file of Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Headings under which a past incident says what people found out.
CAUSE, HELPED = "Cause", "What helped"
_SYNTAX = re.compile(r"\\[a-zA-Z]|\{[0-9,]*\}|\(\?[a-zA-Z:=!<]*|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Document:
    """One text that a question may be answered by."""

    id: str  # unique among those searched together
    text: str  # Markdown
    title: str = ""  # empty: the first heading of the text
    names: tuple[str, ...] = ()  # what it is called elsewhere: ids, file names, metrics, words of its patterns


def first_item(text: str, heading: str) -> str:
    """The first item of the list below a heading of the second level; empty where there is none."""
    lines = text.split("\n")
    wanted = f"## {heading}"
    below = lines[lines.index(wanted) + 1 :] if wanted in lines else []
    return below[0].removeprefix("- ") if below and below[0].startswith("- ") else ""


def words_of_pattern(pattern: str) -> str:
    r"""The words that a regular expression looks for: `\bOOM[- ]?kill(ed)?` is OOM kill ed."""
    return " ".join(_SYNTAX.sub(" ", pattern).split())
