"""What a Markdown text is made of: sections, blocks, and code apart from prose."""

from __future__ import annotations

import re
from collections.abc import Iterator

_FENCE = ("```", "~~~")
_ITEM = re.compile(r"([-*+]|\d+[.)]) ")


def lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it is code."""
    fence = ""
    for line in text.splitlines():
        stripped = line.strip()
        opens = stripped.startswith(_FENCE) and (not fence or stripped.startswith(fence))
        yield line, bool(fence) or opens
        if opens:
            fence = "" if fence else stripped[:3]


def apart(text: str) -> tuple[str, str]:
    """Prose and code."""
    if not any(fence in text for fence in _FENCE):
        return text, ""
    found: tuple[list[str], list[str]] = ([], [])
    for line, code in lines(text):
        found[code].append(line)
    return "\n".join(found[0]), "\n".join(found[1])


def title(text: str) -> str:
    """The first heading of the first level, or nothing."""
    return next((line[2:].strip() for line, code in lines(text) if line.startswith("# ") and not code), "")


def sections(text: str) -> list[str]:
    """The text cut before each heading, its indented and fenced lines as they are."""
    found: list[list[str]] = [[]]
    for line, code in lines(text):
        if line.startswith("#") and not code:
            found.append([])
        found[-1].append(line)
    return _joined(found)


def blocks(text: str) -> list[str]:
    """The text cut at headings, items of lists and empty lines; a heading stays with what follows it."""
    found: list[list[str]] = [[]]
    bare = True  # nothing but headings so far
    for line, code in lines(text):
        heading = line.startswith("#")
        begins = heading or not line.strip() or _ITEM.match(line)
        if begins and not code and not bare:
            found.append([])
            bare = True
        found[-1].append(line)
        bare = bare and (heading or not line.strip())
    return _joined(found)


def _joined(found: list[list[str]]) -> list[str]:
    return [text for part in found if (text := "\n".join(part).strip("\n")).strip()]
