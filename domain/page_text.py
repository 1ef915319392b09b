"""What a page says about its incidents, in words and units; what came out of logs is untrusted text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.cascade import Part, cascade_lines, heading
from domain.incidents import Evidence, Incident, Kind
from domain.inventory import Inventory
from domain.pages import PageReason
from domain.told import Told, meanwhile, together
from domain.words import because

MEANING: Mapping[PageReason, str] = {
    PageReason.CRITICAL: "it is critical",
    PageReason.UNCOMMON: "no playbook fits",
    PageReason.APPROVAL: "a plan waits for your word",
    PageReason.OBJECTED: "a playbook fits, but may not run unattended",
    PageReason.INEFFECTIVE: "the playbook ran and did not help",
    PageReason.MADE_WORSE: "the playbook ran, and it is worse than before",
    PageReason.NOT_TAKEN_BACK: "the playbook ran in vain, and what it did could not be taken back",
    PageReason.UNKNOWN: "the playbook ran, and nothing shows whether it helped",
    PageReason.FAILED: "the action failed",
    PageReason.FLAPPING: "it comes back again and again",
    PageReason.WIDESPREAD: "a playbook fits, but its fault is in several services at once: one cause is likely",
    PageReason.STORM: "too many incidents at once",
    PageReason.WORSE: "it got worse",
    PageReason.RESOLVED: "it is over",
}


@dataclass(frozen=True, slots=True)
class Around:
    """What is known around an incident when a page about it goes out."""

    told: Sequence[Told] = ()  # every incident that the page tells of, its own first
    parts: Sequence[Part] = ()  # the faults that its own incident is made of
    inventory: Inventory = field(default_factory=Inventory)
    origin: str = ""  # other incidents that it may come from, in one line
    held_by: Sequence[str] = ()  # rules that held the page back until now


def evidence_line(evidence: Evidence, detector: str, service: str = "") -> str:
    """When, what the log said, and what was wrong with it; the message is untrusted text.

    It names its service where that is another than `service`, which the reader knows.
    """
    why = because(evidence.reason, evidence.numbers, detector) if evidence.numbers else ""
    request = f" [{evidence.request_id}]" if evidence.request_id else ""
    whose = f" {evidence.service}:" if evidence.service not in ("", service) else ""
    return f"{evidence.at:%H:%M:%S}{request}{whose} {evidence.message}" + (f" ({why})" if why else "")


def headline(incident: Incident, reason: PageReason, around: Around) -> str:
    """The page in one line."""
    more = f" and {len(around.told) - 1} more" if len(around.told) > 1 else ""
    meaning = MEANING[reason]
    if reason is not PageReason.RESOLVED and meanwhile(around.told):
        meaning += ", and it is over meanwhile"
    return f"incident {incident.id}{more}: {heading(around.parts) or incident.title}: {meaning}"


def facts(incident: Incident) -> list[str]:
    """What it is, where and since when."""
    logs = "1 log" if incident.logs == 1 else f"{incident.logs:,} logs"
    what = f"Metric: {incident.template}" if incident.kind is Kind.METRIC else f"Template: {incident.template}"
    return [
        f"Service: {incident.service}",
        *([what] if incident.template else []),
        f"Seen: {logs} from {incident.opened_at:%Y-%m-%d %H:%M:%S} to {incident.last_at:%Y-%m-%d %H:%M:%S} UTC",
    ]


def evidence_lines(incident: Incident) -> list[str]:
    """Who saw it, and each log that speaks for it."""
    kept = (evidence_line(one, incident.detector, incident.service) for one in incident.evidence)
    return [f"Detector: {incident.detector}", *kept]


def page_lines(incident: Incident, reason: PageReason, found: Sequence[str], around: Around) -> tuple[str, ...]:
    """Everything below the headline: what was found out, whom it concerns, where it may come from, what was seen."""
    shared = together(around.told)
    parts = cascade_lines(around.parts, around.inventory)
    if reason is PageReason.RESOLVED:
        return (*found, *_given(shared), *parts, *facts(incident))
    held = f"Held back until now by {'; '.join(around.held_by)}" if around.held_by else ""
    head = [*_given(meanwhile(around.told), held), *found, *_given(shared), *parts, *_given(around.origin)]
    return (*head, *facts(incident), *evidence_lines(incident), f"Take it: sre ack {incident.id}")


def _given(*lines: str) -> list[str]:
    return [line for line in lines if line]
