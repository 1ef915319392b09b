"""The project's documents, and what they name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("deployments/**/*.md")],
)
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a document."""

    language: str
    text: str


def blocks(text: str) -> list[Block]:
    """The fenced blocks, in order."""
    return [Block(language, body) for _, language, body in FENCE.findall(text)]


def prose(text: str) -> str:
    """What is outside fenced blocks."""
    return FENCE.sub("", text)


def commands(text: str, program: str) -> Iterator[str]:
    """Every call of `program` in shell blocks and in `code`, without its comment."""
    lines = [line for block in blocks(text) if block.language == "sh" for line in block.text.splitlines()]
    pieces = [*lines, *re.findall(r"`([^`\n]+)`", prose(text))]
    for piece in pieces:
        for part in re.split(r"&&|;", re.sub(r"\s#.*", "", piece)):
            call = re.sub(r"^(?:\w+=\S+ +)*", "", part.strip())
            if call == program or call.startswith(f"{program} "):
                yield call


def links(text: str) -> list[str]:
    """Targets of links and pictures that point into the project."""
    found = re.findall(r"\]\(([^)\s]+)\)", prose(text))
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def anchors(text: str) -> set[str]:
    """The names under which headings can be linked to."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
