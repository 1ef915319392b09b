"""A template: the message with everything masked that differs from one log to the next."""

from __future__ import annotations

import re

MASK = "<*>"

# In order: quoted text first (it may hold anything), then what looks like an id, then numbers.
# Hexadecimal words need a digit, so that `deadbeef` the noun and `added` the verb stay words.
# Each takes time in proportion to the text, whatever it is: no repeat may give back what another one takes.
MASKED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`|“[^“”]*”|‘[^‘’]*’"), MASK),
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), MASK),
    # From the first letter of a run on: the run is read once, not once from each of its letters.
    (re.compile(r"(?<![\w.+-])([.+-]*+)\w[\w.+-]*+@[\w-]+(?:\.[\w-]+)+\b"), rf"\1{MASK}"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), MASK),
    (re.compile(r"\b(?=[a-fA-F]*+\d)(?=\d*+[a-fA-F])[0-9a-fA-F]{6,}+\b"), MASK),
    # Words joined to digits by _ - . : / such as req_40fe64, pod-7d9f-x2, 10.0.0.7:5432
    (re.compile(r"(?<![\w<*])(?:[^\W\d]*+|[A-Za-z]*+[\-.:/#][^\W\d]*+)\d[\w.:\-/]*+"), MASK),
)
# A text without any of these has nothing to mask.
VARYING = re.compile(r"[\d@\"'`“‘]")
REPEATED = re.compile(r"(?:<\*>[\s,;:|/=]*+){2,}+")
LONGEST = 300


def template(message: str) -> str:
    """`message` with numbers, ids and quoted text masked; at most 300 characters.

    Two messages that differ only in such parts have the same template.
    """
    text = message[: LONGEST * 4]
    if VARYING.search(text):
        for pattern, mask in MASKED:
            text = pattern.sub(mask, text)
    text = REPEATED.sub(f"{MASK} ", text)
    return " ".join(text.split())[:LONGEST] or "(empty)"
