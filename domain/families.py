"""What a metric measures, told from its name."""

from __future__ import annotations

import re
from enum import StrEnum


class Family(StrEnum):
    """What a metric measures."""

    HOST = "host"  # of the machine, shared by whatever runs on it
    ERRORS = "errors"
    CALLING = "calling"  # how long the service waits for those that it calls
    LATENCY = "latency"
    CPU = "cpu"
    MEMORY = "memory"
    HELD = "held"  # what runs out: connections, threads, files, room
    LOAD = "load"  # how much is asked of the service
    OTHER = "other"


# The first that fits; in a name like `client_latency` or `error_rate` the first word says what is meant.
FAMILIES: tuple[tuple[re.Pattern[str], Family], ...] = tuple(
    (re.compile(words, re.IGNORECASE), family)
    for words, family in (
        (r"(?:^|_)(?:node|host|machine)_", Family.HOST),
        (r"error|fail|exception|[45]xx|timeout|retr(?:y|ies)", Family.ERRORS),
        (r"cpu|throttl", Family.CPU),
        (r"mem(?:ory)?(?:_|$)|heap|rss|(?:^|_)gc_", Family.MEMORY),
        (r"(?:client|upstream|outbound|egress).*(?:latency|duration|_ms$|_seconds$)", Family.CALLING),
        (r"latency|duration|response_?time|_ms$|_seconds$", Family.LATENCY),
        (r"disk|pool|connections?|threads?|queue|backlog|(?:^|_)fds?(?:_|$)|handles", Family.HELD),
        (r"request|throughput|success|_rate$|per_second|qps|rps|(?:^|_)(?:net|[rt]x)", Family.LOAD),
    )
)


def family_of(metric: str) -> Family:
    """The family of a metric with that name; OTHER where the name tells nothing."""
    return next((family for pattern, family in FAMILIES if pattern.search(metric)), Family.OTHER)
