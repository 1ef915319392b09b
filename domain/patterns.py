"""What is wrong with a regular expression that logs of strangers will be matched against."""

from __future__ import annotations

import itertools
import math
import re
import warnings
from collections.abc import Iterator
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

Parsed = Any  # a parsed pattern: (code, argument) pairs; the standard library has no type for it

_FEW = 10  # so many repeats are counted out; more are as bad as repeats without end
_MOST = 4  # each open repeat multiplies the worst case by the length of the text

_BACKTRACKING = frozenset({codes.MAX_REPEAT, codes.MIN_REPEAT})


def pattern_flaw(pattern: str) -> str:
    """Why `pattern` must not be used, or nothing.

    Refused are patterns that do not compile, that can match no character (so match anywhere), and those
    whose matching may take exponential or high polynomial time. Some harmless ones are refused as well:
    whether two parts of a pattern overlap is judged by its form alone.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python will read otherwise one day is no pattern to keep
            parsed = parser.parse(pattern, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError, FutureWarning, DeprecationWarning) as error:
        return f"is not a regular expression: {error}"
    if parsed.getwidth()[0] == 0:
        return "matches the empty string, so everything"
    degree = _degree(parsed)
    if math.isinf(degree):
        return "repeats what varies in length or has alternatives that begin alike: matching may take for ever"
    if degree > _MOST:
        return f"has {degree:.0f} open repeats, {_MOST} are allowed: matching may take very long"
    return ""


def _degree(node: Parsed) -> float:
    """How often the length of the text is a factor of the worst time; infinite when it is an exponent."""
    degree = 0.0
    for code, argument in node:
        if code in _BACKTRACKING:
            _, most, body = argument
            degree += _degree_of_repeat(most, body)
        elif code is codes.BRANCH:
            degree += max(map(_degree, argument[1]))
        else:
            degree += sum(map(_degree, _below(code, argument)))
    return degree


def _degree_of_repeat(most: int, body: Parsed) -> float:
    if most <= _FEW:
        return most * _degree(body)
    return math.inf if any(_ambiguous(code, argument) for code, argument in _walk(body)) else 1


def _ambiguous(code: object, argument: Parsed) -> bool:
    """Whether a repeat of this element may cut the same text in several ways."""
    if code in _BACKTRACKING:
        least, most, _ = argument
        return bool(least != most)
    if code is codes.BRANCH:
        pairs = itertools.permutations(map(_beginning, argument[1]), 2)
        return any(longer.startswith(shorter) for longer, shorter in pairs)
    return False


def _beginning(branch: Parsed) -> str:
    """The fixed text that `branch` begins with, without case; empty when it begins with something else."""
    literals = itertools.takewhile(lambda element: element[0] is codes.LITERAL, branch)
    return "".join(chr(argument).lower() for _, argument in literals)


def _walk(node: Parsed) -> Iterator[tuple[object, Parsed]]:
    """Every element in `node`, at any depth."""
    for code, argument in node:
        yield code, argument
        for below in _below(code, argument):
            yield from _walk(below)


def _below(code: object, argument: Parsed) -> list[Parsed]:
    """Parsed patterns that lie inside one element."""
    if code is codes.BRANCH:
        return list(argument[1])
    if code is codes.ATOMIC_GROUP:
        return [argument]
    parts = argument if isinstance(argument, tuple) else ()
    return [part for part in parts if isinstance(part, parser.SubPattern)]
