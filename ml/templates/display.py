"""A template as people read it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ml.templates.groups import Row
from ml.templates.masks import VALUE
from ml.templates.tokens import tokens

SHOWN = "<*>"
EMPTY = "(empty)"
REPEATED = re.compile(r"<\*>(?:[ ,;|]*<\*>)+")


def display(pattern: Row, texts: Sequence[str]) -> str:
    """The first of a template's masked texts with `<*>` for what varies among those given.

    `pattern` is the first text's; a name that is the same in all texts of its length is shown as it is.
    """
    first = tokens(texts[0])
    alike = [(text, tokens(text)) for text in texts]
    spans = [[text[one.start : one.end] for one in found] for text, found in alike if len(found) == len(first)]
    parts, at = [], 0
    for place, one in enumerate(first):
        held = {span[place] for span in spans}
        parts.append(texts[0][at : one.start])
        word = pattern[place] == VALUE and (len(held) > 1 or one.text != VALUE or one.start == one.end)
        parts.append(SHOWN if word else texts[0][one.start : one.end].replace(VALUE, SHOWN))
        at = one.end
    return REPEATED.sub(SHOWN, "".join([*parts, texts[0][at:].replace(VALUE, SHOWN)])).strip() or EMPTY
