"""One batch to committed rows: offsets, minutes, incidents, pages and logs in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from adapters.store.batches import BatchStore, Judged, Work
from adapters.store.template_states import Version
from domain.canary import SERVICE, run_of, template_of
from domain.folded import Anomaly, Correlation, Folded, Name
from domain.incidents import Kind
from ml.anomalies import anomalies, of_minute
from tasks.judging import Knowledge, correlate
from tasks.minutes import Found, MinuteMemory, Over, found, turned
from tasks.templates import Templates


def store_batch(
    kept: BatchStore,
    judged: Judged,
    knowledge: Knowledge,
    memory: MinuteMemory,
    *,
    now: datetime,
    templates: Templates | None = None,
) -> tuple[Folded, MinuteMemory]:
    """Commit a batch; what it did to the incidents, and what its consumer remembers after it.

    Raises what `BatchStore.batch` does; the memory is void then.
    """
    with kept.batch(judged, now=now) as work:
        over, after = _minutes(work, judged, knowledge, memory, templates)
        seen = in_order(anomalies(judged.batch, judged.verdicts), over.findings, knowledge.rules)
        folded = _folded(work, judged, knowledge, apart(seen, work.canary_runs), kept)
        work.save(folded)
        numbers = {finding: incident.id for finding, incident in folded.of_minute}
        news = _keep_news(work, templates) if templates is not None else None
        work.minutes.add_findings((one.finding, numbers.get(one.finding)) for one in over.findings)
        work.minutes.add_sessions(over.sessions)
    if templates is not None and news is not None:
        templates.kept(*news)
    return folded, after


def _keep_news(work: Work, templates: Templates) -> tuple[int, Version] | None:
    """Keep what was learned of templates since, beside what others learned; how many forms, and the version."""
    if not templates.has_news:
        return None
    _learn_from_others(work, templates, lock=True)
    news = templates.news()
    return None if news is None else (news[1], work.keep_templates(news[0]))


def _learn_from_others(work: Work, templates: Templates, *, lock: bool = False) -> None:
    newer = work.newer_templates(templates.version, lock=lock)
    if newer is not None:
        templates.learn(newer)


def _minutes(
    work: Work, judged: Judged, knowledge: Knowledge, memory: MinuteMemory, templates: Templates | None
) -> tuple[Over, MinuteMemory]:
    detector = knowledge.minutes
    if detector is None:
        return Over(), memory
    after = turned(work.minutes, judged.raw, judged.counted, memory)
    if all(place in memory.open and one.closed == memory.open[place].closed for place, one in after.open.items()):
        return Over(), after
    work.one_by_one()
    if templates is not None:  # minutes are those of all partitions, also of those that others read
        _learn_from_others(work, templates)
    current = templates.current if templates is not None else None
    over, after = found(work.minutes, judged.counted.steps, after, detector, knowledge.sessions, current)
    return (over if templates is None else worded(over, templates)), after


def worded(over: Over, templates: Templates) -> Over:
    """The same, and findings about texts have these."""
    return replace(over, findings=[replace(one, finding=templates.worded(one.finding)) for one in over.findings])


def in_order(logs: Sequence[Anomaly], findings: Sequence[Found], rules: Correlation) -> list[Anomaly]:
    """Anomalous logs, and before each of them the minutes that were over by then."""
    minutes = [
        of_minute(one.finding, one.row, one.words) for one in findings if one.finding.is_told(rules.confirm_logs)
    ]
    return sorted([*minutes, *logs], key=lambda one: one.row)


def apart(seen: list[Anomaly], sent: Callable[[Iterable[str]], frozenset[str]]) -> list[Anomaly]:
    """The same, with those of the agent's own tests under names of their own, which nothing else joins.

    `sent`: which of some runs were really sent. A log that only calls itself so is one like any other.
    """
    said = {
        at: run_of(one.evidence().message)
        for at, one in enumerate(seen)
        if one.service == SERVICE and one.minute is None
    }
    runs = {run for run in said.values() if run}
    known = sent(runs) if runs else frozenset[str]()
    found = list(seen)
    for at, run in said.items():
        if run in known:
            name = Name(Kind.CANARY, template_of(run))
            found[at] = replace(found[at], names=(name,), called=name)
    return found


def _folded(work: Work, judged: Judged, knowledge: Knowledge, seen: Sequence[Anomaly], kept: BatchStore) -> Folded:
    if not seen:
        return Folded()
    work.one_by_one()
    services = frozenset(one.service for one in seen)
    known = work.known(services, min(one.at for one in seen), kept.gone_out())
    return correlate(judged, seen, knowledge, known, now=work.now)
