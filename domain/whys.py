"""Why a page, an action, a quiet hour or a minute came about, in words from what is stored.

Where a number was compared with a setting, the words also say with which setting it would have come out otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.findings import MinuteFinding
from domain.ledger import LedgerKind
from domain.minutes import Measured
from domain.plans import Risk
from domain.words import action as action_words
from domain.words import (
    clock,
    counted,
    cut,
    lasting,
    measured,
    number,
    page_reason,
    printable,
    sentence,
    share,
)

Row = Mapping[str, Any]
LONGEST = 120  # of a message that is quoted
# What of a plan and its action the ledger tells, in the order in which it was decided.
OF_ACTIONS = frozenset(
    {
        LedgerKind.CLASSIFIED,
        LedgerKind.PLAN,
        LedgerKind.OBJECTED,
        LedgerKind.HELD_OFF,
        LedgerKind.ASKED,
        LedgerKind.APPROVED,
        LedgerKind.REJECTED,
        LedgerKind.ACTION_RESERVED,
        LedgerKind.ACTION_STARTED,
        LedgerKind.ACTION_DONE,
        LedgerKind.ACTION_FAILED,
        LedgerKind.ACTION_DROPPED,
        LedgerKind.ACTION_TAKEN_OVER,
        LedgerKind.VERIFIED,
        LedgerKind.UNDO_STARTED,
        LedgerKind.UNDONE,
        LedgerKind.UNDO_FAILED,
    }
)
# Why nobody heard of an incident.
HELD_BACK = frozenset(
    {LedgerKind.PAGE_SUPPRESSED, LedgerKind.PAGE_JOINED, LedgerKind.PAGE_MUTED, LedgerKind.HELD_OFF, LedgerKind.MERGED}
)


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that numbers were compared with."""

    threshold: float = 0.7  # detection.confidence_threshold
    confirm_logs: int = 3  # incidents.confirm_logs
    confirm_seconds: float = 60.0  # incidents.confirm_seconds
    max_risk: str = "medium"  # mitigation.max_risk
    least_confidence: float = 0.8  # mitigation.common_error_threshold


@dataclass(frozen=True, slots=True)
class Decided:
    """By what something was decided."""

    rules: Rules
    by: str = ""  # batch or step, in words
    digest: str = ""  # of settings, playbooks, inventory and model together
    model: str = ""  # of a batch; "" where rules decided alone
    fallback: str = ""  # why the model of a batch did not judge it
    judged: Decided | None = None  # of a step: by what the logs were judged that it is about
    is_step: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """One log, as far as it is quoted."""

    message: str
    level: str
    confidence: float
    at: datetime


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
    ledger: Sequence[Row] = ()  # of those incidents, of that time
    findings: Sequence[MinuteFinding] = ()
    mutes: Sequence[str] = ()  # rules that hold the service's pages back, in words


def _named(incident: Row) -> str:
    return f"{printable(incident['service'])}, “{cut(printable(incident['template']), LONGEST)}”"


def at_day(moment: datetime) -> str:
    """A time of any day: `2026-01-05 14:30:00 UTC`."""
    return f"{moment:%Y-%m-%d} {clock(moment)}"


def by_whom(decided: Decided) -> list[str]:
    """By what it was decided; nothing where nothing of ours did."""
    judged = [] if decided.judged is None else [f"The logs were judged by {_judge(decided.judged)}."]
    if not decided.digest:
        return judged
    by = decided.by if decided.is_step else _judge(decided)
    return [f"Decided by {by}; settings, playbooks and inventory of {decided.digest[:12]}.", *judged]


def _judge(batch: Decided) -> str:
    """A batch with whatever judged its logs."""
    because = f" ({printable(batch.fallback)})" if batch.model and batch.fallback else ""
    model = f"{printable(batch.model)} and rules" if batch.model and not batch.fallback else "rules alone"
    return f"{batch.by} with {model}{because}"


