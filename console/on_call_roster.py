"""The roster as the `sre on-call` commands need it, with what people took over."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from console.given import store
from console.output import say
from domain.errors import BadSettings, Unavailable
from domain.roster import Roster, Shift

if TYPE_CHECKING:
    from domain.settings import Settings

Taken = Mapping[str, Sequence[Shift]]  # schedule -> the shifts that people took


def roster_of(tree: Settings, now: datetime, file: Path | None = None) -> Roster:
    """The roster of the file that the settings name, or of another; warnings go to stderr. Raises BadSettings."""
    from adapters.on_call_files import load  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.on_call_files.calendars import FOLDER  # noqa: PLC0415 - as above
    from adapters.parts_file import PROJECT, home  # noqa: PLC0415 - as above

    if not file and not tree.paging.on_call:
        raise BadSettings("no file says who is on call: set paging.on_call, or name one")
    roster = load(file or PROJECT / tree.paging.on_call, tree.paging, copies=home(os.environ) / FOLDER, now=now)
    for warning in roster.warnings:
        say(f"warning: {warning}", err=True)
    return roster


def overrides_of(tree: Settings, begins: datetime, ends: datetime) -> Taken:
    """Who took which shifts; nobody, and a warning, where no database answers."""
    from adapters.store.database import transaction  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.store.overrides import taken  # noqa: PLC0415 - as above

    try:
        with transaction(store(tree)) as connection:
            return taken(connection, begins, ends)
    except (BadSettings, Unavailable) as error:
        say(f"warning: overrides are not known: {error}", err=True)
        return {}
