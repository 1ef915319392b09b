"""A pattern as segments, the stretches between marks, for values of several words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ml.templates.groups import LISTING, Row, patterns
from ml.templates.masks import VALUE
from ml.templates.tokens import NAMING, PARTING, closed

QUOTES = frozenset("\"'")
MARKS = PARTING | NAMING | LISTING | {";"}
# Behind these a value of several words may stand, where so many words stand elsewhere: `error = no such file`. Behind a
# colon there is as often what a component has to say, so that much else has to agree.
BEHIND = {'"': 0, "'": 0, "=": 0, ":": 4, ",": 4, "(": 4, "[": 4, "{": 4}


class Widening:
    """Closed patterns as they are when the segments that are values are masked, too.

    They are a function of the patterns given last. What is kept saves work: only where patterns have come or gone are
    those with as many segments told anew.
    """

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}
        self._wide: dict[str, Row] = {}
        self._told: dict[str, str] = {}

    def tell(self, texts: Iterable[str]) -> Mapping[str, str]:
        """What each of `texts`, distinct closed patterns, is widened to."""
        rows = {text: self._rows[text] if text in self._rows else segments(text.split()) for text in texts}
        both = self._rows | rows
        changed = {len(both[text]) for text in rows.keys() ^ self._rows.keys()}
        again = [text for text, row in rows.items() if len(row) in changed]
        for text, wide in zip(again, patterns([rows[text] for text in again], BEHIND), strict=True):
            if self._wide.get(text) != wide:
                self._wide[text], self._told[text] = wide, closed(" ".join(wide).split())
        for text in self._rows.keys() - rows.keys():
            del self._wide[text], self._told[text]
        self._rows = rows
        return self._told


def segments(words: list[str]) -> tuple[str, ...]:
    """The marks and the segments between them, each in its place; a quotation and a list of words are one segment."""
    found: list[list[str]] = []
    at = 0
    while at < len(words):
        end = _quoted(words, at)
        if end:
            found += [[words[at]], words[at + 1 : end], [words[end]]]
            at = end + 1
            continue
        if words[at] in MARKS or not found or found[-1][-1] in MARKS:
            found.append([])
        found[-1].append(words[at])
        at += 1
    return tuple(" ".join(segment) for segment in _listed(found))


def _quoted(words: list[str], at: int) -> int:
    """Where the quotation ends that begins at `at`, if it holds words and no mark but those of names; else 0."""
    if words[at] not in QUOTES or words[at] not in words[at + 1 :]:
        return 0
    end = words.index(words[at], at + 1)
    held = words[at + 1 : end]
    return end if held and not any(word in PARTING for word in held) else 0


def _listed(found: list[list[str]]) -> list[list[str]]:
    """The segments with lists of single words as one."""
    joined: list[list[str]] = []
    for place, segment in enumerate(found):
        named = place + 1 < len(found) and found[place + 1][0] in NAMING
        if not named and _word(segment) and _goes_on(joined):
            joined[-2:] = [[*joined[-2], *joined[-1], *segment]]
        else:
            joined.append(segment)
    return joined


def _goes_on(joined: list[list[str]]) -> bool:
    """Whether a list of words, or one word, and the mark for more are what came last."""
    if len(joined) < 2 or len(joined[-1]) > 1 or joined[-1][0] not in LISTING:  # noqa: PLR2004 - a word and a mark
        return False
    return _word(joined[-2]) or joined[-2][1:2] == joined[-1]


def _word(segment: list[str]) -> bool:
    return len(segment) == 1 and (segment[0] == VALUE or segment[0][0].isalpha())
