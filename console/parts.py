"""`sre up`, `sre down`, `sre status`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from adapters.parts_file import PROJECT, home
from adapters.settings_files import Loaded, load
from console.output import json_option, say, show_json, show_table
from deployments.layout import Home
from domain.errors import BadSettings
from domain.masking import masked_urls
from domain.shown_texts import visible

if TYPE_CHECKING:
    from deployments.report import PartReport
    from domain.settings import Settings


class Steps:
    """The parts as lines, each with a spinner until it is ready; outside of a terminal each when it is. A `Tell`."""

    def __init__(self, *, quiet: bool) -> None:
        columns = (SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), TimeElapsedColumn())
        console = Console(stderr=True)
        # A file has no width, and what is drawn anew in place would be cut to one.
        self.plain = not quiet and not console.is_terminal
        self.progress = Progress(*columns, console=console, disable=quiet or self.plain)
        self.lines: dict[str, TaskID] = {}

    def __call__(self, part: str, text: str) -> None:
        if self.plain:
            say(*([f"✓ {part:<16} {text}"] if text else []), err=True)
            return
        if part not in self.lines:
            self.lines[part] = self.progress.add_task(f"{part:<16}", total=1)
        if text:
            self.progress.update(self.lines[part], description=f"{part:<16} {escape(visible(text))}", completed=1)

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()


def place() -> Home:
    """The home that the environment names, for the project that this is."""
    return Home(home(os.environ), PROJECT)


def settings(context: click.Context) -> Loaded:
    """Effective settings, from the file that was named."""
    file = context.obj["config_file"]
    return load(Path(file) if file else None, os.environ)


def environment(context: click.Context) -> Mapping[str, str]:
    """Our environment, with the command's options as the parts can see them."""
    options = {}
    if file := context.obj["config_file"]:
        options["SRE_CONFIG_FILE"] = str(Path(file).absolute())
    if context.obj["debug"]:
        options["SRE_LOG_LEVEL"] = "DEBUG"
    return {**os.environ, **options}


@click.command(epilog="Example: sre up --kafka real")
@click.option(
    "--kafka",
    type=click.Choice(["embedded", "real"]),
    envvar="KAFKA",
    help="embedded: bounded, in one process; real: Apache Kafka, needs Java 17 and Maven. Also KAFKA=real.",
)
@click.option("--sink/--no-sink", default=None, help="Also start a mail server that keeps pages as files.")
@click.option("--wait/--no-wait", default=True, help="Return only when `watch` reads the topic.")
@json_option
@click.pass_context
def up(context: click.Context, *, kafka: str | None, sink: bool | None, wait: bool, as_json: bool) -> None:
    """Start every embedded part and register the deployments; repeat it to repair."""
    from adapters.encryption_keys import keyring_of  # noqa: PLC0415 - as below
    from deployments.bring_up import bring_up  # noqa: PLC0415 - `sre --help` must not wait for it
    from deployments.reading import wait_for_watch  # noqa: PLC0415 - as above
    from deployments.wanted import remembered, scaled, wanted  # noqa: PLC0415 - as above

    where, loaded = place(), settings(context)
    keyring_of(loaded.settings.encryption, environment(context))  # a wrong key is told of before anything starts
    where.make()
    last_kafka, last_sink = remembered(where)
    asked = wanted(loaded.settings, loaded.origins, kafka=kafka or last_kafka, sink=last_sink if sink is None else sink)
    asked = replace(asked, scaled=scaled(where))
    began = datetime.now(UTC)
    with Steps(quiet=as_json) as steps:
        parts = bring_up(where, asked, environment(context), steps)
        if wait:
            steps("watch", "")
            found = wait_for_watch(settings(context).settings, since=began, count=len(asked.members))
            steps("watch", f"reads {found}")
    _warn_of_roster(settings(context).settings)
    if as_json:
        show_json(masked({name: getattr(parts, name) for name in ("prefect", "mlflow", "kafka", "smtp", "http")}))
    else:
        prefect, mlflow = parts.prefect["ui_url"], parts.mlflow["tracking_uri"]
        http = f"  HTTP {parts.http['url']}" if parts.http else ""
        say(masked_urls(f"Prefect {prefect}  MLflow {mlflow}{http}  (stop with: sre down)"))


def _warn_of_roster(tree: Settings) -> None:
    """Say what is wrong with the file of who is on call, now that every channel is set up.

    Until it is mended everybody whom the settings name is paged.
    """
    from console.on_call_roster import roster_of  # noqa: PLC0415 - as above

    if not tree.paging.on_call:
        return
    try:
        roster_of(tree, datetime.now(UTC))
    except BadSettings as error:
        for flaw in str(error).splitlines():
            say(f"warning: {flaw}", err=True)


def masked(part: object) -> object:
    """The document without the passwords of its addresses."""
    if isinstance(part, Mapping):
        return {name: masked(value) for name, value in part.items()}
    return masked_urls(part) if isinstance(part, str) else part


@click.command(epilog="Example: sre down && sre up")
@click.option("--remove-data", is_flag=True, help="Also delete the databases and everything else in .sre.")
@click.pass_context
def down(context: click.Context, *, remove_data: bool) -> None:  # noqa: ARG001 - click passes it
    """Stop the runs, then every part, the database last; a demonstration that was kept, too."""
    from deployments.take_down import demonstration, is_alive, remove, take_down  # noqa: PLC0415 - as above

    where = place()
    demo = demonstration(where)
    with Steps(quiet=False) as steps:
        if demo.folder.exists() and is_alive(demo):
            take_down(demo, lambda part, text: steps(f"demo {part}", text))
        take_down(where, steps)
    for each in [demo, where] if remove_data else []:
        if each.folder.exists() and (left := remove(each)):
            say(left, err=True)


@click.command(epilog="Example: sre status --json")
@json_option
@click.pass_context
def status(context: click.Context, *, as_json: bool) -> None:
    """Show each part and what is known to be wrong; exit code 1 when something is down."""
    from deployments.report import report  # noqa: PLC0415 - as above

    sys.exit(tell(report(place(), settings(context).settings), as_json=as_json))


def tell(reports: Sequence[PartReport], *, as_json: bool) -> int:
    """Print the status; its exit code: 1 when anything is down."""
    rows = [asdict(one) | {"health": one.health.value, "pid": one.pid or None} for one in reports]
    show_json(rows) if as_json else show_table(rows)
    return int(any(row["health"] == "down" for row in rows))
