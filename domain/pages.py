"""A page: what one human is told about one incident, through one channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

# A critical page that waits so long is in the ledger and in `sre status`, as nobody knows of it.
UNDELIVERED_AFTER = timedelta(minutes=15)


class PageReason(StrEnum):
    """Why a human is paged now."""

    CRITICAL = "critical"  # severity alone is enough
    UNCOMMON = "uncommon"  # no playbook fits
    APPROVAL = "approval"  # a plan waits for a person's word
    OBJECTED = "objected"  # a plan exists but may not run unattended
    INEFFECTIVE = "ineffective"  # the playbook ran and did not help
    MADE_WORSE = "made worse"  # the playbook ran, and it is worse than before
    NOT_TAKEN_BACK = "not taken back"  # the playbook ran in vain, and what it did could not be taken back
    UNKNOWN = "unknown"  # the playbook ran and nobody can say whether it helped
    FAILED = "failed"  # the action itself failed
    FLAPPING = "flapping"  # it came back again and again
    WIDESPREAD = "widespread"  # a playbook fits, but its fault is in several services at once
    STORM = "storm"  # too many incidents of one service, or over all services, at once
    WORSE = "worse"  # it got worse than a page told
    RESOLVED = "resolved"  # what was told of is over


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it is sent; all text is untrusted and must be escaped by whoever renders markup."""

    key: str  # idempotency key: the same page again has the same key, so the same Message-ID
    incident_id: int
    thread: str  # key of the first page about the incident: the thread's root; its own for the first
    service: str
    severity: str  # low | medium | high | critical
    subject: str  # one line, no line breaks
    reason: PageReason
    lines: tuple[str, ...]  # evidence and what was tried, one fact a line
    degraded: tuple[str, ...]  # what is down right now, in words
    late: bool  # evidence was old when the page was made
    created_at: datetime
    to: str = ""  # the one receiver that did not take it before; empty: everybody whom settings name


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the receiver said when it accepted a page."""

    channel: str
    receiver: str  # server that accepted
    message_id: str
    accepted_at: datetime
    refused: Mapping[str, str] = field(default_factory=dict)  # receivers that were not reached, and why


class Channel(Protocol):
    """One way to reach a human."""

    def send(self, page: Page) -> Receipt:
        """The receipt once somebody has it.

        Raises Refused when this very page is at fault, so that no try will ever help, and Unavailable for
        everything else: silence, a wrong password, a certificate that ran out, receivers that are unknown.
        """
        ...
