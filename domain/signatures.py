"""A signature: the message with everything masked that differs from one log to the next."""

from __future__ import annotations

import re

MASK = "<*>"

# In order: quoted text first (it may hold anything), then what looks like an id, then numbers.
# Hexadecimal words need a digit, so that `deadbeef` the noun and `added` the verb stay words.
MASKED: tuple[re.Pattern[str], ...] = (
    re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`|“[^”]*”|‘[^’]*’"),
    re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"),
    re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"),
    re.compile(r"\b0x[0-9a-fA-F]+\b"),
    re.compile(r"\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{6,}\b"),
    # Words joined to digits by _ - . : / such as req_40fe64, pod-7d9f-x2, 10.0.0.7:5432
    re.compile(r"(?<![\w<*])[A-Za-z]*[_\-.:/#]?\w*\d[\w.:\-/]*"),
)
REPEATED = re.compile(r"(?:<\*>[\s,;:|/=]*){2,}")
LONGEST = 300


def signature(message: str) -> str:
    """`message` with numbers, ids and quoted text masked; at most 300 characters.

    Two messages that differ only in such parts have the same signature.
    """
    text = message[: LONGEST * 4]
    for pattern in MASKED:
        text = pattern.sub(MASK, text)
    text = REPEATED.sub(f"{MASK} ", text)
    return " ".join(text.split())[:LONGEST] or "(empty)"
