"""What a backup holds, and what speaks against restoring it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import Refused

FORMAT = 1
MOST_NAMED = 5


class Database(StrEnum):
    """What a dump can be loaded into."""

    POSTGRESQL = "postgresql"
    SQLITE = "sqlite"


@dataclass(frozen=True, slots=True)
class Kept:
    """One file of a backup."""

    path: str  # relative to the backup, with slashes
    size: int  # bytes
    sha256: str  # in hex


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a whole backup holds; it is written last."""

    made_at: datetime
    version: str  # of the agent that made it
    revision: str  # of the schema
    database: Database
    rows: Mapping[str, int]  # table -> rows at the moment of the dump
    files: tuple[Kept, ...]
    keys: tuple[str, ...]  # ids of the master keys that were given; without them nothing sealed can be read
    left_out: tuple[str, ...]  # in words

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def written(manifest: Manifest) -> str:
    """The manifest as a document with a digest of its own."""
    body = asdict(manifest) | {"made_at": manifest.made_at.isoformat(), "format": FORMAT}
    return json.dumps({"backup": body, "sha256": _digest(body)}, indent=1, sort_keys=True) + "\n"


def read(text: str) -> Manifest:
    """What `written` wrote. Raises Refused where it was changed, is no manifest, or is of a later format."""
    try:
        document = json.loads(text)
        body, digest = document["backup"], document["sha256"]
        if digest != _digest(body):
            raise Refused("manifest.json was changed: it does not match its own digest; take another backup")
        if body["format"] > FORMAT:
            raise Refused(
                f"manifest.json is of format {body['format']}, this version knows up to {FORMAT}: update first"
            )
        return Manifest(
            datetime.fromisoformat(body["made_at"]),
            body["version"],
            body["revision"],
            Database(body["database"]),
            body["rows"],
            tuple(Kept(**file) for file in body["files"]),
            tuple(body["keys"]),
            tuple(body["left_out"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Refused("manifest.json is damaged: it cannot be read; take another backup") from error


def _digest(body: object) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def file_flaws(manifest: Manifest, found: Iterable[Kept]) -> list[str]:
    """What is wrong with the files of a backup, in words; empty: they are as they were written."""
    there = {file.path: file for file in found}
    said = {file.path: file for file in manifest.files}
    flaws = [f"{path} is missing" for path in sorted(said.keys() - there.keys())]
    flaws += [f"{path} does not belong to it" for path in sorted(there.keys() - said.keys())]
    for path in sorted(said.keys() & there.keys()):
        was, now = said[path], there[path]
        if was.size != now.size:
            flaws.append(f"{path} has {now.size:,} bytes, not {was.size:,}")
        elif was.sha256 != now.sha256:
            flaws.append(f"{path} was changed: its digest is another")
    return flaws


def row_flaws(manifest: Manifest, found: Mapping[str, int]) -> list[str]:
    """Which tables do not hold what they held, in words."""
    return [
        f"{table} has {found.get(table, 0):,} rows, not {rows:,}"
        for table, rows in sorted(manifest.rows.items())
        if found.get(table, 0) != rows
    ]


def objections(
    manifest: Manifest, *, into: Database, known: Iterable[str], keys: Iterable[str], occupied: Iterable[str]
) -> list[str]:
    """What speaks against restoring here, each with what to do about it; empty means go on.

    `known`: revisions of the schema that this version knows; `keys`: ids of the master keys that are given;
    `occupied`: places that are not empty, in words.
    """
    found = [f"{place}: a backup is restored into an empty place only" for place in occupied]
    if manifest.database is not into:
        found.append(f"the backup is of {manifest.database.value}, the target is {into.value}: set SRE_STORE__URL")
    if manifest.revision not in set(known):
        found.append(f"the backup was made by version {manifest.version}, which is newer than this one: update first")
    if missing := sorted(set(manifest.keys) - set(keys)):
        found.append(f"what is sealed cannot be read without the key {', '.join(missing)}: give it by --keys-from FILE")
    return found


def named(flaws: list[str]) -> str:
    """The first flaws in one line."""
    more = len(flaws) - MOST_NAMED
    return "; ".join(flaws[:MOST_NAMED]) + (f"; and {more:,} more" if more > 0 else "")
