"""A backup as a folder: files with digests, and a manifest that is there only when all of them are.

It is built beside its place and renamed at the end, so half a backup never looks like a whole one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from domain.backups import Kept, Manifest, file_flaws, named, read, written
from domain.errors import Refused, Unavailable

MANIFEST = "manifest.json"
PART = 1 << 20


@dataclass(frozen=True, slots=True)
class BackupFolder:
    """The files of one backup. Raises Unavailable where the disk says no."""

    root: Path

    def file(self, path: str) -> Path:
        """Where a file lies, or will; folders above it are made."""
        found = self.root / path
        with _told(found):
            found.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return found

    def copy(self, path: str, source: Path) -> None:
        """Take a file, or a folder with everything in it."""
        target = self.file(path)
        with _told(source):
            shutil.copytree(source, target, symlinks=True) if source.is_dir() else shutil.copyfile(source, target)
            make_private(target)

    def kept(self) -> tuple[Kept, ...]:
        """Every file that is there, with its digest; the manifest aside."""
        with _told(self.root):
            return tuple(sorted(self._kept(), key=lambda file: file.path))

    def _kept(self) -> Iterator[Kept]:
        for path in self.root.rglob("*"):
            name = path.relative_to(self.root).as_posix()
            if path.is_file() and name != MANIFEST:
                yield Kept(name, path.stat().st_size, _sha256(path))

    def finish(self, manifest: Manifest) -> None:
        """Say that everything is there."""
        path = self.root / MANIFEST
        with _told(path):
            path.write_text(written(manifest), encoding="utf-8")
            make_private(self.root)

    def manifest(self) -> Manifest:
        """What it says it holds. Raises Refused where there is no whole backup."""
        path = self.root / MANIFEST
        if not path.is_file():
            raise Refused(f"{self.root} holds no whole backup: {MANIFEST} is missing; name the folder of `sre backup`")
        with _told(path):
            return read(path.read_text(encoding="utf-8", errors="replace"))

    def checked(self) -> Manifest:
        """The manifest, when every file is as it was written. Raises Refused with what is not."""
        manifest = self.manifest()
        if flaws := file_flaws(manifest, self.kept()):
            raise Refused(f"{self.root} is damaged: {named(flaws)}; nothing was restored, take another backup")
        return manifest


def make_private(path: Path) -> None:
    """A file, or a folder with everything in it, is open to its owner alone, whatever the umask was."""
    for one in (path, *path.rglob("*")) if path.is_dir() else (path,):
        if not one.is_symlink():
            one.chmod(0o700 if one.is_dir() else 0o600)


@contextmanager
def making(folder: Path) -> Iterator[BackupFolder]:
    """A folder to fill and to finish; it is put in place at once when the block ends well, and goes when it does not.

    Raises Refused where something lies there already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f"{folder} is not empty: name a folder that does not exist yet")
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    with _told(partial):
        partial.mkdir(parents=True, mode=0o700)
    try:
        yield BackupFolder(partial)
        with _told(partial):
            _to_disk(partial)
            partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"{error.filename or path}: {error.strerror or error}") from error


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(PART):
            digest.update(part)
    return digest.hexdigest()


def _to_disk(folder: Path) -> None:
    """After a power cut a manifest must not name what was never written."""
    for path in (*folder.rglob("*"), folder):
        if path.is_symlink():
            continue
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
