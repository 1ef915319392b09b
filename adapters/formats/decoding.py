"""From the messages of a batch to columns of logs, whatever their shapes.

Each message is recognised by itself, and each shape is read column-wise over all of its messages. A message that
cannot be read keeps its place with a `fault` and costs its neighbours nothing; each log's columns depend on its own
message alone, so that where a batch ends changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from adapters.formats import cloudevents, ecs, mapped, mending, native, otel, otlp, plain
from adapters.formats.columns import NO_TIME, READ, Messages, Reading, faults, with_attribute
from adapters.formats.json_columns import Layout, of_shape, read, valid
from adapters.formats.spread import spread
from adapters.strange_logs import as_bad_batch
from domain.logs import SCHEMA, UTC_MICROSECONDS, Headers, LogBatch, RawBatch

MILLISECOND = 1_000
NO_FIELDS: Mapping[str, str] = MappingProxyType({})
NO_SHAPE = "no shape that is known: neither `timestamp` nor `service`; `kafka.fields` says where they are"


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape of JSON: a document that has one of the marks is of it."""

    marks: tuple[str, ...]
    read: Callable[[Messages, Reading], pa.Table]


@dataclass(slots=True)
class _Work:
    """A batch on its way: values as they are to be read, what is known of each, and what is read by now."""

    values: list[bytes | None]
    headers: dict[int, Mapping[str, str]]
    around: dict[int, Mapping[str, str]] = field(default_factory=dict)  # what stood around an event's data
    pieces: list[pa.Table] = field(default_factory=list)

    def refuse(self, reasons: Mapping[int, str]) -> None:
        """These cannot be read."""
        if reasons:
            self.pieces.append(faults(pa.array(list(reasons), pa.int32()), list(reasons.values())))


def decode(
    raw: RawBatch,
    *,
    max_bytes: int,
    wanted: Collection[str] | None = None,
    zone: str = "UTC",
    fields: Mapping[str, str] = NO_FIELDS,
) -> LogBatch:
    """The logs of a batch as columns, in the order of their messages.

    Rows that cannot be read have a text in `fault`, and nulls elsewhere. `wanted` names the metrics that get a
    column each for the detectors; without it the most frequent ones do. `zone` is that of times that name none.
    Raises BadBatch where a library stumbles over a message that no reader foresaw; its halves tell which one.
    """
    with as_bad_batch("read"):
        return _decoded(raw, wanted, Reading(max_bytes, zone, fields))


def _decoded(raw: RawBatch, wanted: Collection[str] | None, reading: Reading) -> LogBatch:
    work = _Work(list(raw.values), _headers(raw))
    bodies = pa.array(raw.values, pa.binary())
    left = _unwrapped(work, bodies, reading.max_bytes)
    texts = _texts(bodies if not work.around and len(left) == len(raw) else _held(work, left))
    messages = Messages(pa.array(left, pa.int32()), texts, _topics(raw), raw.sent or [0] * len(raw))
    _read(work, _without_binaries(work, messages), reading)
    found = _in_order(work.pieces)
    return LogBatch(_frame(raw, bodies, found, work.around), spread(found["measured"], wanted))


def _headers(raw: RawBatch) -> dict[int, Mapping[str, str]]:
    """Headers as texts, for the messages that have any."""
    if not any(raw.headers):
        return {}
    return {
        row: {name.lower(): (value or b"").decode("utf-8", "replace") for name, value in held}
        for row, held in enumerate(raw.headers)
        if held
    }


def _topics(raw: RawBatch) -> list[str]:
    return [raw.names.get(number, "") for number in raw.topics] if raw.names else [""] * len(raw)


def _unwrapped(work: _Work, bodies: pa.Array, max_bytes: int) -> list[int]:
    """The messages that are to be read; those that hold nothing are refused, those that only delete are left out."""
    reasons: dict[int, str] = {}
    deleted: set[int] = set()
    for row, headers in work.headers.items():
        if cloudevents.is_event(headers):
            event = cloudevents.unwrap(work.values[row], headers)
            if isinstance(event, str):
                reasons[row] = event
            elif event.value is None:
                deleted.add(row)
            else:
                work.values[row], work.around[row] = event.value, event.around
    everything = range(len(work.values))
    if not reasons and not deleted and not work.around and _is_plain(bodies, max_bytes):
        return list(everything)
    for row, value in enumerate(work.values):
        if value is None and row not in deleted:
            reasons[row] = "null value: nothing to read"
        elif value is not None and len(value) > max_bytes:
            reasons[row] = f"too long: {len(value)} bytes, at most {max_bytes} (kafka.max_log_bytes)"
    work.refuse(reasons)
    return [row for row in everything if row not in reasons and row not in deleted]


def _is_plain(bodies: pa.Array, max_bytes: int) -> bool:
    """Whether every message holds something, and not too much."""
    return not bodies.null_count and (pc.max(pc.binary_length(bodies)).as_py() or 0) <= max_bytes


