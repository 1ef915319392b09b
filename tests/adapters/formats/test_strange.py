"""Messages that only look harmless: each is read or refused, and can then be packed, stored as a row, and shown."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from adapters.formats import decoding
from adapters.formats.decoding import decode
from adapters.store.log_writer import BLOCK_FROM, as_rows, block_row, prepare
from adapters.store.told_logs import told
from domain.errors import BadBatch
from domain.kafka_settings import KafkaSettings
from domain.logs import Headers, RawBatch
from domain.quality import NO_RANGES, check
from domain.verdicts import Reason, combine, silent
from tests.parts.judged_part import NOW
from tests.parts.logs_part import a_log

EVENT: Headers = [("content-type", b"application/cloudevents+json")]
OTLP_TIME = '"timeUnixNano":"1767614400000000000"'
ABOUT = b'"timestamp":"2026-01-05T12:00:00Z","service":"web"'


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def otlp(record: str) -> bytes:
    return b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[' + record.encode() + b"]}]}]}"


def event(data: bytes) -> bytes:
    return b'{"id":"1","source":"web","type":"t","specversion":"1.0","data":' + data + b"}"


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        pytest.param(b"{" + ABOUT + b',"x":NaN,"level":"verbose"}', None, id="NaN beside an unknown level"),
        pytest.param(b"{" + ABOUT + b',"x":NaN}', None, id="NaN"),
        pytest.param(b"{" + ABOUT + b',"x":-Infinity}', None, id="Infinity"),
        pytest.param(b"{" + ABOUT + b',"x":1' + b"0" * 400 + b',"level":"odd"}', None, id="a number beyond a float"),
        pytest.param(b"{" + ABOUT + b',"level":"odd","x":' + nested(600) + b"}", None, id="nested 600 deep"),
        pytest.param(b"{" + ABOUT + b',"metrics":{"cpu":1e308,"low":-1e308}}', None, id="the largest numbers"),
        pytest.param(otlp('{"timeUnixNano":"1' + "0" * 400 + '"}'), None, id="OTLP, a time beyond measure"),
        pytest.param(
            otlp(f'{{{OTLP_TIME},"attributes":[{{"key":"n","value":{{"intValue":"{"9" * 400}"}}}}]}}'),
            None,
            id="OTLP, an integer beyond measure",
        ),
        pytest.param(
            otlp(f'{{{OTLP_TIME},"body":{{"stringValue":{"[" * 500}{"]" * 500}}}}}'),
            None,
            id="OTLP, a text that is a deep list",
        ),
        pytest.param(event(nested(300)), EVENT, id="an event with deep data"),
        pytest.param(event(b"{" + ABOUT + b',"x":NaN}'), EVENT, id="an event with NaN"),
    ],
)
def test_it_costs_nothing_but_itself(value: bytes, headers: Headers | None) -> None:
    values: list[bytes | None] = [value, *(a_log() for _ in range(BLOCK_FROM))]
    many = len(values)
    places = ([1] * many, [0] * many, list(range(many)))
    raw = RawBatch(*places, values, {(1, 0): 0}, {(1, 0): many}, headers=[headers] + [None] * (many - 1))
    batch, rejected = check(raw, decode(raw, max_bytes=1_000_000), NO_RANGES)
    assert many == len(batch) + len(rejected)
    verdicts = combine((silent(len(batch), Reason.NOTHING),), threshold=0.7, model=0)
    untold = pa.nulls(len(batch), pa.int64())
    prepared = prepare(batch, verdicts, untold, arrived_at=NOW, blocks=True)
    whole = prepared.logs.append_column("incident_id", pa.nulls(len(batch), pa.int64()))
    assert len(batch) == block_row(prepared, whole)["logs"] == len(as_rows(whole, in_block=False))
    shown = [told(log, {1: "logs"}) for log in whole.to_pylist()]
    assert all(isinstance(log["attributes"], dict) for log in shown)


def test_what_no_reader_foresaw_is_a_bad_batch_whose_halves_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumbles(*_: object) -> None:
        raise OverflowError("date value out of range")

    monkeypatch.setattr(decoding, "_in_order", stumbles)
    with pytest.raises(BadBatch, match="a log cannot be read: OverflowError: date value out of range"):
        decode(RawBatch([1], [0], [0], [a_log()], {}, {}), max_bytes=1_000)


@pytest.mark.parametrize("name", ["a.", "a..b", ".a", "a\\b", 'a"b', " "])
def test_a_name_that_no_field_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is empty or holds a quotation mark or a backslash"):
        KafkaSettings(fields={"message": name})


@pytest.mark.parametrize(
    "changes", [{"dead_letter_topic": "system-logs"}, {"more_topics": ("system-logs.dead-letter",)}]
)
def test_dead_letters_are_never_watched(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="each would become another one"):
        KafkaSettings.model_validate(changes)


def test_attributes_that_only_python_reads_are_json_for_people() -> None:
    log = json.loads(a_log()) | {"x": float("nan")}
    raw = RawBatch([1], [0], [0], [json.dumps(log).encode()], {}, {})
    (attributes,) = decode(raw, max_bytes=10_000).frame["attributes"].to_pylist()
    assert "x" in json.loads(attributes)
