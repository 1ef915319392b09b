"""SQL in a process of its own answers as it does in ours, and takes no more memory than it may."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import psutil
import pyarrow as pa
import pytest

from adapters import log_sql
from adapters.log_blocks import STORED
from adapters.log_sql import Answer, Limits
from adapters.log_sql_apart import answer_apart
from domain.errors import BadInput, Refused, SreError
from tests.parts.logs_part import NOON

LOGS = 3_000
LIMITS = Limits(rows=10_000, seconds=60, megabytes=128)


def columns(names: Sequence[str]) -> Iterable[pa.Table]:
    """Two blocks of stored logs with these columns."""
    rows = [{"service": f"s{n % 3}", "level": n % 6, "message": f"log {n}", "timestamp": NOON} for n in range(LOGS)]
    for part in (rows[: LOGS // 2], rows[LOGS // 2 :]):
        schema = pa.schema([STORED.field(name) for name in names])
        yield pa.Table.from_pylist([{name: row.get(name) for name in names} for row in part], schema=schema)


def nothing(_: Sequence[str]) -> Iterable[pa.Table]:
    return ()


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        ("SELECT service, level, count(*) AS n FROM logs GROUP BY ALL ORDER BY ALL", columns),
        ("SELECT message, timestamp FROM logs ORDER BY message LIMIT 5", columns),
        (
            "SELECT [1, 2] AS a, {'x': DATE '2026-01-05'} AS b, 1.5::DECIMAL(4, 2) AS c, NULL AS d, 'x'::BLOB AS e",
            columns,
        ),
        ("SELECT * FROM logs", nothing),
        ("SELECT 1 AS a, 2 AS a", nothing),
    ],
)
def test_it_answers_as_it_does_here(sql: str, read: log_sql.Read) -> None:
    assert log_sql.answer(sql, read, LIMITS) == answer_apart(sql, read, LIMITS)


def _error(ask: Callable[[str, log_sql.Read, Limits], Answer], sql: str, limits: Limits) -> tuple[type, str]:
    with pytest.raises(SreError) as caught:
        ask(sql, columns, limits)
    return type(caught.value), str(caught.value)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT nothing FROM logs",
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO 'x.csv'",
        "CREATE TABLE mine AS SELECT 1",
        "SELECT 1; SELECT 2",
        "SELEC 1",
        "",
    ],
)
def test_it_refuses_in_the_same_words(sql: str) -> None:
    assert _error(log_sql.answer, sql, LIMITS) == _error(answer_apart, sql, LIMITS)


def test_what_is_handed_out_is_bounded_as_well_and_costs_this_process_nothing() -> None:
    """DuckDB alone bounds what it holds, and makes two gigabytes of this in one piece."""
    before = psutil.Process().memory_info().rss
    kind, said = _error(answer_apart, "SELECT repeat('x', 1000000) FROM range(3000)", LIMITS)
    assert Refused is kind
    assert "takes more than 128 MB" in said
    assert psutil.Process().memory_info().rss - before < 500_000_000


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


def test_what_does_not_end_is_ended() -> None:
    assert (Refused, True) == _ended(_error(answer_apart, ENDLESS, Limits(seconds=0.5, megabytes=128)))


def test_what_cannot_be_interrupted_is_ended_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.log_sql_apart.LATER_SECONDS", 1.0)
    lists = "SELECT range(100000000 + i) FROM range(10) t(i)"
    assert (Refused, True) == _ended(_error(answer_apart, lists, Limits(seconds=0.5, megabytes=100_000)))


def _ended(found: tuple[type, str]) -> tuple[type, bool]:
    return found[0], "no answer within 0.5 s" in found[1]


def test_it_sees_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, str]] = []
    real = subprocess.Popen

    def started(*args: Any, **named: Any) -> Any:
        seen.append(named["env"])
        return real(*args, **named)

    monkeypatch.setenv("SRE_STORE__URL", "postgresql://ann:s3cret@db/sre")
    monkeypatch.setattr("adapters.log_sql_apart.subprocess.Popen", started)
    answer_apart("SELECT 1", nothing, LIMITS)
    (environment,) = seen
    assert "PATH" in environment
    assert not [name for name in environment if name.startswith("SRE_")]
    assert os.environ["SRE_STORE__URL"] not in str(environment)


@pytest.mark.parametrize("blocks", [0, 1])
def test_an_error_of_the_reading_is_told_as_it_is(blocks: int) -> None:
    def read(names: Sequence[str]) -> Iterable[pa.Table]:
        yield from list(columns(names))[:blocks]
        raise BadInput("no such logs")

    with pytest.raises(BadInput, match="no such logs"):
        answer_apart("SELECT service FROM logs", read, LIMITS)
