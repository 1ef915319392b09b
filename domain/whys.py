"""Why a page, an action, a quiet hour or a minute came about, in words from what is stored.

Where a number was compared with a setting, the words also say with which setting it would have come out otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.action_sentences import action as action_words
from domain.amounts import clock, measured, number, share
from domain.findings import MinuteFinding
from domain.ledger import LedgerKind
from domain.ledger_sentences import sentence
from domain.plans import Risk
from domain.shown_texts import cut, printable

Row = Mapping[str, Any]
LONGEST = 120  # of a message that is quoted
# What the ledger tells of one action of a plan.
OF_ONE = frozenset(
    {
        LedgerKind.ACTION_RESERVED,
        LedgerKind.ACTION_STARTED,
        LedgerKind.ACTION_DONE,
        LedgerKind.ACTION_FAILED,
        LedgerKind.ACTION_DROPPED,
        LedgerKind.ACTION_TAKEN_OVER,
        LedgerKind.UNDO_STARTED,
        LedgerKind.UNDONE,
        LedgerKind.UNDO_FAILED,
    }
)
# … and of the plan with all of them.
OF_ACTIONS = OF_ONE | {
    LedgerKind.CLASSIFIED,
    LedgerKind.PLAN,
    LedgerKind.OBJECTED,
    LedgerKind.HELD_OFF,
    LedgerKind.ASKED,
    LedgerKind.APPROVED,
    LedgerKind.REJECTED,
    LedgerKind.VERIFIED,
}


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
    mine = of_its_plan(action, incident["ledger"])
    told += [f"{clock(row['at'])}: {sentence(row['kind'], row['fields'])}." for row in mine]
    return [*told, *_otherwise(action, mine, decided.rules), *by_whom(decided)]


def of_its_plan(action: Row, ledger: Sequence[Row]) -> list[Row]:
    """What the ledger tells of the action and its plan: of no other plan of the incident, and of no other action."""
    rows = [row for row in ledger if row["kind"] in OF_ACTIONS or row["kind"] == LedgerKind.REOPENED]
    places = [place for place, row in enumerate(rows) if row["at"] <= action["reserved_at"]]
    reserved = [place for place in places if rows[place]["kind"] == LedgerKind.ACTION_RESERVED]
    here = (reserved or places or [0])[-1]
    begin = max((place for place in range(len(rows[: here + 1])) if _begins(rows, place)), default=0)
    end = next((place for place in range(here + 1, len(rows)) if _begins(rows, place)), len(rows))
    named = {name: action["planned"].get(name) for name in ("kind", "target")}
    return [
        row
        for row in rows[begin:end]
        if row["kind"] in OF_ACTIONS
        and (row["kind"] not in OF_ONE or all(row["fields"].get(name, it) == it for name, it in named.items()))
    ]


def _begins(rows: Sequence[Row], place: int) -> bool:
    """Whether another plan is told of from there on: by how sure it is, or where nobody asked for that by itself."""
    kind = rows[place]["kind"]
    classified = place > 0 and rows[place - 1]["kind"] == LedgerKind.CLASSIFIED
    return kind in (LedgerKind.CLASSIFIED, LedgerKind.REOPENED) or (kind == LedgerKind.PLAN and not classified)


def _otherwise(action: Row, mine: Sequence[Row], rules: Rules) -> list[str]:
    """What would have made it come out otherwise, of that which decided."""
    last = {row["kind"]: row["fields"] for row in mine}
    plan = last.get(LedgerKind.PLAN, {})
    if LedgerKind.APPROVED in last:
        return _with_a_word(last[LedgerKind.APPROVED], last.get(LedgerKind.ASKED), plan, rules)
    told = []
    risk = str(plan.get("risk") or action["planned"].get("risk") or "")
    if risk and Risk[risk.upper()] > Risk.LOW and Risk[risk.upper()] <= Risk[rules.max_risk.upper()]:
        lower = Risk(Risk[risk.upper()] - 1).name.lower()
        told.append(f"Its risk is {risk}: with mitigation.max_risk {lower} it would have waited for a person's word.")
    sure = plan.get("confidence")
    if isinstance(sure, int | float) and rules.least_confidence <= sure < 1:
        told.append(
            f"The plan was {share(sure)} sure, {share(rules.least_confidence)} are needed: with"
            f" mitigation.common_error_threshold above {number(sure)} it would not have been made, and people told."
        )
    return told


# Why a person is asked, by names of `domain/asking.py:Objection` -> what would have spared the question, or nothing.
ASKED_FOR = {
    "asks": "at autonomy act (`sre autonomy`) the playbook would not have asked",
    "risk": "with mitigation.max_risk {risk} its risk would have needed no word",
}


def _with_a_word(said: Row, asked: Row | None, plan: Row, rules: Rules) -> list[str]:
    """A person allowed it: without that word it would not have run, and what would have spared it."""
    told = [f"A person's word decided: without that of {printable(said.get('by', 'somebody'))} nothing was done."]
    met = set() if asked is None else {str(one) for one in asked.get("met", ())}
    if asked is None or not met <= ASKED_FOR.keys():
        return [*told, "No setting spares that word for such a plan."]
    spared = [ASKED_FOR[one].format(risk=plan.get("risk", "")) for one in sorted(met)]
    if "risk" in met:
        spared.append(f"{rules.max_risk} was allowed")
    return told + ([f"Else: {'; '.join(spared)}."] if spared else [])


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
