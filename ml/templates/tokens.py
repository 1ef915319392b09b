"""A masked text as tokens, and the tokens that may vary."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ml.templates.masks import VALUE

# Marks that part what they stand between stand alone; all else up to a space is one token.
TOKEN = re.compile(r"[^\s=,;:()\[\]{}<>\"'|]+|[=,;:()\[\]{}<>\"'|]")
# What holds a number is a value, and so are names joined by signs: of classes, hosts, files.
VARYING = re.compile(rf"{VALUE}|\w[./\\@$]\w")
# Marks that give what they stand beside a meaning: no list runs across them.
PARTING = frozenset("=:()[]{}<>\"'")
# Tokens that are read of a text.
MOST = 60


@dataclass(frozen=True, slots=True)
class Token:
    """A token and where it stands in its text."""

    text: str  # `0` where it is a value
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """The tokens of a masked text, at most `MOST`, a run of values as one, a value in brackets behind a word left out.

    So a list is the same token however many values it holds, and `sent 850 bytes (0.8 KB)` the same as without.
    """
    found: list[Token] = []
    for match in TOKEN.finditer(text):
        _add(found, match)
        if len(found) >= MOST:
            break
    return found


def _add(found: list[Token], match: re.Match[str]) -> None:
    word, start = match.group(), match.start()
    if VARYING.search(word):
        word = VALUE
        start = _list_start(found, start)
    elif word == "=" or not found:
        pass
    elif found[-1].text == "=" and word in ",;|)]}":
        found.append(Token(VALUE, start, start))
    elif word == ")" and _bracket(found):
        return
    found.append(Token(word, start, match.end()))


def _list_start(found: list[Token], start: int) -> int:
    """Takes off `found` what a value that comes next continues, and says where that began."""
    if found and found[-1].text == VALUE:
        return found.pop().start
    if len(found) > 1 and found[-2].text == VALUE and joins(found[-1].text):
        found.pop()
        return found.pop().start
    return start


def _bracket(found: list[Token]) -> bool:
    """Whether a bracket that closes now holds no more than a value; it is taken off `found`."""
    held = 1 if found[-1].text == "(" else 2
    opened = len(found) > held and found[-held].text == "(" and (held == 1 or found[-1].text == VALUE)
    if opened and found[-held - 1].text[0].isalnum():
        del found[-held:]
        return True
    return False


def closed(pattern: tuple[str, ...]) -> str:
    """A pattern as one text, with every run of values as one: the same for lists of any length."""
    found: list[str] = []
    for word in pattern:
        if word == VALUE and found and found[-1] == VALUE:
            continue
        if word == VALUE and len(found) > 1 and found[-2] == VALUE and joins(found[-1]):
            found.pop()
            continue
        found.append(word)
    return " ".join(found)


def joins(word: str) -> bool:
    """Whether the token may stand between the values of one list, as a comma or a dash does."""
    return word not in PARTING and not any(letter.isalnum() for letter in word)
