"""What people answer to a page, whichever way: a command, a link, a button, a webhook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.resolution_notes import NOTHING, Findings


class Verb(StrEnum):
    """What somebody may do about an incident."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    REASSIGN = "reassign"  # to the user, team or schedule that the argument names: `user ann`
    ESCALATE = "escalate"  # the next step now
    SNOOZE = "snooze"  # for so many seconds
    COMMENT = "comment"
    APPROVE = "approve"  # the plan with the digest that the argument names
    REJECT = "reject"


class Via(StrEnum):
    """Which way an answer came."""

    COMMAND = "command"
    LINK = "link"
    SLACK = "slack"
    PAGERDUTY = "pagerduty"
    CONSOLE = "console"  # a button of our pages


@dataclass(frozen=True, slots=True)
class Response:
    """One answer of one person; the HTTP service stores it, `on-call` acts on it."""

    incident_id: int
    episode: int  # of the incident when the question was asked: an answer to an earlier one changes nothing
    verb: Verb
    person: str  # a user of the roster, or who the other side says it is
    via: Via
    argument: str = ""
    nonce: str = ""  # of the link or the foreign event: each may be used once for each verb
    at: datetime | None = None  # when it came in
    id: int = 0
    findings: Findings = NOTHING  # what is said with RESOLVE, by command and on our pages
