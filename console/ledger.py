"""`sre ledger verify`: is the record of decisions as it was written?"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

import click

from console.given import settings, store
from console.output import json_option, say, show_json


@click.group(epilog="Example: sre ledger verify")
def ledger() -> None:
    """Look after the record of decisions."""


@ledger.command(epilog="Example: sre ledger verify --json")
@json_option
@click.pass_context
def verify(ctx: click.Context, *, as_json: bool) -> None:
    """Re-read the chain of hashes and compare it with its anchors; exit code 1 when it does not hold."""
    from adapters.anchors import anchor_places  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.parts_file import home  # noqa: PLC0415
    from adapters.store.chain import begins_after  # noqa: PLC0415
    from adapters.store.chain import verify as verify_chain  # noqa: PLC0415

    tree = settings(ctx)
    places = anchor_places(tree, home(os.environ))
    engine = store(tree)
    sealed, waiting, faults = verify_chain(engine, places, now=datetime.now(UTC))
    cut = begins_after(engine)
    if as_json:
        show_json({"sealed": sealed, "not_sealed_yet": waiting, "begins_at_link": cut + 1, "faults": faults})
    else:
        say(f"{sealed:,} entries sealed, {waiting:,} not sealed yet; anchors in {places[0].name}")
        if cut:
            say(f"the chain begins at link {cut + 1:,}: those before it were older than the settings keep and were cut")
        for place in places[1:]:
            say(f"anchors also go to {place.name}")
        for fault in faults:
            say(f"FAULT {fault}")
        say("the chain holds" if not faults else "the chain does not hold: the ledger was changed by hand")
    sys.exit(1 if faults else 0)
