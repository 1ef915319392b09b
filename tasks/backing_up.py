"""Everything that the agent knows, as one folder, while it is at work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from adapters import anchors, postgres_programs
from adapters.backup_folder import BackupFolder, making
from adapters.log_archive import Archive, Gone
from adapters.store import dumping
from adapters.store.dumping import Dumped
from domain.backups import Manifest
from domain.errors import Refused
from domain.ledger import Anchor, Head

TRIES = 3
DUMP, MLFLOW_DUMP = "agent.dump", "mlflow.dump"
LOG_FILES, ARTIFACTS, ANCHORS = "log-files", "mlflow", f"home/{anchors.FILE}"
MODELS = "mlflow"  # folder of artifacts in the home, as `sre up` gives it to MLflow


@dataclass(frozen=True, slots=True)
class Source:
    """Where everything is."""

    url: str = field(repr=False)  # of the agent's database
    archive: Archive
    home: Path
    mlflow_url: str = field(default="", repr=False)  # of the embedded MLflow's database; empty: it is elsewhere
    own: Mapping[str, Path] = field(default_factory=dict)  # path in the backup -> file or folder that people wrote
    said: Mapping[str, str] = field(default_factory=dict)  # path in the backup -> text
    keys: tuple[str, ...] = ()  # ids of the master keys
    left_out: tuple[str, ...] = ()  # in words


def back_up(source: Source, folder: Path, *, version: str, now: datetime) -> Manifest:
    """Write a backup; what it holds. Raises Refused where the folder is not empty or there is nothing, or Unavailable.

    The dump comes first, so whatever it names is there when the files are copied; only the clean-up and a rotation of
    keys take files away, and then it begins anew.
    """
    for _ in range(TRIES):
        try:
            return _once(source, folder, version, now)
        except Gone as error:
            gone = error
    raise Refused(f"{gone}: the clean-up or a rotation is at work; repeat `sre backup` when it is over") from gone


def _once(source: Source, folder: Path, version: str, now: datetime) -> Manifest:
    with making(folder) as made:
        dumped = dumping.dump(source.url, made.file(DUMP))
        for path in dumped.paths:
            source.archive.copy_out(path, made.file(f"{LOG_FILES}/{path}"))
        _models(source, made)
        _anchors(source.home, dumped.head, made)
        for path, place in source.own.items():
            made.copy(path, place)
        for path, text in source.said.items():
            made.file(path).write_text(text, encoding="utf-8")
        manifest = _manifest(source, made, dumped, version, now)
        made.finish(manifest)
    return manifest


def _models(source: Source, made: BackupFolder) -> None:
    """MLflow's database before its files: a version is registered when its files are there."""
    if not source.mlflow_url:
        return
    postgres_programs.dump(source.mlflow_url, made.file(MLFLOW_DUMP))
    if (source.home / MODELS).is_dir():
        made.copy(ARTIFACTS, source.home / MODELS)


def _anchors(home: Path, head: Head | None, made: BackupFolder) -> None:
    """The heads of the chain up to the dump's: later ones are of entries that it does not hold."""
    if head is None:
        return
    kept = anchors.FileAnchors(made.file(ANCHORS))
    known = {anchor for anchor in anchors.FileAnchors(home / anchors.FILE).read() if anchor.seq < head.seq}
    for anchor in sorted(known | {Anchor(head.seq, head.hash)}, key=lambda one: one.seq):
        kept.write(anchor, head.at)


def _manifest(source: Source, made: BackupFolder, dumped: Dumped, version: str, now: datetime) -> Manifest:
    return Manifest(
        now,
        version,
        dumped.revision,
        dumping.kind(source.url),
        dumped.rows,
        made.kept(),
        source.keys,
        source.left_out,
    )
