"""Master keys as people give them: `id:base64` each, the first one seals, all of them open."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.errors import BadSettings

KEY_BYTES = 32
HOW = f"write `id:base64`, for example `2026-01:$(openssl rand -base64 {KEY_BYTES})`"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_BETWEEN = re.compile(r"[\s,]+")


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One key with the name under which what it sealed asks for it."""

    id: str  # stands in clear before everything that the key sealed
    secret: bytes = field(repr=False)  # 32 bytes


def parse_keys(text: str, place: str) -> tuple[MasterKey, ...]:
    """The keys of a text, between spaces, commas or lines; what follows a # is a comment.

    Raises BadSettings, with the place and without any part of a key.
    """
    lines = (line.partition("#")[0] for line in text.splitlines())
    words = [word for line in lines for word in _BETWEEN.split(line) if word]
    keys = tuple(_key(number, word, place) for number, word in enumerate(words, 1))
    if not keys:
        raise BadSettings(f"{place}: no key; {HOW}")
    ids = [key.id for key in keys]
    if twice := sorted({one for one in ids if ids.count(one) > 1}):
        raise BadSettings(f"{place}: {twice[0]} names two keys; give each its own id")
    return keys


def key_lines(keys: Sequence[MasterKey]) -> str:
    """The keys as `parse_keys` reads them, one a line."""
    return "".join(f"{key.id}:{base64.b64encode(key.secret).decode()}\n" for key in keys)


def _key(number: int, word: str, place: str) -> MasterKey:
    name, colon, encoded = word.partition(":")
    if not colon or not _ID.fullmatch(name):
        raise BadSettings(f"{place}: key {number} has no id of letters, digits, dots, dashes; {HOW}")
    try:
        secret = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise BadSettings(f"{place}: key {name} is not base64; {HOW}") from error
    if len(secret) != KEY_BYTES:
        raise BadSettings(f"{place}: key {name} has {len(secret)} bytes, not {KEY_BYTES}; {HOW}")
    return MasterKey(name, secret)
