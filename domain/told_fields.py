"""Fields of an entry that have no sentence of their own, and what is said behind a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.amounts import number
from domain.shown_texts import printable

Fields = Mapping[str, object]
# Fields that help programs only.
UNSAID = frozenset({"key", "episode"})


def listed(value: object) -> str:
    """A list as people write it: `a, b`; `none` for an empty one."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        return number(value)
    if isinstance(value, Mapping):
        return told(value) or "none"
    return ", ".join(map(listed, value)) or "none"


def told(fields: Fields) -> str:
    """Fields without a sentence of their own: `name value, other value`."""
    kept = {name: value for name, value in fields.items() if name not in UNSAID and value not in (None, "")}
    return ", ".join(f"{name.replace('_', ' ')} {listed(value)}" for name, value in kept.items())


def with_more(sentence: str, more: str) -> str:
    """The sentence, and what else there is to say."""
    return f"{sentence}; {more}" if more else sentence


def by_whom(sentence: str, fields: Fields) -> str:
    """The sentence, and who did it where that is known."""
    return f"{sentence} by {printable(fields['by'])}" if fields.get("by") else sentence


def with_role(sentence: str, fields: Fields) -> str:
    """The sentence, and the role of whoever did it."""
    return f"{sentence}, {printable(fields['role'])}" if fields.get("role") else sentence
