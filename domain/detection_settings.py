"""What makes a log, a minute of a service or a request an anomaly."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from domain.settings_branch import Branch

LOCAL = "local"  # as a scheduler: processes of this machine
# What every log has, so that it makes no sessions.
NO_SESSION_KEYS = frozenset(
    {
        *("topic", "partition", "offset", "part", "timestamp", "service", "level", "message"),
        *("attributes", "measured", "metrics", "wire", "headers", "sent_at", "body"),
    }
)


class DetectionSettings(Branch):
    """What makes a log an anomaly."""

    enabled: bool = True
    """Off: logs are stored unscored and no incident opens."""
    confidence_threshold: float = Field(0.7, ge=0, le=1)
    """A log with at least this confidence is an anomaly."""
    false_alarms_per_day: float = Field(1.0, ge=0, le=10_000)
    """So many wrong alarms about minutes of services are put up with, over the whole fleet; 0 judges no minutes."""
    session_key: str = Field("", max_length=100)
    """What logs of one request share: `request_id`, `trace_id`, `span_id` or an attribute; empty: none are judged."""
    session_quiet_seconds: float = Field(60, ge=1, le=600)
    """Without a log for so long by the logs' clocks, a request is over; after ten minutes it is in any case."""
    model_path: str = ""
    """Folder with a saved champion, used where no registry is reachable."""
    model_name: str = "sre-agent-detector"
    """Registered model whose alias `champion` is used."""
    refresh_seconds: float = Field(10, gt=0, le=31_536_000)
    """How often the registry is asked for a new champion."""
    training_scheduler: str = ""
    """Dask's scheduler whose workers share trainings and replays, as tcp://host:8786; local: processes here."""
    training_workers: int = Field(2, ge=1, le=10_000)
    """Parts in which services are fitted there, and processes where the scheduler is local."""

    @field_validator("session_key")
    @classmethod
    def _tells_sessions_apart(cls, key: str) -> str:
        if key in NO_SESSION_KEYS:
            raise ValueError(f"{key} tells no requests apart; name request_id, trace_id, span_id or an attribute")
        if key != key.strip() or not key.isprintable():
            raise ValueError("must be request_id, trace_id, span_id or the name of an attribute, without spaces around")
        return key

    @field_validator("training_scheduler")
    @classmethod
    def _is_an_address(cls, scheduler: str) -> str:
        if scheduler not in ("", LOCAL) and not re.match(r"(?:tcp|tls|wss?)://.", scheduler):
            raise ValueError("must be empty, local, or an address such as tcp://host:8786")
        return scheduler
