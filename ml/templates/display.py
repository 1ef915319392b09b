"""A template as people read it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from ml.templates.groups import Row
from ml.templates.masks import VALUE
from ml.templates.tokens import tokens

SHOWN = "<*>"
EMPTY = "(empty)"
# Texts that are compared; those after them seldom show anything more.
COMPARED = 64
REPEATED = re.compile(r"<\*>(?:[ ,;|]*<\*>)+")


def display(pattern: Row, texts: Sequence[str]) -> str:
    """The first of a template's masked texts with `<*>` for what varies among those given.

    `pattern` is the first text's; a name that is the same in all texts is shown as it is.
    """
    first = tokens(texts[0])
    varies = [
        word == VALUE and (one.text != VALUE or one.start == one.end) for word, one in zip(pattern, first, strict=True)
    ]
    spans = [texts[0][one.start : one.end] for one in first]
    for text in texts[1:COMPARED]:
        others = [text[one.start : one.end] for one in tokens(text)]
        for place in _differing(spans, others):
            varies[place] = True
    parts, at = [], 0
    for one, varied in zip(first, varies, strict=True):
        parts += [texts[0][at : one.start], SHOWN if varied else texts[0][one.start : one.end].replace(VALUE, SHOWN)]
        at = one.end
    return REPEATED.sub(SHOWN, "".join([*parts, texts[0][at:].replace(VALUE, SHOWN)])).strip() or EMPTY


def _differing(spans: Sequence[str], others: Sequence[str]) -> list[int]:
    """The places of `spans` at which `others` has something else; of what it has in addition, the value beside it."""
    if len(spans) == len(others):
        return [place for place, (one, other) in enumerate(zip(spans, others, strict=True)) if one != other]
    found: list[int] = []
    for kind, start, end, _, _ in SequenceMatcher(None, spans, others, autojunk=False).get_opcodes():
        if kind == "insert":
            found += [place for place in (start - 1, start) if 0 <= place < len(spans) and VALUE in spans[place]][:1]
        elif kind != "equal":
            found += range(start, end)
    return found
