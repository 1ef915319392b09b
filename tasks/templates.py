"""The templates of what one process reads: learned batch by batch, kept in the store so that ids outlive it."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adapters.store.database import Engine
from adapters.store.template_states import State, Version, load
from domain.findings import OF_TEXTS, MinuteFinding
from domain.grouping import microseconds
from domain.logs import LogBatch
from ml import failures
from ml.templates import TemplateMiner

Ids = NDArray[np.int64]
# So many different new messages of a batch are looked at: one takes up to half a millisecond.
MOST_NEW = 1_000


class Templates:
    """A miner that one thread learns with while another one stores what it knows."""

    def __init__(self, state: State | None = None) -> None:
        self.miner = TemplateMiner() if state is None else TemplateMiner.from_table(state.table)
        self.version = None if state is None else state.version
        self.lock = threading.Lock()
        self.stored = self._forms()

    @classmethod
    def of(cls, engine: Engine) -> Templates:
        """Those that were stored last."""
        return cls(load(engine))

    def _forms(self) -> int:
        return self.miner.forms

    def assign(self, batch: LogBatch) -> Ids:
        """The template of each log; 0 where a flood of new messages leaves no time to tell it."""
        messages, at = batch.frame["message"], microseconds(batch.frame["timestamp"])
        with self.lock:
            return self.miner.assign(messages, at, MOST_NEW)

    def told(self, batch: LogBatch) -> pa.Array:
        """The same as a column, null where it is not told."""
        ids = self.assign(batch)
        return pa.array(ids, mask=ids == 0)

    def current(self, ids: Ids) -> Ids:
        """What the templates with these ids are called now; shape as `ids`."""
        with self.lock:
            return self.miner.current(ids)

    def worded(self, finding: MinuteFinding) -> MinuteFinding:
        """The same with its template's text, where it is about one that is remembered."""
        if finding.measured not in OF_TEXTS:
            return finding
        with self.lock:
            text = self.miner.text_of(int(finding.name)) or ""
        return replace(finding, text=text, of_failure=failures.words(text) and not failures.healed(text))

    @property
    def has_news(self) -> bool:
        """Whether something was learned since it was stored."""
        with self.lock:
            return self._forms() != self.stored

    def news(self) -> tuple[pa.Table, int] | None:
        """The whole state and its size where something was learned since it was stored; `kept` says that it is."""
        with self.lock:
            forms = self._forms()
            return None if forms == self.stored else (self.miner.to_table(), forms)

    def learn(self, state: State) -> None:
        """Go on from what another process stored; what is known here alone is news.

        What is stored comes first, so that all of them come to name a template alike.
        """
        with self.lock:
            self.stored, self.version = self._forms(), state.version
            self.miner.go_on_from(state.table)

    def kept(self, forms: int, version: Version) -> None:
        """A state of that size was committed; one that was not is told again with the next batch."""
        self.stored, self.version = forms, version
