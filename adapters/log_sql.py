"""SQL over stored logs: DuckDB sees the table `logs` and nothing else, neither files nor the network.

Only the columns that a question needs are read: DuckDB is first asked for its plan over an empty table.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from adapters.log_blocks import STORED
from domain.errors import BadInput, Refused

TABLE = "logs"
MOST_CHARACTERS = 10_000_000  # of an answer
SHORT = 8  # characters of a number or a time, about
SCAN = "PYTHON_ARROW_SCAN"
ONLY_SELECT = "only one SELECT is allowed; nothing can be written, loaded or set"
SHUT: Mapping[str, Any] = {
    "enable_external_access": False,
    "python_enable_replacements": False,  # or it would see the variables of this program
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "temp_directory": "",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a question may cost."""

    rows: int = 1_000  # of the answer
    seconds: float = 30.0
    megabytes: int = 1_024  # for the logs, and as much for the answer's making


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of an answer; `more`: there were more than the limit."""

    names: list[str]
    rows: list[tuple[Any, ...]]
    more: bool


Read = Callable[[Sequence[str]], Iterable[pa.Table]]  # logs with these columns, block by block


def answer(sql: str, read: Read, limits: Limits) -> Answer:
    """What the question finds in the logs that `read` gives.

    Raises BadInput for what is no question or wrong, Refused for one that reaches elsewhere or costs too much.
    """
    until = time.monotonic() + limits.seconds
    names = _needed(sql, limits)
    held = _read(read, names, limits, until)
    with _connection(held, limits) as connection, _ends(connection, until), _ours(limits):
        found = connection.execute(sql)
        rows = found.fetchmany(limits.rows + 1)
        titles = [column[0] for column in found.description or []]
    return _bounded(Answer(titles, rows[: limits.rows], more=len(rows) > limits.rows))


def _bounded(found: Answer) -> Answer:
    """The same. Raises Refused where nobody could read it: showing it takes longer than finding it."""
    size = sum(_characters(value) for row in found.rows for value in row)
    if size > MOST_CHARACTERS:
        raise Refused(
            f"sql: the answer has {size:,} characters, at most {MOST_CHARACTERS:,}: ask for fewer rows (--limit),"
            " or for parts of long texts, such as left(message, 200)"
        )
    return found


def _characters(value: object) -> int:
    """About how many characters a value takes, lists and structs included."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_characters, (*value.keys(), *value.values())))
    return sum(map(_characters, value)) if isinstance(value, list | tuple) else SHORT


def _needed(sql: str, limits: Limits) -> list[str]:
    """The columns of the logs that the question looks at."""
    with _connection(STORED.empty_table(), limits) as connection, _ours(limits):
        statements = connection.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise Refused(f"sql: {ONLY_SELECT}")
        plan = connection.execute(f"EXPLAIN (FORMAT json) {statements[0].query}").fetchall()
    wanted = {name for node in orjson.loads(plan[0][1]) for name in _scanned(node)}
    return [name for name in STORED.names if name in wanted]


def _scanned(node: dict[str, Any]) -> Iterator[str]:
    if node["name"].strip() == SCAN:
        found = node["extra_info"].get("Projections", STORED.names)
        yield from [found] if isinstance(found, str) else found
    for below in node["children"]:
        yield from _scanned(below)


def _read(read: Read, names: Sequence[str], limits: Limits, until: float) -> pa.Table:
    """The logs that are asked for; columns that nobody asks for are empty."""
    held, size = [], 0
    for part in read(names) if names else ():
        held.append(part)
        size += part.nbytes
        if size > limits.megabytes * 1_000_000:
            raise Refused(
                f"sql: the logs of that time take more than {limits.megabytes} MB;"
                " ask for less time (--since, --until), for a --service, or for fewer columns"
            )
        if time.monotonic() > until:
            raise too_slow(limits)
    whole = pa.concat_tables(held) if held else pa.schema([STORED.field(name) for name in names]).empty_table()
    columns = [whole[one.name] if one.name in names else pa.nulls(len(whole), one.type) for one in STORED]
    return pa.table(columns, schema=STORED)


@contextmanager
def _connection(held: pa.Table, limits: Limits) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of nothing but these logs, whose settings cannot be changed any more."""
    connection = duckdb.connect(config={**SHUT, "memory_limit": f"{limits.megabytes}MB", "threads": 2})
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET lock_configuration = true")
        connection.register(TABLE, held)
        yield connection
    finally:
        connection.close()


@contextmanager
def _ends(connection: duckdb.DuckDBPyConnection, until: float) -> Iterator[None]:
    """What runs longer is interrupted."""
    timer = threading.Timer(max(0.0, until - time.monotonic()), connection.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


@contextmanager
def _ours(limits: Limits) -> Iterator[None]:
    """DuckDB's errors as ours."""
    try:
        yield
    except duckdb.InterruptException as error:
        raise too_slow(limits) from error
    except duckdb.OutOfMemoryException as error:
        raise Refused(
            f"sql: the answer takes more than {limits.megabytes} MB; ask for less time (--since, --until) or fewer rows"
        ) from error
    except (duckdb.PermissionException, duckdb.HTTPException, duckdb.IOException) as error:
        raise Refused(f"sql: only the table `{TABLE}` can be read: {_first_line(error)}") from error
    except duckdb.Error as error:
        raise BadInput(f"sql: {_first_line(error)}; the columns of `{TABLE}` are {', '.join(STORED.names)}") from error


def too_slow(limits: Limits) -> Refused:
    """What is said where the time is over."""
    return Refused(
        f"sql: no answer within {limits.seconds:g} s, so it was stopped;"
        " ask for less time (--since, --until), or allow more by --seconds"
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
