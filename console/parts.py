"""`sre up`, `sre down`, `sre status`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Self

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from adapters.parts_file import PROJECT, home
from adapters.settings_files import Loaded, load
from console.output import json_option, show_json, show_table
from deployments.layout import Home


class Steps:
    """The parts as lines, each with a spinner until it is ready. A `Tell`."""

    def __init__(self, *, quiet: bool) -> None:
        columns = (SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), TimeElapsedColumn())
        self.progress = Progress(*columns, console=Console(stderr=True), disable=quiet)
        self.lines: dict[str, TaskID] = {}

    def __call__(self, part: str, text: str) -> None:
        if part not in self.lines:
            self.lines[part] = self.progress.add_task(f"{part:<16}", total=1)
        if text:
            self.progress.update(self.lines[part], description=f"{part:<16} {escape(text)}", completed=1)

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
@json_option
@click.pass_context
def up(context: click.Context, *, kafka: str | None, sink: bool | None, as_json: bool) -> None:
    """Start every embedded part and register the deployments; repeat it to repair."""
    from deployments.bring_up import bring_up  # noqa: PLC0415 - `sre --help` must not wait for it
    from deployments.wanted import remembered, wanted  # noqa: PLC0415 - as above

    where, loaded = place(), settings(context)
    where.make()
    last_kafka, last_sink = remembered(where)
    asked = wanted(loaded.settings, loaded.origins, kafka=kafka or last_kafka, sink=last_sink if sink is None else sink)
    with Steps(quiet=as_json) as steps:
        parts = bring_up(where, asked, environment(context), steps)
    if as_json:
        show_json({"prefect": parts.prefect, "mlflow": parts.mlflow, "kafka": parts.kafka, "smtp": parts.smtp})
    else:
        click.echo(f"Prefect {parts.prefect['ui_url']}  MLflow {parts.mlflow['tracking_uri']}  (stop with: sre down)")


@click.command(epilog="Example: sre down && sre up")
@click.option("--remove-data", is_flag=True, help="Also delete the databases and everything else in .sre.")
@click.pass_context
def down(context: click.Context, *, remove_data: bool) -> None:  # noqa: ARG001 - click passes it
    """Stop the runs, then every part, the database last."""
    from deployments.take_down import remove, take_down  # noqa: PLC0415 - as above

    where = place()
    with Steps(quiet=False) as steps:
        take_down(where, steps)
    if remove_data:
        remove(where)


@click.command(epilog="Example: sre status --json")
@json_option
@click.pass_context
def status(context: click.Context, *, as_json: bool) -> None:
    """Show each part with address, pid and health; exit code 1 when one is down."""
    from deployments.report import Health, report  # noqa: PLC0415 - as above

    reports = report(place(), settings(context).settings)
    rows = [asdict(one) | {"health": one.health.value, "pid": one.pid or None} for one in reports]
    show_json(rows) if as_json else show_table(rows)
    sys.exit(any(one.health is Health.DOWN for one in reports))
