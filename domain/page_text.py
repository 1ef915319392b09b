"""What a page says about its incidents, in words and units; what came out of logs is untrusted text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.incidents import Evidence, Incident, Kind
from domain.pages import PageReason
from domain.told import Told, meanwhile, together
from domain.words import because

MEANING: Mapping[PageReason, str] = {
    PageReason.CRITICAL: "it is critical",
    PageReason.UNCOMMON: "no playbook fits",
    PageReason.APPROVAL: "a plan waits for your word",
    PageReason.OBJECTED: "a playbook fits, but may not run unattended",
    PageReason.INEFFECTIVE: "the playbook ran and did not help",
    PageReason.UNKNOWN: "the playbook ran, and nothing shows whether it helped",
    PageReason.FAILED: "the action failed",
    PageReason.STORM: "too many incidents at once",
    PageReason.WORSE: "it got worse",
    PageReason.RESOLVED: "it is over",
}


def evidence_line(evidence: Evidence, detector: str) -> str:
    """When, what the log said, and what was wrong with it; the message is untrusted text."""
    why = because(evidence.reason, evidence.numbers, detector) if evidence.numbers else ""
    request = f" [{evidence.request_id}]" if evidence.request_id else ""
    return f"{evidence.at:%H:%M:%S}{request} {evidence.message}" + (f" ({why})" if why else "")


def headline(incident: Incident, reason: PageReason, told: Sequence[Told]) -> str:
    """The page in one line."""
    more = f" and {len(told) - 1} more" if len(told) > 1 else ""
    meaning = MEANING[reason]
    if reason is not PageReason.RESOLVED and meanwhile(told):
        meaning += ", and it is over meanwhile"
    return f"incident {incident.id}{more}: {incident.title}: {meaning}"


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
    return [f"Detector: {incident.detector}", *(evidence_line(kept, incident.detector) for kept in incident.evidence)]


def page_lines(
    incident: Incident, reason: PageReason, found: Sequence[str], told: Sequence[Told], origin: str
) -> tuple[str, ...]:
    """Everything below the headline: what was found out, whom it concerns, where it may come from, what was seen."""
    shared = together(told)
    if reason is PageReason.RESOLVED:
        return (*found, *_given(shared), *facts(incident))
    head = [*_given(meanwhile(told)), *found, *_given(shared, origin)]
    return (*head, *facts(incident), *evidence_lines(incident), f"Take it: sre ack {incident.id}")


def _given(*lines: str) -> list[str]:
    return [line for line in lines if line]
