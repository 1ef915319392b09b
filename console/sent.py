"""A command that somebody sent to the HTTP service: what it works with, and where its words go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from domain.errors import Refused

if TYPE_CHECKING:
    from adapters.settings_files import Loaded
    from adapters.store.database import Engine
    from domain.access import Caller
    from domain.people import People

AFAR = "sre.afar"
MOST_BYTES = 5_000_000  # of one answer
SQL_SECONDS, SQL_MEGABYTES = 25.0, 256  # what one question in SQL may cost the service


class TooLong(Refused):
    """A command says more than an answer holds."""


@dataclass
class Sink:
    """What a command says, in the order in which it says it; belongs to one command, and to its thread."""

    width: int  # of whoever reads it, in letters
    colour: bool  # whether they want colours
    mask: Callable[[str], str]  # what came out of logs, without secrets
    most_bytes: int = MOST_BYTES
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)
    size: int = 0
    ended: bool = False  # nobody waits for it any more

    def write(self, text: str, *, err: bool = False) -> None:
        """Take a piece. Raises TooLong, by which a command ends that says too much or that nobody waits for."""
        self.size += len(text.encode())
        if self.ended or self.size > self.most_bytes:
            self.out.clear()
            most = f"{self.most_bytes / 1e6:g} MB"
            raise TooLong(f"the answer is longer than {most}; ask for less by --limit, --since or --service")
        (self.err if err else self.out).append(text)

    def say(self, text: str) -> None:
        """Take a last word, however much was said before."""
        self.err.append(text)


@dataclass(frozen=True, slots=True)
class FromAfar:
    """Beside the words of a command: who sent it, and what the service has open."""

    sink: Sink
    loaded: Loaded
    engine: Engine
    caller: Caller
    people: People


def from_afar(context: click.Context | None = None) -> FromAfar | None:
    """What the present command was sent with; None for one that was typed on this machine."""
    present = context or click.get_current_context(silent=True)
    found: FromAfar | None = present.meta.get(AFAR) if present else None
    return found


def masked(document: object, mask: Callable[[str], str]) -> object:
    """The document for JSON with each of its texts masked, keys included."""
    if isinstance(document, str):
        return mask(document)
    if isinstance(document, dict):
        return {masked(key, mask): masked(value, mask) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [masked(one, mask) for one in document]
    return document
