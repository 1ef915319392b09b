"""Logs in files, plain or packed."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.log_files import as_batch, batches, key_of, newest, read_lines, shifted
from domain.errors import BadInput
from tests.parts.logs_part import NOON, a_log, write_lines

HOUR = timedelta(hours=1)


def test_lines_are_read_without_their_ends_and_empty_ones_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\r\n\n  two  \n\nthree")
    assert [b"one", b"two", b"three"] == list(read_lines(path))


def test_a_packed_file_reads_like_a_plain_one(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b"one\ntwo\n"))
    assert [b"one", b"two"] == list(read_lines(path))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("a.gz", b"this is not packed", id="not-packed"),
        pytest.param("a.gz", gzip.compress(b"one\n" * 1_000)[:-20], id="cut-off"),
        pytest.param("a.jsonl", None, id="not-there"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=name):
        list(read_lines(tmp_path / name))


@pytest.mark.parametrize(("rows", "sizes"), [(2, [2, 2, 1]), (5, [5]), (100, [5])])
def test_a_file_becomes_batches_of_one_partition(tmp_path: Path, rows: int, sizes: list[int]) -> None:
    found = list(batches(write_lines(tmp_path / "a.jsonl", [b"%d" % number for number in range(5)]), rows))
    assert sizes == [len(batch) for batch in found]
    assert list(range(5)) == [offset for batch in found for offset in batch.offsets]
    assert [batch.following[0, 0] for batch in found] == [*(batch.expected[0, 0] for batch in found[1:]), 5]


def test_what_came_from_no_broker_is_a_batch_of_partition_zero() -> None:
    batch = as_batch([b"a", b"b"], 7)
    assert ([7, 8], {(0, 0): 7}, {(0, 0): 9}) == (batch.offsets, batch.expected, batch.following)


def test_the_newest_log_of_a_file_and_its_length(tmp_path: Path) -> None:
    lines = [a_log(timestamp=(NOON + number * HOUR).isoformat()) for number in (0, 2, 1)]
    assert (NOON + 2 * HOUR, 4) == newest(write_lines(tmp_path / "a", [*lines, b"no log"]))
    assert (None, 1) == newest(write_lines(tmp_path / "b", [b"no log"]))


@pytest.mark.parametrize("time", ["2026-01-05T12:00:00", "2026-01-05T12:00:00Z", "2026-01-05T13:00:00+01:00"])
def test_a_log_is_moved_in_time_and_otherwise_left_alone(time: str) -> None:
    moved = json.loads(shifted(a_log(timestamp=time, extra=[1, None]), HOUR))
    assert json.loads(a_log(extra=[1, None])) | {"timestamp": moved["timestamp"]} == moved
    assert (NOON + HOUR).strftime("%H:%M") in moved["timestamp"] or "14:00:00+01:00" in moved["timestamp"]


@pytest.mark.parametrize("line", [b"no log", b"{}", b"[]", b'{"timestamp": 17}', b'{"timestamp": "soon"}'])
def test_what_has_no_time_stays_as_it_is(line: bytes) -> None:
    assert line == shifted(line, HOUR)


@pytest.mark.parametrize(
    ("line", "expected"),
    [(a_log(service="web"), b"web"), (b"no log", None), (b"[1]", None), (a_log(service=17), None), (b"{}", None)],
)
def test_the_key_is_the_service(line: bytes, expected: bytes | None) -> None:
    assert expected == key_of(line)
