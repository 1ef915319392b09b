"""The branch `kafka`: the cluster, which topics are read, and how what they hold is taken off."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator, model_validator

from domain.members import MOST
from domain.settings_branch import Branch

# What `kafka.fields` may name, beside `metrics.NAME`.
FIELDS = ("timestamp", "service", "level", "message", "request_id", "trace_id", "span_id", "metrics")
# Where reading begins and what counts as read is kept in the agent's own database; these would decide otherwise.
OURS = frozenset(
    {
        "auto.commit.enable",
        "auto.commit.interval.ms",
        "auto.offset.reset",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.idempotence",
        "enable.partition.eof",
        "group.id",
        "group.instance.id",
        "group.protocol",
        "group.remote.assignor",
        "isolation.level",
        "offset.store.method",
        "partition.assignment.strategy",
        "acks",
        "request.required.acks",
        "transactional.id",
    }
)
PATTERN = "^"  # a topic that begins with it is a pattern over names, as librdkafka has it


class Start(StrEnum):
    """Where a partition without a stored offset starts."""

    LATEST = "latest"
    EARLIEST = "earliest"


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def is_field(name: str) -> bool:
    """Whether it can be a producer's name: steps with dots between them."""
    return not {'"', "\\"} & set(name) and all(step.strip() for step in name.split("."))


class KafkaSettings(Branch):
    """The cluster and how logs are taken off it."""

    bootstrap_servers: str = ""
    """Host:port list; empty means the embedded broker that `sre up` starts."""
    topic: str = Field("system-logs", min_length=1)
    """The topic to watch, and into which `sre send` and POST /logs write."""
    more_topics: tuple[str, ...] = ()
    """Further topics to watch; one that begins with ^ is a regular expression over the names of topics."""
    consumer_group: str = "sre-agent-group"
    """Group that spreads partitions over `watch` runs."""
    members: int = Field(1, ge=1, le=MOST)
    """How many `watch` runs `sre up` starts; they share the partitions, so more than there are of those is no use."""
    start: Start = Start.LATEST
    """Where a partition starts that has no stored offset when the topic is first seen."""
    zone: str = "UTC"
    """Time zone of timestamps that name none, such as Europe/Berlin."""
    fields: dict[str, str] = Field(default_factory=dict)
    """Other names: ours (timestamp, service, level, message, request_id, trace_id, span_id, metrics, metrics.NAME) -> a producer's, nested ones with dots."""  # noqa: E501
    batch_rows: int = Field(40_000, gt=0, le=1_000_000)
    """Most messages in one micro-batch."""
    batch_bytes: int = Field(33_554_432, gt=0, le=1_073_741_824)
    """About so many bytes of messages end a micro-batch."""
    batch_seconds: float = Field(1.0, gt=0, le=60)
    """Longest wait for a full batch."""
    held_alerts: int = Field(10_000, gt=0, le=1_000_000)
    """Most alerts of incidents that are held while the store does not answer; those quiet for longest go first."""
    max_log_bytes: int = Field(1_000_000, gt=0, le=67_108_864)
    """A longer log goes to the dead letters."""
    dead_letter_topic: str = ""
    """Empty means the topic's name with `.dead-letter` behind it."""
    client: dict[str, SecretStr] = Field(default_factory=dict)
    """Passed through to librdkafka as it is: security.protocol, sasl.mechanism, ssl.ca.location, …"""

    @property
    def letters(self) -> str:
        """The topic for what cannot be read."""
        return self.dead_letter_topic or f"{self.topic}.dead-letter"

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic and pattern to watch."""
        return tuple(dict.fromkeys((self.topic, *self.more_topics)))

    @field_validator("client", mode="before")
    @classmethod
    def _as_librdkafka_writes(cls, value: object) -> object:
        """Numbers and booleans of a YAML file in librdkafka's spelling, which is text."""
        if not isinstance(value, Mapping):
            return value
        return {key: _as_text(entry) for key, entry in value.items()}

    @field_validator("client")
    @classmethod
    def _not_ours(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        if taken := sorted(OURS & value.keys()):
            raise ValueError(
                f"{', '.join(taken)} cannot be set: offsets are kept in the agent's database, and nothing would be"
                " read exactly once; take them out"
            )
        return value

    @field_validator("zone")
    @classmethod
    def _of_this_world(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is no time zone; write one such as Europe/Berlin or UTC") from error
        return value

    @field_validator("fields")
    @classmethod
    def _fields_of_ours(cls, value: dict[str, str]) -> dict[str, str]:
        strange = [name for name in value if name not in FIELDS and not name.startswith("metrics.")]
        if strange:
            raise ValueError(f"{', '.join(sorted(strange))}: not ours; ours are {', '.join(FIELDS)}, metrics.NAME")
        if wrong := [name for name, theirs in value.items() if not is_field(theirs)]:
            told = "the producer's name, or a step of it, is empty or holds a quotation mark or a backslash"
            raise ValueError(f"{', '.join(sorted(wrong))}: {told}")
        return value

    @model_validator(mode="after")
    def _patterns(self) -> Self:
        if self.topic.startswith(PATTERN):
            raise ValueError("topic is a pattern: logs are also written there; patterns belong into more_topics")
        if self.letters in self.topics:
            raise ValueError(f"{self.letters} takes the dead letters and is watched: each would become another one")
        for name in self.more_topics:
            try:
                re.compile(name)
            except re.error as error:
                raise ValueError(f"more_topics: {name!r} is no regular expression: {error}") from error
        return self
