"""JSON as producers write it, made strict: half characters, integers of any length; or the reason why it cannot be."""

from __future__ import annotations

import json
import math
from typing import Any

import orjson

LONGEST_INTEGER = 4_000  # digits; Python's own limit is a little above, and a float ends long before
# Deeper documents are refused: some reader of JSON ends the process over them.
DEEPEST = 1_000
SURELY_SHALLOW_BYTES = 2 * DEEPEST  # each level takes two bytes at least


def is_suspect(text: str) -> bool:
    """Whether it may be nested beyond measure."""
    return len(text) > SURELY_SHALLOW_BYTES and text.count("{") + text.count("[") > DEEPEST


def mend(text: str) -> tuple[str | None, str | None]:
    """The document as strict JSON, or what is wrong with it."""
    try:
        found = json.loads(text, parse_int=_integer, object_pairs_hook=_first_wins)
    except (json.JSONDecodeError, RecursionError) as error:
        return None, f"not JSON: {str(error)[:200]}"
    if not isinstance(found, dict):
        return None, f"not a JSON object but {type(found).__name__}"
    try:
        return json.dumps(found, ensure_ascii=False).encode("utf-8", "replace").decode(), None
    except RecursionError:
        return None, f"not JSON: nested deeper than {DEEPEST} levels"


def deep_fault(text: str) -> str | None:
    """What is wrong with a document that may be nested beyond measure, None where it is not."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return f"not JSON: {error}"
    return None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= LONGEST_INTEGER else math.inf


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """As the column-wise reader has it."""
    return dict(reversed(pairs))
