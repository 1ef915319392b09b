"""A masked text as tokens, and the tokens that may vary."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ml.templates.masks import VALUE

# Marks that part what they stand between stand alone, rules of them as one; all else up to a space is one token.
TOKEN = re.compile(r"[^\s=,;:()\[\]{}<>\"'|]+|([=,;:|])\1*|[()\[\]{}<>\"']")
# What holds a number is a value, and so are names joined by signs: of classes, hosts, files.
VARYING = re.compile(rf"{VALUE}|\w[.\\@$]\w|\w/.*/")
# Marks that give what they stand beside a meaning: no list runs across them ...
PARTING = frozenset("()[]{}<>\"'")
# ... nor across these, until it is known what is a value: before them stand names.
NAMING = frozenset("=:")
# Marks behind which no value can be that belongs to what stands before them.
CLOSING = frozenset(",;|)]}")
# Tokens of the longest stretch that may come again and again.
REPEATED = 16
# Tokens that are read of a text.
MOST = 60


class Token(NamedTuple):
    """A token and where it stands in its text."""

    text: str  # `0` where it is a value
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """The tokens of a masked text, at most `MOST`, a run of values as one: a list however many values it holds.

    A name without a value, `error=` before another name, a mark or the end, has an empty one.
    """
    found: list[Token] = []
    for match in TOKEN.finditer(text):
        word, start = match.group(), match.start()
        if VARYING.search(word):
            word, start = VALUE, _list_start(found, start)
        elif word == "=" and len(found) > 1 and found[-2].text == "=" and found[-2].end < found[-1].start:
            found.insert(-1, Token(VALUE, found[-2].end, found[-2].end))
        elif word in CLOSING and found and found[-1].text == "=":
            found.append(Token(VALUE, start, start))
        found.append(Token(word, start, match.end()))
        if len(found) >= MOST:
            break
    if found and found[-1].text == "=":
        found.append(Token(VALUE, found[-1].end, found[-1].end))
    return found


def _list_start(found: list[Token], start: int) -> int:
    """Takes off `found` what a value that comes next continues, and says where that began."""
    if found and found[-1].text == VALUE:
        return found.pop().start
    if len(found) > 1 and found[-2].text == VALUE and joins(found[-1].text):
        found.pop()
        return found.pop().start
    return start


def form_of(text: str) -> str:
    """The tokens of a masked text as one text, parted by spaces."""
    return " ".join(token.text for token in tokens(text))


def spans_of(text: str) -> tuple[str, ...]:
    """What stands in a masked text where its tokens are."""
    return tuple(text[token.start : token.end] for token in tokens(text))


def merged(example: str, spans: Sequence[str]) -> str:
    """`example` with those values masked that another masked text of the same form, of which `spans` is, has not."""
    parts, at = [], 0
    for mine, other in zip(tokens(example), spans, strict=True):
        if example[mine.start : mine.end] != other:
            parts += [example[at : mine.start], VALUE]
            at = mine.end
    return "".join([*parts, example[at:]])


def joins(word: str) -> bool:
    """Whether the token may stand between the values of one list, as a comma or a dash does."""
    return word not in PARTING and word not in NAMING and not any(letter.isalnum() for letter in word)


def closed(pattern: Sequence[str]) -> str:
    """A pattern as one text, with every run of values as one, and without values in brackets behind a word.

    It is the same for lists of any length, and for `sent 850 bytes (0.8 KB)` as for `sent 0 bytes`.
    """
    found: list[str] = []
    for word in pattern:
        if word == VALUE:
            _close_run(found)
        elif word == ")" and _close_bracket(found):
            continue
        found.append(word)
        _close_repetition(found)
    return " ".join(found)


def _close_repetition(found: list[str]) -> None:
    """Take off what comes last if it came just before, values in the same words: `7 [ok] 8 [ok]`, `x(7), x(8)`."""
    last = found[-1]
    if last not in found[-2 * REPEATED - 1 : -2]:
        return
    for length in range(2, min(REPEATED, len(found) // 2) + 1):
        for between in (0, 1):
            before = len(found) - length - between
            # The first comparison saves the others, nearly always.
            if found[before - 1] != last or before < length or (between and not joins(found[before])):
                continue
            stretch = found[-length:]
            if stretch == found[before - length : before] and VALUE in stretch:
                del found[before:]
                return


def _close_run(found: list[str]) -> None:
    """Take off what a value that comes next continues."""
    if found and found[-1] == VALUE:
        found.pop()
    elif len(found) > 1 and found[-2] == VALUE and (found[-1] in NAMING or joins(found[-1])):
        del found[-2:]


def _close_bracket(found: list[str]) -> bool:
    """Whether a bracket that closes now holds no more than a value; it is taken off."""
    opened = 2 if found and found[-1] == VALUE else 1
    if len(found) <= opened or found[-opened] != "(" or not found[-opened - 1][0].isalnum():
        return False
    del found[-opened:]
    return True
