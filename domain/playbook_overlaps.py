"""What is wrong with playbooks beside each other: which of them a log would choose, and what stands there twice.

A sample is looked at as the incident would hold it: by the template that live logs get. All patterns are tried at
once, so that a folder of any size takes one pass over each sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from domain.incidents import Kind
from domain.patterns import Patterns
from domain.playbook_flaws import Flaw
from domain.playbooks import Fit, LogSample, Playbook, fit, in_order, rather
from domain.templates import template


@dataclass(frozen=True, slots=True)
class Shown:
    """What retrieval looks at in an incident that a sample would open."""

    service: str
    kind: Kind
    template: str
    level: int
    metric: str
    direction: str
    id: int = 0


def shown(sample: LogSample) -> tuple[Shown, ...]:
    """The names that an incident of this log may have, in the order in which playbooks are asked."""
    text = template(sample.message)
    by_text = Shown(sample.service, Kind.LOG, text, int(sample.level), sample.metric, sample.direction)
    if not sample.metric:
        return (by_text,)
    return by_text, replace(by_text, kind=Kind.METRIC, template=f"{sample.metric} {sample.direction}")


class Choice:
    """Chooses among playbooks, with a look at the likely ones only.

    Parameters
    ----------
    playbooks
        Playbooks without a flaw of their own.
    """

    def __init__(self, playbooks: Sequence[Playbook]) -> None:
        pairs = [(book, pattern) for book in playbooks for pattern in book.matches.templates]
        self._of_pattern = [book for book, _ in pairs]
        self._patterns = Patterns([pattern for _, pattern in pairs])
        self._by_metric = [book for book in playbooks if book.matches.metrics]

    def fitting(self, sample: LogSample) -> list[Fit]:
        """Every playbook that fits the first name for which there is one, the chosen one first."""
        for one in shown(sample):
            if fits := in_order(found for book in self._likely(one) if (found := fit(book, one))):
                return fits
        return []

    def _likely(self, one: Shown) -> Iterable[Playbook]:
        if one.kind is Kind.METRIC:
            return self._by_metric
        books = (self._of_pattern[place] for place in self._patterns.matching(one.template))
        return {book.id: book for book in books}.values()


def overlaps(playbooks: Sequence[Playbook]) -> list[tuple[Playbook, Flaw]]:
    """What is wrong, with the playbook at which it is to be mended; ids are taken to be distinct."""
    choice = Choice(playbooks)
    found = [
        (book, flaw) for book in playbooks for flaw in (*_by_samples(book, choice), *_by_near_misses(book, choice))
    ]
    return found + [pair for what in TWICE for pair in _twice(playbooks, what)]


def _by_samples(book: Playbook, choice: Choice) -> Iterator[Flaw]:
    every = [choice.fitting(sample) for sample in book.samples]
    takers = {fits[0].playbook.id for fits in every if fits}
    if every and all(every) and book.id not in takers:
        yield Flaw(("matches",), f"can never be chosen: every sample is taken by {', '.join(sorted(takers))}")
        return
    for position, fits in enumerate(every):
        if text := _sample_fault(book, fits):
            yield Flaw(("samples", position), text)


def _sample_fault(book: Playbook, fits: list[Fit]) -> str:
    if not fits:
        return "chooses no playbook"
    mine = next((found for found in fits if found.playbook.id == book.id), None)
    others = [found for found in fits if found is not mine]
    if mine and (tied := next((other for other in others if other.rank == mine.rank), None)):
        return f"fits {tied.playbook.id} as well, and only the ids decide: let one pattern name more of the text"
    if fits[0] is mine:
        return ""
    why = f"; {rather(fits[0], mine)}" if mine else ""
    return f"chooses {fits[0].playbook.id}: {fits[0].reason}{why}"


def _by_near_misses(book: Playbook, choice: Choice) -> Iterator[Flaw]:
    for position, sample in enumerate(book.near_misses):
        fits = choice.fitting(sample)
        if fits and fits[0].playbook.id == book.id:
            yield Flaw(("near_misses", position), f"chooses this playbook: {fits[0].reason}")


Where = tuple[str | int, ...]
# What something is, where it stands, and what is said of it if it stands in an earlier playbook too.
Twice = Iterator[tuple[object, Where, str]]


def _titles(book: Playbook) -> Twice:
    yield book.title.strip().lower(), ("title",), f"{book.title!r} is also the title of"


def _bodies(book: Playbook) -> Twice:
    yield book.body.partition("\n")[2], (), "the text is that of"


def _patterns(book: Playbook) -> Twice:
    """Of one pattern for other services the choice is clear."""
    for position, pattern in enumerate(book.matches.templates):
        for service in sorted(set(book.matches.services)):
            yield (pattern, service), ("matches", "templates", position), f"/{pattern}/ stands also in"


TWICE: tuple[Callable[[Playbook], Twice], ...] = (_titles, _bodies, _patterns)


def _twice(playbooks: Sequence[Playbook], what: Callable[[Playbook], Twice]) -> Iterator[tuple[Playbook, Flaw]]:
    first: dict[object, tuple[Playbook, Where]] = {}
    for book in playbooks:
        for key, where, said in what(book):
            earlier = first.setdefault(key, (book, where))
            if earlier != (book, where):
                yield book, Flaw(where, f"{said} {earlier[0].path}")
