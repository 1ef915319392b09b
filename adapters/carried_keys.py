"""Keys on their way to another machine: one private file, apart from the backup that they open."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.link_keys import private_file
from adapters.parts_file import write_private
from domain.encryption_keys import MasterKey, key_lines, parse_keys
from domain.errors import Refused, Unavailable

MASTER_KEYS = "encryption.keys"  # beside the key of links, in the home


@dataclass(frozen=True, slots=True)
class CarriedKeys:
    """What opens and signs."""

    master: tuple[MasterKey, ...] = ()
    links: str = ""  # the private key of links as PEM; empty where none was made yet


def keys_of(home: Path, master: Sequence[MasterKey]) -> CarriedKeys:
    """The keys of this home. Raises Unavailable where one cannot be read."""
    path = private_file(home)
    try:
        return CarriedKeys(tuple(master), path.read_text() if path.exists() else "")
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from error


def carry(keys: CarriedKeys, to: Path) -> None:
    """Write them where their owner alone can read them. Raises Refused where a file is there already."""
    if to.exists():
        raise Refused(f"{to} exists already: name a file that does not")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        write_private(to, json.dumps({"encryption": key_lines(keys.master), "links": keys.links}) + "\n")
    except OSError as error:
        raise Unavailable(f"{to}: {error.strerror}") from error


def carried(source: Path) -> CarriedKeys:
    """What `carry` wrote. Raises Refused where it is something else, or Unavailable."""
    try:
        document = json.loads(source.read_text())
        lines, links = str(document["encryption"]), str(document["links"])
    except OSError as error:
        raise Unavailable(f"{source}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"{source} holds no keys of `sre backup --keys-to`") from error
    return CarriedKeys(parse_keys(lines, str(source)) if lines else (), links)


def unpack(keys: CarriedKeys, home: Path) -> Path | None:
    """Put them into a home; the file of master keys, for `encryption.keys_file`, where there are some."""
    folder = private_file(home).parent
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if keys.links:
            write_private(private_file(home), keys.links)
        if not keys.master:
            return None
        write_private(folder / MASTER_KEYS, key_lines(keys.master))
    except OSError as error:
        raise Unavailable(f"{error.filename or folder}: {os.strerror(error.errno or 0)}") from error
    return folder / MASTER_KEYS
