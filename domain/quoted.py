"""Quoted logs without what must not be repeated: keys, tokens, passwords, mail addresses, card numbers.

Everything is matched by RE2, so its time grows with the text and no faster. The kinds of keys that have a look of
their own (AWS, GitHub, Slack and so on) are known to `adapters/redaction.py`, which begins with these here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import re2

Mask = Callable[[str], str]
MASK = "***"


class Found(Protocol):
    """A match, as RE2's types are not known."""

    def group(self, number: int = 0) -> str: ...


# Names whose value is a password, and those whose value may as well be a word of a sentence ("token: expired").
_PASSWORDS = r"password|passwd|passphrase|pwd"
_KEYS = (
    r"secret|token|api[_-]?key|access[_-]?key|account[_-]?key|shared[_-]?access[_-]?key|private[_-]?key"
    r"|routing[_-]?key|signing[_-]?key|encryption[_-]?key|credentials?"
)
_NAMED = rf"""(?i)((?:^|[^A-Za-z0-9])[A-Za-z0-9_.-]{{0,40}}?({_PASSWORDS}|{_KEYS})(?:\\?["'])?\s*(=>|[=:])\s*)"""
# A text in quotes may have quotes in it, behind a backslash, and ends with what is quoted where that was cut.
_VALUE = (
    r"""("(?:[^"\\]|\\(?s:.))*(?:"|\\?\z)|'(?:[^'\\]|\\(?s:.))*(?:'|\\?\z)|\\"[^"\\]*(?:\\"|\\?\z)|[^\s"'\\,;&)}\]]+)"""
)
_PRIVATE_KEY = r"[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
_PLAIN = frozenset({"null", "none", "nil", "true", "false", "undefined", "<*>", "bearer", "basic"})
_UNITS = frozenset({"service", "socket", "timer", "target", "mount", "slice", "scope", "device", "path"})
_LOOKS_SECRET = 8  # characters; a shorter value behind `token:` is a word

# Pattern -> what stands there instead; in this order.
_REPLACED: tuple[tuple[str, str], ...] = (
    (
        rf"-----BEGIN {_PRIVATE_KEY}(?s:.*?)(?:-----END {_PRIVATE_KEY}|\z)",
        MASK,
    ),
    (r"""(://[^\s/:@"'\\]*):[^\s"'\\]*@""", rf"\1:{MASK}@"),
    (r"""(\b[\w.-]+):[^\s"'\\@/]+(@(?:tcp|unix)\()""", rf"\1:{MASK}\2"),
    (r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?", MASK),
    (
        r"""(?i)(\b(?:proxy-)?authorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|token|digest|apikey)\s+)?)[^\s"'\\,;]+""",
        rf"\1{MASK}",
    ),
    (r"(?i)(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/-]{16,}=*", rf"\1{MASK}"),
    (r"""(?i)(\b(?:set-)?cookie["']?\s*[:=]\s*)[^\r\n"'\\]+""", rf"\1{MASK}"),
    (r"""(?i)([?&](?:key|sig|signature|code|auth)=)[^&\s"'\\]+""", rf"\1{MASK}"),
    (r"\b(?:npm_[A-Za-z0-9]{30,}|sk-[A-Za-z0-9_-]{20,}|AIza[A-Za-z0-9_-]{30,})", MASK),
)
_PATTERNS = tuple((re2.compile(pattern), instead) for pattern, instead in _REPLACED)
_ASSIGNED = re2.compile(_NAMED + _VALUE)
_MAIL_ADDRESS = r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.([A-Za-z]{2,})\b"
_MANY_DIGITS = r"\b\d(?:[ -]?\d){12,18}\b"
_MAIL, _DIGITS = re2.compile(_MAIL_ADDRESS), re2.compile(_MANY_DIGITS)


def any_of(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a text has something that one of the patterns matches, by one pass over it."""
    options = re2.Options()
    options.never_capture = True
    together = re2.compile("|".join(f"(?:{pattern})" for pattern in patterns).encode(), options)
    return lambda text: together.search(text.encode(errors="replace")) is not None


_worth_a_look = any_of([*(pattern for pattern, _ in _REPLACED), _NAMED + _VALUE, _MAIL_ADDRESS, _MANY_DIGITS])

# How card numbers begin -> how many digits they have.
_CARDS: tuple[tuple[range, frozenset[int]], ...] = (
    (range(4000, 5000), frozenset({13, 16, 19})),
    (range(5100, 5600), frozenset({16})),
    (range(2221, 2721), frozenset({16})),
    (range(3400, 3500), frozenset({15})),
    (range(3700, 3800), frozenset({15})),
    (range(3528, 3590), frozenset({16})),
    (range(3000, 3060), frozenset({14})),
    (range(3600, 3700), frozenset({14})),
    (range(3800, 3900), frozenset({14})),
    (range(6011, 6012), frozenset({16})),
    (range(6440, 6600), frozenset({16})),
)
# A digit of every second place counts double, and both of its digits are added.
_DOUBLED: Mapping[str, int] = {str(digit): sum(map(int, str(2 * digit))) for digit in range(10)}


def mask_quoted(text: str) -> str:
    """`text` with `***` for each secret and each piece of personal data in it; linear in its length."""
    if not _worth_a_look(text):
        return text
    text = text.encode(errors="replace").decode()
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    text = _ASSIGNED.sub(_assigned, text)
    return str(_DIGITS.sub(_card, _MAIL.sub(_mail, text)))


def masked_within(value: Any, mask: Mask) -> Any:  # noqa: ANN401 - any JSON and its like
    """The value with every text in it masked; names of fields stay."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {name: masked_within(entry, mask) for name, entry in value.items()}
    return [masked_within(entry, mask) for entry in value] if isinstance(value, list | tuple) else value


def mask_found(pattern: str) -> Mask:
    """Masks whatever an RE2 pattern of the settings matches."""
    compiled, matches = re2.compile(pattern), any_of([pattern])

    def mask(text: str) -> str:
        if not matches(text):
            return text
        return str(compiled.sub(lambda found: MASK if found.group() else "", text.encode(errors="replace").decode()))

    return mask


def _assigned(found: Found) -> str:
    """`name=value`, masked unless the value is a word that says nothing."""
    before, name, sign, value = (found.group(number) for number in range(1, 5))
    bare = value.strip("\\\"'")
    quoted = bare != value
    if bare.lower() in _PLAIN or not bare or bare.startswith("/"):
        return found.group()
    is_password = name.lower() in _PASSWORDS.split("|")
    if not is_password and bare.isdigit():
        return found.group()
    if is_password or sign != ":" or quoted or _looks_secret(bare):
        return before + value.replace(bare, MASK)
    return found.group()


def _looks_secret(value: str) -> bool:
    return len(value) >= _LOOKS_SECRET and any(letter.isdigit() for letter in value)


def _mail(found: Found) -> str:
    """A mail address, unless it is an instance of a unit of systemd such as `getty@tty1.service`."""
    return found.group() if found.group(1) in _UNITS else MASK


def _card(found: Found) -> str:
    digits = "".join(letter for letter in found.group() if letter.isdigit())
    return MASK if is_card(digits) else found.group()


def is_card(digits: str) -> bool:
    """Whether digits are a card's number: its brand's beginning and length, and the sum of Luhn (ISO/IEC 7812-1)."""
    first = int(digits[:4])
    if not any(first in begins and len(digits) in lengths for begins, lengths in _CARDS):
        return False
    total = sum(map(int, digits[-1::-2])) + sum(_DOUBLED[digit] for digit in digits[-2::-2])
    return total % 10 == 0
