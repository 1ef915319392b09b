"""`sre scale`: how many members of `watch` share the topic while the parts run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import click

from console.output import json_option, say, show_json
from console.parts import Steps, environment, place, settings
from domain.errors import Refused
from domain.members import MOST, WATCH


@click.command(epilog="Example: sre scale watch 2")
@click.argument("role", type=click.Choice([WATCH]))
@click.argument("members", type=click.IntRange(1, MOST))
@click.option("--wait/--no-wait", default=True, help="Return only when the members have shared the partitions.")
@json_option
@click.pass_context
def scale(context: click.Context, *, role: str, members: int, wait: bool, as_json: bool) -> None:
    """Let so many members of ROLE work beside each other; until `sre down`, then kafka.members says how many.

    Call it with the settings that `sre up` had: like that, it starts anew what has others now.
    """
    from deployments import supervised  # noqa: PLC0415 - `sre --help` must not wait for it
    from deployments.bring_up import bring_up  # noqa: PLC0415 - as above
    from deployments.reading import wait_for_watch  # noqa: PLC0415 - as above
    from deployments.wanted import remembered, wanted  # noqa: PLC0415 - as above

    where, loaded = place(), settings(context)
    if not supervised.running(where):
        raise Refused("nothing runs here: start it with `sre up`; the setting kafka.members says how many it starts")
    kafka, sink = remembered(where)
    asked = replace(wanted(loaded.settings, loaded.origins, kafka=kafka, sink=sink), scaled=members)
    began = datetime.now(UTC)
    with Steps(quiet=as_json) as steps:
        bring_up(where, asked, environment(context), steps)
        found = wait_for_watch(settings(context).settings, since=began, count=members) if wait else ""
    if as_json:
        show_json({"role": role, "members": asked.members, "reads": found})
    else:
        say(f"{role}: {', '.join(asked.members)}" + (f"; {found}" if found else ""))
