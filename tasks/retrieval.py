"""Search over playbooks, past incidents and any folder of Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from threading import Lock

from adapters.embeddings import EmbeddingEndpoint
from adapters.markdown_files import read_folder
from adapters.store.database import Engine
from adapters.store.past_incidents import past_incidents
from domain.documents import HELPED, Document, first_item, words_of_pattern
from domain.incidents import Incident
from domain.playbooks import Playbook
from domain.quoted import mask_quoted
from domain.settings import RetrievalSettings, Settings
from domain.shown_texts import cut
from ml.retrieval import Answer, Hit, Retriever

FRESH = timedelta(minutes=5)  # so old an index of past incidents may be
LONGEST_QUESTION = 4_000  # characters of an incident's texts
LONGEST_CURE = 120  # characters of what helped, in a line of a page
_SHOWN_TERMS = 5


def search_folder(folder: Path, text: str, *, limit: int = 5, settings: Settings | None = None) -> Answer:
    """The Markdown files of any folder that answer a question, the best first.

    >>> answer = search_folder(Path("runbooks"), "KubeVirtDown: no virt-handler pod is ready")
    >>> [(hit.document.id, hit.score, hit.terms) for hit in answer.hits if hit.answers]

    A file needs no front matter; where there is one, its title and what it says the file is about count.
    `hit.answers` tells what answers from what only lies nearest. Raises BadInput where there is no such folder.
    To search a folder many times, keep `index(read_folder(folder), settings)` and call its `search`.
    """
    return index(read_folder(folder), settings or Settings()).search(text, limit)


def index(documents: Sequence[Document], settings: Settings) -> Retriever:
    """Documents, ready to be searched; with vectors where an endpoint for them is set."""
    embed = EmbeddingEndpoint(settings.retrieval, settings.calls) if settings.retrieval.embedding_url else None
    return Retriever(embed, settings.playbooks.max_context_length).fit(documents)


def playbook_document(playbook: Playbook) -> Document:
    """A playbook as it is searched: its text, what it is called, and what it looks for."""
    patterns = (words_of_pattern(pattern) for pattern in playbook.matches.templates)
    metrics = (words_of_pattern(metric.name) for metric in playbook.matches.metrics)
    return Document(playbook.id, playbook.body, playbook.title, (playbook.id, *patterns, *metrics))


@dataclass
class Library:
    """What can be looked up for incidents; each index is built when it is first asked for, and kept.

    No page waits for a server of vectors: the search is by words alone.
    """

    settings: Settings
    known: tuple[Playbook, ...]
    _past: tuple[datetime, Retriever] | None = field(default=None, repr=False)
    _reading: Lock = field(default_factory=Lock, repr=False)

    @cached_property
    def playbooks(self) -> Retriever:
        """The playbooks."""
        return index([playbook_document(playbook) for playbook in self.known], _by_words(self.settings))

    def past(self, engine: Engine, *, now: datetime) -> Retriever:
        """Closed incidents, as they were a few minutes ago at most; older ones, or none, while these are read."""
        fresh = self._past is not None and timedelta() <= now - self._past[0] < FRESH
        if not fresh and self._reading.acquire(blocking=False):
            try:
                self._past = now, index(past_incidents(engine), _by_words(self.settings))
            finally:
                self._reading.release()
        return self._past[1] if self._past else index((), _by_words(self.settings))


def _by_words(settings: Settings) -> Settings:
    return settings.model_copy(update={"retrieval": RetrievalSettings()})


def may_help(incident: Incident, playbooks: Retriever, limit: int = 3) -> list[str]:
    """The playbooks that answer what an incident shows, as lines for a page.

    Its own playbook, which the page shows anyway, and what only lies nearest are left out.
    """
    found = [hit for hit in _answers(playbooks, question(incident), limit + 1) if hit.document.id != incident.playbook]
    return [f"May help: playbook {hit.document.id}, {_title(hit)}, {_sure(hit)}" for hit in found[:limit]]


def seen_before(incident: Incident, past: Retriever, limit: int = 3) -> list[str]:
    """The past incidents that answer what an incident shows, with what helped then, as lines for a page.

    Itself is left out.
    """
    mine = f"incident-{incident.id}"
    found = [hit for hit in _answers(past, question(incident), limit + 1) if hit.document.id != mine]
    return [f"Seen before: {_title(hit)} ({hit.document.id}), {_sure(hit)}{_helped(hit)}" for hit in found[:limit]]


def question(incident: Incident) -> str:
    """What an incident shows, in the words of its alerts."""
    shown = [part for alert in incident.alerts for part in (alert.template, alert.metric, alert.direction)]
    lines = dict.fromkeys(filter(None, (incident.template, incident.metric, incident.direction, *shown)))
    return "\n".join(lines)[:LONGEST_QUESTION]


def _answers(retriever: Retriever, text: str, limit: int) -> list[Hit]:
    return [hit for hit in retriever.search(text, limit).hits if hit.answers]


def _title(hit: Hit) -> str:
    first = hit.document.text.lstrip().partition("\n")[0]
    return hit.document.title or first.removeprefix("# ")


def _helped(hit: Hit) -> str:
    helped = cut(mask_quoted(first_item(hit.document.text, HELPED)), LONGEST_CURE)
    return f", helped: {helped}" if helped else ""


def _sure(hit: Hit) -> str:
    return f"{hit.score:.0%} sure by {', '.join(hit.terms[:_SHOWN_TERMS])}"
