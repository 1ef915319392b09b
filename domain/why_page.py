"""Why a page was made, in words: by what was known when it was made, whatever came to its incident later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.amounts import clock
from domain.evidence_words import because
from domain.findings import MinuteFinding
from domain.incidents import Resolution, Severity
from domain.ledger import LedgerKind
from domain.ledger_sentences import sentence
from domain.page_sentences import page_reason
from domain.pages import IN_VAIN, PageReason
from domain.shown_texts import cut, printable
from domain.why_delivered import to_whom
from domain.whys import LONGEST, Decided, Row, Rules, at_day, by_whom

MINUTE = timedelta(minutes=1)
MOST_TOLD = 8  # entries of the ledger, or lines of a page
# What an incident was made of, and when it was sure enough to act upon.
MADE_OF = frozenset(
    {
        LedgerKind.OPENED,
        LedgerKind.REOPENED,
        LedgerKind.JOINED,
        LedgerKind.ORIGIN,
        LedgerKind.WIDESPREAD,
        LedgerKind.CONFIRMED,
        LedgerKind.ASSESSED,
    }
)

OF_ACTIONS = (
    LedgerKind.PLAN,
    LedgerKind.APPROVED,
    LedgerKind.ACTION_STARTED,
    LedgerKind.ACTION_DONE,
    LedgerKind.ACTION_FAILED,
    LedgerKind.STEP_FAILED,
    LedgerKind.VERIFIED,
    LedgerKind.UNDONE,
    LedgerKind.UNDO_FAILED,
)
OF_PLANS = (
    LedgerKind.CLASSIFIED,
    LedgerKind.PLAN,
    LedgerKind.ASKED,
    LedgerKind.REJECTED,
    LedgerKind.OBJECTED,
    LedgerKind.ACTION_DROPPED,
)
TAKEN = (LedgerKind.ACKED, LedgerKind.SNOOZED)
# What led to a page that comes of more than what was seen: of each kind the last entry before it.
LED_TO: Mapping[str, Sequence[LedgerKind]] = {
    PageReason.APPROVAL: OF_PLANS,
    PageReason.OBJECTED: OF_PLANS,
    **dict.fromkeys(IN_VAIN, OF_ACTIONS),
    PageReason.RESOLVED: (LedgerKind.VERIFIED, LedgerKind.RESOLVED),
    PageReason.ACKNOWLEDGED: TAKEN,
    PageReason.COMMENTED: (LedgerKind.COMMENTED,),
    PageReason.ANALYSED: (LedgerKind.ANALYSED,),
    PageReason.ASSIGNED: (LedgerKind.ASSIGNED,),
    PageReason.REMINDER: TAKEN,
}


class Maker(StrEnum):
    """What of ours makes pages, as it is kept what it decided with."""

    BATCH = "batch"  # of logs
    STEP = "step"  # of answering an incident


ENDED_BY: Mapping[str, tuple[Maker, ...]] = {Resolution.QUIET: (Maker.BATCH,), Resolution.VERIFIED: (Maker.STEP,)}


def makers(page: Row, ledger: Sequence[Row]) -> tuple[Maker, ...]:
    """What may have made the page, the likelier first; nothing where a person, a timer or another program did."""
    reason = page["reason"]
    if reason == PageReason.RESOLVED:
        ends = [
            row["fields"].get("resolution") for row in known_then(page, ledger) if row["kind"] == LedgerKind.RESOLVED
        ]
        by = {Resolution.QUIET: (Maker.BATCH,), Resolution.VERIFIED: (Maker.STEP,)}
        return by.get(ends[-1], ()) if ends else ()
    if reason in LED_TO:
        return (Maker.STEP,) if reason in {PageReason.APPROVAL, PageReason.OBJECTED, *IN_VAIN} else ()
    return () if reason == PageReason.DIGEST else (Maker.BATCH, Maker.STEP)


def confirmed_entry(page: Row, ledger: Sequence[Row]) -> Row | None:
    """The entry that says that the incident was sure enough to act upon when the page was made."""
    found = [row for row in known_then(page, ledger) if row["kind"] == LedgerKind.CONFIRMED]
    return found[-1] if found else None


def _number(row: Row) -> int:
    return int(row["id"])


def queued_entry(page: Row, ledger: Sequence[Row]) -> Row | None:
    """The entry that says that the page is to go out, the last one of its key; None where it is gone."""
    mine = [row for row in ledger if row["kind"] == LedgerKind.PAGE_QUEUED and row["fields"].get("key") == page["key"]]
    return mine[-1] if mine else None


def made_at(page: Row, ledger: Sequence[Row]) -> datetime:
    """When it was decided that the page is to go out."""
    queued = queued_entry(page, ledger)
    at: datetime = page["created_at"] if queued is None else queued["at"]
    return at


def of_page(page: Row, incident: Row | None, decided: Decided) -> list[str]:
    """Why somebody was paged; `incident`: as it is stored now, with `findings` about its minutes."""
    severity = Severity(page["severity"]).name.lower()
    known = [] if incident is None else known_then(page, incident["ledger"])
    about = "about no incident" if incident is None else f"about incident {incident['id']}, {_named(incident, known)}"
    what = f"Page {page['id']}: {severity}, {about}, made {at_day(page['created_at'])}: {page_reason(page['reason'])}."
    if incident is None:
        return [what, *(printable(line) for line in page["lines"]), *to_whom(page, ())]
    if page["reason"] in LED_TO:
        shown = _ledto_whom(page, known)
    else:
        rules = (decided.judged or decided).rules
        shown = [*_entries(known), *_evidence(page, incident, known, rules)]
    return [what, *shown, *_said(page, known), *to_whom(page, incident["deliveries"]), *by_whom(decided)]


def known_then(page: Row, ledger: Sequence[Row]) -> list[Row]:
    """Entries of the ledger up to the page, of the episode that it tells of."""
    queued, at = queued_entry(page, ledger), made_at(page, ledger)
    last = 0 if queued is None else queued["id"]
    known = [row for row in ledger if row["at"] <= at or row["id"] <= last]
    again = [place for place, row in enumerate(known) if row["kind"] == LedgerKind.REOPENED]
    if not again:
        return known
    # What opened it says still what it is.
    opened = [row for row in known[: again[-1]] if row["kind"] in (LedgerKind.OPENED, LedgerKind.ORIGIN)]
    return opened + known[again[-1] :]


def _about(incident: Row, known: Sequence[Row]) -> tuple[str, str]:
    """Service and text of the incident when the page was made."""
    seen = {row["id"] for row in known}
    origins = [row for row in incident["ledger"] if row["kind"] == LedgerKind.ORIGIN]
    behind = [row["fields"] for row in origins if row["id"] in seen]
    if behind:
        return str(behind[-1].get("service", "")), str(behind[-1].get("template", ""))
    # The service that it had is told by what took its place.
    service = origins[0]["fields"].get("before") if origins else None
    opened: Mapping[str, Any] = next((row["fields"] for row in known if row["kind"] == LedgerKind.OPENED), {})
    return str(service or incident["service"]), str(opened.get("template") or incident["template"])


def _named(incident: Row, known: Sequence[Row]) -> str:
    service, template = _about(incident, known)
    return f"{printable(service)}, “{cut(printable(template), LONGEST)}”"


def _entries(known: Sequence[Row]) -> list[str]:
    """What it was made of by then."""
    told = [f"At {clock(row['at'])} {sentence(row['kind'], row['fields'])}." for row in known if row["kind"] in MADE_OF]
    if len(told) <= MOST_TOLD:
        return told
    left = len(told) - MOST_TOLD
    return [*told[: MOST_TOLD - 1], f"… and {left} more until then: `sre incident` lists them.", told[-1]]


def _ledto_whom(page: Row, known: Sequence[Row]) -> list[str]:
    """What people or the agent did that made the page."""
    kinds = LED_TO[page["reason"]]
    led = sorted({row["kind"]: row for row in known if row["kind"] in kinds}.values(), key=_number)
    led = led[-1:] if kinds is TAKEN else led  # whoever snoozes what is acknowledged has it until then
    told = [f"At {clock(row['at'])} {sentence(row['kind'], row['fields'])}." for row in led]
    return told or ["What led to it is not in the ledger any more."]


def _evidence(page: Row, incident: Row, known: Sequence[Row], rules: Rules) -> list[str]:
    """The surest of what was seen by then, and what another threshold would have made of it."""
    at = made_at(page, incident["ledger"])
    services = {_about(incident, known)[0], ""}
    services |= {str(row["fields"].get("service", "")) for row in known if row["kind"] == LedgerKind.JOINED}
    kept = [
        one
        for one in _kept(incident)
        if isinstance(one["numbers"].get("confidence"), int | float)
        and (one.get("service") or "") in services
        and _seen_at(one) <= at
    ]
    if kept:
        return _surest(kept, rules)
    found = [one for one in incident.get("findings", ()) if one.begins_at + MINUTE <= at and one.service in services]
    if found:
        return _of_minute(max(found, key=lambda one: one.confidence))
    if any(isinstance(one["numbers"].get("confidence"), int | float) for one in incident["evidence"]):
        return ["What was most telling then is not kept: of all that it saw an incident keeps the most telling logs."]
    return []


def _kept(incident: Row) -> Iterator[Mapping[str, Any]]:
    yield from incident["evidence"]
    for alert in incident["alerts"]:
        yield from alert.get("evidence", ())


def _seen_at(kept: Mapping[str, Any]) -> datetime:
    """When a piece of evidence was there; a minute is looked at once it is over."""
    at = datetime.fromisoformat(str(kept["at"]))
    return at + MINUTE if kept["reason"] == "MINUTE" else at


def _surest(kept: Sequence[Mapping[str, Any]], rules: Rules) -> list[str]:
    surest = max(kept, key=lambda one: float(one["numbers"]["confidence"]))
    sure = float(surest["numbers"]["confidence"])
    quoted = cut(printable(surest["message"]), LONGEST)
    told = [f"Most telling: “{quoted}”: {because(surest['reason'], surest['numbers'])}, {sure:.2f} sure."]
    if surest["reason"] == "MINUTE":
        return [*told, PROMISE]
    if sure < 1:
        told.append(
            f"{rules.threshold:g} was needed (detection.confidence_threshold); with more than {sure:.2f} no log that is"
            " kept of it would have been an anomaly."
        )
    return told


PROMISE = "How sure a minute must be follows from detection.false_alarms_per_day."


def _of_minute(one: MinuteFinding) -> list[str]:
    told = f"Most telling: in the minute from {one.begins_at:%H:%M} on: {one.told}, {one.confidence:.2f} sure."
    return [told, PROMISE]


def _said(page: Row, known: Sequence[Row]) -> list[str]:
    """What the page said beside that."""
    told = {sentence(row["kind"], row["fields"]) for row in known}
    lines = [printable(line) for line in page["lines"]]
    said = [f"It said: {line}" for line in lines if line and line not in told and f"opened: {line}" not in told]
    left = len(said) - MOST_TOLD
    return said if left <= 0 else [*said[:MOST_TOLD], f"… and {left} more lines."]
