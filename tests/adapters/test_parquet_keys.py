"""A Parquet file is unreadable without the key that sealed its own, and readable with it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adapters.parquet_keys import decryption, encryption
from adapters.sealing import PLAIN, Keyring
from domain.errors import BadSettings
from tests.parts.keys_part import FIRST, SECOND, a_keyring

SAID = "payment of Ann failed"
LOGS = pa.table({"body": [SAID] * 100, "service": ["web"] * 100})


def written(path: Path, keyring: Keyring) -> Path:
    pq.write_table(LOGS, path, encryption_properties=encryption(keyring), compression="none")
    return path


def test_with_its_key_it_is_read_also_after_another_became_the_first(tmp_path: Path) -> None:
    path = written(tmp_path / "logs.parquet", a_keyring())
    assert SAID.encode() not in path.read_bytes()
    assert LOGS == pq.read_table(path, decryption_properties=decryption(a_keyring(SECOND, FIRST)))


def test_without_a_key_it_is_not_read(tmp_path: Path) -> None:
    path = written(tmp_path / "logs.parquet", a_keyring())
    with pytest.raises(OSError, match="no decryption found"):
        pq.read_table(path, decryption_properties=decryption(PLAIN))


def test_with_another_key_the_error_names_the_one_that_is_missing(tmp_path: Path) -> None:
    path = written(tmp_path / "logs.parquet", a_keyring())
    with pytest.raises(BadSettings, match=f"is sealed with the key {FIRST.id}"):
        pq.read_table(path, decryption_properties=decryption(a_keyring(SECOND)))


def test_plain_files_are_read_with_keys_and_without(tmp_path: Path) -> None:
    path = written(tmp_path / "logs.parquet", PLAIN)
    assert SAID.encode() in path.read_bytes()
    for keyring in (PLAIN, a_keyring()):
        assert LOGS == pq.read_table(path, decryption_properties=decryption(keyring))
