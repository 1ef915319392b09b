"""What of the answers differs where kept questions were asked again, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from domain.amounts import lasting, share
from domain.asking import Purpose
from domain.differences import Difference, How
from domain.questions import Answered, Kept, Kind, reading
from domain.told_fields import listed
from domain.verification import Outcome

WOULD = {
    Purpose.BEGIN: "the plan {plan} would {not_}have begun",
    Purpose.NEXT: "the next action of {plan} would {not_}have been carried out",
    Purpose.TAKEOVER: "an action of {plan} that was begun would {not_}have been carried out",
    Purpose.UNDO: "{plan} would {not_}have been taken back",
}
WOULD_SAY: Mapping[str, str] = {
    Outcome.RECOVERED: "it would have been called a recovery",
    Outcome.INEFFECTIVE: "the action would have been called ineffective",
    Outcome.WORSE: "it would have been called worse than before the action",
    Outcome.UNKNOWN: "nothing would have shown whether it helped",
}
NO_VERDICT = "there would have been no verdict by then"


def difference(kept: Kept, now: Answered) -> Difference | None:
    """How the two answers differ, in words; None where they are the same.

    Raises BadInput where what is kept cannot be told of.
    """
    if now == kept.asked.answered:
        return None
    tell = TELLING[kept.asked.kind]
    with reading(f"answer of a {kept.asked.kind}"):
        how = _how(tell.good(kept.asked.answered), tell.good(now))
        return Difference(tell.what, how, f"{kept.about.told}: {'; '.join(tell.told(kept, now))}")


def _how(before: bool, now: bool) -> How:  # noqa: FBT001 - whether something is done, then and now
    if before == now:
        return How.CHANGED
    return How.WON if now else How.LOST


# --- the gate ---------------------------------------------------------------------------------------


def _allowed(said: Answered) -> bool:
    return not said.details["objections"]


def _gate(kept: Kept, now: Answered) -> Iterator[str]:
    before, after = (_objections(one) for one in (kept.asked.answered, now))
    plan = kept.asked.question["plan"]["source"]
    if bool(before) == bool(after):
        yield f"the gate says otherwise of {plan}"
    else:
        yield WOULD[Purpose(kept.asked.question["purpose"])].format(plan=plan, not_="not " if after else "")
    if fresh := [one for one in after if one not in before]:
        yield f"against it now: {listed(fresh)}"
    if gone := [one for one in before if one not in after]:
        yield f"no longer against it: {listed(gone)}"


def _objections(said: Answered) -> list[str]:
    found = said.details["objections"]
    return [str(one) for one in found] if isinstance(found, list) else []


# --- classification ---------------------------------------------------------------------------------


def _planned(said: Answered) -> bool:
    return bool(said.details["plan"])


def _classification(kept: Kept, now: Answered) -> Iterator[str]:
    before = kept.asked.answered
    was, is_ = before.details, now.details
    if before.outcome != now.outcome:
        yield f"it would have been {now.outcome}" + (f": {now.words}" if now.words else "")
    elif was["confidence"] != is_["confidence"]:
        yield f"it would have been {share(is_['confidence'])} sure, not {share(was['confidence'])}"
    if was["playbook"] != is_["playbook"]:
        yield f"by playbook {is_['playbook'] or 'none'}, not {was['playbook'] or 'none'}"
    if was["objection"] != is_["objection"]:
        yield _of_objection(str(was["objection"]), str(is_["objection"]))
    if was["told"] != is_["told"]:
        yield _of_plan(str(was["told"]), str(is_["told"]))
    elif was["plan"] != is_["plan"] and was["confidence"] == is_["confidence"]:
        yield "its plan would have had other limits"


def _of_objection(was: str, now: str) -> str:
    return f"against a plan: {now}" if now else f"no longer against a plan: {was}"


def _of_plan(was: str, now: str) -> str:
    if not now:
        return f"no plan would have been made; it was: {was}"
    return f"the plan would have been: {now}" + (f"; it was: {was}" if was else "")


# --- verification -----------------------------------------------------------------------------------


def _recovered(said: Answered) -> bool:
    return said.outcome == Outcome.RECOVERED


def _verification(kept: Kept, now: Answered) -> Iterator[str]:
    if _recovered(kept.asked.answered) and now.outcome == Outcome.UNKNOWN:
        said = "the recovery would have been called unproved"
    elif kept.asked.answered.outcome == now.outcome:
        said = "the verdict would have been the same for another reason"
    else:
        said = WOULD_SAY.get(now.outcome, NO_VERDICT)
    yield f"{said}: {now.words}" if now.words else said


# --- whom to tell -----------------------------------------------------------------------------------


def _somebody(said: Answered) -> bool:
    return bool(said.details["to"])


def _call(kept: Kept, now: Answered) -> Iterator[str]:
    was, is_ = kept.asked.answered.details, now.details
    before, after = _names(was), _names(is_)
    if before != after:
        yield f"{_listed(after)} would have been told, not {_listed(before)}"
    if was["policy"] != is_["policy"]:
        yield f"by policy {is_['policy']}, not {was['policy']}"
    if was["next_seconds"] != is_["next_seconds"]:
        yield f"the next ones {_next(is_['next_seconds'])}, not {_next(was['next_seconds'])}"


def _names(said: Mapping[str, object]) -> list[str]:
    found = said["to"]
    return [str(one) for one in found] if isinstance(found, list) else []


def _listed(names: list[str]) -> str:
    return listed(names) if names else "nobody"


def _next(seconds: object) -> str:
    return f"{lasting(seconds)} later" if isinstance(seconds, float | int) else "never"


@dataclass(frozen=True, slots=True)
class Telling:
    """How answers of one kind are told apart."""

    what: str  # as `Difference` has it
    good: Callable[[Answered], bool]  # whether something comes of it
    told: Callable[[Kept, Answered], Iterator[str]]


TELLING: Mapping[Kind, Telling] = {
    Kind.CLASSIFICATION: Telling("classification", _planned, _classification),
    Kind.GATE: Telling("action", _allowed, _gate),
    Kind.VERIFICATION: Telling("verification", _recovered, _verification),
    Kind.CALL: Telling("call", _somebody, _call),
}
