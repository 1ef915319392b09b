"""`sre pools`: what `prefect deploy --all` needs on a Prefect server of one's own."""

from __future__ import annotations

import click

from console.given import settings
from console.output import json_option, say, show_json
from domain.errors import BadSettings


@click.command(epilog="Example: PREFECT_API_URL=https://prefect.example.com/api sre pools")
@json_option
@click.pass_context
def pools(ctx: click.Context, *, as_json: bool) -> None:
    """Make the work pools and queues that the deployments name, where they are missing; before `prefect deploy`."""
    from deployments.programs import POOLS  # noqa: PLC0415 - keeps `sre --help` fast
    from deployments.registration import QUEUE, make_pools  # noqa: PLC0415 - as above

    url = settings(ctx).servers.prefect_api_url
    if not url:
        raise BadSettings("no Prefect server: set PREFECT_API_URL, or start the embedded one with `sre up`")
    make_pools(url)
    if as_json:
        show_json({"pools": POOLS, "queue": QUEUE})
    else:
        say(f"pools {', '.join(POOLS)} are there, each with the queue {QUEUE}; now: prefect deploy --all")
