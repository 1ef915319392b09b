"""Keys and keyrings for tests."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager

from adapters.sealing import PLAIN, Keyring, use
from domain.encryption_keys import MasterKey

FIRST = MasterKey("2026-01", bytes(range(32)))
SECOND = MasterKey("2026-02", bytes(range(32, 64)))


def line(key: MasterKey) -> str:
    """The key as people give it."""
    return f"{key.id}:{base64.b64encode(key.secret).decode()}"


def a_keyring(*keys: MasterKey, seals: bool = True) -> Keyring:
    """Keys of the test, with a signing key of its own."""
    ring = Keyring(keys or (FIRST,), seals=seals)
    ring.take_signing_key(bytes(64))
    return ring


@contextmanager
def using(keyring: Keyring) -> Iterator[Keyring]:
    """This process seals with it while the block runs."""
    use(keyring)
    try:
        yield keyring
    finally:
        use(PLAIN)
