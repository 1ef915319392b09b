"""Keys travel in a private file of their own and open elsewhere what they sealed here."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from adapters.carried_keys import CarriedKeys, carried, carry, keys_of, unpack
from adapters.link_keys import private_file, signer
from domain.encryption_keys import parse_keys
from domain.errors import Refused, Unavailable
from tests.parts.keys_part import FIRST, SECOND


def test_they_arrive(tmp_path: Path) -> None:
    signer(tmp_path / "old")
    carry(keys_of(tmp_path / "old", [FIRST, SECOND]), tmp_path / "keys")
    assert 0o600 == stat.S_IMODE((tmp_path / "keys").stat().st_mode)
    file = unpack(carried(tmp_path / "keys"), tmp_path / "new")
    assert file is not None
    assert (FIRST, SECOND) == parse_keys(file.read_text(), "file")
    assert private_file(tmp_path / "old").read_bytes() == private_file(tmp_path / "new").read_bytes()
    assert signer(tmp_path / "new")


def test_without_any_there_is_nothing_to_name(tmp_path: Path) -> None:
    assert CarriedKeys() == keys_of(tmp_path, [])
    assert unpack(CarriedKeys(), tmp_path) is None


def test_a_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("somebody's")
    with pytest.raises(Refused, match="name a file that does not"):
        carry(CarriedKeys((FIRST,)), tmp_path / "keys")
    assert "somebody's" == (tmp_path / "keys").read_text()


def test_what_holds_no_keys_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("{}")
    with pytest.raises(Refused, match="holds no keys"):
        carried(tmp_path / "other")
    with pytest.raises(Unavailable, match="No such file"):
        carried(tmp_path / "missing")
