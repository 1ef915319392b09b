"""`sre send`: play a file into Kafka."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.given import settings
from console.output import json_option, say, show_json

if TYPE_CHECKING:
    from rich.console import Console

    from adapters.kafka.producer import LogProducer
    from domain.settings import Settings

AT_ONCE = 500
LIVELY_SECONDS = 30  # a `watch` that said nothing for so long is not waited for
LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 30  # nor one that stores nothing for so long


@click.command(epilog="Example: sre send logs.jsonl.gz --rate 500 --now")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rate", type=click.FloatRange(min=0.1), help="Logs per second; without it as fast as Kafka takes them.")
@click.option(
    "--now", "to_now", is_flag=True, help="Shift all timestamps so that the last log is of the moment it is sent."
)
@click.option("--topic", help="Another topic than kafka.topic.")
@click.option("--wait/--no-wait", default=True, help="Wait until `watch`, if one reads the topic, has stored all.")
@json_option
@click.pass_context
def send(  # noqa: PLR0913 - one argument per option
    ctx: click.Context,
    file: Path,
    rate: float | None,
    topic: str | None,
    *,
    to_now: bool,
    wait: bool,
    as_json: bool,
) -> None:
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
    stored = wait and (topic or tree.kafka.topic) == tree.kafka.topic and _stored(tree, producer.last)
    result = {
        "file": str(file),
        "topic": topic or tree.kafka.topic,
        "sent": count,
        "acknowledged": producer.acknowledged,
        "stored": bool(stored),
        "seconds": round(seconds, 2),
        "shifted_seconds": shift.total_seconds(),
    }
    if as_json:
        show_json(result)
    else:
        end = " and stored" if stored else "; not stored yet: `sre status` says who reads" if wait else ""
        say(f"{count:,} logs sent to {result['topic']} in {seconds:.1f} s, all acknowledged{end}")


def _stored(tree: Settings, last: Mapping[int, int]) -> bool:
    """Wait while `watch` stores what was sent; whether all of it is. False at once where nobody reads."""
    from adapters.store.intake import intake, reading  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.store.opening import open_database  # noqa: PLC0415

    if not (url := tree.store.url.get_secret_value()):
        return False
    engine, now = open_database(url, tree.encryption, tree.store.files), datetime.now(UTC)
    if not reading(engine, tree.kafka.topic, since=now - timedelta(seconds=LIVELY_SECONDS)):
        return False
    before, deadline = -1, time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        offsets = intake(engine, tree.kafka.topic, since=now).offsets
        missing = sum(max(0, offset + 1 - offsets.get(partition, 0)) for partition, offset in last.items())
        if not missing:
            return True
        if missing != before:
            before, deadline = missing, time.monotonic() + PATIENCE_SECONDS
        time.sleep(LOOK_SECONDS)
    return False


def _play(producer: LogProducer, topic: str, file: Path, *, count: int, rate: float | None, shift: timedelta) -> None:
    from rich.progress import Progress  # noqa: PLC0415 - keeps `sre --help` fast

    from adapters.kafka.producer import Outgoing  # noqa: PLC0415
    from adapters.log_files import key_of, read_lines, shifted  # noqa: PLC0415

    at_once = max(1, min(AT_ONCE, int(rate / 10))) if rate else AT_ONCE
    held: list[Outgoing] = []
    begun, sent = time.monotonic(), 0
    console = _stderr()
    with Progress(transient=True, console=console, disable=not console.is_terminal) as progress:
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
