"""`sre restore`: an empty home and database as they were when a backup was made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from adapters.backup_folder import BackupFolder
from adapters.carried_keys import CarriedKeys, carried, unpack
from adapters.encryption_keys import keyring_of
from adapters.log_archive import Archive
from adapters.parts_file import home
from adapters.postgres_serving import new_server
from adapters.sealing import Keyring
from adapters.settings_files import Loaded
from adapters.store.dumping import kind
from adapters.store.opening import archive_at
from console.given import loaded
from console.output import json_option, say, show_json
from domain.amounts import counted
from domain.backups import Database
from tasks.restoring import Restored, Target, check
from tasks.restoring import restore as fill


@click.command(
    epilog="Example: SRE_HOME=/var/lib/sre sre restore /mnt/backups/monday --keys-from /mnt/safe/monday.keys"
)
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--keys-from", type=click.Path(path_type=Path), help="File of `sre backup --keys-to`.")
@click.option("--home", "to", type=click.Path(path_type=Path), help="Home to fill; without it SRE_HOME, else .sre.")
@json_option
@click.pass_context
def restore(ctx: click.Context, *, folder: Path, keys_from: Path | None, to: Path | None, as_json: bool) -> None:
    """Fill an empty home and database from FOLDER, after checking all of it; acting is paused afterwards."""
    found, where = loaded(ctx), (to or home(os.environ)).absolute()
    keys = carried(keys_from) if keys_from else CarriedKeys()
    encryption = found.settings.encryption
    keyring = Keyring(keys.master, seals=encryption.enabled) if keys.master else keyring_of(encryption)
    url = _named(found)
    held = BackupFolder(folder.absolute())
    manifest = check(held, where, kind(url) if url else Database.POSTGRESQL, keyring.ids)
    with _target(found, where, url, keyring) as target:
        done = fill(held, manifest, target, now=datetime.now(UTC))
    _tell(done, where, unpack(keys, where), as_json=as_json)


def _named(found: Loaded) -> str:
    """The database that somebody named; empty: a new embedded one."""
    return "" if found.origins["store.url"] == "embedded" else found.settings.store.url.get_secret_value()


@contextmanager
def _target(found: Loaded, where: Path, url: str, keyring: Keyring) -> Iterator[Target]:
    """Where it goes: the database that is named, or a new embedded one in the home."""
    if url:
        yield Target(url, archive_at(found.settings.store.files), where, keyring=keyring)
        return
    with new_server(where) as server:
        yield Target(server.url("agent"), archive_of(found, where), where, server.url("mlflow"), keyring)


def archive_of(found: Loaded, where: Path) -> Archive:
    """Where an agent with an embedded database keeps log files: in the home, unless somebody named a place."""
    named = found.origins["store.files"] not in ("embedded", "default")
    return archive_at(found.settings.store.files) if named else Archive(where / "log-files")


def _tell(done: Restored, where: Path, keys_file: Path | None, *, as_json: bool) -> None:
    made = done.manifest
    if as_json:
        show_json(
            {
                "home": str(where),
                "made_at": made.made_at.isoformat(),
                "rows": dict(made.rows),
                "ledger_entries": done.sealed,
                "migrated": done.migrated,
                "keys_file": str(keys_file) if keys_file else None,
            }
        )
        return
    say(f"{where}: as it was at {made.made_at:%Y-%m-%d %H:%M:%S} UTC, {counted(sum(made.rows.values()), 'row')}")
    say(f"the ledger's chain holds: {done.sealed:,} entries sealed, {done.waiting:,} not sealed yet")
    if done.migrated:
        say("it was of an earlier version, and was brought up to date")
    if keys_file:
        say(f"master keys are in {keys_file}: name it in encryption.keys_file")
    for one in made.left_out:
        say(f"not in the backup: {one}")
    say("settings and playbooks of that time lie in the folder `restored` of the home")
    say("acting is paused: look at what was done since, then `sre up` and `sre resume`")
