"""Where the running parts can be reached: `.sre/parts.json`, written by `sre up`, read by everything else."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from domain.errors import BadSettings

PROJECT = Path(__file__).resolve().parents[1]
NAME = "parts.json"


@dataclass(frozen=True, slots=True)
class Parts:
    """Addresses of the parts; a part that is not there is empty."""

    postgres: Mapping[str, str] = field(default_factory=dict)  # agent, prefect, mlflow -> postgresql:// URL
    kafka: Mapping[str, str] = field(default_factory=dict)  # bootstrap_servers; kind: embedded, real or external
    prefect: Mapping[str, str] = field(default_factory=dict)  # api_url, ui_url
    mlflow: Mapping[str, str] = field(default_factory=dict)  # tracking_uri
    smtp: Mapping[str, str | int] = field(default_factory=dict)  # host, port, folder of the sink's mails
    shop: Mapping[str, str | int] = field(default_factory=dict)  # the demo's shop
    http: Mapping[str, str] = field(default_factory=dict)  # local, url: of the HTTP service, for us and for people
    supervisord: str = ""  # unix:// address of the supervisord that runs the parts


def home(environ: Mapping[str, str]) -> Path:
    """Folder of everything that the parts keep: SRE_HOME, else `.sre` in the project."""
    return Path(environ.get("SRE_HOME") or PROJECT / ".sre").expanduser().absolute()


def read(folder: Path) -> Parts:
    """The parts of this home; all empty when none were ever started. Raises BadSettings when it is not ours."""
    path = folder / NAME
    try:
        return Parts(**json.loads(path.read_text()))
    except FileNotFoundError:
        return Parts()
    except (ValueError, TypeError) as error:
        raise BadSettings(f"{path}: {error}; remove it and run `sre up`") from error


def write(folder: Path, parts: Parts) -> None:
    """Put the file in place at once, so that no reader ever sees half of it."""
    write_private(folder / NAME, json.dumps(asdict(parts), indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """Put a file in place, whole, that may hold passwords: its owner alone can read it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)  # a mode is given to new files only
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", newline="") as file:
        file.write(text)
    partial.replace(path)


def change(folder: Path, **fields: object) -> Parts:
    """Replace some fields and leave what others wrote; safe beside other writers."""
    folder.mkdir(parents=True, exist_ok=True)
    with lock(folder / "parts.lock"):
        parts = replace(read(folder), **fields)  # type: ignore[arg-type]
        write(folder, parts)
    return parts


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path` across processes; freed when its holder dies."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
