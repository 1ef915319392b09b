"""Why a page was made, in words: by what was known when it was made, whatever came to its incident later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from domain.findings import MinuteFinding
from domain.incidents import Severity
from domain.ledger import LedgerKind
from domain.whys import LONGEST, Decided, Row, Rules, at_day, by_whom
from domain.words import because, clock, cut, page_reason, printable, receiver, sentence

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
        return [what, *(printable(line) for line in page["lines"]), *_to(page, ())]
    judged = decided.judged or decided
    shown = [*_entries(known), *_evidence(page, incident, known, judged.rules)]
    return [what, *shown, *_said(page, known), *_to(page, incident["deliveries"]), *by_whom(decided)]


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


def _to(page: Row, deliveries: Sequence[Row]) -> list[str]:
    if page["muted_by"]:
        return [f"It is held back: {printable(page['muted_by'])}."]
    mine = [row for row in deliveries if row["page_id"] == page["id"]]
    if not mine:
        why = f": {printable(page['error'])}" if page["error"] else ""
        return [f"It went to nobody, it is {page['state']}{why}."]
    return [f"To {receiver(row)}, {row['state']}: {printable(row['why'])}." for row in mine]
