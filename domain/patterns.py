"""Patterns that logs of strangers are matched against: RE2's, whose time grows with the text and no faster.

RE2 has neither look-around nor back-references, as these are what makes matching take for ever.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import re2

# What RE2 lacks, by the beginning of what it says.
_LACKS = (
    (re.compile(r"invalid perl operator: \(\?<?[=!]"), "RE2 has no look-around"),
    (re.compile(r"invalid escape sequence: \\[1-9]"), "RE2 has no back-references"),
    (re.compile(r"invalid perl operator: \(\?>|bad repetition operator: [*+?]\+"), "RE2 has no atomic matching"),
)
# Somewhere in these, whatever may match no character does so.
_PROBES = ("", "q", "qz", "~ ~", "7\n")
# Texts that have nothing in common but that nothing is wrong.
_HARMLESS = ("all is well", "worker <*> started", "GET /stock answered in <*> ms")
_TOGETHER = 1_000  # patterns that RE2 filters at once; its limits allow some thousands more


def pattern_flaw(pattern: str) -> str:
    """Why `pattern` must not be searched for in texts, or nothing."""
    if text := unusable(pattern):
        return text
    if all(matched(pattern, text) is not None for text in _HARMLESS):
        return f"matches everything, for example {_HARMLESS[0]!r}"
    return ""


def unusable(pattern: str) -> str:
    """Why `pattern` is none, or says nothing; or nothing."""
    try:
        compiled = _compiled(pattern)
    except UnicodeEncodeError:
        return "is not a regular expression: it holds half of a character"
    except re2.error as error:
        said = _said(error)
        lacking = next((f" ({text})" for found, text in _LACKS if found.match(said)), "")
        return f"is not a regular expression of RE2: {said}{lacking}"
    spans = [compiled.search(probe.encode()) for probe in _PROBES]
    empty = any(found is not None and not found[0] for found in spans)
    return "can match the empty text, so it matches everything" if empty else ""


def matched(pattern: str, text: str) -> str | None:
    """The part of `text` that `pattern` matches, case aside: the longest at the first place; None if there is none."""
    found = _compiled(pattern).search(text.encode("utf-8", "replace"))
    return found[0].decode("utf-8", "replace") if found else None


@lru_cache(maxsize=20_000)
def longest(patterns: tuple[str, ...], text: str) -> tuple[str, str] | None:
    """The pattern that matches the most of `text`, and the part; the first of equal ones, None where none matches.

    What one service says, it says again and again, so the last answers are kept.
    """
    # Most texts are for none of them: one look at all tells.
    if not patterns or matched("|".join(f"(?:{pattern})" for pattern in patterns), text) is None:
        return None
    found = ((pattern, part) for pattern in patterns if (part := matched(pattern, text)) is not None)
    return max(found, key=lambda pair: len(pair[1]))


@lru_cache(maxsize=10_000)
def is_readable(pattern: str) -> bool:
    """Whether RE2 can read it; what an earlier version accepted may be no pattern any more."""
    try:
        _exact(pattern)
    except (re2.error, UnicodeEncodeError):
        return False
    return True


def is_whole(pattern: str, text: str) -> bool:
    """Whether `pattern` matches all of `text`, case and ends of lines included."""
    return _exact(pattern).fullmatch(text.encode("utf-8", "replace")) is not None


@lru_cache(maxsize=100_000)
def _compiled(pattern: str) -> re2._Regexp:
    return re2.compile(pattern.encode(), _options())


@lru_cache(maxsize=10_000)
def _exact(pattern: str) -> re2._Regexp:
    options = _options()
    options.case_sensitive = True
    options.dot_nl = True
    return re2.compile(pattern.encode(), options)


def _options() -> re2.Options:
    options = re2.Options()
    options.case_sensitive = False
    options.longest_match = True
    options.log_errors = False
    return options


def _said(error: re2.error) -> str:
    """What RE2 says, which it says in bytes."""
    (said,) = error.args
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


class Patterns:
    """Many patterns at once: which of them match a text, without trying each.

    Parameters
    ----------
    patterns
        Patterns without a flaw.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        options = _options()
        self._filters: list[tuple[int, re2.Filter]] = []
        for first in range(0, len(patterns), _TOGETHER):
            some = re2.Filter()
            for pattern in patterns[first : first + _TOGETHER]:
                some.Add(pattern.encode(), options)
            some.Compile()
            self._filters.append((first, some))

    def matching(self, text: str) -> list[int]:
        """The positions of those that match, ascending."""
        encoded = text.encode("utf-8", "replace")
        return sorted(first + found for first, some in self._filters for found in some.Match(encoded) or ())
