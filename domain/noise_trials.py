"""What may save pages that nobody acted upon, and what each change would have come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from domain.amounts import number
from domain.decided import Decision
from domain.incidents import Kind
from domain.ledger import LedgerKind
from domain.pages import PageReason
from domain.playbooks import Playbook
from domain.settings import Settings
from domain.shown_texts import printable
from domain.told_pages import Told

# So many pages of one kind make a change for them worth trying.
AGAIN = 2
THRESHOLDS = (0.8, 0.9)
FEWER_ALARMS = 0.25  # of the promised ones
LONGER_QUIET, LONGER_JOIN = 6, 5  # times the seconds
MOST_OF_A_KIND = 10


@dataclass(frozen=True)
class Candidate:
    """A change that may save pages; one of its fields says which."""

    told: str  # in words, as it is made
    branches: Mapping[str, Mapping[str, object]] = field(default_factory=dict)  # settings that a replay tries
    playbook: Playbook | None = None  # one more, that a replay tries
    about: tuple[str, str] = ("", "")  # … kind and template of the incidents that it is for
    silenced: str = ""  # the service whose pages are held back
    unattended: tuple[str, str] = ("", "")  # the playbook that no longer asks, and where

    @property
    def replayed(self) -> bool:
        """Whether batches decide otherwise with it."""
        return bool(self.branches) or self.playbook is not None


@dataclass(frozen=True, slots=True)
class Trial:
    """What a change would have come to."""

    candidate: Candidate
    saved: int  # pages
    missed: Sequence[int]  # incidents that mattered, about which nobody would have been told in the same way

    @property
    def recommended(self) -> bool:
        """Whether it saves pages and misses nothing."""
        return self.saved > 0 and not self.missed


def candidates(pages: Sequence[Told], tree: Settings, drafted: Iterable[Candidate] = ()) -> list[Candidate]:
    """What may be worth trying; `drafted`: playbooks for what came again."""
    idle = [one for one in pages if not one.acted.upon]
    found = [*_of_settings(idle, tree), *_silences(idle)] if idle else []
    return [*found, *_without_asking(pages), *drafted]


def _of_settings(idle: Sequence[Told], tree: Settings) -> Iterator[Candidate]:
    detection, rules = tree.detection, tree.incidents
    for higher in THRESHOLDS:
        if higher > detection.confidence_threshold:
            yield _setting("detection", "confidence_threshold", higher)
    yield _setting("incidents", "confirm_logs", 2 * rules.confirm_logs)
    if detection.false_alarms_per_day and any(one.about.kind == Kind.METRIC for one in idle):
        yield _setting("detection", "false_alarms_per_day", FEWER_ALARMS * detection.false_alarms_per_day)
    # A text that comes again and again is one incident where the pauses between are put up with.
    if max(Counter(one.about[:3] for one in idle).values()) >= AGAIN:
        yield _setting("incidents", "quiet_seconds", LONGER_QUIET * rules.quiet_seconds)
    if _come_together(idle, seconds=LONGER_JOIN * rules.join_seconds):
        yield _setting("incidents", "join_seconds", LONGER_JOIN * rules.join_seconds)


def _setting(branch: str, name: str, value: float) -> Candidate:
    return Candidate(f"{branch}.{name}: {number(value)}", {branch: {name: value}})


def _come_together(idle: Sequence[Told], *, seconds: float) -> bool:
    """Whether incidents of two services opened within so long of each other."""
    opened = sorted({(one.about.opened_at, one.about.service) for one in idle})
    return any(one[1] != other[1] and (other[0] - one[0]).total_seconds() <= seconds for one, other in pairwise(opened))


def _silences(idle: Sequence[Told]) -> Iterator[Candidate]:
    for name, many in Counter(one.about.service for one in idle if len(one.services) == 1).most_common(MOST_OF_A_KIND):
        if many >= AGAIN:
            yield Candidate(f"sre silence add service={printable(name)} --for 7d", silenced=name)


def _without_asking(pages: Sequence[Told]) -> Iterator[Candidate]:
    """Playbooks that asked first, were allowed, and helped."""
    went_well = Counter(
        (one.asked.playbook, one.about.service) for one in pages if one.asked is not None and _went_well(one)
    )
    for (playbook, service), many in went_well.most_common(MOST_OF_A_KIND):
        if many >= AGAIN:
            told = f"sre autonomy set {printable(playbook)} {printable(service)} act"
            yield Candidate(told, unattended=(playbook, service))


def _went_well(page: Told) -> bool:
    asked = page.asked
    return asked is not None and asked.by_rank_alone and asked.allowed and asked.helped


def tried(
    candidate: Candidate, pages: Sequence[Told], stored: Iterable[Decision], decided: Iterable[Decision]
) -> Trial:
    """What a change of settings or playbooks would have come to; `decided`: by a replay with it.

    A page that `on-call` made comes again as long as its incident is confirmed. What a playbook is for is not missed.
    """
    stored = list(stored)
    by_batches = {one.page for one in stored if one.kind is LedgerKind.PAGE_QUEUED}
    queued = Counter(one.about for one in stored if one.kind is LedgerKind.PAGE_QUEUED)
    were_confirmed = {one.about for one in stored if one.kind is LedgerKind.CONFIRMED}
    told = Counter((one.about, one.kind) for one in decided)
    would = Counter({about: many for (about, kind), many in told.items() if kind is LedgerKind.PAGE_QUEUED})
    answered = {about for about, kind in told if kind is LedgerKind.PAGE_JOINED}
    confirmed = {about for about, kind in told if kind is LedgerKind.CONFIRMED}
    if candidate.playbook is not None:
        answered |= {about for about in confirmed if about[1:3] == candidate.about}
    ours = [one for one in pages if one.number in by_batches]
    # What no batch confirmed, such as an incident of the agent's own, no change of them saves.
    gone = were_confirmed - confirmed
    others = [one for one in pages if one.number not in by_batches and one.about in gone]
    # Of the pages that are lost only those count that people got; each that is won costs one.
    lost, of_people = queued - would, Counter(one.about for one in ours)
    saved = sum((lost & of_people).values()) + len(others) - (would - queued).total()
    missed = {one.incident for one in ours if one.acted.upon and not (would[one.about] or one.about in answered)}
    missed |= {one.incident for one in others if one.acted.upon}
    return Trial(candidate, saved, sorted(missed))


def derived(candidate: Candidate, pages: Sequence[Told]) -> Trial:
    """What a change would have come to that no batch decides otherwise for."""
    return _unattended(candidate, pages) if any(candidate.unattended) else _silenced(candidate, pages)


def _silenced(candidate: Candidate, pages: Sequence[Told]) -> Trial:
    """A silence holds back whatever its service alone pages for."""
    held = [one for one in pages if one.services == {candidate.silenced}]
    return Trial(candidate, len(held), sorted({one.incident for one in held if one.acted.upon or one.critical}))


def _unattended(candidate: Candidate, pages: Sequence[Told]) -> Trial:
    """What was asked would have been done unasked; that of a plan which was refused or did not help must not be."""
    asked = [
        one
        for one in pages
        if one.asked is not None
        and one.asked.by_rank_alone
        and (one.asked.playbook, one.about.service) == candidate.unattended
    ]
    saved = sum(map(_went_well, asked))
    wrong = {
        one.incident
        for one in asked
        if one.asked is not None and (one.asked.refused or (one.asked.allowed and not one.asked.helped))
    }
    return Trial(candidate, saved, sorted(wrong))


def playbook_for(page: Told, playbook: Playbook) -> Candidate:
    """A playbook that was drafted from the incident of a page, and is tried as if it were in use and trusted."""
    told = f"sre playbooks draft {page.incident}, reviewed and trusted to act"
    return Candidate(told, playbook=playbook, about=(page.about.kind, page.about.template))


def came_again(pages: Sequence[Told]) -> list[Told]:
    """For each kind of incident that no playbook fitted again and again, its newest page."""
    uncommon = [one for one in pages if one.reason == PageReason.UNCOMMON]
    often = Counter(one.about[1:3] for one in uncommon)
    newest: dict[tuple[str, ...], Told] = {one.about[1:3]: one for one in uncommon if one.about.template}
    return [newest[about] for about, many in often.most_common(MOST_OF_A_KIND) if many >= AGAIN and about in newest]
