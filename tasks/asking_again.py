"""Kept questions are asked again, by the functions that answered them, with what decided then or as it is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from adapters.store.experience import playbook_of
from domain.asked_again import difference
from domain.calls import call_answer, call_of, whom
from domain.cases import Case, case_of
from domain.comparisons import Comparison, comparison_of, verdict
from domain.control import NO_CONTROL
from domain.differences import Difference
from domain.errors import BadInput
from domain.escalation import Progress
from domain.gate import objections
from domain.gate_documents import gate_answer, question_of
from domain.plans import Verification
from domain.policies import policy_of
from domain.questions import COUNTED_AS, Answered, Kept, Kind
from domain.roster import Roster
from domain.verification import Outcome
from tasks.judging import Knowledge
from tasks.plan import classified, plan_for
from tasks.recalling import Recalled


def asked_again(questions: Iterable[Kept], recalled: Recalled) -> tuple[list[Difference], Mapping[str, int]]:
    """What of the answers differs, and how many of each kind are the same.

    What cannot be read is of another version, and in `recalled.lost`.
    """
    others, same = [], Counter[str]()
    for kept in questions:
        kind = COUNTED_AS[kept.asked.kind]
        try:
            found = difference(kept, answered_again(kept, recalled))
        except BadInput as error:
            recalled.lost[kind] = f"{str(error).splitlines()[0]}; questions like it are left out"
            continue
        if found is not None:
            others.append(found)
        else:
            same[kind] += 1
    return others, same


def answered_again(kept: Kept, recalled: Recalled) -> Answered:
    """The answer of today's code to a kept question. Raises BadInput where the question cannot be read."""
    return ASKING[kept.asked.kind](kept, recalled.of(kept.knowledge), recalled)


def _gate(kept: Kept, knowledge: Knowledge, _recalled: Recalled) -> Answered:
    asked, paused = question_of(kept.asked.question)
    policy = policy_of(knowledge.settings.mitigation, stopped=paused)
    return gate_answer(objections(asked, policy, now=kept.at))


def _classification(kept: Kept, knowledge: Knowledge, recalled: Recalled) -> Answered:
    case = case_of(kept.asked.question)
    if recalled.changes.chooses:
        case = _chosen(case, knowledge)
    return classified(case, plan_for(knowledge, case))


def _chosen(case: Case, knowledge: Knowledge) -> Case:
    """The case with the playbook that is chosen for it by now; what came of another one is not known here."""
    _, playbook = knowledge.classify(case.incident)
    if playbook == case.incident.playbook:
        return case
    return replace(case, incident=replace(case.incident, playbook=playbook), runs=(), said=None)


def _verification(kept: Kept, knowledge: Knowledge, recalled: Recalled) -> Answered:
    compared = comparison_of(kept.asked.question)
    wanted = _wanted(compared, knowledge) if recalled.changes.chooses else compared.wanted
    if (wanted.measure, wanted.metric) != (compared.wanted.measure, compared.wanted.metric):
        looks_at = wanted.metric or wanted.measure
        return Answered("not measured", {"because": ""}, f"the playbook looks at {looks_at}, which was not compared")
    found = verdict(replace(compared, wanted=wanted).proof)
    if found.outcome == Outcome.RECOVERED and compared.samples.control == NO_CONTROL:
        return replace(found, words=f"{found.words}; what other services did was not looked at")
    return found


def _wanted(compared: Comparison, knowledge: Knowledge) -> Verification:
    """What the action's playbook wants by now; of one that is gone what it wanted then."""
    name = playbook_of(compared.source)
    return next((one.verification for one in knowledge.playbooks if one.id == name), compared.wanted)


def _call(kept: Kept, knowledge: Knowledge, recalled: Recalled) -> Answered:
    changed, paging = recalled.changes.roster, knowledge.settings.paging
    roster = changed or recalled.roster(kept.asked.question)
    asked = call_of(kept.asked.question, roster, kept.at)
    if changed:
        asked = replace(asked, progress=_followed(asked.progress, changed), unreachable=recalled.changes.unreachable)
    return call_answer(asked, whom(asked, paging), paging)


def _followed(progress: Progress | None, roster: Roster) -> Progress | None:
    """As far in the policy of that name as another roster has it; as it was where it has none."""
    if progress is None:
        return None
    policy = roster.policies.get(progress.policy.name, progress.policy)
    return replace(progress, policy=policy, step=min(progress.step, len(policy.steps)))


ASKING: Mapping[Kind, Callable[[Kept, Knowledge, Recalled], Answered]] = {
    Kind.CLASSIFICATION: _classification,
    Kind.GATE: _gate,
    Kind.VERIFICATION: _verification,
    Kind.CALL: _call,
}
