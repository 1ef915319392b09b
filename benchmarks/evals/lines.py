"""Logs of scenarios, by seconds from the onset: made up, or recorded ones cut, moved, renamed and put together."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.evals.scenarios import Line
from domain.inventory import Inventory, Service

QUIET = 180.0  # seconds of made-up logs before an onset
SPREAD = 0.08  # of a latency around its mean


def merged(*parts: Iterable[Line]) -> tuple[Line, ...]:
    """All of them, in order of time."""
    return tuple(sorted((line for part in parts for line in part), key=lambda line: line[0]))


def moved(lines: Iterable[Line], seconds: float) -> tuple[Line, ...]:
    """The same, so much later."""
    return tuple((round(at + seconds, 3), log) for at, log in lines)


def renamed(lines: Iterable[Line], names: Mapping[str, str]) -> tuple[Line, ...]:
    """The same of services with other names; those that their texts speak of are renamed too."""
    return tuple((at, _renamed(log, names)) for at, log in lines)


def _renamed(log: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    message = str(log["message"])
    for old, new in names.items():
        # Paths such as /old stay.
        message = " ".join(new if word == old else word for word in message.split(" "))
    trace = {"trace_id": f"{log['trace_id']}x"} if "trace_id" in log else {}
    return {**log, "service": names.get(log["service"], log["service"]), "message": message, **trace}


def kept(lines: Iterable[Line], *, since: float = -1e9, until: float = 1e9) -> tuple[Line, ...]:
    """Those from one moment to before another one."""
    return tuple(line for line in lines if since <= line[0] < until)


def of(lines: Iterable[Line], services: Sequence[str]) -> tuple[Line, ...]:
    """Those of some services."""
    return tuple(line for line in lines if line[1]["service"] in services)


def without(lines: Iterable[Line], service: str, *, since: float = -1e9) -> tuple[Line, ...]:
    """All but those of one service from a moment on."""
    return tuple(line for line in lines if line[1]["service"] != service or line[0] < since)


def without_field(lines: Iterable[Line], name: str) -> tuple[Line, ...]:
    """The same logs without one of their fields."""
    return tuple((at, {key: value for key, value in log.items() if key != name}) for at, log in lines)


def reworded(lines: Iterable[Line], words: str, by: str) -> tuple[Line, ...]:
    """The same with other words in the messages."""
    return tuple((at, {**log, "message": str(log["message"]).replace(words, by)}) for at, log in lines)


# --- made up --------------------------------------------------------------------------------------------


def traffic(chain: Sequence[str], *, since: float = -QUIET, until: float = 60.0, seed: int = 1) -> tuple[Line, ...]:
    """Requests that pass through a chain of services, the first called first; each logs what it took, with metrics."""
    return tuple(_requests(chain, since, until, random.Random(seed)))


def _requests(chain: Sequence[str], since: float, until: float, dice: random.Random) -> Iterator[Line]:
    at, number = since, 0
    while at < until:
        number += 1
        took = 5.0
        for place, service in enumerate(reversed(chain)):
            took += dice.gauss(10, 10 * SPREAD)
            metrics = {"cpu_usage": round(dice.gauss(30, 1), 2), "request_latency_ms": round(took, 2)}
            message = f"request {number} took {took:.0f} ms"
            yield round(at + 0.01 * place, 3), info(service, message, metrics, f"{chain[0]}-{number}")
        at += dice.uniform(0.8, 1.2)


def info(service: str, message: str, metrics: Mapping[str, float] | None = None, trace: str = "") -> dict[str, Any]:
    """A log of what goes well."""
    return log("INFO", service, message, metrics, trace)


def log(
    level: str, service: str, message: str, metrics: Mapping[str, float] | None = None, trace: str = ""
) -> dict[str, Any]:
    """A native log without its time."""
    made: dict[str, Any] = {"level": level, "service": service, "message": message}
    return made | ({"metrics": dict(metrics)} if metrics else {}) | ({"trace_id": trace} if trace else {})


def errors(
    service: str, message: str, *, since: float = 0.0, until: float = 45.0, every: float = 2.0, level: str = "ERROR"
) -> tuple[Line, ...]:
    """The same failure again and again; `{n}` in the message is its number."""
    count = max(1, int((until - since) / every))
    return tuple(
        (round(since + number * every, 3), log(level, service, message.replace("{n}", str(4_000 + 7 * number))))
        for number in range(count)
    )


def calling(*chains: Sequence[str]) -> Inventory:
    """Services of which each calls the next one in its chain."""
    called: dict[str, list[str]] = {}
    for chain in chains:
        for caller, callee in zip(chain, [*chain[1:], ""], strict=True):
            called.setdefault(caller, [])
            called[caller] += [callee] if callee and callee not in called[caller] else []
    return Inventory(
        {
            name: Service(name, "supervisord", name, dependencies=tuple(callees), owner=f"{name} team")
            for name, callees in called.items()
        }
    )


def together(*parts: Inventory) -> Inventory:
    """The services of all."""
    return Inventory({name: one for part in parts for name, one in part.services.items()})
