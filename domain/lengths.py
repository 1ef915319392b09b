"""How much a person may say at once: what is longer is refused, as what was cut off would be missed by nobody."""

from __future__ import annotations

from domain.errors import BadInput

LONGEST_SAID = 1_000  # characters of a comment, and of a reason
LONGEST_VALUE = 200  # characters of the value of a matcher


def too_long(what: str, text: str, longest: int = LONGEST_SAID) -> str:
    """What is wrong with a text that is too long, and what to do; empty where it is not."""
    return f"{what} has {len(text):,} characters, at most {longest:,}: say it shorter" if len(text) > longest else ""


def must_be_short(what: str, text: str, longest: int = LONGEST_SAID) -> str:
    """The text as it is. Raises BadInput where it is too long."""
    if flaw := too_long(what, text, longest):
        raise BadInput(flaw)
    return text
