"""What a tool of the investigation answers, and how much of it a model is shown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How it went."""

    OK = "ok"
    NO_DATA = "no_data"  # asked well, and nothing is there
    ERROR = "error"  # asked badly, or the store did not answer
    REFUSED = "refused"  # the very same was asked before


@dataclass(frozen=True, slots=True)
class Found:
    """The answer of a tool; its texts are masked."""

    status: Status
    query: str  # what was looked for, in words
    lines: tuple[str, ...] = ()
    hint: str = ""  # how to ask better, or for less


def as_text(found: Found, limit: int) -> str:
    """JSON that a model is shown: at most about `limit` characters of lines, cut between them, with a hint."""
    kept, size = [], 0
    for line in found.lines:
        size += len(as_data(line)) + 2
        if size > limit:
            break
        kept.append(line)
    document: dict[str, object] = {"status": found.status, "query": found.query, "lines": kept}
    hints = [found.hint] if found.hint else []
    if len(kept) < len(found.lines):
        hints.append(
            f"{len(found.lines) - len(kept)} of {len(found.lines)} lines left out: narrow the time or the text"
        )
    if hints:
        document["hint"] = "; ".join(hints)
    return as_data(document)


def as_data(document: object) -> str:
    """JSON in which nothing can end the block that it stands in."""
    text = json.dumps(document, ensure_ascii=False, default=str)
    for letter in ("<", ">", "&", "\N{LINE SEPARATOR}", "\N{PARAGRAPH SEPARATOR}"):
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)


def canonical(name: str, arguments: dict[str, object]) -> str:
    """The same for calls that ask the same."""
    return f"{name} {json.dumps(arguments, sort_keys=True, default=str)}"
