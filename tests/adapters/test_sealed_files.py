"""Files that are sealed whole, and their part in a rotation."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.sealed_files import SealedFiles, read_sealed, write_sealed
from adapters.sealing import PLAIN
from domain.errors import Refused
from tests.parts.keys_part import FIRST, SECOND, a_keyring, using

SAID = b"payment of Ann failed"


def test_a_file_is_sealed_read_and_sealed_anew(tmp_path: Path) -> None:
    files = SealedFiles("spool", "spool", lambda: tmp_path.glob("*.page"))
    path = tmp_path / "1.page"
    write_sealed(path, SAID, "spool")
    assert SAID == path.read_bytes()
    for ring, key in ((a_keyring(FIRST), FIRST.id), (a_keyring(SECOND, FIRST), SECOND.id)):
        with using(ring):
            assert 1 == files.left()
            assert [1] == list(files.reseal())
            assert 0 == files.left()
            assert SAID == read_sealed(path, "spool")
            assert SAID not in path.read_bytes()
            (found,) = files.found()
            assert (1, 0, {key: 1}) == (found.values, found.plain, dict(found.sealed))
    assert [path] == list(tmp_path.iterdir())


def test_a_file_that_was_taken_meanwhile_is_nothing_left(tmp_path: Path) -> None:
    gone = SealedFiles("spool", "spool", lambda: [tmp_path / "gone.page"])
    with using(a_keyring()):
        assert 0 == gone.left()
        assert [] == list(gone.reseal())


def test_a_file_of_another_kind_does_not_open(tmp_path: Path) -> None:
    with using(a_keyring()):
        write_sealed(tmp_path / "x", SAID, "spool")
        with pytest.raises(Refused, match="it belongs elsewhere"):
            read_sealed(tmp_path / "x", "mails")


def test_nothing_is_found_where_there_is_nothing() -> None:
    with using(PLAIN):
        assert [] == SealedFiles("spool", "spool", list).found()
