"""What became of an incident, as the ledger tells it: a sentence for each kind of entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from domain.action_sentences import proof
from domain.amounts import clock, counted, lasting, number
from domain.ledger import LedgerKind
from domain.shown_texts import printable
from domain.told_fields import Fields, by_whom, listed, with_more


def _opened(fields: Fields) -> str:
    if "message" in fields:
        return f"opened: {printable(fields['message'])}"
    what = "a storm of incidents" if fields.get("kind") == "storm" else printable(fields.get("template", ""))
    answer = {"playbook": "; a playbook fits", "human": "; no playbook fits"}.get(str(fields.get("route")), "")
    return f"opened by {printable(fields.get('detector', 'the agent'))}: {what}{answer}"


RELATIONS: Mapping[str, str] = {
    "first": "it was seen first",
    "service": "the same service",
    "words": "{to} says the same",
    "playbook": "the same fault as in {to} and others",
    "dependency": "the inventory relates it to {to}",
    "order": "it began to wait right after {to} failed",
}


def relation(name: object, to: object) -> str:
    """Why an alert belongs to its incident."""
    return RELATIONS.get(str(name), "").format(to=printable(to))


def _related(fields: Fields) -> str:
    why = relation(fields.get("relation"), fields.get("to"))
    return f"{printable(fields.get('service'))} shows it, too: {printable(fields.get('template'))} ({why})"


def _merged(fields: Fields) -> str:
    if "open" in fields:
        return f"became part of a storm: {fields['open']} incidents were open"
    return f"became part of incident {fields.get('into', '?')}: the same fault in several services at once"


def _quiet(fields: Fields) -> str:
    seconds = fields.get("quiet_seconds")
    return f"no anomalous log for {lasting(seconds) if seconds is not None else 'long enough'}"


def _with_origin(fields: Fields) -> str:
    return f"a symptom of {printable(fields.get('origin', 'another incident'))}, silent since that was over"


# Why an incident was closed, in words.
RESOLUTIONS: Mapping[str, Callable[[Fields], str]] = {
    "quiet": _quiet,
    "verified": lambda fields: with_more("the action helped", proof(fields)),
    "origin repaired": _with_origin,
    "works again": lambda fields: printable(fields.get("why", "it works again")),
    "source": lambda _: "its source says that it is over",
    "source silent": lambda fields: f"its source said nothing for {lasting(fields.get('silent_seconds'))}",
}


def _resolved(fields: Fields) -> str:
    if in_words := RESOLUTIONS.get(str(fields.get("resolution", ""))):
        return f"resolved: {in_words(fields)}"
    return by_whom("resolved by hand", fields)


def _classified(fields: Fields) -> str:
    kind = "common" if fields.get("common") else "uncommon"
    return f"{kind}, by playbook {printable(fields.get('playbook', ''))}: {listed(fields.get('reasons', []))}"


def _analysed(fields: Fields) -> str:
    source = printable(fields.get("source", ""))
    who = "analysed without a model" if source == "deterministic" else f"analysed by {source.removeprefix('llm:')}"
    reused = fields.get("reused_from")
    told = [f"that of incident {reused}, the same fault"] if reused else []
    told += [printable(fields["because"])] if fields.get("because") else []
    told += [f"{counted(fields['struck'], 'claim')} struck out"] if fields.get("struck") else []
    if fields.get("calls"):
        cost = f", cost {number(fields.get('cost'))}" if fields.get("cost") else ""
        told.append(f"{counted(fields['calls'], 'call')}, {counted(fields.get('tokens', 0), 'token')}{cost}")
    return ": ".join([who, "; ".join(told)]) if told else who


def findings(fields: Fields) -> list[str]:
    """What a note says: `cause: a slow disk`, `helped: swapped it`, `the analysis was right`."""
    said = [f"{name}: {printable(fields[name])}" for name in ("cause", "helped", "origin") if fields.get(name)]
    return said + ([f"the analysis was {printable(fields['verdict'])}"] if fields.get("verdict") else [])


def _confirmed(fields: Fields) -> str:
    if not fields.get("logs", 0):
        return "confirmed by a minute that was not as usual"
    return f"confirmed by {counted(fields['logs'], 'anomalous log')}"


VERDICTS = {"real": "a real one", "false-alarm": "a false alarm"}


def _verdict(fields: Fields) -> str:
    said = VERDICTS.get(str(fields.get("verdict", "")), "something else")
    return f"{printable(fields.get('by', 'somebody'))} calls it {said}"


def _noted(fields: Fields) -> str:
    return f"{printable(fields.get('by', 'somebody'))} noted {'; '.join(findings(fields)) or 'something'}"


def waiting(due: Sequence[Fields], state: str) -> str:
    """What an incident waits for and until when; `due`: its row in the queue, if it has one."""
    if not due:
        return "waits for a person" if state == "escalated" else "waits for nothing"
    (row,) = due
    until = f", until {clock(row['until'])}" if row["until"] else ""
    error = f" ({printable(row['error'])})" if row["error"] else ""
    return f"waits for {row['waits_for']}{until}, next look at {clock(row['due_at'])}{error}"


INCIDENT_SENTENCES: Mapping[str, Callable[[Fields], str]] = {
    LedgerKind.OPENED: _opened,
    LedgerKind.CONFIRMED: _confirmed,
    LedgerKind.REOPENED: lambda fields: f"came back {lasting(fields.get('after_seconds'))} after it was resolved",
    LedgerKind.JOINED: _related,
    LedgerKind.ORIGIN: lambda fields: (
        f"its likely origin is {printable(fields.get('service'))}: {printable(fields.get('template'))}"
    ),
    LedgerKind.WIDESPREAD: lambda fields: (
        f"the same fault in {counted(fields.get('services', 0), 'service')} within a minute: one cause is likely, so"
        " nothing is done about it unattended"
    ),
    LedgerKind.MERGED: _merged,
    LedgerKind.RESOLVED: _resolved,
    LedgerKind.NOTED: _noted,
    LedgerKind.VERDICT: _verdict,
    LedgerKind.ASSESSED: lambda fields: f"{fields.get('severity')}: {printable(fields.get('impact'))}",
    LedgerKind.CLASSIFIED: _classified,
    LedgerKind.ANALYSED: _analysed,
}
