"""`sre backup`: everything that the agent knows, as one folder."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from adapters.carried_keys import carry, keys_of
from adapters.encryption_keys import given_keys, keyring_of
from adapters.parts_file import PROJECT, home, read
from adapters.settings_files import Loaded
from adapters.store.opening import archive_at, url_of
from console.given import loaded
from console.output import json_option, say, show_json
from domain.amounts import counted
from domain.backups import Manifest
from domain.errors import Refused
from domain.masking import holds_secret, shown
from domain.settings import Settings
from domain.settings_keys import values
from tasks.backing_up import Source, back_up

MEGABYTE = 1_000_000
OF_A_FILE = re.compile(r"file (.+):\d+")
MODELS_ELSEWHERE = "models: MLflow's server is your own, back it up with its own means"


@click.command(epilog="Example: sre backup /mnt/backups/monday --keys-to /mnt/safe/monday.keys")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--keys-to", type=click.Path(path_type=Path), help="Also write the keys, to a file outside the folder.")
@json_option
@click.pass_context
def backup(ctx: click.Context, *, folder: Path, keys_to: Path | None, as_json: bool) -> None:
    """Write database, log files, models, settings and playbooks to a new FOLDER, while everything runs."""
    if keys_to and folder.absolute() in keys_to.absolute().parents:
        raise Refused(f"{keys_to} lies in the backup: keep the keys elsewhere, or whoever has one has both")
    if keys_to and keys_to.exists():
        raise Refused(f"{keys_to} exists already: name a file that does not")
    found = loaded(ctx)
    source = _source(found)
    made = back_up(source, folder.absolute(), version=_version(), now=datetime.now(UTC))
    if keys_to:
        carry(keys_of(source.home, given_keys(found.settings.encryption)), keys_to)
    _tell_backup(folder, made, keys_to, as_json=as_json)


def _source(found: Loaded) -> Source:

    tree, where = found.settings, home(os.environ)
    url = url_of(tree)
    mlflow = (
        read(where).postgres.get("mlflow", "") if found.origins["servers.mlflow_tracking_uri"] == "embedded" else ""
    )
    own, left_out = _own(found)
    return Source(
        url,
        archive_at(tree.store.files),
        where,
        mlflow,
        own,
        {"settings/effective.json": _effective(tree)},
        keyring_of(tree.encryption).ids,
        tuple(left_out if mlflow else [*left_out, MODELS_ELSEWHERE]),
    )


def _own(found: Loaded) -> tuple[dict[str, Path], list[str]]:
    """What people wrote, by its path in the backup; and which files stay out, as they hold credentials."""
    tree, left_out = found.settings, []
    files = {name for origin in found.origins.values() if (name := _file_of(origin))}
    secret = {_file_of(found.origins[key]): key for key, value in values(tree).items() if holds_secret(key, value)}
    own = {}
    for name in sorted(files):
        if name in secret:
            left_out.append(f"{name}: it holds a credential ({secret[name]}), keep it elsewhere")
        else:
            own[f"settings/{Path(name).name}"] = Path(name) if Path(name).exists() else PROJECT / name
    named = {"inventory": tree.mitigation.inventory, "on-call": tree.paging.on_call}
    for what, name in named.items():
        if name and (PROJECT / name).is_file():
            own[f"settings/{what}-{Path(name).name}"] = PROJECT / name
    if (PROJECT / tree.playbooks.path).is_dir():
        own["playbooks"] = PROJECT / tree.playbooks.path
    return own, left_out


def _file_of(origin: str) -> str:
    """The file that an origin names, or nothing."""
    match = OF_A_FILE.fullmatch(origin)
    return match[1] if match else ""


def _effective(tree: Settings) -> str:
    """Every setting with its value, secrets masked."""
    return json.dumps({key: shown(key, value) for key, value in values(tree).items()}, indent=1, default=str) + "\n"


def _version() -> str:
    try:
        return version("sre-agent")
    except PackageNotFoundError:
        return "unknown"


def _tell_backup(folder: Path, made: Manifest, keys_to: Path | None, *, as_json: bool) -> None:
    if as_json:
        show_json(
            {
                "folder": str(folder),
                "made_at": made.made_at.isoformat(),
                "revision": made.revision,
                "rows": dict(made.rows),
                "files": len(made.files),
                "bytes": made.size,
                "left_out": made.left_out,
                "keys": str(keys_to) if keys_to else None,
            }
        )
        return
    rows = sum(made.rows.values())
    say(f"{folder}: {counted(rows, 'row')}, {counted(len(made.files), 'file')}, {made.size / MEGABYTE:,.1f} MB")
    for one in made.left_out:
        say(f"left out: {one}")
    say(f"keys are in {keys_to}: keep them apart from the backup" if keys_to else "keys are not in it: see --keys-to")
