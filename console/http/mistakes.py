"""What is wrong with what was sent, in words: pydantic's own name types, and what is in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.shown_texts import printable

MOST, LONGEST = 3, 40  # mistakes that are told, and letters of what was sent
WHOLE = "{name}: {sent} is no whole number"
TOO_LONG = "{name} is too long: {max_length} at most"
SAYS: Mapping[str, str] = {
    "int_parsing": WHOLE,
    "int_type": WHOLE,
    "int_from_float": WHOLE,
    "int_parsing_size": "{name}: {sent} is too large",
    "less_than_equal": "{name}: {sent} is too large, {le} at most",
    "greater_than_equal": "{name}: {sent} is too small, {ge} at least",
    "bool_parsing": "{name}: {sent} is neither true nor false",
    "bool_type": "{name} is neither true nor false",
    "missing": "{name} is missing",
    "extra_forbidden": "{name} is not known",
    "json_invalid": "it is no JSON",
    "model_type": "it is no JSON object",
    "list_type": "{name} is no list",
    "string_type": "{name} is no text",
    "string_too_long": TOO_LONG,
    "too_long": TOO_LONG,
    "too_short": "{name} is too short: {min_length} at least",
    "string_pattern_mismatch": "{name} holds letters that it may not",
}


def in_words(mistakes: Sequence[Mapping[str, Any]], path: str = "") -> str:
    """The first mistakes, as pydantic lists them, in one sentence; `path`: of the request."""
    return "; ".join(dict.fromkeys(_one(one, path) for one in mistakes[:MOST]))


def in_path(mistakes: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the path itself cannot be: there is nothing at it."""
    return any(one["loc"][:1] == ("path",) for one in mistakes)


def _one(mistake: Mapping[str, Any], path: str) -> str:
    said = SAYS.get(mistake["type"], "{name} cannot be read")
    limits = {key: f"{value:,}" for key, value in mistake.get("ctx", {}).items() if isinstance(value, int)}
    sent = printable(str(mistake.get("input", ""))[:LONGEST]) or "nothing"
    return said.format(**limits, name=_name(mistake, path), sent=sent)


def _name(mistake: Mapping[str, Any], path: str) -> str:
    """What it is called: a number of the path by what stands before it, `incident` in `/incidents/abc`."""
    where = mistake["loc"]
    if where[:1] == ("path",):
        before, found, _ = path.partition(f"/{mistake.get('input', '')}")
        return before.rpartition("/")[2].removesuffix("s") if found and before else str(where[-1])
    named = [printable(str(one)[:LONGEST]) for one in where if one not in ("query", "body", "header")]
    return f"{named[0]} {int(named[1]) + 1}" if len(named) > 1 and named[1].isdecimal() else ".".join(named) or "it"
