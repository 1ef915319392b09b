"""`sre peek`: what a topic holds, what of it is understood, and which `kafka.fields` would help."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from console.given import settings
from console.output import json_option, say, show_json, show_table
from domain.amounts import counted, lasting, reading
from domain.shown_texts import cut, printable

if TYPE_CHECKING:
    from adapters.formats.seen import Seen
    from domain.kafka_settings import KafkaSettings
    from domain.logs import LogBatch, RawBatch

LISTS = ("topics", "partitions", "offsets", "values", "keys", "headers", "sent")
MOST_SHOWN = 10
LONGEST = 150
SKEWED_SECONDS = 5.0  # a log from the future by so much is a matter of clocks


@dataclass(frozen=True, slots=True)
class Proposal:
    """`kafka.fields`, and how many of the messages were read with them."""

    fields: dict[str, str]
    read: int


@click.command(epilog="Example: sre peek --topic my-logs")
@click.option("--topic", help="Instead of kafka.topic.")
@click.option(
    "--messages", default=1_000, show_default=True, type=click.IntRange(1, 100_000), help="The newest so many."
)
@json_option
@click.pass_context
def peek(ctx: click.Context, topic: str | None, messages: int, *, as_json: bool) -> None:
    """Say what the newest messages of a topic are, and which cannot be read and why; commit and store nothing."""
    from adapters.formats.seen import look  # noqa: PLC0415 - keeps `sre --help` fast
    from domain.errors import BadSettings  # noqa: PLC0415 - as above

    tree = settings(ctx).kafka
    if not tree.bootstrap_servers:
        raise BadSettings("no Kafka: `sre init` writes settings with your brokers, or set SRE_KAFKA__BOOTSTRAP_SERVERS")
    kafka = tree.model_copy(update={"topic": topic or tree.topic})
    raw = _newest(kafka, messages)
    seen = look(raw, _decoded(raw, kafka, kafka.fields))
    proposal = _proposal(raw, kafka, seen)
    if as_json:
        show_json(asdict(seen) | {"topic": kafka.topic, "proposal": asdict(proposal) if proposal else None})
        return
    _show(kafka.topic, seen)
    _show_proposal(proposal, seen)


def _newest(kafka: KafkaSettings, messages: int) -> RawBatch:
    """All of them as one batch."""
    from adapters.kafka.look_back import newest  # noqa: PLC0415 - keeps `sre --help` fast
    from domain.logs import RawBatch  # noqa: PLC0415 - as above

    whole = RawBatch([], [], [], [], {}, {}, names={0: kafka.topic})
    for batch in newest(kafka, messages):
        for name in LISTS:
            getattr(whole, name).extend(getattr(batch, name))
    return whole


def _decoded(raw: RawBatch, kafka: KafkaSettings, fields: dict[str, str]) -> LogBatch:
    from adapters.formats.decoding import decode  # noqa: PLC0415 - keeps `sre --help` fast

    return decode(raw, max_bytes=kafka.max_log_bytes, zone=kafka.zone, fields=fields)


def _proposal(raw: RawBatch, kafka: KafkaSettings, seen: Seen) -> Proposal | None:
    """Names that let more of the messages be read, tried on these very messages; None where there are none."""
    from adapters.formats.guessing import guess, objects  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.formats.seen import look  # noqa: PLC0415 - as above
    from domain.kafka_settings import KafkaSettings  # noqa: PLC0415 - as above

    frame = _decoded(raw, kafka, kafka.fields).frame
    lost = {
        (row["partition"], row["offset"])
        for row in frame.select(["partition", "offset", "fault"]).to_pylist()
        if row["fault"]
    }
    places = zip(raw.partitions, raw.offsets, strict=True)
    documents = objects([value for place, value in zip(places, raw.values, strict=True) if place in lost])
    fields = guess(documents, kafka.zone) if documents else {}
    if not fields:
        return None
    checked = KafkaSettings(fields=fields).fields
    read = look(raw, _decoded(raw, kafka, checked)).read
    return Proposal(checked, read) if read > seen.read else None


def _show(topic: str, seen: Seen) -> None:
    if not seen.messages:
        say(f"topic {printable(topic)} holds no message; nothing was committed")
        return
    say(
        f"topic {printable(topic)}: {counted(seen.messages, 'message')} looked at, {seen.read:,} read as"
        f" {counted(seen.logs, 'log')}, {seen.messages - seen.read:,} not; nothing was committed"
    )
    formats = [{"format": name, "logs": f"{logs:,}"} for name, logs in seen.formats.items()]
    show_table(formats, title="Formats", empty="none of them could be read")
    for fault in seen.faults:
        say(f"cannot be read: {counted(fault.messages, 'message')}, {printable(fault.reason)}")
        for place, reason in fault.examples:
            say(f"  {place}: {cut(printable(reason), LONGEST)}")
    if seen.logs:
        _show_logs(seen)


def _show_logs(seen: Seen) -> None:
    say(f"services: {_most(seen.services)}")
    say(f"levels: {', '.join(f'{count:,} {name}' for name, count in seen.levels.items())}")
    if seen.unknown_levels:
        say(f"{counted(seen.unknown_levels, 'log')} with a level that is not known; they count as INFO")
    for name, told in list(seen.metrics.items())[:MOST_SHOWN]:
        ends = f"{reading(name, told['least'])} to {reading(name, told['most'])}"
        say(f"metric {printable(name)}: {ends}, in {counted(round(told['logs']), 'log')}")
    if len(seen.metrics) > MOST_SHOWN:
        say(f"… and {counted(len(seen.metrics) - MOST_SHOWN, 'metric')} more")
    say(f"written from {seen.first_at:%Y-%m-%d %H:%M:%S} to {seen.last_at:%Y-%m-%d %H:%M:%S} UTC")
    if seen.lag_seconds:
        _show_clocks(seen.lag_seconds)


def _show_clocks(lag: dict[str, float]) -> None:
    if lag["median"] < 0:
        say(f"clocks: half of the logs are {lasting(-lag['median'])} or more ahead of the broker's clock")
    else:
        say(
            f"clocks: half of the logs reached the broker within {lasting(lag['median'])}, the last after"
            f" {lasting(max(0.0, lag['most']))}"
        )
    if lag["least"] < -SKEWED_SECONDS:
        say(f"clocks: one is {lasting(-lag['least'])} ahead of the broker's; set the producer's clock, or `kafka.zone`")


def _most(counts: dict[str, int]) -> str:
    shown = [f"{printable(name)} ({count:,})" for name, count in list(counts.items())[:MOST_SHOWN]]
    more = len(counts) - MOST_SHOWN
    return ", ".join([*shown, *([f"and {more:,} more"] if more > 0 else [])])


def _show_proposal(proposal: Proposal | None, seen: Seen) -> None:
    if proposal is None:
        if seen.messages and seen.read < seen.messages:
            say("no names for `kafka.fields` were found that would let more of them be read")
        return
    say(
        "",
        f"With these lines in your settings {proposal.read:,} of {counted(seen.messages, 'message')} are read,"
        f" instead of {seen.read:,}:",
        "",
        *as_yaml(proposal.fields),
    )


def as_yaml(fields: dict[str, str]) -> list[str]:
    """Lines to paste into a settings file."""
    return ["kafka:", "  fields:", *(f"    {name}: {json.dumps(theirs)}" for name, theirs in fields.items())]
