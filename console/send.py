"""`sre send`: play a file into Kafka."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.given import settings
from console.output import json_option, show_json

if TYPE_CHECKING:
    from rich.console import Console

    from adapters.kafka.producer import LogProducer

AT_ONCE = 500


@click.command(epilog="Example: sre send logs.jsonl.gz --rate 500 --now")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rate", type=click.FloatRange(min=0.1), help="Logs per second; without it as fast as Kafka takes them.")
@click.option(
    "--now", "to_now", is_flag=True, help="Shift all timestamps so that the last log is of the moment it is sent."
)
@click.option("--topic", help="Another topic than kafka.topic.")
@json_option
@click.pass_context
def send(ctx: click.Context, file: Path, rate: float | None, topic: str | None, *, to_now: bool, as_json: bool) -> None:
    """Play a .jsonl[.gz] FILE into Kafka, each line as it is, keyed by its service."""
    from adapters.kafka.producer import LogProducer  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.log_files import newest  # noqa: PLC0415

    tree = settings(ctx)
    if not tree.kafka.bootstrap_servers:
        raise click.ClickException(
            "no Kafka: start the embedded broker with `sre up`, or set SRE_KAFKA__BOOTSTRAP_SERVERS"
        )
    latest, count = newest(file)
    if not count:
        raise click.ClickException(f"{file} holds no logs")
    takes = timedelta(seconds=count / rate if rate else 0)
    shift = datetime.now(UTC) + takes - latest if to_now and latest else timedelta()
    begun = time.monotonic()
    producer = LogProducer(tree.kafka)
    _play(producer, topic or tree.kafka.topic, file, count=count, rate=rate, shift=shift)
    producer.flush()
    seconds = time.monotonic() - begun
    result = {
        "file": str(file),
        "topic": topic or tree.kafka.topic,
        "sent": count,
        "acknowledged": producer.acknowledged,
        "seconds": round(seconds, 2),
        "shifted_seconds": shift.total_seconds(),
    }
    if as_json:
        show_json(result)
    else:
        click.echo(f"{count:,} logs sent to {result['topic']} in {seconds:.1f} s, all acknowledged")


def _play(producer: LogProducer, topic: str, file: Path, *, count: int, rate: float | None, shift: timedelta) -> None:
    from rich.progress import Progress  # noqa: PLC0415 - keeps `sre --help` fast

    from adapters.kafka.producer import Outgoing  # noqa: PLC0415
    from adapters.log_files import key_of, read_lines, shifted  # noqa: PLC0415

    at_once = max(1, min(AT_ONCE, int(rate / 10))) if rate else AT_ONCE
    held: list[Outgoing] = []
    begun, sent = time.monotonic(), 0
    with Progress(transient=True, console=_stderr()) as progress:
        bar = progress.add_task(f"sending {file.name}", total=count)
        for number, line in enumerate(read_lines(file), 1):
            held.append(Outgoing(shifted(line, shift) if shift else line, key_of(line)))
            if len(held) < at_once and number < count:
                continue
            if rate:
                time.sleep(max(0.0, begun + sent / rate - time.monotonic()))
            producer.send(topic, held)
            sent += len(held)
            progress.update(bar, completed=sent)
            held = []


def _stderr() -> Console:
    from rich.console import Console  # noqa: PLC0415 - keeps `sre --help` fast

    return Console(stderr=True)
