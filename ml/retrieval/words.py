"""The words of a text: identifiers cut into their pieces and kept whole, stems, stop words left out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import snowballstemmer


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words that say nothing about the subject. "no" and "not" stay: "not ready" is no "ready".
STOP = _listed(
    "a an and are as at be been but by can could did do does for from had has have if in into is it its may might "
    "must of on or should so such than that the their them then there these they this those to too was were when "
    "where which while will with would you your"
)
# Words of every alert, whatever it is about.
OF_ALERTS = _listed(
    "alert alerts check fire fires fired firing hour hours indicate indicates indicating last mean means min minute "
    "minutes more one please than trigger triggers triggered"
)

_TOKEN = re.compile(r"[^\W_]+(?:[-_.:/@]+[^\W_]+)*")
_ASCII_TOKEN = re.compile(r"[A-Za-z0-9]+(?:[-_.:/@]+[A-Za-z0-9]+)*")  # the same, in half the time
_JOINT = re.compile(r"[-_.:/@]+")
_PIECE = re.compile(r"[A-Z]{2,}(?=s(?![a-z]))|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LONGEST = 80  # of a token, in characters: what is longer is data, and its beginning is enough
_CACHED = 100_000

_stemmer = snowballstemmer.stemmer("english")


def tokens(text: str) -> list[str]:
    """What stands between spaces and punctuation, identifiers in one piece, as written."""
    found: list[str] = (_ASCII_TOKEN if text.isascii() else _TOKEN).findall(text)
    if max(map(len, found), default=0) > _LONGEST:
        return [token[:_LONGEST] for token in found]
    return found


@lru_cache(maxsize=_CACHED)
def pieces(token: str) -> tuple[str, ...]:
    """The words of an identifier, in lower case: KubeVirtDown is kube, virt, down."""
    return tuple(piece.lower() for _, found in _chunks(token) for piece in found if len(piece) > 1)


@lru_cache(maxsize=_CACHED)
def wholes(token: str) -> tuple[str, ...]:
    """An identifier and its parts in one piece, where they are more than a word: virt-handler is virt+handler."""
    whole = [chunk.lower() for chunk, found in _chunks(token) if len(found) > 1 and found[-1] != "s"]
    joined = [stem(piece) for piece in pieces(token) if piece not in STOP]
    return (*whole, "+".join(joined)) if len(joined) > 1 and "/" not in token else tuple(whole)


@lru_cache(maxsize=_CACHED)
def terms(token: str) -> tuple[str, ...]:
    """Stems of its words that say something, and the wholes."""
    return (*stems(pieces(token)), *wholes(token))


@lru_cache(maxsize=_CACHED)
def said(token: str) -> str:
    """Its words without those of every alert."""
    return " ".join(piece for piece in pieces(token) if piece not in OF_ALERTS)


def _chunks(token: str) -> list[tuple[str, list[str]]]:
    """The parts between punctuation, each with its pieces; only words in ASCII have changes of case to cut at."""
    return [(chunk, _PIECE.findall(chunk) if chunk.isascii() else [chunk]) for chunk in _JOINT.split(token)]


def stems(words: Iterable[str]) -> list[str]:
    """Stems of the words that say something."""
    return [stem(word) for word in words if word not in STOP and word not in OF_ALERTS]


@lru_cache(maxsize=_CACHED)
def stem(word: str) -> str:
    """The word without its ending; digits stay as they are."""
    return str(_stemmer.stemWord(word))
