"""Parquet's own encryption with our master keys: each file has keys of its own, sealed in its footer."""

from __future__ import annotations

import base64
import re
from datetime import timedelta

import pyarrow.parquet.encryption as pe
from pyarrow.parquet import FileDecryptionProperties, FileEncryptionProperties

from adapters.sealing import Keyring, key_id

WHAT = "key of a Parquet file"
FOOTER = "footer"
# Keys are sealed by us with whichever master key is the first; Parquet's own names of master keys say nothing.
ANY = "ours"
LIFETIME = timedelta(minutes=10)  # how long pyarrow keeps keys that it opened
MARK = b"PARE"  # the last bytes of a file with an encrypted footer; before them, in four bytes, how long the footer is
HEAD_BYTES = 4_096  # of the footer: what it says of keys comes first, and plainly
_WRAPPED = re.compile(rb'"wrappedDEK" *: *"([A-Za-z0-9+/=]+)"')


class _Keys(pe.KmsClient):  # type: ignore[misc]  # pyarrow has no types
    """Seals and opens the keys of files, in the place of a server."""

    def __init__(self, keyring: Keyring) -> None:
        super().__init__()
        self._keyring = keyring

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> str:
        """The key, sealed with the first master key."""
        return base64.b64encode(self._keyring.seal(key_bytes, WHAT)).decode()

    def unwrap_key(self, wrapped_key: str, master_key_identifier: str) -> bytes:
        """The key. Raises as `Keyring.open` does."""
        return self._keyring.open(base64.b64decode(wrapped_key), WHAT)


def encryption(keyring: Keyring) -> FileEncryptionProperties | None:
    """What `pyarrow.parquet.ParquetWriter(encryption_properties=…)` takes for one file; None where nothing is sealed.

    The footer and every column are encrypted and authenticated with AES-GCM, 256 bits.
    """
    if not keyring.sealing_id:
        return None
    wanted = pe.EncryptionConfiguration(
        footer_key=ANY,
        uniform_encryption=True,
        encryption_algorithm="AES_GCM_V1",
        plaintext_footer=False,
        double_wrapping=False,
        cache_lifetime=LIFETIME,
        internal_key_material=True,
        data_key_length_bits=256,
    )
    return _factory(keyring).file_encryption_properties(pe.KmsConnectionConfig(), wanted)


def decryption(keyring: Keyring) -> FileDecryptionProperties | None:
    """What `pyarrow.parquet.read_table(decryption_properties=…)` takes; plain files are read with it too."""
    if not keyring.ids:
        return None
    kept = pe.DecryptionConfiguration(cache_lifetime=LIFETIME)
    return _factory(keyring).file_decryption_properties(pe.KmsConnectionConfig(), kept)


def _factory(keyring: Keyring) -> pe.CryptoFactory:
    return pe.CryptoFactory(lambda _: _Keys(keyring))


def sealing_key(foot: bytes) -> str:
    """The id of the master key that sealed the keys of a file, by the file's foot; nothing for a plain file."""
    found = _WRAPPED.search(foot)
    return key_id(base64.b64decode(found.group(1))) if found else ""
