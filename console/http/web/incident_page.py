"""An incident as its page shows it: everything that `sre incident` says, its plots and logs, and the buttons."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from adapters.store import log_search, look_ups, responses
from adapters.store.responses import Answered
from adapters.store.wanted_logs import Wanted
from console import incident_rows
from console.http.answering import NEXT
from console.http.incident_view import BUTTONS, Button, view
from console.http.service import Service
from console.http.web.evidence import Picture, pictures
from console.http.web.tables import Table, lines, table
from domain.access import Caller, Deed, refusal
from domain.amounts import clock
from domain.answer_links import ABOUT_A_PLAN, Asked, Flaw, NotTaken, objection
from domain.incidents import Severity
from domain.options import in_words as option_in_words
from domain.responses import Verb
from domain.shown_texts import printable

AROUND = timedelta(minutes=1)
MOST_LOGS = 30
# An answer that nobody acted on for so long waits for `on-call` to come back: the page stops asking.
ASKS_AGAIN = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Offer:
    """A button with the plan that it is about, and what makes a second press of it none."""

    button: Button
    plan: str
    nonce: str


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """What the page shows."""

    id: int
    title: str
    service: str  # of its likely origin
    severity: str
    state: str
    is_open: bool
    episode: int
    facts: tuple[tuple[str, str], ...]
    next_steps: tuple[str, ...]
    offers: tuple[Offer, ...]
    told: tuple[str, ...]  # what the caller answered, and what became of it
    waits: bool  # an answer of theirs is not acted on yet
    may_judge: bool  # say whether there was a fault
    may_note: bool  # say what caused it
    pictures: tuple[Picture, ...]
    evidence: tuple[str, ...]
    logs: tuple[tuple[datetime, str, str, str, bool], ...]  # time, level, service, message, of this incident
    plan: str
    objections: tuple[str, ...]
    analysis: tuple[str, ...]
    tables: tuple[Table, ...]
    timeline: tuple[tuple[datetime, str], ...]


def incident_page(service: Service, caller: Caller, number: int) -> IncidentPage:
    """The page of one incident for one caller. Raises NotTaken where there is no such incident."""
    found = look_ups.one_incident(service.engine, number)
    asked = responses.asked(service.engine, number)
    if found is None or asked is None:
        raise NotTaken(Flaw.UNKNOWN)
    now, mask = service.clock(), service.mask
    seen = view(found, mask, now=now)
    answered = responses.of_incident(service.engine, number, caller.person)
    return IncidentPage(
        id=number,
        title=seen.title,
        service=found["service"],
        severity=Severity(found["severity"]).name.lower(),
        state=found["state"],
        is_open=not asked.state.closed,
        episode=asked.episode,
        facts=tuple((label, text) for label, text in seen.facts if label not in ("Plan", "Against it")),
        next_steps=lines(incident_rows.next_steps(found), mask),
        offers=tuple(_offers(service, caller, asked, found)),
        told=tuple(mask(_told(one)) for one in answered),
        waits=any(one.done_at is None and now - (one.response.at or now) < ASKS_AGAIN for one in answered),
        may_judge=not refusal(caller, Deed.VERDICT, service.people),
        may_note=asked.state.closed and not refusal(caller, Deed.NOTE, service.people),
        pictures=tuple(_pictures(service, found)),
        evidence=lines((incident_rows.evidence(one, several=found["services"] > 1) for one in found["evidence"]), mask),
        logs=_logs(service, found),
        plan=mask(printable(incident_rows.plan(found["plan"]))) if found["plan"] else "",
        objections=lines(found["objections"], mask),
        analysis=lines(incident_rows.analysis(found), mask),
        tables=_tables(service, found),
        timeline=tuple((row["at"], mask(str(incident_rows.decision(row)["decision"]))) for row in found["ledger"]),
    )


def _offers(service: Service, caller: Caller, asked: Asked, found: Mapping[str, Any]) -> list[Offer]:
    """The buttons that may be pressed as the incident is now; each plan that may be allowed has one."""
    made = []
    for button in BUTTONS:
        if refusal(caller, button.verb, service.people):
            continue
        plans = _plans(asked, found) if button.verb is Verb.APPROVE else {asked.plan: button.label}
        for plan, label in plans.items():
            if objection(button.verb, asked.episode, plan if button.verb in ABOUT_A_PLAN else "", asked) is None:
                made.append(Offer(replace(button, label=label), plan, secrets.token_hex(12)))
    return made


def _plans(asked: Asked, found: Mapping[str, Any]) -> dict[str, str]:
    """Digest -> what its button says: the plan that waits, or those that the analysis proposes."""
    label = next(one.label for one in BUTTONS if one.verb is Verb.APPROVE)
    if asked.plan:
        return {asked.plan: label}
    rows = found["analyses"]
    options = (rows[-1]["options"] or []) if rows else []
    return {
        one["digest"]: f"Allow: {printable(option_in_words(one))}" for one in options if one["digest"] in asked.offered
    }


def _told(one: Answered) -> str:
    said = f"Your answer of {clock(one.response.at)}: {one.response.verb} {one.response.argument}".rstrip()
    return f"{said}: {one.outcome}" if one.done_at else f"{said}: {NEXT}"


def _pictures(service: Service, found: Mapping[str, Any]) -> list[Picture]:
    def worded(finding: Any) -> Any:  # noqa: ANN401 - as `Templates.worded`
        return service.desk.templates(service.engine, service.clock()).worded(finding)

    return pictures(service.engine, found, worded)


def _logs(service: Service, found: Mapping[str, Any]) -> tuple[tuple[datetime, str, str, str, bool], ...]:
    """The logs of the incident with those of its services around the first of its evidence."""
    begins = min((datetime.fromisoformat(str(one["at"])) for one in found["evidence"]), default=found["opened_at"])
    services = sorted({found["service"], *(alert["service"] for alert in found["alerts"])})
    wanted = Wanted(since=begins - AROUND, until=begins + AROUND, services=services)
    rows = log_search.around(service.engine, wanted, found["id"], MOST_LOGS)
    return tuple(
        (
            row["timestamp"],
            str(row["level"]),
            service.mask(printable(row["service"])),
            service.mask(printable(row["message"])),
            row["incident_id"] == found["id"],
        )
        for row in rows
    )


def _tables(service: Service, found: Mapping[str, Any]) -> tuple[Table, ...]:
    whole = dict(found)
    parts: Sequence[tuple[str, list[dict[str, object]], str]] = (
        ("What it is made of", [incident_rows.alert(row, whole) for row in found["alerts"]], "no alerts"),
        ("Actions", [incident_rows.act(row) for row in found["actions"]], "no actions"),
        ("Pages", [incident_rows.page(row) for row in found["pages"]], "no pages"),
        ("Who was told", [incident_rows.delivery(row) for row in found["deliveries"]], "nobody was told"),
        ("What people found out", [incident_rows.note(row) for row in found["notes"]], "no notes"),
    )
    return tuple(table(title, rows, service.mask, empty=empty) for title, rows, empty in parts)
