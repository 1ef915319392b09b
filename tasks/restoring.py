"""A backup back into an empty place; nothing is touched before all of it was checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from adapters import postgres_programs
from adapters.anchors import FILE, FileAnchors
from adapters.backup_folder import BackupFolder
from adapters.log_archive import Archive
from adapters.sealing import Keyring
from adapters.store import dumping
from adapters.store.chain import verify
from adapters.store.database import Engine, connect, transaction
from adapters.store.ledger_rows import note
from adapters.store.migrate import migrate
from adapters.store.opening import with_archive, with_keyring
from adapters.store.switches import set_pause
from domain.backups import Database, Manifest, named, objections, row_flaws
from domain.errors import Refused
from domain.ledger import LedgerKind
from tasks.backing_up import ANCHORS, ARTIFACTS, DUMP, LOG_FILES, MLFLOW_DUMP, MODELS

PEOPLES = "restored"  # folder in the home for what people wrote
# What makes a home somebody's.
MARKS = ("parts.json", "postgres.json", MODELS, FILE, "log-files", PEOPLES)
BY = "sre restore"


@dataclass(frozen=True, slots=True)
class Target:
    """Where everything goes."""

    url: str = field(repr=False)  # of the agent's database, empty so far
    archive: Archive
    home: Path
    mlflow_url: str = field(default="", repr=False)  # of the embedded MLflow's database; empty: not restored
    keyring: Keyring = field(default_factory=Keyring, repr=False)


@dataclass(frozen=True, slots=True)
class Restored:
    """What is there now."""

    manifest: Manifest
    sealed: int  # entries of the ledger whose chain was verified
    waiting: int  # entries that were not sealed yet
    migrated: bool  # the backup was of an earlier schema


def check(backup: BackupFolder, home: Path, into: Database, keys: Iterable[str]) -> Manifest:
    """What the backup holds. Raises Refused, with what to do, where it is damaged or cannot go there."""
    manifest = backup.checked()
    occupied = [f"{home} belongs to an agent already" for mark in MARKS if (home / mark).exists()][:1]
    found = objections(manifest, into=into, known=dumping.known_revisions(), keys=keys, occupied=occupied)
    if found:
        raise Refused("\n".join(found))
    return manifest


def restore(backup: BackupFolder, manifest: Manifest, target: Target, *, now: datetime) -> Restored:
    """Fill an empty place with a backup that `check` let pass.

    Acting is paused afterwards, as what was done since the backup is not known any more.
    Raises Refused where the place is not empty or something is not as it was, or Unavailable.
    """
    _empty(target)
    if flaws := row_flaws(manifest, dumping.load(target.url, backup.file(DUMP))):
        raise Refused(f"the database is not as it was: {named(flaws)}; take another backup")
    migrate(target.url)
    _files(backup, target)
    engine = with_archive(with_keyring(connect(target.url), target.keyring), target.archive)
    try:
        sealed, waiting = _verified(engine, target, now)
        _resumed(engine, manifest, now)
    finally:
        engine.dispose()
    return Restored(manifest, sealed, waiting, manifest.revision != dumping.known_revisions()[0])


def _empty(target: Target) -> None:
    if not dumping.is_empty(target.url):
        raise Refused("the database holds tables already: make an empty one and name it in SRE_STORE__URL")
    if target.archive.paths():
        where = target.archive.where
        raise Refused(f"store.files: {where} holds files already: name another place in SRE_STORE__FILES")


def _files(backup: BackupFolder, target: Target) -> None:
    """Everything beside the database."""
    # What was private in the backup stays so; a home that is there has the modes of whoever made it.
    target.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    logs = backup.root / LOG_FILES
    for file in sorted(path for path in logs.rglob("*") if path.is_file()):
        target.archive.copy_in(file.relative_to(logs).as_posix(), file)
    if target.mlflow_url and (backup.root / MLFLOW_DUMP).exists():
        postgres_programs.load(target.mlflow_url, backup.root / MLFLOW_DUMP)
    home = BackupFolder(target.home)
    places = {ARTIFACTS: MODELS, ANCHORS: FILE, "settings": f"{PEOPLES}/settings", "playbooks": f"{PEOPLES}/playbooks"}
    for path, place in places.items():
        if (backup.root / path).exists():
            home.copy(place, backup.root / path)


def _verified(engine: Engine, target: Target, now: datetime) -> tuple[int, int]:
    """Entries that are sealed, and those that wait. Raises Refused where the chain does not hold."""
    place = FileAnchors(target.home / FILE)
    sealed, waiting, faults = verify(engine, [place], now=now)
    if faults:
        raise Refused(f"the ledger's chain does not hold: {named(faults)}; take another backup")
    return sealed, waiting


def _resumed(engine: Engine, manifest: Manifest, now: datetime) -> None:
    """The ledger says from where it goes on, and nothing is carried out before a person says so."""
    set_pause(engine, on=True, by=BY, now=now)
    with transaction(engine) as connection:
        note(connection, LedgerKind.RESTORED, None, {"made_at": manifest.made_at.isoformat()}, now=now)
