"""Sealing what is written to disk: AES-256-GCM under keys that are derived from master keys.

Each value has a key of its own, HMAC-SHA256 of its master key over 16 random bytes, so that no number of
values wears a master key out. What the value is for is authenticated with it: nothing opens in another column.
Texts that are looked up are sealed by AES-SIV (RFC 5297) under a signing key, which gives the same for the same
text; that key is kept in the store, sealed itself, and outlives the master keys.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

from domain.encryption_keys import MasterKey
from domain.errors import BadSettings, Refused

MAGIC = b"\x93SRE"  # then the length of the key's id, the id, salt, nonce, and what is sealed with its tag
SALT_BYTES = 16
NONCE_BYTES = 12
SIGNING_BYTES = 64
SEALED = "sealed:"  # then the id, a colon, and the rest as base64
SIGNED = "signed:"  # then base64
SIGNATURES = "signing key"  # what a sealed signing key is for
_OF_A_TEXT = [b"sre-agent: a text that is looked up"]


class Keyring:
    """Master keys: the first seals, all open. What is plain is read as it is; without `seals` it is written so, too."""

    def __init__(self, keys: Iterable[MasterKey] = (), *, seals: bool = True) -> None:
        self._keys = {key.id: key.secret for key in keys}
        self.sealing_id = next(iter(self._keys), "") if seals else ""  # empty: writes plain
        self._siv: AESSIV | None = None
        self._mac = b""

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, the first one first."""
        return tuple(self._keys)

    @property
    def signs(self) -> bool:
        """Whether the signing key was taken up."""
        return self._siv is not None

    def seal(self, data: bytes, what: str) -> bytes:
        """The data sealed with the first key; where nothing is sealed, as it is.

        `what`: the place that it is for; it opens for that alone.
        """
        if not self.sealing_id:
            # A stranger's bytes may look like ours: they are marked as plain.
            return MAGIC + b"\0" + data if data.startswith(MAGIC) else data
        name = self.sealing_id.encode()
        head = MAGIC + bytes([len(name)]) + name
        salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
        of_it = AESGCM(_derived(self._keys[self.sealing_id], b"seal", salt))
        return head + salt + nonce + of_it.encrypt(nonce, data, head + what.encode())

    def open(self, sealed: bytes, what: str) -> bytes:
        """The data again, also where it was written plain.

        Raises BadSettings, with the id, when its key is not given, and Refused when it was changed or is of elsewhere.
        """
        if not sealed.startswith(MAGIC):
            return sealed
        name, begin = _named(sealed)
        head, rest = sealed[:begin], sealed[begin:]
        if not name:
            return rest
        salt, nonce = rest[:SALT_BYTES], rest[SALT_BYTES : SALT_BYTES + NONCE_BYTES]
        of_it = AESGCM(_derived(self._key(name, what), b"seal", salt))
        try:
            return of_it.decrypt(nonce, rest[SALT_BYTES + NONCE_BYTES :], head + what.encode())
        except (InvalidTag, ValueError) as error:
            raise Refused(_changed(what, name)) from error

    def seal_text(self, text: str, what: str) -> str:
        """As `seal`, for a column of text; an empty text stays empty."""
        if not text or not self.sealing_id:
            return f"{SEALED}:{text}" if text.startswith((SEALED, SIGNED)) else text
        sealed = self.seal(text.encode(errors="surrogatepass"), what)
        _, begin = _named(sealed)
        return f"{SEALED}{self.sealing_id}:{base64.b64encode(sealed[begin:]).decode()}"

    def open_text(self, sealed: str, what: str) -> str:
        """As `open`, for what `seal_text` or `sign_text` gave."""
        if sealed.startswith(SIGNED):
            return self._open_signed(sealed.removeprefix(SIGNED), what)
        if not sealed.startswith(SEALED):
            return sealed
        name, _, encoded = sealed.removeprefix(SEALED).partition(":")
        if not name:
            return encoded
        self._key(name, what)
        head = MAGIC + bytes([len(name)]) + name.encode()
        return self.open(head + _bytes(encoded, what, name), what).decode(errors="surrogatepass")

    def sign(self, text: str) -> str:
        """A mark that only the same text has, over every rotation; the text itself where nothing is sealed."""
        if not self.sealing_id:
            return text
        self._signing_key()
        return hmac.digest(self._mac, text.encode(errors="surrogatepass"), "sha256").hex()

    def sign_text(self, text: str) -> str:
        """The text sealed so that the same text always gives the same, over every rotation; empty stays empty."""
        if not text or not self.sealing_id:
            return f"{SEALED}:{text}" if text.startswith((SEALED, SIGNED)) else text
        sealed = self._signing_key().encrypt(text.encode(errors="surrogatepass"), _OF_A_TEXT)
        return SIGNED + base64.b64encode(sealed).decode()

    def new_signing_key(self) -> bytes:
        """A signing key, sealed with the first key; whoever stores it first has made it for everybody."""
        return self.seal(os.urandom(SIGNING_BYTES), SIGNATURES)

    def take_signing_key(self, sealed: bytes) -> None:
        """Sign with this one from now on. Raises as `open` does."""
        secret = self.open(sealed, SIGNATURES)
        whole = hmac.digest(secret, b"siv", "sha512")
        self._siv, self._mac = AESSIV(whole), _derived(secret, b"sign", b"")

    def _open_signed(self, encoded: str, what: str) -> str:
        if not self._keys:
            raise BadSettings(f"{what} is sealed, and no key is given; {_GIVE}")
        try:
            return self._signing_key().decrypt(_bytes(encoded, what, ""), _OF_A_TEXT).decode(errors="surrogatepass")
        except InvalidTag as error:
            raise Refused(_changed(what, "the signing key")) from error

    def _signing_key(self) -> AESSIV:
        if self._siv is None:
            raise BadSettings("encryption: the store has no signing key yet; bring it up to date by `sre up`")
        return self._siv

    def _key(self, name: str, what: str) -> bytes:
        if name not in self._keys:
            given = f"given: {', '.join(self._keys)}" if self._keys else "none is given"
            raise BadSettings(f"{what} is sealed with the key {name}, which is not there ({given}); {_GIVE}")
        return self._keys[name]


