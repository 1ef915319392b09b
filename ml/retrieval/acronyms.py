"""Short forms that a text explains: "virtual machine instance (VMI)" makes the long form the same word as VMI.

Without this the long form counts as three words that all say the same, and a text that only has the short one
is not found by it. After Schwartz and Hearst, *A simple algorithm for identifying abbreviation definitions in
biomedical text*, PSB 2003.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ml.retrieval.words import pieces, stem, tokens

_SHORT = re.compile(r"\(([A-Z][A-Za-z]{1,7}?)s?[;,)]")
_BEFORE = 120  # characters that are looked at for the long form

Long = tuple[str, ...]  # stems of the words of a long form


@dataclass(frozen=True, slots=True)
class Acronyms:
    """Long forms by their first word, each with its short form, the longest first."""

    known: Mapping[str, Sequence[tuple[Long, str]]] = field(default_factory=dict)

    def touch(self, stems: Iterable[str]) -> bool:
        """Whether `shorten` may change words with these stems."""
        return bool(self.known) and not self.known.keys().isdisjoint(stems)

    def shorten(self, words: Sequence[str]) -> list[str]:
        """The words with the short form wherever a long one stood; "long form (LF)" becomes one word."""
        found: list[str] = []
        at = 0
        while at < len(words):
            length, short = self._at(words, at)
            at += length
            if not (length > 1 and words[at : at + 1] == [short]):
                found.append(short)
        return found

    def known_to(self, vocabulary: Container[str]) -> Acronyms:
        """Those whose short form is in the vocabulary."""
        kept = {first: [pair for pair in pairs if pair[1] in vocabulary] for first, pairs in self.known.items()}
        return Acronyms(kept)

    def and_those_of(self, other: Acronyms) -> Acronyms:
        """Both; the other's long forms come after ours of the same length."""
        firsts = self.known.keys() | other.known.keys()
        both = {first: [*self.known.get(first, ()), *other.known.get(first, ())] for first in firsts}
        return Acronyms({first: sorted(pairs, key=lambda pair: -len(pair[0])) for first, pairs in both.items()})

    def _at(self, words: Sequence[str], at: int) -> tuple[int, str]:
        """How many words are one from here on, and which."""
        for long, short in self.known.get(stem(words[at]), ()):
            if tuple(map(stem, words[at : at + len(long)])) == long:
                return len(long), short
        return 1, words[at]


def learn(texts: Iterable[str]) -> Acronyms:
    """The short forms that the texts explain; of two for one long form the more frequent."""
    counts = Counter(pair for text in texts for pair in set(explained(text)))
    best: dict[Long, str] = {}
    for (long, short), _ in sorted(counts.items(), key=lambda item: (item[1], item[0])):
        best[long] = short
    known: dict[str, list[tuple[Long, str]]] = {}
    for long, short in sorted(best.items(), key=lambda item: (-len(item[0]), item)):
        known.setdefault(long[0], []).append((long, short))
    return Acronyms(known)


def explained(text: str) -> Iterator[tuple[Long, str]]:
    """Each long form in the text that its short form follows in brackets."""
    for found in _SHORT.finditer(text):
        short = found[1].lower()
        before = text[max(found.start() - _BEFORE, 0) : found.start()]
        words = [piece for token in tokens(before) for piece in pieces(token)]
        if long := _long_form(words, short):
            yield tuple(map(stem, long)), short


def _long_form(words: Sequence[str], short: str) -> Sequence[str]:
    """The fewest last words that have the letters of the short form in order, its first one at their beginning."""
    for count in range(2, min(len(words), 2 * len(short)) + 1):
        long = words[-count:]
        if long[0][0] == short[0] and _in_order(short[1:], "".join(long)[1:]):
            return long
    return ()


def _in_order(letters: str, text: str) -> bool:
    rest = iter(text)
    return all(letter in rest for letter in letters)
