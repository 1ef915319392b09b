"""What was decided against what a replay decides: the same, won, lost or changed, and in words why."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.amounts import counted, number, share
from domain.decided import Decided, Decision, Found, Opening, Ran, Verdicts
from domain.incidents import Severity
from domain.ledger import LedgerKind
from domain.shown_texts import printable

MOST_NAMED = 3  # incidents in one line


class How(StrEnum):
    """What became of something that one of two sides decided."""

    WON = "won"
    LOST = "lost"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs, in words."""

    what: str  # page | incident | finding | decision | action | classification | verification | call | logs
    how: How
    told: str


@dataclass(frozen=True)
class Differences:
    """How two runs over the same logs differ."""

    verdicts: Verdicts
    found: Sequence[Difference]
    same: Mapping[str, int]  # kind of decision -> how many are the same

    @property
    def none(self) -> bool:
        """Whether every decision is the same."""
        return not self.found and not self.verdicts.other


def compare(stored: Decided, replayed: Decided, verdicts: Verdicts, ran: Sequence[Ran] = ()) -> Differences:
    """What a replay decided otherwise; pages first, then incidents, findings, actions and the rest."""
    lost, won = _apart(stored.decisions, replayed.decisions)
    same = Counter(str(one.kind) for one in stored.decisions) - Counter(str(one.kind) for one in lost)
    theirs = _by_incident(replayed.decisions)
    found = [
        *_pages(lost, won, theirs, verdicts),
        *_openings(lost, won, verdicts),
        *_findings(stored.findings, replayed.findings),
        *_actions(ran, _by_incident(stored.decisions), theirs),
        *_others(lost, won),
        *_logs(verdicts),
    ]
    if lost or won or verdicts.other or found:
        return Differences(verdicts, found or [_order()], same)
    return Differences(verdicts, (), same)


def _order() -> Difference:
    return Difference("decision", How.CHANGED, "verdicts differ in their numbers, and nothing that was decided does")


def _apart(ours: Sequence[Decision], theirs: Sequence[Decision]) -> tuple[list[Decision], list[Decision]]:
    """What only one of the two has."""
    return _only(ours, theirs), _only(theirs, ours)


def _only(ours: Iterable[Decision], theirs: Iterable[Decision]) -> list[Decision]:
    left = Counter(one.content for one in theirs)
    found = []
    for one in ours:
        if left[one.content]:
            left[one.content] -= 1
        else:
            found.append(one)
    return found


def _by_incident(decisions: Iterable[Decision]) -> Mapping[Opening, list[Decision]]:
    found: defaultdict[Opening, list[Decision]] = defaultdict(list)
    for one in decisions:
        found[one.about].append(one)
    return found


def _pages(
    lost: Sequence[Decision], won: Sequence[Decision], theirs: Mapping[Opening, list[Decision]], verdicts: Verdicts
) -> list[Difference]:
    """One page of theirs stands for one of ours about the same incident and for the same reason."""
    left = [one for one in won if one.kind is LedgerKind.PAGE_QUEUED]
    found = []
    for ours in (one for one in lost if one.kind is LedgerKind.PAGE_QUEUED):
        alike = next((one for one in left if one.about == ours.about and _reason(one) == _reason(ours)), None)
        if alike is None:
            why = _why_lost(ours, theirs.get(ours.about, []), verdicts)
            found.append(Difference("page", How.LOST, f"page {ours.page} lost: {ours.about.told}{why}"))
        else:
            left.remove(alike)
            found.append(Difference("page", How.CHANGED, f"page {ours.page} changed: {_changed(ours, alike)}"))
    return found + [Difference("page", How.WON, f"page won: {_page(one)}") for one in left]


def _reason(one: Decision) -> str:
    return str(json.loads(one.said).get("reason", ""))


def _page(one: Decision) -> str:
    severity = f", {Severity(one.severity).name.lower()}" if one.severity else ""
    return f"{one.about.told}, {one.at:%d.%m. %H:%M:%S}, {_reason(one)}{severity}"


def _changed(ours: Decision, theirs: Decision) -> str:
    told = [f"{ours.about.told}"]
    if (seconds := (theirs.at - ours.at).total_seconds()) != 0:
        told.append(f"{number(abs(seconds))} s {'later' if seconds > 0 else 'earlier'}")
    if ours.severity != theirs.severity:
        told.append(f"{Severity(theirs.severity).name.lower()} instead of {Severity(ours.severity).name.lower()}")
    if json.loads(ours.said).get("late") != json.loads(theirs.said).get("late"):
        told.append("late" if json.loads(theirs.said).get("late") else "not late")
    return ", ".join(told)


def _why_lost(ours: Decision, theirs: Sequence[Decision], verdicts: Verdicts) -> str:
    """Why nobody would be paged, as far as the two sides tell."""
    kinds = {one.kind for one in theirs}
    none_now = verdicts.of_incident[ours.incident]
    because = f": {_of_its_logs(none_now)}" if none_now else ""
    if LedgerKind.OPENED not in kinds:
        return f"; it opens no incident{because}"
    if LedgerKind.CONFIRMED not in kinds:
        return f"; its incident is not confirmed{because}"
    if LedgerKind.PAGE_JOINED in kinds:
        return "; another page covers it"
    confirmed = next(one for one in theirs if one.kind is LedgerKind.CONFIRMED)
    if json.loads(confirmed.said).get("route") == "playbook":
        return "; a playbook answers it"
    return because


