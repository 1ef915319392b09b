"""`process_log` with encryption on: the file of SQLite holds nothing that the log said, and the answer is the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.encryption_keys import VARIABLE
from adapters.sealing import PLAIN, use
from domain.encryption_settings import EncryptionSettings
from domain.errors import BadSettings
from flows.in_process import open_store
from tests.parts.filled_part import fill
from tests.parts.keys_part import FIRST, line

SAID = "unmistakable payment of Ann Example failed"


@pytest.fixture(autouse=True)
def _plain_again() -> Iterator[None]:
    yield
    use(PLAIN)


@pytest.mark.parametrize("enabled", [True, False])
def test_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, enabled: bool) -> None:  # noqa: FBT001 - a case
    monkeypatch.setenv(VARIABLE, line(FIRST) if enabled else "")
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}", EncryptionSettings(enabled=enabled))
    assert fill(store, SAID)
    store.dispose()
    held = b"".join(path.read_bytes() for path in tmp_path.glob("store.db*"))
    assert enabled is (SAID.encode() not in held)


def test_without_a_key_it_does_not_fall_back_to_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(BadSettings, match=r"encryption\.enabled: there is no key"):
        open_store(f"sqlite:///{tmp_path / 'store.db'}", EncryptionSettings(enabled=True))