def of_action(action: Row, incident: Row, decided: Decided) -> list[str]:
    """Why something was done, or was not, and what came of it."""
    what = action_words(action["planned"])
    told = [
        f"Action {action['id']}: {what}, for incident {incident['id']}, {_named(incident)}; it is {action['state']}"
        + (f", and {printable(action['outcome'])}." if action["outcome"] else ".")
    ]
    told += [
        f"{clock(row['at'])}: {sentence(row['kind'], row['fields'])}."
        for row in incident["ledger"]
        if row["kind"] in OF_ACTIONS
    ]
    return [*told, *_otherwise(action, incident["plan"] or {}, decided.rules), *by_whom(decided)]


def _otherwise(action: Row, plan: Mapping[str, Any], rules: Rules) -> list[str]:
    """With which settings it would have come out otherwise."""
    told = []
    risk = str(action["planned"].get("risk") or plan.get("risk") or "")
    if risk and Risk[risk.upper()] > Risk.LOW and Risk[risk.upper()] <= Risk[rules.max_risk.upper()]:
        lower = Risk(Risk[risk.upper()] - 1).name.lower()
        told.append(f"Its risk is {risk}: with mitigation.max_risk {lower} it would have waited for a person's word.")
    sure = plan.get("confidence")
    if isinstance(sure, int | float) and rules.least_confidence <= sure < 1:
        told.append(
            f"The plan was {share(sure)} sure, {share(rules.least_confidence)} are needed: with"
            f" mitigation.common_error_threshold above {number(sure)} a person would have been asked."
        )
    return told


def why_nobody(heard: Heard, rules: Rules) -> list[str]:
    """Why nobody was paged for a service in a time; or that somebody was."""
    begin = f"{printable(heard.service)} from {at_day(heard.since)} to {clock(heard.until)}"
    told = [f"{begin}: {counted(heard.logs, 'log')} stored, {counted(heard.anomalous, 'anomalous log')}."]
    told += [
        f"Somebody was paged: page {row['id']} about incident {row['incident_id']} ({page_reason(row['reason'])});"
        f" `sre why page {row['id']}` says why."
        for row in heard.pages
    ]
    told += filter(None, [_nothing_seen(heard, rules)])
    told += [_of_alert(alert, rules) for alert in heard.alerts]
    told += [
        f"Incident {row['incident_id']}, {clock(row['at'])}: {sentence(row['kind'], row['fields'])}."
        for row in heard.ledger
        if row["kind"] in HELD_BACK
    ]
    told += [_of_finding(one) for one in heard.findings]
    return told + [f"Pages about it are held back by {one}." for one in heard.mutes]


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


def _of_finding(one: MinuteFinding) -> str:
    what = f"{printable(one.subject)} {measured(one.subject, one.value)}, normally {measured(one.subject, one.normal)}"
    spike = one.since == one.minute and one.measured is not Measured.ERRORS
    why = "; for one minute only, which is listed and opens nothing" if spike else ""
    return f"{clock(one.begins_at)}: {what} ({one.confidence:.2f} sure){why}."


@dataclass(frozen=True, slots=True)
class Compared:
    """A number of a minute beside those of the minutes before it."""

    name: str
    value: float
    usual: float | None  # the median of the minutes before; None where there were none
    minutes: int  # how many these were


def of_minute(service: str, at: datetime, seen: Iterable[Compared], found: Sequence[MinuteFinding]) -> list[str]:
    """What a service did in a minute, and what was made of it."""
    numbers = list(seen)
    told = [f"{printable(service)} in the minute from {at_day(at)}:"]
    if not numbers:
        return [*told, "nothing of it is stored: it said nothing, or the minute is not over or older than is kept."]
    for one in numbers:
        usual = "" if one.usual is None else f", {measured(one.name, one.usual)} in the middle of {one.minutes} before"
        told.append(f"{printable(one.name)} {measured(one.name, one.value)}{usual}")
    for each in found:
        how = "by a fitted tail, " if each.fitted else ""
        told.append(
            f"Not as usual: {printable(each.subject)} {measured(each.subject, each.value)}, normally"
            f" {measured(each.subject, each.normal)} ± {measured(each.subject, each.spread)}: {how}by chance once in"
            f" {number(round(1 / max(each.p_value, 1e-15)))} such minutes; {each.confidence:.2f} sure."
        )
    if not found:
        told.append("Nothing of it was unlikely enough to tell of, by detection.false_alarms_per_day.")
    return told
