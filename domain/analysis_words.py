"""An analysis as people read it, one fact a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from domain.amounts import counted, number, share
from domain.analysis import Analysis, Claim, Escalation, Hypothesis, Struck
from domain.analysis_documents import as_analysis, as_dossier
from domain.disguise import shown
from domain.dossier import Dossier
from domain.errors import BadInput
from domain.exhibits import Exhibit
from domain.llm import Usage
from domain.options import told
from domain.shown_texts import printable

MOST_SHOWN = 2  # exhibits of one claim
MOST_CLAIMS = 6
ESCALATIONS: Mapping[str, str] = {
    "now": "tell others now",
    "not better": "tell others if it is not better in {minutes} minutes",
    "worse": "tell others if it gets worse",
}


def headline(found: Analysis) -> str:
    """What it comes to, in one line."""
    who = f"Analysis by {found.source.removeprefix('llm:')}" if found.by_model else "Analysis without a model"
    if found.root_cause is None:
        return f"{who}: inconclusive, nothing shows the cause"
    return f"{who}, {share(found.confidence)} sure: {clean(found.root_cause.text)}"


def page_lines(
    found: Analysis, dossier: Dossier | None, plans: Mapping[str, str], reused_from: int | None = None
) -> list[str]:
    """The whole analysis for a page; `plans` has each option in words, with how to allow it."""
    lines = [headline(found)]
    if reused_from:
        lines.append(f"It is that of incident {reused_from}, the same fault")
    if found.root_cause:
        lines += shown_by(found.root_cause.cites)
    lines += [f"Then {one.at:%H:%M:%S}{_whose(one)}: {clean(one.text)}" for one in found.chain[:MOST_CLAIMS]]
    lines += [f"Impact: {clean(one.text)}" for one in found.impact[:MOST_CLAIMS]]
    lines += [_possible(one) for one in found.hypotheses[:MOST_CLAIMS]]
    if dossier is not None:
        lines += [f"Changed before: {fact.service}: {clean(fact.text)}" for fact in dossier.changes]
        lines += _alike(dossier)
    lines += [f"May help: {clean(plans[name])}" for name in found.plans if name in plans]
    lines += [f"Look next: {one}" for one in found.checks]
    if found.tell:
        lines.append(f"Tell: {', '.join(map(clean, found.tell))}")
    if found.escalation:
        lines.append(f"Escalation: {escalation(found.escalation)}")
    return [*lines, *why_and_cost(found), *(_flaws(dossier) if dossier else [])]


def shown_by(cites: Iterable[Exhibit]) -> list[str]:
    """What a claim rests on."""
    return [f"Shown by {clean(one.told)}" for one in list(cites)[:MOST_SHOWN]]


def why_and_cost(found: Analysis) -> list[str]:
    """Why no model had a part in it, what was struck out, and what it cost."""
    lines = [f"No model: {found.because}"] if found.because else []
    if found.struck:
        lines.append(f"Struck out: {counted(len(found.struck), 'claim')} of the model ({struck(found.struck)})")
    if found.usage.calls:
        lines.append(f"It took {usage(found.usage)}")
    return lines


def struck(claims: Sequence[Struck]) -> str:
    """Why, each once with how often."""
    often: dict[str, int] = {}
    for one in claims:
        said = f"{one.part}: {one.why}"
        often[said] = often.get(said, 0) + 1
    return "; ".join(f"{said}" + (f", {count} times" if count > 1 else "") for said, count in often.items())


def usage(used: Usage) -> str:
    """Calls, tokens, cost and time."""
    text = f"{counted(used.calls, 'call')}, {counted(used.tokens, 'token')}, {used.seconds:.1f} s"
    return f"{text}, cost {number(round(used.cost, 4))}" if used.cost else text


def escalation(wanted: Escalation) -> str:
    """When others are to be told."""
    return ESCALATIONS[wanted.when].format(minutes=wanted.minutes)


def claims(found: Iterable[Claim]) -> list[str]:
    """Each claim with what shows it, for where there is room."""
    return [
        f"{one.at:%H:%M:%S} {clean(one.text)} [{'; '.join(clean(cite.told) for cite in one.cites)}]" for one in found
    ]


def clean(text: str) -> str:
    """One line, with what is hidden hidden alike."""
    return printable(shown(text))


def stored_lines(rows: Sequence[Mapping[str, Any]], incident_id: int) -> list[str]:
    """The newest analysis of an incident as its row has it, with everything that shows each claim."""
    if not rows:
        return []
    row = rows[-1]
    if not row["answer"]:
        return ["it could not be looked into" if row["state"] == "dropped" else "it is being looked into"]
    try:
        found, dossier = as_analysis(row["answer"]), as_dossier(row["dossier"]) if row["dossier"] else None
    except BadInput as error:
        return [str(error)]
    lines = page_lines(found, dossier, told(row["options"] or [], incident_id), row["reused_from"])
    lines += [f"Why: {one}" for one in claims([*found.chain, *found.impact])] if found.by_model else []
    return [*lines, *(_services(dossier) if dossier else [])]


def _services(dossier: Dossier) -> list[str]:
    return [
        f"Moved: {clean(one.service)}: {'; '.join(clean(fact.text) for fact in one.facts)}" for one in dossier.suspects
    ]


def _whose(one: Claim) -> str:
    """The service, where the sentence does not name it."""
    return "" if not one.service or one.service in one.text else f" {clean(one.service)}"


def _possible(one: Hypothesis) -> str:
    against = "" if not one.speaks_against else f"; against it: {clean(one.speaks_against[0].told)}"
    return f"Possible: {clean(one.text)}{against}"


def _alike(dossier: Dossier) -> list[str]:
    lines = []
    for one in dossier.similar:
        more = [f"cause: {one.cause}" if one.cause else "", f"helped: {one.helped}" if one.helped else ""]
        lines.append(f"Like incident {one.incident_id}: {clean('; '.join(filter(None, (one.text, *more))))}")
    return lines


def _flaws(dossier: Dossier) -> list[str]:
    return [f"Not looked at: {clean(one)}" for one in dossier.flaws]