_GIVE = "add it to SRE_ENCRYPTION_KEYS, encryption.keys_file or what encryption.keys_command prints"


def key_id(sealed: bytes) -> str:
    """The id of the key that sealed it, or nothing."""
    return _named(sealed)[0] if sealed.startswith(MAGIC) else ""


def text_key(sealed: str) -> str:
    """The id of the key that sealed a text, or nothing."""
    return sealed.removeprefix(SEALED).partition(":")[0] if sealed.startswith(SEALED) else ""


def _named(sealed: bytes) -> tuple[str, int]:
    """The id in the head, and where the head ends."""
    begin = len(MAGIC) + 1
    end = begin + (sealed[begin - 1] if len(sealed) >= begin else 0)
    return sealed[begin:end].decode("ascii", errors="replace"), end


def _derived(secret: bytes, purpose: bytes, salt: bytes) -> bytes:
    return hmac.digest(secret, b"sre-agent " + purpose + b"\0" + salt, "sha256")


def _bytes(encoded: str, what: str, name: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise Refused(_changed(what, name)) from error


def _changed(what: str, name: str) -> str:
    return f"{what} does not open with {name or 'its key'}: it was changed, or it belongs elsewhere"


PLAIN = Keyring()
_in_use = PLAIN


def use(keyring: Keyring) -> None:
    """Seal and open with this one from now on, in all of this process: a table's columns cannot ask for one."""
    global _in_use  # noqa: PLW0603 - see above
    _in_use = keyring


def in_use() -> Keyring:
    """The keyring of this process."""
    return _in_use
