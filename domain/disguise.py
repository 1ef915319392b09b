"""Texts on their way to a model: what must not leave is numbered, so that the same secret is seen to be the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from domain.quoted import MASK, Mask

_MASKED = re.compile(re.escape(MASK) + r"(?:\*)*")
_NUMBERED = re.compile(r"\bHIDDEN_\d+\b")
_NAMELESS = "HIDDEN_0"


@dataclass
class Disguise:
    """Hides what a mask hides; one for each investigation, and nothing of it is stored."""

    mask: Mask
    _numbers: dict[str, int] = field(default_factory=dict, repr=False)  # what is hidden -> its number

    def hide(self, text: str) -> str:
        """The text with HIDDEN_1, HIDDEN_2 … for what must not leave; hiding it again changes nothing."""
        masked = self.mask(text)
        if masked == text:
            return text
        pieces = _MASKED.split(masked)
        values = _between(text, pieces)
        if values is None:  # it was not only replaced but moved: without numbers, then
            return _MASKED.sub(_NAMELESS, masked)
        told = [pieces[0]]
        for value, piece in zip(values, pieces[1:], strict=True):
            told += [self._mark(value), piece]
        return "".join(told)

    def _mark(self, value: str) -> str:
        """What stands for it; a mark stands for itself."""
        if _NUMBERED.fullmatch(value):
            return value
        return f"HIDDEN_{self._numbers.setdefault(value, len(self._numbers) + 1)}"


def shown(text: str) -> str:
    """As people see it: every number hidden alike."""
    return _NUMBERED.sub(MASK, text)


def _between(text: str, pieces: list[str]) -> list[str] | None:
    """What stands between the pieces in the text, or None where they are not in it in this order."""
    if not text.startswith(pieces[0]):
        return None
    at, found = len(pieces[0]), []
    for place, piece in enumerate(pieces[1:], start=1):
        last = place == len(pieces) - 1
        begin = len(text) - len(piece) if last else text.find(piece, at)
        if begin < at or not text.startswith(piece, begin):
            return None
        found.append(text[at:begin])
        at = begin + len(piece)
    return found
