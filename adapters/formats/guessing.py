"""Where JSON with foreign names keeps what we look for: guessed by the names and by what the values look like."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from adapters.formats.columns import LONGEST_SERVICE, one_time
from domain.kafka_settings import is_field
from domain.logs import LEVEL_NAMES

Value = str | int | float
DEEPEST = 4
OFTEN = 0.5  # of the documents must have a field
NAMED = 0.5  # of a field's values must look like what its name says
SURE = 0.9  # … and like what its name does not say
# Names by field without case, dots, hyphens and underscores, the likeliest first.
NAMES: Mapping[str, tuple[str, ...]] = {
    "timestamp": ("timestamp", "time", "ts", "datetime", "date", "eventtime", "loggedat", "createdat", "at", "t"),
    "level": ("level", "loglevel", "lvl", "severity", "severitytext", "levelname", "sev", "priority"),
    "message": ("message", "msg", "text", "body", "event", "log", "description"),
    "service": (
        "service",
        "servicename",
        "app",
        "application",
        "appname",
        "svc",
        "component",
        "containername",
        "program",
        "job",
        "source",
        "logger",
        "host",
    ),
    "request_id": ("requestid", "reqid", "correlationid", "xrequestid", "rid", "transactionid"),
    "trace_id": ("traceid", "trace"),
    "span_id": ("spanid", "span"),
}
# What a number under such a name measures, where its name says the unit.
MEASURES: Mapping[str, str] = {
    "cpu": "cpu_usage",
    "cpupercent": "cpu_usage",
    "cpupct": "cpu_usage",
    "mem": "memory_usage",
    "memory": "memory_usage",
    "mempct": "memory_usage",
    "memorypercent": "memory_usage",
    "disk": "disk_usage",
    "errorrate": "error_rate",
    "errrate": "error_rate",
    "latencyms": "request_latency_ms",
    "durationms": "request_latency_ms",
    "elapsedms": "request_latency_ms",
    "tookms": "request_latency_ms",
}


def guess(documents: Sequence[Mapping[str, Any]], zone: str = "UTC") -> dict[str, str]:
    """`kafka.fields` for these documents: ours -> theirs; what is named as we name it is left out."""
    held: dict[str, list[Value]] = {}
    for document in documents:
        for path, value in _leaves(document):
            held.setdefault(path, []).append(value)
    often = {path: values for path, values in held.items() if len(values) >= OFTEN * len(documents)}
    found: dict[str, str] = {}
    for name in NAMES:
        left = {path: values for path, values in often.items() if path not in found.values()}
        best = max(((_likely(name, path, values, zone), path) for path, values in left.items()), default=(0.0, ""))
        if best[0] > 0:
            found[name] = best[1]
    return {name: path for name, path in (found | _metrics(often, found)).items() if name != path}


def objects(values: Sequence[bytes | None]) -> list[dict[str, Any]]:
    """Those of the messages that are JSON objects."""
    found = []
    for value in values:
        try:
            document = orjson.loads(value or b"")
        except orjson.JSONDecodeError:
            continue
        if isinstance(document, dict):
            found.append(document)
    return found


def _leaves(document: Mapping[str, Any], above: str = "", depth: int = 1) -> Iterator[tuple[str, Value]]:
    for name, value in document.items():
        path = f"{above}{name}"
        if not is_field(path):
            continue
        if isinstance(value, Mapping) and depth < DEEPEST:
            yield from _leaves(value, f"{path}.", depth + 1)
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            yield path, value


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _likely(field: str, path: str, values: Sequence[Value], zone: str) -> float:
    """How likely the path holds the field; 0 where its values speak against it."""
    looks, alone = LOOKS[field]
    share = looks(values, zone)
    known = NAMES[field]
    steps = path.split(".")
    ends = [_plain(".".join(steps[begin:])) for begin in range(len(steps))]
    rank = next((known.index(one) for one in ends if one in known), None)
    depth = path.count(".") / 100
    if rank is not None and share >= NAMED:
        return 2 + 1 / (1 + rank) - depth
    return share * alone - depth if share >= SURE else 0.0


def _share(values: Sequence[Value], test: Callable[[str], bool]) -> float:
    return sum(test(str(value)) for value in values) / len(values)


def _is_time(values: Sequence[Value], zone: str) -> float:
    return _share(values, lambda text: isinstance(one_time(text, zone), int))


def _is_level(values: Sequence[Value], _zone: str) -> float:
    return _share(values, lambda text: text.strip().upper() in LEVEL_NAMES)


def _is_message(values: Sequence[Value], _zone: str) -> float:
    """Sentences; a text of one word may be one as well, and nothing tells."""
    return _share(values, lambda text: " " in text.strip()) / 2 + 0.5 if _are_texts(values) else 0.0


def _are_texts(values: Sequence[Value]) -> bool:
    return all(isinstance(value, str) for value in values)


def _is_service(values: Sequence[Value], _zone: str) -> float:
    named = _share(values, lambda text: bool(re.fullmatch(r"[^\s{\[]\S*", text)) and len(text) <= LONGEST_SERVICE)
    return named if _are_texts(values) else 0.0


def _is_id(values: Sequence[Value], _zone: str) -> float:
    return _share(values, lambda text: bool(re.fullmatch(r"[\w:.\-]{1,100}", text)))


# How a field's values look, and how much that says where the name says nothing.
LOOKS: Mapping[str, tuple[Callable[[Sequence[Value], str], float], float]] = {
    "timestamp": (_is_time, 1.0),
    "level": (_is_level, 1.0),
    "message": (_is_message, 0.5),
    "service": (_is_service, 0.0),
    "request_id": (_is_id, 0.0),
    "trace_id": (_is_id, 0.0),
    "span_id": (_is_id, 0.0),
}


def _metrics(often: Mapping[str, Sequence[Value]], found: Mapping[str, str]) -> dict[str, str]:
    """An object of nothing but numbers, and single numbers whose name says what they measure."""
    numbers = {
        path
        for path, values in often.items()
        if path not in found.values() and all(isinstance(value, int | float) for value in values)
    }
    parents = {path.rpartition(".")[0] for path in numbers} - {""}
    whole = [
        parent for parent in sorted(parents) if all(path in numbers for path in often if path.startswith(f"{parent}."))
    ]
    best = max(whole, key=lambda parent: sum(path.startswith(f"{parent}.") for path in numbers), default="")
    told = {"metrics": best} if best else {}
    for path in sorted(numbers):
        ours = MEASURES.get(_plain(path.rpartition(".")[2]))
        if ours and not (best and path.startswith(f"{best}.")):
            told.setdefault(f"metrics.{ours}", path)
    return told
