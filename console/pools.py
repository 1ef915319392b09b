"""`sre pools`: what `prefect deploy --all` needs on a Prefect server of one's own."""

from __future__ import annotations

from pathlib import Path

import click

from adapters.parts_file import PROJECT
from console.given import settings
from console.output import json_option, say, show_json
from domain.errors import BadSettings
from domain.members import members


@click.command(epilog="Example: PREFECT_API_URL=https://prefect.example.com/api sre pools")
@click.option(
    "--write",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write a prefect.yaml with every member of `watch` (kafka.members), for `prefect deploy --prefect-file`.",
)
@json_option
@click.pass_context
def pools(ctx: click.Context, *, file: Path | None, as_json: bool) -> None:
    """Make the work pools and queues that the deployments name, where they are missing; before `prefect deploy`."""
    from deployments.member_deployments import text_with_members  # noqa: PLC0415 - as below
    from deployments.programs import POOLS, QUEUE  # noqa: PLC0415 - keeps `sre --help` fast
    from deployments.registration import make_pools  # noqa: PLC0415 - as above

    tree = settings(ctx)
    url = tree.servers.prefect_api_url
    if not url:
        raise BadSettings("no Prefect server: set PREFECT_API_URL, or start the embedded one with `sre up`")
    names = members(tree.kafka.members)
    make_pools(url, names)
    if file:
        file.write_text(text_with_members(PROJECT / "prefect.yaml", names))
    if as_json:
        show_json({"pools": POOLS, "queue": QUEUE})
    else:
        chosen = f" --prefect-file {file}" if file else ""
        say(f"pools {', '.join(POOLS)} are there, each with the queue {QUEUE}; now: prefect deploy --all{chosen}")
