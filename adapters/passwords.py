"""Hashes of passwords by Argon2id, with the costs that RFC 9106 recommends where memory is short."""

from __future__ import annotations

from functools import lru_cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# 64 MiB, three passes, one lane: about 0.1 s, which whoever guesses pays for each guess.
_HASHER = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)
# Whoever sends many at once has them wait for each other, instead of taking 64 MiB for each.
_AT_ONCE = BoundedSemaphore(2)


def hashed(password: str) -> str:
    """The hash with its salt and costs, as text."""
    return _HASHER.hash(password)


def matches(stored: str, password: str) -> bool:
    """Whether it is the password; takes as long for an empty `stored`, so that nobody learns which users there are."""
    try:
        with _AT_ONCE:
            return _HASHER.verify(stored or _of_nobody(), password) and bool(stored)
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _of_nobody() -> str:
    return hashed("nobody has this password")