def _held(work: _Work, rows: list[int]) -> pa.Array:
    return pa.array([work.values[row] for row in rows], pa.binary())


def _texts(values: pa.Array) -> pa.Array:
    """Values as text, null where they are none."""
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([_text(value or b"") for value in values.to_pylist()], pa.string())


def _text(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _without_binaries(work: _Work, messages: Messages) -> Messages:
    """Read what is protobuf; what is neither that nor text is refused."""
    rows = messages.rows.to_pylist() if messages.texts.null_count or work.headers else []
    said = {row for row in rows if work.headers.get(row, {}).get("content-type", "").startswith(otlp.PROTOBUF_TYPES)}
    strange = messages.texts.is_null()
    begins = pc.starts_with(pc.fill_null(messages.texts, ""), pattern="\n")
    suspects = messages.rows.filter(pc.or_(strange, begins)).to_pylist()
    binary = sorted(said | {row for row in suspects if otlp.is_protobuf(work.values[row] or b"")})
    if binary:
        work.pieces.append(otlp.read_protobuf(binary, [work.values[row] or b"" for row in binary]))
        messages = messages.take(pc.invert(pc.is_in(messages.rows, value_set=pa.array(binary, pa.int32()))))
    if messages.texts.null_count:
        lost = messages.rows.filter(messages.texts.is_null()).to_pylist()
        work.refuse({row: _not_text(work.values[row] or b"") for row in lost})
        messages = messages.take(messages.texts.is_valid())
    return messages


def _not_text(value: bytes) -> str:
    try:
        value.decode()
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte {value[error.start]:#04x} at {error.start}"
    return "not UTF-8"


def _read(work: _Work, messages: Messages, reading: Reading) -> None:
    objects = pc.starts_with(messages.texts, pattern="{")
    if not pc.all(objects).as_py():
        objects = pc.starts_with(pc.utf8_ltrim(messages.texts, " \t\r\n"), pattern="{")
    _read_documents(work, _strict(work, messages.take(objects)), reading)
    _read_others(work, messages.take(pc.invert(objects)))


def _read_documents(work: _Work, messages: Messages, reading: Reading) -> None:
    """Each shape with the documents that are of it.

    The likely shape is read from all of them, which costs less than asking each first. What is of no shape is
    read as native, which says what it lacks.
    """
    if not len(messages):
        return
    likely, *others = _readers(reading)
    found = likely.read(messages, reading)
    mine = pc.fill_null(pc.not_equal(found["fault"], NO_TIME), fill_value=True).combine_chunks()
    work.pieces.append(found if pc.all(mine).as_py() else found.filter(mine))
    messages = messages.take(pc.invert(mine))
    for shape in others:
        if not len(messages):
            return
        mine = of_shape(messages.texts, shape.marks)
        if pc.any(mine).as_py():
            work.pieces.append(shape.read(messages.take(mine), reading))
            messages = messages.take(pc.invert(mine))
    if len(messages):
        work.pieces.append(_lacking(messages, reading))


def _readers(reading: Reading) -> list[Shape]:
    shapes = [_of(native.LAYOUT), Shape((f"$.{otlp.MARK}",), _read_otlp), _of(otel.LAYOUT), _of(ecs.LAYOUT)]
    return [_of(mapped.layout(reading.fields)), *shapes] if reading.fields else shapes


def _of(layout: Layout) -> Shape:
    return Shape(layout.marks, partial(_read_layout, layout))


def _read_layout(layout: Layout, messages: Messages, reading: Reading) -> pa.Table:
    return read(messages, layout, reading)


def _read_otlp(messages: Messages, _reading: Reading) -> pa.Table:
    return otlp.read_json(messages.rows.to_pylist(), messages.texts.to_pylist())


def _lacking(messages: Messages, reading: Reading) -> pa.Table:
    """Documents of no shape that we know, with what speaks against each."""
    found = read(messages, native.LAYOUT, reading)
    known = pc.or_(found["service"].is_valid(), pc.not_equal(found["message"], ""))
    reasons = pc.if_else(known, found["fault"], NO_SHAPE)
    return faults(found["row"].combine_chunks(), reasons.combine_chunks())


def _strict(work: _Work, messages: Messages) -> Messages:
    """Documents that every reader takes; those that nobody can read are refused."""
    if not len(messages):
        return messages
    good = valid(messages.texts)
    long = pc.greater(pc.binary_length(messages.texts), mending.SURELY_SHALLOW_BYTES)
    odd = np.flatnonzero(pc.or_(pc.invert(good), long).to_numpy(zero_copy_only=False))
    if not len(odd):
        return messages
    mended: dict[int, str] = {}
    reasons: dict[int, str] = {}
    for place, text in zip(odd.tolist(), messages.texts.take(pa.array(odd)).to_pylist(), strict=True):
        row = messages.rows[place].as_py()
        strict, reason = (text, None) if good[place].as_py() else mending.mend(text)
        if strict is not None and mending.is_suspect(strict):
            reason = mending.deep_fault(strict)
        if reason:
            reasons[row] = reason
        elif strict is not None and strict is not text:
            mended[place] = strict
    work.refuse(reasons)
    texts = _replaced(messages.texts, mended)
    kept = pc.invert(pc.is_in(messages.rows, value_set=pa.array(list(reasons), pa.int32())))
    return Messages(messages.rows, texts, messages.topics, messages.sent).take(kept)


def _replaced(texts: pa.Array, by: Mapping[int, str]) -> pa.Array:
    if not by:
        return texts
    mask = np.zeros(len(texts), np.bool_)
    places = sorted(by)
    mask[places] = True
    return pc.replace_with_mask(texts, pa.array(mask), pa.array([by[place] for place in places], pa.string()))


def _read_others(work: _Work, messages: Messages) -> None:
    """What is no JSON object: lines of text; other JSON is refused."""
    if not len(messages):
        return
    is_json = valid(messages.texts)
    blank = pc.equal(pc.binary_length(pc.utf8_trim(messages.texts, " \t\r\n")), 0)
    work.refuse({row: _no_object(work.values[row] or b"") for row in messages.rows.filter(is_json).to_pylist()})
    work.refuse(dict.fromkeys(messages.rows.filter(blank).to_pylist(), "empty: nothing to read"))
    lines = messages.take(pc.and_not(pc.invert(is_json), blank))
    if len(lines):
        work.pieces.append(plain.read(lines, work.headers))


def _no_object(value: bytes) -> str:
    try:
        return f"not a JSON object but {type(orjson.loads(value)).__name__}"
    except orjson.JSONDecodeError:  # NaN, which DuckDB takes for JSON, and what is nested beyond measure
        return "not a JSON object"


# --- all of it together -----------------------------------------------------------------------


def _in_order(pieces: list[pa.Table]) -> pa.Table:
    """Everything that was read, in the order of the messages."""
    if not pieces:
        return READ.empty_table()
    whole = pa.concat_tables(pieces).combine_chunks() if len(pieces) > 1 else pieces[0]
    rows = whole["row"].to_numpy()
    if len(rows) < 2 or bool((np.diff(rows) > 0).all()):  # noqa: PLR2004 - one row is in order
        return whole
    return whole.take(pc.sort_indices(whole, [("row", "ascending"), ("part", "ascending")]))


def _frame(raw: RawBatch, bodies: pa.Array, found: pa.Table, around: Mapping[int, Mapping[str, str]]) -> pa.Table:
    rows = found["row"].combine_chunks()
    whole = len(rows) == len(raw) and not pc.any(pc.not_equal(found["part"], 0)).as_py()
    given = _given(raw) | {"body": bodies}
    fields = {name: column if whole else column.take(rows) for name, column in given.items()}
    fields["body"] = _bodies(fields["body"], found)
    fields["attributes"] = _with_events(found, rows, around)
    held = {name: found[name] for name in SCHEMA.names if name in found.column_names}
    return pa.table([(held | fields)[name] for name in SCHEMA.names], schema=SCHEMA)


def _given(raw: RawBatch) -> dict[str, pa.Array]:
    """What Kafka says of each message."""
    many = len(raw)
    sent = pa.array(raw.sent or [0] * many, pa.int64())
    headers = [_as_json(held) for held in raw.headers] if any(raw.headers) else [None] * many
    return {
        "topic": pa.array(raw.topics, pa.int32()),
        "partition": pa.array(raw.partitions, pa.int32()),
        "offset": pa.array(raw.offsets, pa.int64()),
        "key": pa.array(raw.keys or [None] * many, pa.binary()),
        "headers": pa.array(headers, pa.string()),
        "sent_at": pc.multiply(pc.if_else(pc.greater(sent, 0), sent, None), MILLISECOND).cast(UTC_MICROSECONDS),
    }


def _as_json(headers: Headers | None) -> str | None:
    if not headers:
        return None
    return orjson.dumps({name: (value or b"").decode("utf-8", "replace") for name, value in headers}).decode()


def _bodies(bodies: pa.Array, found: pa.Table) -> pa.Array:
    """The messages verbatim, each with the first of its logs; null where it could not be read."""
    first = pc.and_(pc.equal(found["part"], 0), found["fault"].is_null()).combine_chunks()
    return bodies if pc.all(first).as_py() else pc.if_else(first, bodies, pa.scalar(None, pa.binary()))


def _with_events(found: pa.Table, rows: pa.Array, around: Mapping[int, Mapping[str, str]]) -> pa.Array:
    attributes = found["attributes"].combine_chunks()
    names = sorted({name for held in around.values() for name in held})
    for name in names:
        told = pa.array([around.get(row, {}).get(name) for row in rows.to_pylist()], pa.string())
        attributes = with_attribute(attributes, name, told)
    return attributes
