"""The sandbox of commands: what they see, what they do not see, and how much they may take.

A read-only mount keeps nobody from connecting to a socket in it, so every socket is covered, too: else a command
could ask supervisord, D-Bus, a container engine or our own database for whatever it likes.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from adapters.executing import Given
from adapters.parts_file import PROJECT
from adapters.settings_files.files import OWN_FILES, REFERENCE_FILE
from domain.errors import Refused
from domain.settings_acting import CommandSettings

# Where sockets, tokens and what others have for a while lie; a command has empty folders there.
EMPTY = ("/tmp", "/var/tmp", "/run", "/var/run")  # noqa: S108 - its own, in the sandbox
NOTHING = "/dev/null"
SOCKETS = Path("/proc/net/unix")
MOUNTS = Path("/proc/self/mountinfo")


def sandbox() -> list[str]:
    """The sandbox that every command runs in. Raises Refused where bubblewrap is not there."""
    program = shutil.which("bwrap")
    if program is None:
        raise Refused("bubblewrap (bwrap) is not installed, and without it no command is run")
    return [
        program,
        *("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
    ]


def shielded(given: Given) -> list[str]:
    """What a command must not reach: folders of secrets, files of secrets, and every socket."""
    named = {given.home.resolve(), Path.home().resolve(), *map(Path, EMPTY)} - {Path("/")}
    folders = [folder for folder in sorted(named) if folder.is_dir() and not folder.is_symlink()]
    hidden = {path.resolve() for path in (*_secret_files(given), *_sockets())}
    files = [file for file in sorted(hidden) if not any(file.is_relative_to(folder) for folder in folders)]
    return [
        *(part for folder in folders for part in ("--tmpfs", str(folder))),
        *(part for file in files for part in ("--ro-bind", NOTHING, str(file))),
        *("--chdir", "/tmp"),  # noqa: S108 - its own, in the sandbox
    ]


def _secret_files(given: Given) -> Iterator[Path]:
    """Our settings, and the key to a cluster."""
    named = (given.settings.mitigation.kubeconfig, os.environ.get("SRE_CONFIG_FILE", ""))
    ours = (PROJECT / name for name in (*OWN_FILES, REFERENCE_FILE))
    files = (*(Path(name).expanduser() for name in named if name), *ours)
    return (file for file in files if file.is_file())


def _sockets() -> Iterator[Path]:
    """Every socket that somebody listens on, or that was mounted into our container."""
    found = {*_fields(SOCKETS, 7), *_fields(MOUNTS, 4)}
    return (Path(name) for name in found if name.startswith("/") and _is_socket(name))


def _fields(table: Path, at: int) -> Iterable[str]:
    """The names in a table of the kernel: what of them stands behind blanks is part of the last one."""
    rows = (line.split(maxsplit=at) for line in table.read_text().splitlines()) if table.is_file() else ()
    return (row[at].partition(" ")[0] if table == MOUNTS else row[at] for row in rows if len(row) > at)


def _is_socket(name: str) -> bool:
    try:
        return Path(name).is_socket() and all(map(_may_enter, Path(name).parents))
    except OSError:  # what we may not look at, a command may not either
        return False


def _may_enter(folder: Path) -> bool:
    """Whether a command gets there: it has our names, and no right to pass by what permissions say."""
    seen = folder.stat()
    groups = {os.getegid(), *os.getgroups()}
    mine = stat.S_IXUSR if seen.st_uid == os.geteuid() else stat.S_IXGRP if seen.st_gid in groups else stat.S_IXOTH
    return bool(seen.st_mode & mine)


def writable(command: CommandSettings) -> list[str]:
    """Folders that the settings let it write to, with the sockets that are in them."""
    return [part for folder in command.writable for part in ("--bind", folder, folder)]


def limited(command: CommandSettings) -> list[str]:
    """Limits that hold inside the sandbox, for the command and each process that it starts."""
    memory = command.memory_mb * 1024 * 1024
    sizes = [f"--as={memory}", f"--fsize={memory}", "--core=0"]
    return ["prlimit", f"--cpu={command.cpu_seconds}", *sizes, "--nofile=256", "--"]
