"""What one log line says by itself: its words, and signs that something failed or that nothing did."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from domain.logs import Level, level_of
from domain.templates import template
from ml import failures

# Names of levels that producers use for what is worse than an error; the common ones are known to the domain.
SEVERE: Mapping[str, Level] = {
    "SEVERE": Level.ERROR,
    "FAILURE": Level.CRITICAL,
    "CRIT": Level.CRITICAL,
    "EMERG": Level.CRITICAL,
    "PANIC": Level.CRITICAL,
}
# A line that tells a value and nothing else: a name, then a sign or a row of dots, then the value or nothing.
READING = re.compile(r"(?:(?<!\d)[:=]|\.{2,})\s*(?P<value>[-+]?(?:0x)?[0-9a-fA-F]*\d[0-9a-fA-F.]*%?)?\s*$")
PAIRS = re.compile(r"(?:[\w.-]{1,40}[:=]\s?[-+\w.]{1,40}[,;]?\s{0,4}){2,}")
WORD = re.compile(r"[^\W\d_]{2,}")
HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
MOST_WORDS = 40
LONGEST = 1000
MOST_READ = 20_000


@dataclass(frozen=True, slots=True)
class Line:
    """One log line as the detector takes it."""

    service: str
    level: str  # as the producer names it; may be empty
    message: str
    node: str = ""  # the machine or the instance, where it is known
    at: float = 0.0  # seconds since any fixed moment


@dataclass(frozen=True, slots=True)
class Reading:
    """What a message says by itself."""

    template: str
    words: tuple[str, ...]  # in small letters, in their order
    failed: bool  # words, a code or a status of failure, and no sign that all is well again
    reading: bool  # a value is told, not what happened
    healed: bool  # a failure is told of that was put right, or the number of failures is 0


@lru_cache(MOST_READ)
def read(message: str) -> Reading:
    """Read one message; its first 1,000 characters count."""
    text = message[:LONGEST]
    masked = template(text)
    told = READING.search(text)
    told_zero = told is not None and (told["value"] or "").strip("0x.+-%") == "" and bool(told["value"])
    named, has_words = _of_template(masked)
    failed = has_words or failures.code(text)
    healed = failed and (told_zero or failures.healed(text))
    reading = told is not None or PAIRS.fullmatch(text.strip()) is not None
    return Reading(masked, named, failed and not healed, reading, healed)


@lru_cache(MOST_READ)
def _of_template(masked: str) -> tuple[tuple[str, ...], bool]:
    """The words of a template, and whether one of them is of failure: the same for many messages, and slow to find."""
    return words(masked), failures.words(masked)


def words(masked: str) -> tuple[str, ...]:
    """The words of a template in small letters, names in camel case taken apart."""
    found = WORD.findall(HUMP.sub(" ", masked))
    return tuple(word.lower() for word in found[:MOST_WORDS])


def severity(name: str) -> Level:
    """The level that a producer's name means; INFO for an unknown one."""
    return SEVERE.get(name.strip().upper(), level_of(name))
