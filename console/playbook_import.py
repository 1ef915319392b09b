"""`sre playbooks import`: playbooks of another format become files here, as far as they can."""

from __future__ import annotations

from pathlib import Path

import click

from adapters.playbook_files import check
from adapters.playbook_files.importing import Imported, read_foreign
from console.output import json_option, say, show_json
from domain.errors import BadInput


@click.command("import", epilog="Example: sre playbooks import mitigation_playbooks.json --into imported-playbooks")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--into",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("imported-playbooks"),
    show_default=True,
    help="Folder to write to; not the one in use, until nothing is missing.",
)
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@json_option
def import_playbooks(file: Path, folder: Path, *, force: bool, as_json: bool) -> None:
    """Make playbooks of a JSON file of names to descriptions and actions; say what is not carried over or missing."""
    found = read_foreign(file)
    written = _write(found, folder, force=force)
    notes = [note for one in found for note in one.notes]
    mine = {str(path) for path in written}
    missing = [fault for fault in check(folder).faults if fault.split(":")[0] in mine]
    if as_json:
        show_json({"written": [str(path) for path in written], "notes": notes, "missing": missing})
        return
    for title, lines in (("written", sorted(mine)), ("not carried over", notes), ("left for a person", missing)):
        say(f"{title}: {len(lines) or 'nothing'}")
        for line in lines:
            say(f"  {line}")


def _write(found: list[Imported], folder: Path, *, force: bool) -> list[Path]:
    """The files, all of them or none; raises BadInput when one is there and must not be overwritten."""
    paths = [folder / one.name for one in found]
    if not force and (there := [path for path in paths if path.exists()]):
        raise BadInput(f"{there[0]} is there already; say --force to overwrite it, or another folder by --into")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, one in zip(paths, found, strict=True):
            path.write_text(one.text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written to: {error.strerror}") from error
    return paths
