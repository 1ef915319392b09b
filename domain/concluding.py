"""From what was found, or what a model said, to what people are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shlex import quote

from domain.analysis import (
    DETERMINISTIC,
    Analysis,
    Because,
    Claim,
    Escalation,
    Hypothesis,
    Struck,
    StruckWhy,
)
from domain.claim_check import Checked, Proof, check, check_all, check_hypothesis, late
from domain.dossier import Dossier, Fact
from domain.llm import NOTHING, Usage
from domain.model_answer import AnswerSaid, CheckSaid, ClaimSaid

LONGEST_WAIT = 240  # minutes until others are told
CAUSE = "root cause"  # the part of an answer
# How sure a model may be where only some of its claims hold.
HALF = 0.5


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be chosen by name; nothing else can be."""

    plans: frozenset[str]
    people: frozenset[str]
    services: frozenset[str]


def without_model(dossier: Dossier, plans: Sequence[str], because: str) -> Analysis:
    """What the dossier says by itself."""
    lead = dossier.lead
    cause = _leads(dossier) if lead is not None and dossier.is_clear else None
    others = [] if lead is None else [one.facts[0] for one in dossier.suspects[1:3] if one.facts]
    return Analysis(
        source=DETERMINISTIC,
        because=because,
        root_cause=cause,
        confidence=dossier.confidence if cause else 0.0,
        hypotheses=tuple(_possible(dossier, fact) for fact in ([] if cause else _leading(dossier)) + others),
        chain=tuple(_claim(dossier, fact) for fact in dossier.first),
        plans=tuple(plans),
        checks=_looks(dossier),
    )


def _leads(dossier: Dossier) -> Claim | None:
    lead = dossier.lead
    if lead is None or not lead.facts:
        return None
    facts = lead.facts[:2]
    text = f"{lead.service} moved most: {'; '.join(fact.text for fact in facts)}"
    shown = tuple(dossier.exhibits[name] for fact in facts for name in fact.cites)
    return Claim(text, lead.service, min(fact.at for fact in facts), shown)


def _leading(dossier: Dossier) -> list[Fact]:
    return list(dossier.lead.facts[:1]) if dossier.lead else []


def _possible(dossier: Dossier, fact: Fact) -> Hypothesis:
    shown = tuple(dossier.exhibits[name] for name in fact.cites)
    return Hypothesis(f"{fact.service}: {fact.text}", fact.service, shown, ())


def _claim(dossier: Dossier, fact: Fact) -> Claim:
    return Claim(fact.text, fact.service, fact.at, tuple(dossier.exhibits[name] for name in fact.cites))


def _looks(dossier: Dossier) -> tuple[str, ...]:
    services = dict.fromkeys([*(one.service for one in dossier.suspects[:2]), *dossier.services[:1]])
    return tuple(f"sre logs --service {quote(name)} --since {_since(dossier)} --level warn" for name in services)


def concluded(
    said: AnswerSaid, proof: Proof, dossier: Dossier, choices: Choices, *, source: str, usage: Usage = NOTHING
) -> Analysis:
    """What of a model's answer holds; everything else is struck out, and counted."""
    chain, no_chain = check_all(said.chain, proof, "chain")
    impact, no_impact = check_all(said.impact, proof, "impact")
    cause, no_cause = _cause(said, proof, [*chain, *impact], dossier)
    hypotheses, no_hypotheses = _hypotheses(said, proof)
    plans, no_plans = _chosen(said.plans, choices.plans, "plan")
    tell, no_tell = _chosen(said.tell, choices.people, "tell")
    checks, no_checks = _checks(said.checks, choices.services, dossier)
    struck = (*no_cause, *no_chain, *no_impact, *no_hypotheses, *no_plans, *no_tell, *no_checks)
    return Analysis(
        source=source,
        root_cause=cause,
        confidence=_confidence(said, cause, len(chain) + len(impact), struck),
        hypotheses=hypotheses,
        chain=tuple(chain),
        impact=tuple(impact),
        plans=plans,
        checks=checks,
        tell=tell,
        escalation=_escalation(said),
        struck=struck,
        usage=usage,
    )


