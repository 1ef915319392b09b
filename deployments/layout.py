"""Where the parts keep their files, and short places for their sockets."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

LONGEST_SOCKET_PATH = 90  # bytes; a socket's path may have 107, and supervisord appends its pid at first


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of all parts (`.sre`) and the project whose flows they run."""

    folder: Path
    project: Path

    @property
    def logs(self) -> Path:
        """Folder of what the parts print."""
        return self.folder / "logs"

    @property
    def run(self) -> Path:
        """Folder of pids, sockets and what is known about the parts at this moment."""
        return self.folder / "run"

    def make(self) -> None:
        """Make the folders that are missing."""
        for folder in (self.folder, self.logs, self.run):
            folder.mkdir(parents=True, exist_ok=True)

    def socket(self, name: str) -> Path:
        """Path of a socket: in the home, or in a folder of its own where that would be too long."""
        path = self.run / name
        if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
            return path
        known = self.run / f"{name}.folder"
        if known.exists() and Path(known.read_text()).is_dir():
            return Path(known.read_text()) / name
        folder = tempfile.mkdtemp(prefix="sre-")
        known.write_text(folder)
        return Path(folder) / name


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, empty when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""
