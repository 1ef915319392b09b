"""JSON objects of one shape as columns, all rows at once.

DuckDB's JSON functions take each row for itself: a strange one gives nulls and costs its neighbours nothing,
and a thousand names of metrics cost as much as one. What is no strict JSON is mended before, see `mending`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import duckdb
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from adapters.formats.columns import Messages, Reading, levels, metrics, table, times, with_attribute
from domain.errors import BadBatch
from domain.logs import LEVEL_NAMES, Level, Wire

TEXT = ("timestamp", "service", "level", "message", "request_id", "trace_id", "span_id")
THREADS = 2  # of one batch; beside it another one is read, and a third one stored
ROWS_OF_A_THREAD = 5_000
_lock = threading.Lock()
_idle: dict[str, list[duckdb.DuckDBPyConnection]] = {}  # by time zone


@dataclass(frozen=True)
class Layout:
    """Where a shape of JSON keeps what we look for. Paths are DuckDB's: `$.a.b`, `$."a.b"`."""

    wire: Wire
    marks: tuple[str, ...]  # a document that has one of these is of this shape
    paths: Mapping[str, tuple[str, ...]]  # a name of TEXT -> its paths, the best first
    metrics: tuple[str, ...] = ()  # objects of named numbers
    measures: Mapping[str, tuple[str, float]] = field(default_factory=dict)  # path -> name and factor
    levels: Mapping[str, Level] = field(default_factory=lambda: LEVEL_NAMES)
    service: str = ""  # where it names none; empty: that is a fault

    @cached_property
    def query(self) -> str:
        """The question that reads documents of this shape out of the table `given`."""
        return _query(self)

    @property
    def known(self) -> tuple[str, ...]:
        """Every path whose value has a column of its own."""
        return (*dict.fromkeys(path for name in TEXT for path in self.paths.get(name, ())), *self.metrics)


