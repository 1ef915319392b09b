"""What a page says about its incidents, in words and units; what came out of logs is untrusted text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.amounts import counted, share
from domain.cascade import Part, cascade_lines, heading, services_of
from domain.contacts import Contact
from domain.evidence_words import because, compared
from domain.incidents import Evidence, Incident, Kind
from domain.inventory import Inventory
from domain.kept_evidence import rank
from domain.pages import LONGEST_SUMMARY, Page, PageKind, PageReason
from domain.quoted import Mask, mask_quoted
from domain.shown_texts import cut
from domain.templates import template
from domain.told import Told, meanwhile, named, together

NOTHING = "Nothing: this is to let you know"
LIKELY_ORIGIN = "Likely origin: "

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
    PageReason.ACKNOWLEDGED: "somebody has it",
    PageReason.COMMENTED: "somebody said something about it",
    PageReason.ANALYSED: "it was looked into",
    PageReason.ASSIGNED: "it was given to you",
    PageReason.REMINDER: "it was acknowledged long ago and is open still",
    PageReason.DIGEST: "what did not deserve a page of its own",
}


# What it asks of whoever reads it; every other reason asks to look.
TAKE_IT = "Look at it, and take it: sre ack {id}"
NO_NUMBER = "Look at it; it can be taken by `sre ack` once the store answers and it has a number"
ASKED: Mapping[PageReason, str] = {
    PageReason.APPROVAL: "Approve or reject the plan: sre approve {id}{plan}, or sre reject {id}{plan}",
    PageReason.RESOLVED: NOTHING,
    PageReason.ACKNOWLEDGED: NOTHING,
    PageReason.COMMENTED: NOTHING,
    PageReason.ANALYSED: NOTHING,
    PageReason.DIGEST: NOTHING,
    PageReason.REMINDER: "Say that you still have it: sre ack {id}; else others are told of it again",
}
# What a summary begins with where that is not how bad it is.
HEADS: Mapping[PageKind, str] = {PageKind.RESOLVE: "RESOLVED", PageKind.ACKNOWLEDGE: "TAKEN"}
# Meanings that a summary need not repeat: its first word says it.
SAID_BY_HEAD = frozenset({PageReason.CRITICAL, PageReason.RESOLVED, PageReason.ACKNOWLEDGED})
MOST_EVIDENCE = 3
DONE = "Done: "
TRIED = (DONE, "Verification: ")


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


def headline(incident: Incident, reason: PageReason, around: Around, kind: PageKind = PageKind.TRIGGER) -> str:
    """The page in one line for a locked screen: how bad, where and what, then how much, then why it is told."""
    more = f", and {len(around.told) - 1} more" if len(around.told) > 1 else ""
    where = heading(around.parts) or _title(incident)
    head = f"{HEADS.get(kind, incident.severity.name)} {where}{more}"
    return cut("; ".join(filter(None, (head, _measure(incident, kind), _meaning(reason, around)))), LONGEST_SUMMARY)


def _title(incident: Incident) -> str:
    """The incident in a few words; the name of a playbook is words joined by hyphens."""
    if incident.playbook and incident.title.endswith(incident.playbook):
        return f"{incident.service}: {incident.playbook.replace('-', ' ')}"
    return incident.title


def _measure(incident: Incident, kind: PageKind) -> str:
    """What its most telling log measured, while that is how it stands."""
    if kind in HEADS:
        return ""
    own = (kept for kept in _most_telling(incident) if kept.service in ("", incident.service))
    return next(filter(None, (compared(kept.numbers) for kept in own)), "")


def _meaning(reason: PageReason, around: Around) -> str:
    if reason is PageReason.RESOLVED:
        return ""
    over = "over meanwhile" if meanwhile(around.told) else ""
    return ", ".join(filter(None, ("" if reason in SAID_BY_HEAD else MEANING[reason], over)))


def _most_telling(incident: Incident) -> list[Evidence]:
    """Evidence, the worst level first, and of one level the surest."""

    def order(one: Evidence) -> tuple[int, float, datetime]:
        level, confidence = rank(one)
        return -level, -confidence, one.at

    return sorted(incident.evidence, key=order)


def telling(incident: Incident) -> list[str]:
    """The most telling lines of evidence, no two of which say the same."""
    different: dict[tuple[str, str], Evidence] = {}
    for kept in _most_telling(incident):
        different.setdefault((kept.service or incident.service, template(kept.message)), kept)
    shown = list(different.values())[:MOST_EVIDENCE]
    return [evidence_line(kept, incident.detector, incident.service) for kept in shown]


def suffering(incident: Incident, around: Around) -> str:
    """Which services it touches, and how much of what they log are errors."""
    parts = services_of(around.parts)
    services = list(dict.fromkeys((*parts, *(name for one in around.told for name in one.services))))
    services = services or [incident.service]
    errors = "" if incident.error_ratio is None else f"; {share(incident.error_ratio)} of their logs are errors"
    return f"{counted(len(services), 'service')}: {named(services)}{errors}"


def likely_from(incident: Incident, around: Around) -> str:
    """Where it likely began, or nothing where nobody knows of another place."""
    if around.origin:
        return around.origin.removeprefix(LIKELY_ORIGIN)
    return f"{incident.service}: {incident.playbook or incident.template}" if len(around.parts) > 1 else ""


def asked(incident: Incident, reason: PageReason, plan_digest: str = "") -> str:
    """What is asked of the reader."""
    plan = f" {plan_digest}" if plan_digest else ""
    if not incident.id and reason not in ASKED:
        return NO_NUMBER
    return ASKED.get(reason, TAKE_IT).format(id=incident.id, plan=plan)


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


@dataclass(frozen=True, slots=True)
class Made:
    """A page as it was queued."""

    key: str
    kind: PageKind
    reason: PageReason
    thread: str
    lines: tuple[str, ...]  # what was found out since the incident opened
    late: bool
    created_at: datetime
    plan_digest: str = ""
    episode: int = 0  # of its incident when it was queued; 0: as it is now


def compose(
    incident: Incident, made: Made, around: Around, down: Sequence[str], to: Contact, *, mask: Mask = mask_quoted
) -> Page:
    """What people are told; `mask` takes out what must not be repeated of quoted logs."""
    if made.reason is PageReason.DIGEST:
        return _digest(incident, made, down, to, mask)
    over = made.kind is PageKind.RESOLVE
    evidence = [] if over else telling(incident)
    done = [line for line in made.lines if line.startswith(TRIED)]
    told = (f"Service: {incident.service}", f"Take it: sre ack {incident.id}", *_given(around.origin))
    elsewhere = {*evidence, *done, *told}
    rest = [line for line in page_lines(incident, made.reason, made.lines, around) if line not in elsewhere]
    return Page(
        key=made.key,
        kind=made.kind,
        incident_id=incident.id,
        episode=made.episode or incident.episode,
        thread=made.thread,
        service=incident.service,
        severity=incident.severity.name.lower(),
        summary=cut(mask(headline(incident, made.reason, around, made.kind)), LONGEST_SUMMARY),
        reason=made.reason,
        created_at=made.created_at,
        to=to,
        since=incident.begun_at,
        suffers=mask(suffering(incident, around)),
        origin=mask(likely_from(incident, around)),
        evidence=tuple(map(mask, evidence)),
        done=tuple(mask(line.removeprefix(DONE)) for line in done),
        asked=asked(incident, made.reason, made.plan_digest),
        lines=tuple(map(mask, rest)),
        degraded=tuple(map(mask, down)),
        late=made.late,
        plan_digest=made.plan_digest,
    )


def _digest(incident: Incident, made: Made, down: Sequence[str], to: Contact, mask: Mask) -> Page:
    """What was queued, its first line on top: it is about no incident."""
    head, *lines = made.lines or (MEANING[made.reason],)
    return Page(
        key=made.key,
        kind=made.kind,
        incident_id=incident.id,
        episode=made.episode or incident.episode,
        thread=made.thread,
        service="",
        severity=incident.severity.name.lower(),
        summary=cut(mask(head), LONGEST_SUMMARY),
        reason=made.reason,
        created_at=made.created_at,
        to=to,
        asked=asked(incident, made.reason),
        lines=tuple(map(mask, lines)),
        degraded=tuple(map(mask, down)),
    )


def page_lines(incident: Incident, reason: PageReason, found: Sequence[str], around: Around) -> tuple[str, ...]:
    """Everything below the headline: what was found out, whom it concerns, where it may come from, what was seen."""
    shared = together(around.told)
    parts = cascade_lines(around.parts, around.inventory)
    if reason is PageReason.RESOLVED:
        return (*found, *_given(shared), *parts, *facts(incident))
    held = f"Held back until now by {'; '.join(around.held_by)}" if around.held_by else ""
    head = [*_given(meanwhile(around.told), held), *found, *_given(shared), *parts, *_given(around.origin)]
    take_it = f"Take it: sre ack {incident.id}" if incident.id else ""
    return (*head, *facts(incident), *evidence_lines(incident), *_given(take_it))


def _given(*lines: str) -> list[str]:
    return [line for line in lines if line]
