"""The HTTP service as a process: `python -m console.http --port 8088`."""

from __future__ import annotations

import os
import sys

import click

from adapters.own_log import configure
from adapters.parts_file import home
from adapters.redaction import redaction
from adapters.settings_files import load
from console.http.starting import server, service
from console.output import say
from deployments import environment
from deployments.http_environment import FOR_HTTP
from domain.errors import SreError
from domain.masking import masked_urls, secrets


@click.command(epilog="Example: python -m console.http --port 8088")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port; without it http.port.")
def main(port: int | None) -> None:
    """Take answers, alerts and logs by HTTP until SIGTERM."""
    where = home(os.environ)
    seen = environment.load(where / FOR_HTTP)
    os.environ.update({name: value for name, value in seen.items() if name not in os.environ})
    loaded = load()
    tree = loaded.settings
    quotes = not tree.encryption.enabled
    configure(tree.logging, where, secrets=secrets(tree), patterns=tree.paging.mask, quotes=quotes)
    made = service(tree, where, mask=redaction(tree.paging.mask), origins=loaded.origins)
    server(made, tree.http.host, tree.http.port if port is None else port).run()
    made.engine.dispose()


if __name__ == "__main__":
    try:
        main()
    except SreError as error:
        say(*f"http: {masked_urls(str(error))}".split("\n"), err=True)
        sys.exit(1)
