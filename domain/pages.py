"""A page: what people are told about one incident; a delivery: one page to one contact point of one person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from domain.contacts import Contact
from domain.paging_settings import PagingSettings

# A critical page that waits so long is in the ledger and in `sre status`, as nobody knows of it.
UNDELIVERED_AFTER = timedelta(minutes=15)
ALERT = "alert"  # of a receipt's details: see `Page.alert`
LONGEST_SUMMARY = 140  # what a locked screen shows


class PageReason(StrEnum):
    """Why people are told something now."""

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
    ACKNOWLEDGED = "acknowledged"  # somebody has it
    COMMENTED = "commented"  # somebody said something about it
    ASSIGNED = "assigned"  # somebody gave it to somebody else
    REMINDER = "reminder"  # who acknowledged it long ago, while it is open still
    ANALYSED = "analysed"  # what was found out about it
    DIGEST = "digest"  # what did not deserve a page of its own; about no incident


class PageKind(StrEnum):
    """What a page is for its incident; only a trigger counts as a page, the others are news in its thread."""

    TRIGGER = "trigger"
    UPDATE = "update"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


NEWS: Mapping[PageReason, PageKind] = {
    PageReason.RESOLVED: PageKind.RESOLVE,
    PageReason.ACKNOWLEDGED: PageKind.ACKNOWLEDGE,
    PageReason.COMMENTED: PageKind.UPDATE,
    PageReason.ANALYSED: PageKind.UPDATE,
}


# What came of a plan that was carried out, in vain.
IN_VAIN = frozenset(
    {
        PageReason.INEFFECTIVE,
        PageReason.MADE_WORSE,
        PageReason.NOT_TAKEN_BACK,
        PageReason.UNKNOWN,
        PageReason.FAILED,
    }
)


@dataclass(frozen=True, slots=True)
class Link:
    """Somewhere to go on from a page."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it is sent to one contact point; all text is untrusted and must be escaped by whoever renders markup.

    What came out of logs is masked already: keys, tokens, passwords, mail addresses.
    """

    key: str  # idempotency key: the same page again, to whomever and by whichever channel, has the same
    kind: PageKind
    incident_id: int
    episode: int  # of the incident: PagerDuty opens a new alert for the same key after a resolve
    thread: str  # key of the first page about the incident: the thread's root; its own for the first
    service: str
    severity: str  # low | medium | high | critical
    summary: str  # one line of at most 140 characters, for a locked screen
    reason: PageReason
    created_at: datetime
    to: Contact  # who gets it
    person: str = ""  # whose contact that is, or empty
    since: datetime | None = None  # when the fault began, event time
    suffers: str = ""  # who suffers, and how much
    origin: str = ""  # where it likely began
    evidence: tuple[str, ...] = ()  # the most telling lines, at most three
    done: tuple[str, ...] = ()  # what was done, each with its result
    asked: str = ""  # what is asked of the reader
    lines: tuple[str, ...] = ()  # everything else, one fact a line
    degraded: tuple[str, ...] = ()  # what of ours is down right now, in words
    links: tuple[Link, ...] = ()
    late: bool = False  # evidence was old when the page was made
    plan_digest: str = ""  # of the plan that waits for approval: a button is bound to it
    also: tuple[str, ...] = ()  # summaries of pages that were merged into this one
    alert: str = ""  # what names its alert where that was opened before its incident had a number


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the receiver said when it accepted a page."""

    channel: str
    receiver: str  # server that accepted
    message_id: str  # by which the receiver, or we, know it again; for Slack `channel/ts`
    accepted_at: datetime
    details: Mapping[str, str] = field(default_factory=dict)


class Channel(Protocol):
    """One way to reach people; one delivery takes its deadline at most."""

    def send(self, page: Page, before: Receipt | None = None) -> Receipt:
        """The receipt once the receiver has it.

        `before`: the receipt of the first page in this thread for the same contact, where there is one: a message
        that can be changed is changed in place.

        Raises Refused when this very page is at fault, or its receiver, so that no try will ever help; Later when
        the receiver says when to come again; and Unavailable for everything else: silence, a wrong password, a
        certificate that ran out.
        """
        ...


# Makes a channel from the settings of paging.
ChannelMaker = Callable[[PagingSettings], Channel]