def unusable(found: Analysis) -> Because | None:
    """Why a model's answer is not told: nothing of it is left, or not the cause that the rest was about."""
    if not (found.root_cause or found.chain or found.impact or found.hypotheses) and found.struck:
        return Because.UNSUPPORTED
    return Because.CAUSE if any(one.part == CAUSE for one in found.struck) else None


def with_dossier(by_model: Analysis, plain: Analysis, because: Because) -> Analysis:
    """What the dossier says in place of a model's answer, with what was struck out of that and what it cost."""
    return Analysis(
        source=DETERMINISTIC,
        because=because,
        root_cause=plain.root_cause,
        confidence=plain.confidence,
        hypotheses=plain.hypotheses,
        chain=plain.chain,
        plans=plain.plans,
        checks=plain.checks,
        struck=by_model.struck,
        usage=by_model.usage,
    )


def _cause(
    said: AnswerSaid, proof: Proof, effects: Sequence[Claim], dossier: Dossier
) -> tuple[Claim | None, tuple[Struck, ...]]:
    if said.inconclusive or said.root_cause is None:
        return None, ()
    found: Checked = check(said.root_cause, proof, CAUSE)
    if found.claim is None:
        return None, (found.struck,) if found.struck else ()
    too_late = late(found.claim, effects, dossier.onset)
    return (None, (too_late,)) if too_late else (found.claim, ())


def _hypotheses(said: AnswerSaid, proof: Proof) -> tuple[tuple[Hypothesis, ...], tuple[Struck, ...]]:
    found = [check_hypothesis(one, proof) for one in said.hypotheses]
    return tuple(one for one, _ in found if one), tuple(struck for _, struck in found if struck)


def _chosen(said: Sequence[str], known: frozenset[str], part: str) -> tuple[tuple[str, ...], tuple[Struck, ...]]:
    """Names that were offered; what was not is struck out, without its name, which may be anything."""
    kept = tuple(dict.fromkeys(name for name in said if name in known))
    return kept, tuple(Struck(part, StruckWhy.UNKNOWN) for name in said if name not in known)


# A tool of the model -> the command of ours that shows a person the same.
COMMANDS: Mapping[str, str] = {"logs": "logs", "templates": "stats", "metric": "stats", "changes": "changes"}


def _checks(
    said: Sequence[CheckSaid], services: frozenset[str], dossier: Dossier
) -> tuple[tuple[str, ...], tuple[Struck, ...]]:
    """Commands of ours for services that are known; a model writes none."""
    good = [one for one in said if one.tool in COMMANDS and one.service in services]
    since = _since(dossier)
    kept = dict.fromkeys(f"sre {COMMANDS[one.tool]} --service {quote(one.service)} --since {since}" for one in good)
    return tuple(kept), tuple(Struck("check", StruckWhy.UNKNOWN) for one in said if one not in good)


def _since(dossier: Dossier) -> str:
    return f"{dossier.onset:%Y-%m-%dT%H:%M}"


def _escalation(said: AnswerSaid) -> Escalation | None:
    if said.escalation is None:
        return None
    minutes = min(max(said.escalation.minutes, 1), LONGEST_WAIT) if said.escalation.when == "not better" else 0
    return Escalation(said.escalation.when, minutes)


def _confidence(said: AnswerSaid, cause: Claim | None, kept: int, struck: Sequence[Struck]) -> float:
    """As the model says, and less where part of what it said did not hold."""
    if cause is None:
        return 0.0
    claims = sum(one.part in (CAUSE, "chain", "impact", "hypothesis") for one in struck)
    return round(said.confidence * (1 - HALF * claims / (claims + kept + 1)), 2)


def proof_of(said: AnswerSaid) -> list[str]:
    """The names of everything that an answer cites."""
    claims: list[ClaimSaid] = [*said.chain, *said.impact, *([said.root_cause] if said.root_cause else [])]
    cited = [cite.exhibit for claim in claims for cite in claim.cites]
    cited += [cite.exhibit for one in said.hypotheses for cite in (*one.cites_for, *one.cites_against)]
    return list(dict.fromkeys(cited))
