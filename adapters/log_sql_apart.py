"""SQL over stored logs in a process of its own, which ends where memory or time runs out.

DuckDB bounds what it holds, and not what it hands out: two thousand texts of a megabyte are one piece of an answer.
Nor can every work of it be interrupted: a list of a hundred million numbers is made in one piece.
The process gets the question and the columns that it asks for. It has no database, no settings and no secrets.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from threading import Event, Timer
from typing import IO, Any

import psutil
import pyarrow as pa

from adapters.log_sql import Answer, Limits, Read, answer, too_slow
from adapters.parts_file import PROJECT
from domain.errors import BadInput, Refused, SreError

SEEN = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TZDIR")  # of our environment
LATER_SECONDS = 5.0  # so long after its time it is ended from outside
FAULTS: dict[str, Callable[[str], SreError]] = {"BadInput": BadInput, "Refused": Refused}


def answer_apart(sql: str, read: Read, limits: Limits) -> Answer:
    """As `log_sql.answer`. Raises Refused also where the process ran out of memory."""
    late = Event()
    environment = {name: os.environ[name] for name in SEEN if name in os.environ}
    with subprocess.Popen(  # noqa: S603 - this interpreter and this module
        [sys.executable, "-m", __spec__.name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=PROJECT,
        env=environment,
    ) as process:
        timer = Timer(limits.seconds + LATER_SECONDS, _end, (process, late))
        timer.start()
        try:
            return _asked(process, sql, read, limits)
        except (EOFError, pickle.UnpicklingError, BrokenPipeError) as error:
            raise (too_slow(limits) if late.is_set() else _too_much(limits)) from error
        finally:
            timer.cancel()
            process.kill()
            if process.stdin is not None:
                with suppress(BrokenPipeError):  # what was not sent yet is wanted by nobody
                    process.stdin.close()


def _end(process: subprocess.Popen[bytes], late: Event) -> None:
    late.set()
    process.kill()


def _asked(process: subprocess.Popen[bytes], sql: str, read: Read, limits: Limits) -> Answer:
    into, out = process.stdin, process.stdout
    if into is None or out is None:
        raise TypeError("the process has no pipes")
    _put(into, (sql, limits))
    kind, *rest = pickle.load(out)  # noqa: S301 - of our own process; what it is asked, DuckDB would else be asked here
    if kind == "read":
        _write(into, read(rest[0]))
        kind, *rest = pickle.load(out)  # noqa: S301 - as above
    if kind != "answer":
        raise FAULTS[kind](str(rest[0]))
    names, rows, more = rest
    return Answer(names, rows, more=more)


def _write(into: IO[bytes], tables: Iterable[pa.Table]) -> None:
    """Columns as a stream, block by block; without a block the stream has no schema, and is not begun."""
    writer = None
    for table in tables:
        if writer is None:
            into.write(b"\1")
            writer = pa.ipc.new_stream(into, table.schema)
        writer.write_table(table)
    if writer is None:
        into.write(b"\0")
    else:
        writer.close()
    into.flush()


def _read(names: Sequence[str], into: IO[bytes], out: IO[bytes]) -> Iterator[pa.Table]:
    _put(into, ("read", list(names)))
    if out.read(1) == b"\1":
        for batch in pa.ipc.open_stream(out):
            yield pa.Table.from_batches([batch])


def _put(into: IO[bytes], document: object) -> None:
    pickle.dump(document, into)
    into.flush()


def _too_much(limits: Limits) -> Refused:
    return Refused(
        f"sql: the answer takes more than {limits.megabytes} MB, so it was stopped;"
        " ask for less time (--since, --until), or for fewer and shorter rows"
    )


def _bound(megabytes: int) -> None:
    """Let this process take so much more memory than it has."""
    import resource  # noqa: PLC0415 - only the process that is bounded needs it

    most = psutil.Process().memory_info().vms + megabytes * 1_000_000
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _said(sql: str, limits: Limits, source: IO[bytes], target: IO[bytes]) -> tuple[Any, ...]:
    """What the question finds, or why it finds nothing."""
    try:
        found = answer(sql, lambda names: _read(names, target, source), limits)
    except MemoryError:
        return ("Refused", str(_too_much(limits)))
    except BadInput as error:
        return ("BadInput", str(error))
    except Refused as error:
        return ("Refused", str(error))
    return ("answer", found.names, found.rows, found.more)


def main() -> None:
    """Answer one question, from standard input to standard output."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    sql, limits = pickle.load(source)  # noqa: S301 - of the process that started this one
    _bound(4 * limits.megabytes)  # logs, what is made of them, what is handed out, and that once more to send it
    _put(target, _said(sql, limits, source, target))


if __name__ == "__main__":
    main()
