"""Why nobody was paged for a service in a time, in words from what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.amounts import clock, counted, lasting, measured
from domain.findings import MinuteFinding
from domain.ledger import LedgerKind
from domain.ledger_sentences import sentence
from domain.page_sentences import page_reason
from domain.shown_texts import cut, printable
from domain.why_delivered import to_whom
from domain.whys import LONGEST, Decided, Row, Rules, at_day

# Why nobody heard of an incident.
HELD_BACK = frozenset(
    {LedgerKind.PAGE_SUPPRESSED, LedgerKind.PAGE_JOINED, LedgerKind.PAGE_MUTED, LedgerKind.HELD_OFF, LedgerKind.MERGED}
)


@dataclass(frozen=True, slots=True)
class Said:
    """One log, as far as it is quoted."""

    message: str
    level: str
    confidence: float
    at: datetime
    arrived_at: datetime | None = None  # when it was judged


@dataclass(frozen=True, slots=True)
class Heard:
    """What was stored of a service over a time, and what came of it."""

    service: str
    since: datetime
    until: datetime
    logs: int = 0
    anomalous: int = 0
    surest: Said | None = None  # of the logs that were no anomalies
    alerts: Sequence[Row] = ()  # of the service, with their incidents' columns
    pages: Sequence[Row] = ()  # of those incidents, made in that time
    deliveries: Sequence[Row] = ()  # of those pages
    ledger: Sequence[Row] = ()  # of those incidents, of that time
    findings: Sequence[tuple[MinuteFinding, int | None]] = ()  # each with its incident
    mutes: Sequence[str] = ()  # rules that hold the service's pages back, in words
    judged: Decided | None = None  # by what the surest log was judged, or the last of that time; None: not kept


def why_nobody(heard: Heard, today: Rules) -> list[str]:
    """Why nobody was paged for a service in a time; or that somebody was. `today`: the settings of now."""
    rules = today if heard.judged is None else heard.judged.rules
    begin = f"{printable(heard.service)} from {at_day(heard.since)} to {clock(heard.until)}"
    told = [f"{begin}: {counted(heard.logs, 'log')} stored, {counted(heard.anomalous, 'anomalous log')}."]
    told += [_of_page(row, heard.deliveries) for row in heard.pages]
    told += filter(None, [_nothing_seen(heard, rules), _since(heard, rules, today)])
    told += [_of_alert(alert, rules) for alert in heard.alerts]
    told += [
        f"Incident {row['incident_id']}, {clock(row['at'])}: {sentence(row['kind'], row['fields'])}."
        for row in heard.ledger
        if row["kind"] in HELD_BACK
    ]
    told += [_of_finding(one, incident, rules) for one, incident in heard.findings]
    return told + [f"Pages about it are held back by {one}." for one in heard.mutes]


def _of_page(page: Row, deliveries: Sequence[Row]) -> str:
    """Whether somebody has a page, and what becomes of it where nobody does."""
    about = f"page {page['id']} about incident {page['incident_id']} ({page_reason(page['reason'])})"
    asked = f"`sre why page {page['id']}` says why"
    if page["sent_at"] is not None:
        return f"Somebody was paged: {about}; {asked}."
    return f"Nobody got {about}; {asked}. {' '.join(to_whom(page, deliveries))}"


def _since(heard: Heard, rules: Rules, today: Rules) -> str:
    """What of the settings is another since then."""
    then = {"detection.confidence_threshold": (rules.threshold, today.threshold)}
    then["incidents.confirm_logs"] = (rules.confirm_logs, today.confirm_logs)
    then["incidents.confirm_seconds"] = (rules.confirm_seconds, today.confirm_seconds)
    other = [f"{name} {was:g} (today {now:g})" for name, (was, now) in then.items() if was != now]
    if not other or heard.judged is None:
        return ""
    return f"It was judged by {heard.judged.by}, with {', '.join(other)}."


def _nothing_seen(heard: Heard, rules: Rules) -> str:
    if not heard.logs:
        return "No log of it is stored for then; `sre status` shows what is read, `sre dead-letters` what is not."
    if heard.anomalous or heard.surest is None:
        return ""
    sure = heard.surest.confidence
    if not sure:
        return "No log was an anomaly: no rule and no model saw anything in any of them."
    quoted = cut(printable(heard.surest.message), LONGEST)
    return (
        f"No log was an anomaly: the surest, “{quoted}” at {heard.surest.level}, had {sure:.2f} of {rules.threshold:g};"
        f" with detection.confidence_threshold {_down(sure):g} it would have been one."
    )


def _down(sure: float) -> float:
    """To two digits, never above what is given."""
    return int(sure * 100 + 1e-6) / 100


def _of_alert(alert: Row, rules: Rules) -> str:
    what = f"“{cut(printable(alert['template']), LONGEST)}”"
    if alert["confirmed_at"] is None:
        seen = len(alert["recent"])
        return (
            f"{what}: {counted(seen, 'anomalous log')} within {lasting(rules.confirm_seconds)}, and"
            f" {rules.confirm_logs} are needed; incidents.confirm_logs {max(1, seen)} would have been enough."
        )
    if not alert["page_key"] and alert["playbook"]:
        return (
            f"{what}: incident {alert['incident_id']} is answered by playbook {printable(alert['playbook'])}, which"
            f" pages when that does not help; it is {alert['state']}."
        )
    return f"{what}: incident {alert['incident_id']}, {alert['state']}."


def _of_finding(one: MinuteFinding, incident: int | None, rules: Rules) -> str:
    what = f"{printable(one.subject)} {measured(one.subject, one.value)}, normally {measured(one.subject, one.normal)}"
    return f"{clock(one.begins_at)}: {what} ({one.confidence:.2f} sure){_became(one, incident, rules)}."


def _became(one: MinuteFinding, incident: int | None, rules: Rules) -> str:
    """What came of a finding."""
    if incident is not None:
        return f"; of incident {incident}"
    if one.is_told(rules.confirm_logs):
        return ""
    why = "for one minute only" if one.since == one.minute else "too little of it, or not for long enough"
    return f"; {why}, which is listed and opens nothing"
