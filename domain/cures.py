"""Whether what people wrote about several incidents names one cure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")

_WORD = re.compile(r"[^\W_]+")
# Words that say nothing about what was done.
_FILLERS = frozenset(
    {
        *("a", "an", "and", "at", "by", "did", "for", "from", "had", "has", "have", "i", "in", "is", "it", "its", "me"),
        *("of", "on", "our", "so", "that", "the", "then", "them", "this", "to", "was", "we", "were", "with"),
    }
)
# Words that turn a cure into another one, however much else is the same.
_DECIDING = frozenset(
    {
        *("no", "not", "never", "nothing", "without", "up", "down", "off", "out", "before", "after"),
        *("more", "less", "fewer", "higher", "lower", "raise", "raised", "reduce", "reduced", "lowered"),
        *("increase", "increased", "decrease", "decreased", "enable", "enabled", "disable", "disabled"),
        *("start", "started", "stop", "stopped", "add", "added", "remove", "removed"),
    }
)
ALIKE = 0.6  # share of words in common from which on two texts name one cure


def same_cure(one: str, other: str) -> bool:
    """Whether two texts name one cure: in the same words, or nearly, and in none that decides differently."""
    first, second = _words(one), _words(other)
    if not first or not second or first & _DECIDING != second & _DECIDING:
        return False
    return len(first & second) / len(first | second) >= ALIKE


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold().replace("n't", " not"))) - _FILLERS


def grouped(items: Iterable[Item], same: Callable[[Item, Item], bool]) -> list[list[Item]]:
    """Items with what is the same as the first of each group, the largest group first."""
    groups: list[list[Item]] = []
    for item in items:
        group = next((found for found in groups if same(found[0], item)), None)
        if group is None:
            groups.append([item])
        else:
            group.append(item)
    return sorted(groups, key=len, reverse=True)
