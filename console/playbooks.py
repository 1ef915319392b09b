"""`sre playbooks`: what the agent knows, and whether it can be followed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from adapters.parts_file import PROJECT
from adapters.playbook_files import check
from adapters.settings_files import load
from console.output import json_option, show, show_json
from domain.playbooks import Playbook


@click.command(epilog="Example: sre playbooks --check playbooks")
@json_option
@click.option("--check", "folder", type=click.Path(path_type=Path), help="Check the playbooks of another folder.")
@click.pass_obj
def playbooks(obj: Mapping[str, object] | None, *, as_json: bool, folder: Path | None) -> None:
    """List the playbooks in use, or check a folder; exit code 1 when one cannot be followed as it is written."""
    named = (obj or {}).get("config_file")
    if folder is None:
        folder = _in_project(PROJECT / load(Path(str(named)) if named else None).settings.playbooks.path)
    checked = check(folder)
    rows = [_row(playbook) for playbook in checked.playbooks]
    if as_json:
        show_json({"folder": str(folder), "playbooks": rows, "faults": checked.faults})
    else:
        show(rows, as_json=False, empty=f"no playbooks in {folder}")
        click.echo("\n".join(checked.faults), err=True, nl=bool(checked.faults))
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
        "actions": ", ".join(f"{action.kind} {action.target}" for action in playbook.actions),
        "risk": playbook.risk.name.lower(),
        "cool_down_seconds": playbook.cool_down.total_seconds(),
        "owner": playbook.owner,
    }
