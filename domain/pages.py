"""A page: what one human is told about one incident, through one channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class PageReason(StrEnum):
    """Why a human is paged now."""

    CRITICAL = "critical"  # severity alone is enough
    UNCOMMON = "uncommon"  # no playbook fits
    OBJECTED = "objected"  # a plan exists but may not run unattended
    INEFFECTIVE = "ineffective"  # the playbook ran and did not help
    UNKNOWN = "unknown"  # the playbook ran and nobody can say whether it helped
    FAILED = "failed"  # the action itself failed
    STORM = "storm"  # too many incidents of one service at once


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it is sent; all text is untrusted and must be escaped by whoever renders markup."""

    key: str  # idempotency key: the same page again has the same key, so the same Message-ID
    incident_id: int
    episode: str  # stable per incident: the thread's root
    service: str
    severity: str  # low | medium | high | critical
    subject: str  # one line, no line breaks
    reason: PageReason
    lines: tuple[str, ...]  # evidence and what was tried, one fact a line
    degraded: tuple[str, ...]  # what is down right now, in words
    late: bool  # evidence was old when the page was made
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the receiver said when it accepted a page."""

    channel: str
    receiver: str  # server that accepted
    message_id: str
    accepted_at: datetime


class Channel(Protocol):
    """One way to reach a human. `send` raises Unavailable (try again) or Refused (do not)."""

    def send(self, page: Page) -> Receipt: ...
