"""The JSON object in what a model wrote: models put it into fences, talk around it, and think aloud before it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice

LONGEST = 100_000  # characters in which an object is looked for: each brace may cost a look at all of them
MOST_STARTS = 20  # braces at which one is looked for

_THOUGHT = re.compile(r"\s*<think>.*?</think>\s*", re.DOTALL)
# A comma before a closing bracket, and whole strings, in which such a comma is text. A string may end with the text,
# so that no quote is looked at twice.
_COMMA = re.compile(r'("(?:[^"\\]|\\.)*+(?:"|\\?\Z))|,(?=\s*[}\]])', re.DOTALL)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_number)


def parsed(text: str | bytes) -> object:
    """The JSON value; None where it is none, or nested too deeply to be read."""
    try:
        value: object = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return value


def storable(text: object) -> str:
    """A text that can be sent and stored: half of a character, which JSON may hold, cannot. Empty where it is none."""
    return text.encode("utf-8", "replace").decode() if isinstance(text, str) else ""


def without_thoughts(text: str) -> str:
    """The text behind what a model thought aloud first."""
    thought = _THOUGHT.match(text)
    return text[thought.end() :] if thought else text


def json_object(text: str) -> str | None:
    """The longest JSON object in the text, a comma too many forgiven; None where there is none.

    What stands behind a thought is looked at first, so that a draft within it is not taken for the answer.
    """
    parts = dict.fromkeys((text.rpartition("</think>")[2], text))
    for part in (one for one in parts if len(one) <= LONGEST):
        if found := max(_objects(part), key=len, default=None):
            return found
    return None


def _objects(text: str) -> Iterator[str]:
    """The objects that do not stand within another one, as valid JSON."""
    end = 0
    for start in islice((brace.start() for brace in re.finditer(r"\{", text)), MOST_STARTS):
        if start < end:
            continue
        found = _object_at(text, start)
        if found is not None:
            end = start + found[1]
            yield found[0]


def _object_at(text: str, start: int) -> tuple[str, int] | None:
    """The object that begins there, and how much of the text it is at least."""
    for candidate in (text[start:], _COMMA.sub(r"\1", text[start:])):
        try:
            _, end = _DECODER.raw_decode(candidate)
        except (ValueError, RecursionError):
            continue
        return candidate[:end], end
    return None
