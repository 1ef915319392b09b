"""Which pages were worth it, and which change would have saved the others: what people read daily and weekly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.amounts import counted, number
from domain.noise_trials import AGAIN, Trial
from domain.page_sentences import page_reason
from domain.shown_texts import cut, printable
from domain.told_pages import Told

MOST_ROWS, LONGEST = 10, 60


@dataclass(frozen=True)
class Report:
    """The pages of a time, and what would have saved some of them."""

    since: datetime
    until: datetime
    pages: Sequence[Told]
    trials: Sequence[Trial] = ()
    doubts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a report as people read it: a table, or sentences."""

    title: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    sentences: Sequence[str] = ()


def headline(report: Report) -> str:
    """It in a line."""
    idle = sum(not one.acted.upon for one in report.pages)
    if not report.pages:
        return "nobody was paged"
    best = max((one.saved for one in report.trials if one.recommended), default=0)
    more = f"; {counted(best, 'page')} could have been saved" if best else ""
    return f"{counted(len(report.pages), 'page')}, {number(idle)} of them acted upon by nobody{more}"


def title(since: datetime, until: datetime) -> str:
    """What it is about."""
    return f"Pages from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"


def sections(report: Report) -> list[Section]:
    """The report part by part; nothing where nobody was paged."""
    return list(_sections(report)) if report.pages else []


def _sections(report: Report) -> Iterator[Section]:
    pages = report.pages
    best_first = sorted(report.trials, key=lambda one: (not one.recommended, -one.saved))
    nothing = ("Nothing was tried: each page was acted upon.",)
    yield Section("What would have saved pages", sentences=[in_words(one) for one in best_first] or nothing)
    again = Counter(one.about[:3] for one in pages if not one.acted.upon)
    if often := [(about, many) for about, many in again.most_common(MOST_ROWS) if many >= AGAIN]:
        named = [f"{_named(*about)}: {counted(many, 'page')}" for about, many in often]
        hint = "`sre incident N --verdict false-alarm` makes such a text usual from the next training on."
        yield Section("What nobody acted upon, and came again", sentences=[*named, hint])
    yield _counts("Why", (page_reason(one.reason) for one in pages), pages)
    yield _counts("Service", (printable(one.about.service) for one in pages), pages)
    yield _counts("What became of it", (one.acted.value for one in pages), pages)
    yield _counts("Hour (UTC)", (f"{one.at:%H}" for one in pages), pages, by_name=True)
    if report.doubts:
        yield Section("Not certain", sentences=[printable(doubt) for doubt in report.doubts])


def _named(service: str, _kind: str, template: str) -> str:
    return f"{printable(service)}: {cut(printable(template), LONGEST)}"


def _counts(head: str, names: Iterable[str], pages: Sequence[Told], *, by_name: bool = False) -> Section:
    """How many pages, and how many of them were acted upon."""
    whole: Counter[str] = Counter()
    upon: Counter[str] = Counter()
    for name, one in zip(names, pages, strict=True):
        whole[name] += 1
        upon[name] += one.acted.upon
    rows = sorted(whole.items()) if by_name else whole.most_common(MOST_ROWS)
    return Section(head, (head, "pages", "acted upon"), [(name, f"{many:,}", f"{upon[name]:,}") for name, many in rows])


def markdown(report: Report) -> list[str]:
    """The report as lines of Markdown."""
    lines = [f"# {title(report.since, report.until)}", "", headline(report)]
    for section in sections(report):
        lines += ["", f"## {section.title}", ""]
        if section.columns:
            lines += [_row(section.columns), "|---" * len(section.columns) + "|", *map(_row, section.rows)]
        lines += [f"- {sentence}" for sentence in section.sentences]
    return lines


def _row(cells: Sequence[str]) -> str:
    return "".join(f"| {cell.replace('|', chr(92) + '|')} " for cell in cells) + "|"


def in_words(trial: Trial) -> str:
    """What a change would have come to."""
    if trial.saved < 0:
        return f"`{trial.candidate.told}` would have made {counted(-trial.saved, 'page')} more: not recommended"
    what = f"`{trial.candidate.told}` would have saved {counted(trial.saved, 'page')}"
    if trial.missed:
        shown = ", ".join(map(str, trial.missed[:MOST_ROWS]))
        return f"{what}, and missed {counted(len(trial.missed), 'incident')} that mattered ({shown}): not recommended"
    return f"{what} and missed nothing: recommended" if trial.saved else what