def _of_its_logs(many: int) -> str:
    return f"{number(many)} of its logs {'is' if many == 1 else 'are'} no anomaly any more"


def _openings(lost: Sequence[Decision], won: Sequence[Decision], verdicts: Verdicts) -> list[Difference]:
    found = []
    theirs = {one.about for one in won if one.kind is LedgerKind.OPENED}
    ours = {one.about for one in lost if one.kind is LedgerKind.OPENED}
    for one in lost:
        if one.kind is LedgerKind.OPENED and one.about not in theirs:
            none_now = verdicts.of_incident[one.incident]
            because = f", {_of_its_logs(none_now)}" if none_now else ""
            found.append(Difference("incident", How.LOST, f"incident {one.incident} lost: {one.about.told}{because}"))
    return found + [
        Difference("incident", How.WON, f"incident won: {one.about.told}, {one.about.opened_at:%d.%m. %H:%M:%S}")
        for one in won
        if one.kind is LedgerKind.OPENED and one.about not in ours
    ]


def _findings(ours: Sequence[Found], theirs: Sequence[Found]) -> list[Difference]:
    before, after = ({one.subject: one for one in side} for side in (ours, theirs))
    found = [_finding(How.LOST, one.told) for subject, one in before.items() if subject not in after]
    found += [_finding(How.WON, one.told) for subject, one in after.items() if subject not in before]
    changed = [(one, after[subject]) for subject, one in before.items() if after.get(subject, one) != one]
    told = [(one, _other_numbers(one, other)) for one, other in changed]
    found += [_finding(How.CHANGED, f"{one.told}, {words}") for one, words in told if words]
    if unseen := sum(not words for _, words in told):
        found.append(
            Difference("finding", How.CHANGED, f"{counted(unseen, 'finding')} changed in digits that are not shown")
        )
    return found


def _other_numbers(one: Found, other: Found) -> str:
    """What of a finding is another one, as people see it; empty where they see nothing of it."""
    seen = (number(one.value), number(other.value)), (share(one.confidence), share(other.confidence))
    (value, other_value), (sure, other_sure) = seen
    if value != other_value:
        return f"{other_value} instead of {value}"
    if sure != other_sure:
        return f"{other_sure} sure instead of {sure}"
    return ""


def _finding(how: How, told: str) -> Difference:
    return Difference("finding", how, f"finding {how}: {told}")


def _actions(
    ran: Sequence[Ran], ours: Mapping[Opening, list[Decision]], theirs: Mapping[Opening, list[Decision]]
) -> list[Difference]:
    """Actions whose incident would not have been answered by that playbook.

    What was confirmed as it was is answered as it was, also where a human had it at first.
    """
    found = []
    for one in ran:
        before, confirmed = (_confirmed(side.get(one.about, [])) for side in (ours, theirs))
        if [each.content for each in before] == [each.content for each in confirmed]:
            continue
        if not confirmed:
            why = "its incident is not confirmed" if one.about in theirs else "its incident is not opened"
        elif all(json.loads(each.said).get("route") != "playbook" for each in confirmed):
            why = "a human is asked instead"
        else:
            continue
        told = f"action {one.number} would not have run: {printable(one.what)}; {why}"
        found.append(Difference("action", How.LOST, told))
    return found


def _confirmed(decisions: Sequence[Decision]) -> list[Decision]:
    return [each for each in decisions if each.kind is LedgerKind.CONFIRMED]


def _others(lost: Sequence[Decision], won: Sequence[Decision]) -> list[Difference]:
    """How many further decisions differ, by kind, and about what the first of them are."""
    shown = (LedgerKind.PAGE_QUEUED, LedgerKind.OPENED)
    sides = ((How.LOST, lost), (How.WON, won))
    found = []
    for how, side in sides:
        kinds: dict[LedgerKind, list[Opening]] = defaultdict(list)
        for one in side:
            if one.kind not in shown:
                kinds[one.kind].append(one.about)
        for kind, about in sorted(kinds.items()):
            named = list(dict.fromkeys(each.told for each in about))
            more = f" and {len(named) - MOST_NAMED:,} more" if len(named) > MOST_NAMED else ""
            told = f"{len(about):,} × {kind} {how}: {', '.join(named[:MOST_NAMED])}{more}"
            found.append(Difference("decision", how, told))
    return found


def _logs(verdicts: Verdicts) -> list[Difference]:
    sides = ((How.LOST, verdicts.lost, "no anomaly any more"), (How.WON, verdicts.won, "an anomaly now"))
    return [
        Difference("logs", how, f"{printable(service)}: {counted(many, 'log')} {'is' if many == 1 else 'are'} {what}")
        for how, side, what in sides
        for service, many in side.most_common()
    ]
