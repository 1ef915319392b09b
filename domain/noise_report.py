"""Which pages were worth it, and which change would have saved the others: what people read daily and weekly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.alarm_verdicts import AlarmVerdict
from domain.decided import Decision, Opening
from domain.ledger import LedgerKind
from domain.words import counted, cut, number, printable

# So many pages of a service that nobody acted upon make a silence worth trying.
AGAIN = 2
THRESHOLDS = (0.8, 0.9)
MOST_ROWS, LONGEST = 10, 60


class Acted(StrEnum):
    """What became of what a page told of."""

    REAL = "called real"
    ACTION = "something was done"
    BY_HAND = "closed by hand"
    ACKNOWLEDGED = "acknowledged"
    FALSE_ALARM = "called a false alarm"
    NOTHING = "nothing"

    @property
    def upon(self) -> bool:
        """Whether somebody, or the agent, did something because of it."""
        return self not in (Acted.FALSE_ALARM, Acted.NOTHING)


@dataclass(frozen=True, slots=True)
class Told:
    """One page that people got, or should have got."""

    number: int
    at: datetime
    incident: int
    about: Opening
    reason: str
    critical: bool
    acted: Acted


def acted(verdict: str, *, action: bool, by_hand: bool, acknowledged: bool) -> Acted:
    """The strongest sign of what became of an incident; what people say of it counts most."""
    if verdict == AlarmVerdict.FALSE_ALARM:
        return Acted.FALSE_ALARM
    signs = (
        (verdict == AlarmVerdict.REAL, Acted.REAL),
        (action, Acted.ACTION),
        (by_hand, Acted.BY_HAND),
        (acknowledged, Acted.ACKNOWLEDGED),
    )
    return next((found for holds, found in signs if holds), Acted.NOTHING)


@dataclass(frozen=True)
class Candidate:
    """A change that may save pages."""

    told: str  # in words, as it is made
    branches: Mapping[str, Mapping[str, object]] = field(default_factory=dict)  # settings that a replay tries
    silenced: str = ""  # or the service whose pages are held back


@dataclass(frozen=True, slots=True)
class Trial:
    """What a change would have come to."""

    candidate: Candidate
    saved: int  # pages
    missed: Sequence[int]  # incidents that somebody acted upon, of which nobody would have been told in the same way

    @property
    def recommended(self) -> bool:
        """Whether it saves pages and misses nothing."""
        return self.saved > 0 and not self.missed


def candidates(pages: Sequence[Told], *, threshold: float, confirm_logs: int) -> list[Candidate]:
    """What may be worth trying; nothing where each page was acted upon."""
    idle = Counter(one.about.service for one in pages if not one.acted.upon)
    if not idle:
        return []
    higher = [
        Candidate(f"detection.confidence_threshold: {number(one)}", {"detection": {"confidence_threshold": one}})
        for one in THRESHOLDS
        if one > threshold
    ]
    more = Candidate(f"incidents.confirm_logs: {2 * confirm_logs}", {"incidents": {"confirm_logs": 2 * confirm_logs}})
    quiet = [
        Candidate(f"sre silence add service={printable(name)} --for 7d", silenced=name)
        for name, many in idle.most_common(MOST_ROWS)
        if many >= AGAIN
    ]
    return [*higher, more, *quiet]


def tried(
    candidate: Candidate, pages: Sequence[Told], stored: Iterable[Decision], decided: Iterable[Decision]
) -> Trial:
    """What a change of settings would have come to; `decided`: by a replay with it.

    A page that `on-call` made comes again as long as its incident is confirmed.
    """
    by_batches = {one.page for one in stored if one.kind is LedgerKind.PAGE_QUEUED}
    told = Counter((one.about, one.kind) for one in decided)
    would = Counter({about: many for (about, kind), many in told.items() if kind is LedgerKind.PAGE_QUEUED})
    joined = {about for about, kind in told if kind is LedgerKind.PAGE_JOINED}
    confirmed = {about for about, kind in told if kind is LedgerKind.CONFIRMED}
    ours = [one for one in pages if one.number in by_batches]
    others = [one for one in pages if one.number not in by_batches and one.about not in confirmed]
    saved = sum((Counter(one.about for one in ours) - would).values()) + len(others)
    missed = {one.incident for one in ours if one.acted.upon and not (would[one.about] or one.about in joined)}
    missed |= {one.incident for one in others if one.acted.upon}
    return Trial(candidate, saved, sorted(missed))


def silenced(candidate: Candidate, pages: Sequence[Told]) -> Trial:
    """What a silence would have come to: it holds back whatever its service pages for."""
    held = [one for one in pages if one.about.service == candidate.silenced]
    return Trial(candidate, len(held), sorted({one.incident for one in held if one.acted.upon or one.critical}))


@dataclass(frozen=True)
class Report:
    """The pages of a time, and what would have saved some of them."""

    since: datetime
    until: datetime
    pages: Sequence[Told]
    trials: Sequence[Trial] = ()
    doubts: Sequence[str] = ()


def headline(report: Report) -> str:
    """It in a line."""
    idle = sum(not one.acted.upon for one in report.pages)
    if not report.pages:
        return "nobody was paged"
    best = max((one.saved for one in report.trials if one.recommended), default=0)
    more = f"; {counted(best, 'page')} could have been saved" if best else ""
    return f"{counted(len(report.pages), 'page')}, {number(idle)} of them acted upon by nobody{more}"


def lines(report: Report) -> list[str]:
    """The report as Markdown."""
    found = [f"# Pages from {report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC", "", headline(report)]
    if not report.pages:
        return found
    pages = report.pages
    found += _counts("Why", (one.reason for one in pages), pages)
    found += _counts("Service", (printable(one.about.service) for one in pages), pages)
    found += _counts("Hour (UTC)", (f"{one.at:%H}" for one in pages), pages, by_name=True)
    found += _counts("What became of it", (one.acted.value for one in pages), pages)
    found += ["", "## What would have saved pages", ""]
    found += [f"- {in_words(one)}" for one in sorted(report.trials, key=lambda one: (not one.recommended, -one.saved))]
    if not report.trials:
        found.append("Nothing was tried: each page was acted upon.")
    again = Counter(one.about[:3] for one in pages if not one.acted.upon)
    often = [(about, many) for about, many in again.most_common(MOST_ROWS) if many >= AGAIN]
    if often:
        found += ["", "## What nobody acted upon, and came again", ""]
        found += [f"- {_named(*about)}: {counted(many, 'page')}" for about, many in often]
        found += ["", "`sre incident N --verdict false-alarm` makes such a text usual from the next training on."]
    return found + [line for doubt in report.doubts for line in ("", f"Not certain: {printable(doubt)}.")]


def _named(service: str, _kind: str, template: str) -> str:
    return f"{printable(service)}: {cut(printable(template), LONGEST)}"


def _counts(head: str, names: Iterable[str], pages: Sequence[Told], *, by_name: bool = False) -> list[str]:
    """A table of how many pages, and how many of them were acted upon."""
    whole: Counter[str] = Counter()
    upon: Counter[str] = Counter()
    for name, one in zip(names, pages, strict=True):
        whole[name] += 1
        upon[name] += one.acted.upon
    rows = sorted(whole.items()) if by_name else whole.most_common(MOST_ROWS)
    table = [f"| {_cell(name)} | {many:,} | {upon[name]:,} |" for name, many in rows]
    return ["", f"| {head} | pages | acted upon |", "|---|---|---|", *table]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def in_words(trial: Trial) -> str:
    """What a change would have come to."""
    what = f"`{trial.candidate.told}` would have saved {counted(trial.saved, 'page')}"
    if trial.missed:
        shown = ", ".join(map(str, trial.missed[:MOST_ROWS]))
        return f"{what}, and missed {counted(len(trial.missed), 'incident')} that mattered ({shown}): not recommended"
    return f"{what} and missed nothing: recommended" if trial.saved else f"{what}"
