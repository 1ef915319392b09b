"""`sre playbooks`: what the agent knows, and whether it can be followed."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from adapters.parts_file import PROJECT
from adapters.playbook_files import check
from console.given import read
from console.output import json_option, say, show, show_json
from console.playbook_draft import draft
from console.playbook_import import import_playbooks
from console.playbook_search import search
from domain.playbooks import Playbook

_IN_USE = Path()


@click.group(invoke_without_command=True, epilog="Example: sre playbooks --check playbooks")
@json_option
@click.option(
    "--check",
    "folder",
    type=click.Path(path_type=Path),
    is_flag=False,
    flag_value=_IN_USE,
    help="Check the playbooks of that folder or file, or without a name of the folder in use.",
)
@click.pass_context
def playbooks(ctx: click.Context, *, as_json: bool, folder: Path | None) -> None:
    """List the playbooks in use, or check a folder; exit code 1 when one cannot be followed as it is written."""
    if ctx.invoked_subcommand is None:
        _list(ctx, as_json=as_json, folder=folder)
    elif as_json or folder:
        raise click.UsageError(f"options go behind the command: sre playbooks {ctx.invoked_subcommand} …")


playbooks.add_command(search)
playbooks.add_command(import_playbooks)
playbooks.add_command(draft)


def _list(ctx: click.Context, *, as_json: bool, folder: Path | None) -> None:
    settings = read(ctx).settings
    if folder in (None, _IN_USE):
        folder = _in_project(PROJECT / settings.playbooks.path)
    checked = check(folder, settings.mitigation)
    rows = [_row(playbook) for playbook in checked.playbooks]
    if as_json:
        show_json({"folder": str(folder), "playbooks": rows, "faults": checked.faults, "notes": checked.notes})
    else:
        show(rows, as_json=False, empty=f"no playbooks in {folder}")
        for text in (*checked.faults, *(f"{note} (a note, no fault)" for note in checked.notes)):
            say(text, err=True)
    if checked.faults:
        sys.exit(1)


def _in_project(folder: Path) -> Path:
    """The folder as people know it: relative to where they are, if they are above it."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def _row(playbook: Playbook) -> dict[str, object]:
    return {
        "id": playbook.id,
        "title": playbook.title,
        "services": ", ".join(playbook.matches.services),
        "actions": ", ".join(f"{action.kind} {action.target}" for action in playbook.actions) or "for people only",
        "risk": playbook.risk.name.lower() if playbook.actions else None,
        "cool_down_seconds": playbook.cool_down.total_seconds() if playbook.actions else None,
        "owner": playbook.owner,
    }
