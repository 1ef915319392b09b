"""Faults of two systems that others recorded, where their telemetry lies beside the project; else there are none.

An alarm about the busiest service rings a minute after the fault: these systems log failures all the time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

from adapters.parts_file import PROJECT
from benchmarks.evals.lines import calling, merged
from benchmarks.evals.rules import at_fault, of_those
from benchmarks.evals.scenarios import Alarm, Line, Scenario
from benchmarks.localise import Case, Record, cases
from domain.incidents import Kind
from domain.inventory import Inventory

FOLDER = PROJECT.parent / "shared" / "data" / "pod_faults"
EVERY_TRACE = 6  # each so-manieth request is kept
RINGS = 60.0  # seconds after the onset
QUIET_UNTIL = -65.0  # the quiet logs lie before those of the fault
LONGEST = 170.0  # seconds of a fault


def is_there() -> bool:
    """Whether the telemetry is."""
    return FOLDER.is_dir()


def scenarios() -> Iterator[Scenario]:
    """The last fault of each kind in each file."""
    yield from _scenarios()


@cache
def _scenarios() -> tuple[Scenario, ...]:
    if not is_there():
        return ()
    last = {(case.day, case.kind): case for case in cases(FOLDER)}
    return tuple(_scenario(case, number) for number, case in enumerate(last.values(), 1))


def _scenario(case: Case, number: int) -> Scenario:
    begins = _at(case.record["time"])
    lines = merged(_said(case, begins), _quiet(case), _metrics(case, begins))
    busiest = Counter(log["service"] for _, log in lines).most_common(1)[0][0]
    return Scenario(
        f"{case.kind} {number} of {case.service}",
        "other systems",
        lines,
        _calls(lines),
        of_those(lambda one: one.kind == Kind.ALERT, at_fault(case.service)),
        alarms=(Alarm(RINGS, busiest, "requests take too long or fail"),),
        begins=begins,
    )


def _at(text: object) -> datetime:
    return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)


def _rows(rows: object) -> list[Record]:
    return list(rows) if isinstance(rows, list) else []


def _said(case: Case, begins: datetime) -> Iterator[Line]:
    """Some of its requests, each whole."""
    for row in _some(_rows(case.record["logs"])):
        seconds = (_at(row["timestamp"]) - begins).total_seconds()
        if seconds < LONGEST:
            yield seconds, _native(row)


def _quiet(case: Case) -> Iterator[Line]:
    """Requests of a time without a fault, moved before those that were recorded with it."""
    timed = [(_at(row["timestamp"]), row) for row in _some(list(case.quiet))]
    for at, row in timed:
        yield QUIET_UNTIL + (at - timed[-1][0]).total_seconds(), _native(row)


def _some(rows: list[Record]) -> list[Record]:
    numbers: dict[object, int] = {}
    return [row for row in rows if numbers.setdefault(row["trace"], len(numbers)) % EVERY_TRACE == 0]


def _native(row: Record) -> dict[str, Any]:
    return {"service": row["service"], "level": row["level"], "message": row["message"], "trace_id": row["trace"]}


def _metrics(case: Case, begins: datetime) -> Iterator[Line]:
    for row in _rows(case.record["metrics"]):
        seconds = (_at(row["timestamp"]) - begins).total_seconds()
        if seconds < LONGEST:
            yield (
                seconds,
                {"service": row["service"], "level": "INFO", "message": "measured", "metrics": row["metrics"]},
            )


def _calls(lines: tuple[Line, ...]) -> Inventory:
    """Every service, with no word of who calls whom: nobody wrote that down."""
    return calling(*((name,) for name in sorted({log["service"] for _, log in lines})))
