"""A backup is there whole or not at all, and a damaged one is refused with what is wrong."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.backup_folder import MANIFEST, BackupFolder, making
from domain.errors import Refused, Unavailable
from tests.domain.test_backups import MADE


@pytest.fixture
def whole(tmp_path: Path) -> BackupFolder:
    with making(tmp_path / "monday") as made:
        made.file("agent.dump").write_bytes(b"rows")
        made.file("log-files/2026/one.parquet").write_bytes(b"logs")
        made.finish(replace(MADE, files=made.kept()))
    return BackupFolder(tmp_path / "monday")


def test_a_whole_one_is_private_and_passes(whole: BackupFolder) -> None:
    assert ["agent.dump", "log-files/2026/one.parquet"] == [file.path for file in whole.checked().files]
    assert 0o700 == stat.S_IMODE(whole.root.stat().st_mode)
    assert ["monday"] == [path.name for path in whole.root.parent.iterdir()]


def test_one_that_failed_leaves_nothing(tmp_path: Path) -> None:
    def fails() -> None:
        with making(tmp_path / "monday") as made:
            made.file("agent.dump").write_bytes(b"half")
            raise Unavailable("the database went away")

    with pytest.raises(Unavailable, match="went away"):
        fails()
    assert [] == list(tmp_path.iterdir())


def test_nothing_is_overwritten(whole: BackupFolder) -> None:
    with pytest.raises(Refused, match="name a folder that does not exist yet"), making(whole.root):
        pass
    assert whole.checked()


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"!")


def flip(path: Path) -> None:
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("agent.dump", append, "agent.dump has 5 bytes, not 4"),
        ("agent.dump", flip, "agent.dump was changed"),
        ("log-files/2026/one.parquet", Path.unlink, "one.parquet is missing"),
        (MANIFEST, Path.unlink, "holds no whole backup"),
        (MANIFEST, flip, "is damaged"),
    ],
)
def test_damage_is_refused(whole: BackupFolder, name: str, damage: Callable[[Path], None], said: str) -> None:
    damage(whole.root / name)
    with pytest.raises(Refused, match=said):
        whole.checked()


def test_a_disk_that_says_no_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(Unavailable, match="file"), making(tmp_path / "file" / "monday"):
        pass
