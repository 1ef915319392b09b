"""Everything of ours that is sealed."""

from __future__ import annotations

from pathlib import Path

from adapters.log_archive import Archive
from adapters.page_spool import PageSpool, SpooledLines
from adapters.store import rotation
from adapters.store.database import Engine
from adapters.store.sealed_archive import SealedArchive, UnnamedFiles
from domain.rotation import Passing, Target


def targets(store: Engine, archive: Archive) -> list[Target]:
    """What a rotation seals anew: the store's tables, and the files that they name."""
    return [*rotation.targets(store), SealedArchive(store, archive)]


def passing(store: Engine, archive: Archive, home: Path) -> list[Passing]:
    """What it leaves, because it goes by itself."""
    return [SpooledLines(PageSpool(home)), UnnamedFiles(store, archive)]
