"""What a scripted model says.

A *turn* is a text, or calls of tools. A *script* gives the turn for a request as it was parsed, whatever it goes by:
the messages in it, or how often it was asked. A turn alone is a script that always says the same.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Turn:
    """What the model says once."""

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()  # name of the tool, arguments as JSON

    def __call__(self, request: Mapping[str, Any]) -> Turn:
        return self

    def __add__(self, other: Turn) -> Turn:
        """Both at once: several calls, or a text beside them."""
        return replace(self, text=self.text + other.text, calls=self.calls + other.calls)

    def __len__(self) -> int:
        """Characters, by which its tokens are counted."""
        return len(self.text) + sum(len(name) + len(arguments) for name, arguments in self.calls)


Script = Callable[[dict[str, Any]], Turn]


def say(text: object) -> Turn:
    """A text; what is none is said as JSON."""
    return Turn(text if isinstance(text, str) else json.dumps(text))


def call(name: str, arguments: Mapping[str, Any] | str) -> Turn:
    """A call of a tool; arguments that are a text stand as they are, so they may be broken."""
    return Turn(calls=((name, arguments if isinstance(arguments, str) else json.dumps(arguments)),))


def in_turn(*turns: Turn) -> Script:
    """One after the other, the last of them from then on; for one conversation at a time."""
    return _each(turns, lambda number: min(number, len(turns) - 1))


def loop(*turns: Turn) -> Script:
    """One after the other and from the beginning again, for ever."""
    return _each(turns, lambda number: number % len(turns))


def _each(turns: tuple[Turn, ...], place: Callable[[int], int]) -> Script:
    said, one_at_a_time = 0, threading.Lock()

    def script(_: dict[str, Any]) -> Turn:
        nonlocal said
        with one_at_a_time:
            said += 1
            return turns[place(said - 1)]

    return script
