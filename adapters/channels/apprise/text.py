"""A page as short text for services of which nobody knows what they parse: some read Markdown, some mentions."""

from __future__ import annotations

import re

from domain.page_sections import clean, sections, unlinked
from domain.pages import Page

LONGEST_BODY = 1_200
SHOWN = frozenset({"", "Evidence", "Done", "Links"})
# Signs that some service makes a mention, markup or a link of -> what looks like them.
_LOOKALIKES = str.maketrans(
    {
        "@": "\N{FULLWIDTH COMMERCIAL AT}",
        "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
        ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
        "*": "\N{ASTERISK OPERATOR}",
        "`": "\N{MODIFIER LETTER APOSTROPHE}",
        "~": "\N{TILDE OPERATOR}",
        "|": "\N{DIVIDES}",
        "[": "\N{LEFT SQUARE BRACKET WITH QUILL}",
        "]": "\N{RIGHT SQUARE BRACKET WITH QUILL}",
    }
)
_EDGE = re.compile(r"(?<!\w)_|_(?!\w)")


def harmless(text: str) -> str:
    """`text` of which no service makes anything but text."""
    cleaned = clean(text).translate(_LOOKALIKES)
    return unlinked(_EDGE.sub("\N{MODIFIER LETTER LOW MACRON}", cleaned)).lstrip("#-+ ")


def title(page: Page) -> str:
    """The summary."""
    return harmless(page.summary)


def body(page: Page) -> str:
    """What a short message has room for."""
    lines = []
    for section in sections(page):
        if section.title in SHOWN:
            lines += [": ".join(filter(None, (row.label, harmless(row.text), row.url))) for row in section.rows]
    text = "\n".join(lines)
    return text if len(text) <= LONGEST_BODY else f"{text[: LONGEST_BODY - 1]}…"
