"""`sre playbooks draft N`: a playbook for incidents like one, to be reviewed; never in use by itself."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adapters.parts_file import PROJECT
from adapters.playbook_files import check
from console.given import NotFound, settings, store
from console.output import json_option, say, show_json
from domain.errors import BadInput, Refused
from domain.told_fields import listed

if TYPE_CHECKING:
    from domain.drafting import Draft, NoDraft
    from domain.playbooks import Playbook
    from domain.settings import Settings

FOLDER = Path("drafts")
DRAFTED = "a draft for review, not in use"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.md")


@click.command(epilog="Example: sre playbooks draft 17 --out drafts/quota-exceeded.md")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--out", type=click.Path(path_type=Path), help="File to write; its name becomes the id.  [drafts/….md]")
@json_option
@click.pass_context
def draft(ctx: click.Context, number: int, *, out: Path | None, as_json: bool) -> None:
    """Draft a playbook from incidents like NUMBER if one cure helped three of them, else say why not, exit code 1.

    It is for people to review, and is written outside of the folder in use.
    """
    from domain.drafting import NoDraft  # noqa: PLC0415 - keeps `sre --help` fast

    tree = settings(ctx)
    if out is not None:
        _must_be_outside(out, tree)
    found = _drafted(tree, number, out.stem if out else "")
    if isinstance(found, NoDraft):
        raise Refused(f"no draft: {found.why}")
    file = out or FOLDER / found.playbook.path
    _write(found, file, tree)
    faults, beside = check(file, tree.mitigation).faults, _beside(found.playbook, tree)
    if as_json:
        told = {"id": found.playbook.id, "incidents": found.incidents, "cure": found.cure}
        show_json({"incident": number, "file": str(file)} | told | {"faults": faults, "beside_those_in_use": beside})
    else:
        say(f"{file}: {DRAFTED}, from incidents {listed(found.incidents)}; what helped: {found.cure}")
        say(*(faults or ["the check finds no fault"]), *(f"beside those in use: {one}" for one in beside))
    if faults:
        sys.exit(1)


def _drafted(tree: Settings, number: int, name: str) -> Draft | NoDraft:
    from adapters.store.resolved_cases import cases_like  # noqa: PLC0415 - keeps `sre --help` fast
    from domain import drafting  # noqa: PLC0415 - as above

    found = cases_like(store(tree), number)
    if found is None:
        raise NotFound(f"there is no incident {number}; `sre incidents` lists them")
    return drafting.draft(*found, name)


def _write(found: Draft, file: Path, tree: Settings) -> None:
    """Write the draft, over nothing that is there. Raises BadInput."""
    from adapters.playbook_files.writing import written  # noqa: PLC0415 - keeps `sre --help` fast

    _must_be_outside(file, tree)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as opened:
            opened.write(written(found.playbook))
    except FileExistsError as error:
        raise BadInput(f"{file} is there already; name another file by --out") from error
    except OSError as error:
        raise BadInput(f"{file}: cannot be written: {error.strerror}") from error


def _must_be_outside(file: Path, tree: Settings) -> None:
    """Raises BadInput for a file that would be no playbook, or would be one in use."""
    if not _NAME.fullmatch(file.name):
        raise BadInput(f"--out {file.name}: a playbook's file is called by lower-case words joined by hyphens, and .md")
    in_use = _in_use(tree)
    if file.resolve().is_relative_to(in_use.resolve()):
        raise BadInput(f"{file} lies in the folder of the playbooks in use: review the draft first, then move it there")


def _in_use(tree: Settings) -> Path:
    return PROJECT / tree.playbooks.path


def _beside(playbook: Playbook, tree: Settings) -> list[str]:
    """What would be wrong with it, or because of it, among the playbooks in use."""
    from domain.playbook_overlaps import overlaps  # noqa: PLC0415 - keeps `sre --help` fast

    known = check(_in_use(tree)).playbooks
    if any(one.id == playbook.id for one in known):
        return [f"the id {playbook.id} is taken"]
    before = {(book.id, str(flaw)) for book, flaw in overlaps(known)}
    found = [(book.id, flaw) for book, flaw in overlaps((*known, playbook)) if (book.id, str(flaw)) not in before]
    return [f"{name}: {flaw.text}" for name, flaw in found]