@contextmanager
def connection(zone: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that is nobody else's inside, and that sees nothing but what it is given.

    It is lent, not held by each thread: a database in memory keeps what it once needed, and batches are decoded by
    whichever thread is free.
    """
    with _lock:
        free = _idle.setdefault(zone, [])
        found = free.pop() if free else None
    found = found or _connect(zone)
    yield found
    with _lock:
        _idle[zone].append(found)


def _connect(zone: str) -> duckdb.DuckDBPyConnection:
    made = duckdb.connect(config={"threads": THREADS, "enable_external_access": False})
    made.execute(f"SET TimeZone = '{zone.replace(chr(39), '')}'")
    made.execute("SET lock_configuration = true")
    return made


def ask(sql: str, given: pa.Table, zone: str = "UTC") -> pa.Table:
    """The answer to a question about the table `given`."""
    with connection(zone) as found:
        found.register("given", _sliced(given))
        try:
            answer = found.sql(sql).to_arrow_table()
        except duckdb.Error as error:
            raise BadBatch(f"a log cannot be read: {str(error)[:200]}") from error
        found.unregister("given")
    return answer


def _sliced(given: pa.Table) -> pa.Table:
    """In pieces that several threads can work on."""
    pieces = given.combine_chunks().to_batches(max_chunksize=ROWS_OF_A_THREAD)
    return pa.Table.from_batches(pieces, schema=given.schema)


def valid(texts: pa.Array) -> pa.Array:
    """Whether each text is one JSON document."""
    return ask("SELECT json_valid(j) AS ok FROM given", pa.table({"j": texts}))["ok"].combine_chunks()


def of_shape(texts: pa.Array, marks: tuple[str, ...]) -> pa.Array:
    """Whether each document has one of the marks."""
    # The paths are ours and the settings': each is quoted.
    tests = " OR ".join(f"json_exists(j, {_quoted(mark)})" for mark in marks)
    return ask(f"SELECT {tests} AS mine FROM given", pa.table({"j": texts}))["mine"].combine_chunks()


def read(messages: Messages, layout: Layout, reading: Reading) -> pa.Table:
    """Documents of the shape as columns; what is wrong with one stands in its `fault`."""
    given = pa.table({"row": messages.rows, "j": messages.texts})
    found = ask(layout.query, given, reading.zone)
    return _columns(found, layout, reading)


def _columns(found: pa.Table, layout: Layout, reading: Reading) -> pa.Table:
    texts = {name: found[name].combine_chunks() for name in (*TEXT, "attributes")}
    at, fault = times(texts["timestamp"], found["at"].combine_chunks(), reading.zone)
    level, strange = levels(texts["level"], layout.levels)
    service = pc.fill_null(texts["service"], layout.service) if layout.service else texts["service"]
    held = {
        "row": found["row"],
        "timestamp": at,
        "service": service,
        "level": level,
        "measured": metrics(found["names"].combine_chunks(), found["numbers"].combine_chunks()),
        "attributes": with_attribute(texts["attributes"], "level", strange),
        "fault": fault,
    }
    return table(layout.wire, {name: texts[name] for name in TEXT[3:]} | held)


# --- the question -----------------------------------------------------------------------------


def _query(layout: Layout) -> str:
    """Each document is parsed once for all that has a column, and once more to see whether it has anything else."""
    paths = list(dict.fromkeys((*layout.known, *layout.measures)))
    place = {path: number for number, path in enumerate(paths, 1)}
    texts = ", ".join(f"{_text(layout.paths.get(name, ()), place)} AS {name}" for name in TEXT)
    names, numbers = _lists(layout, place)
    listed = ", ".join(map(_quoted, paths))
    return f"""
        WITH read AS (
            SELECT row, j, json_extract_string(j, [{listed}]) AS x, len(json_keys(j)) AS n FROM given
        ), named AS (
            SELECT row, j, x, n, {texts} FROM read
        )
        SELECT row, {", ".join(TEXT)}, try_cast(timestamp AS TIMESTAMPTZ) AS at,
               {names} AS names, {numbers} AS numbers, {_attributes(layout)} AS attributes
        FROM named
    """


def _text(paths: tuple[str, ...], place: Mapping[str, int]) -> str:
    if not paths:
        return "NULL::VARCHAR"
    first, *others = (f"x[{place[path]}]" for path in paths)
    # An object at a second-best place is something else that has the same name.
    plain = [f"CASE WHEN left({other}, 1) <> '{{' THEN {other} END" for other in others]
    return f"coalesce({', '.join([first, *plain])})" if plain else first


def _lists(layout: Layout, place: Mapping[str, int]) -> tuple[str, str]:
    objects = [f"x[{place[path]}]" for path in layout.metrics]
    names = [_of_object(found, f"json_keys({found})", "VARCHAR") for found in objects]
    numbers = [
        _of_object(found, f"try_cast(json_extract_string({found}, '$.*') AS DOUBLE[])", "DOUBLE") for found in objects
    ]
    if layout.measures:
        names.append("[" + ", ".join(_quoted(name) for name, _ in layout.measures.values()) + "]")
        values = ", ".join(
            f"try_cast(x[{place[path]}] AS DOUBLE) * {factor!r}" for path, (_, factor) in layout.measures.items()
        )
        numbers.append(f"[{values}]")
    return _joined(names, "[]::VARCHAR[]"), _joined(numbers, "[]::DOUBLE[]")


def _of_object(text: str, wanted: str, kind: str) -> str:
    """What is wanted of a text that is an object; nothing of one that only begins like one, as a string may."""
    return f"CASE WHEN left({text}, 1) = '{{' THEN coalesce(TRY({wanted}), []) ELSE []::{kind}[] END"


def _joined(lists: list[str], nothing: str) -> str:
    return " || ".join(lists) if lists else nothing


def _attributes(layout: Layout) -> str:
    """What is no column of its own, as JSON text; looked for only where there is more than that.

    Nested objects stay whole: a reader of attributes sees them as their producer wrote them.
    """
    own = [path for path in layout.known if path.count(".") == 1 or (path.endswith('"') and path.startswith('$."'))]
    flat = {path.removeprefix("$.").strip('"'): None for path in own if '"."' not in path}
    rest = f"nullif(json_merge_patch(j, {_quoted(orjson.dumps(flat).decode())})::VARCHAR, '{{}}')"
    if len(flat) < len(layout.known):
        return rest
    held = f"x[1:{len(layout.known)}]" if layout.measures else "x"
    return f"CASE WHEN n > list_count({held}) THEN {rest} END"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
