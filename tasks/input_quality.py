"""How the input is, stretch by stretch: batches are summed up, and checked together every few seconds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from adapters.expectations import failures, row, warm_up
from adapters.store.batches import Judged
from adapters.store.database import Engine
from adapters.store.quality_rows import add_result
from domain.batch_facts import Facts, Usual, Volume, facts, learned, volume
from domain.quality_settings import QualitySettings

log = logging.getLogger(__name__)

NAMED = 5


@dataclass(frozen=True, slots=True)
class Checked:
    """What a stretch was like."""

    at: datetime
    summary: Mapping[str, float]
    failures: tuple[str, ...]  # in words


@dataclass
class InputQuality:
    """Sums up the batches of one `watch` run; `add` is called by it, `check` beside it."""

    engine: Engine
    settings: QualitySettings
    held: Facts = field(default_factory=Facts)
    usual: Mapping[str, Usual] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, judged: Judged, *, now: datetime) -> None:
        """One more stored batch."""
        if self.settings.enabled:
            found = facts(judged.raw, judged.batch, len(judged.rejected), self.settings.ranges, now=now)
            with self.lock:
                self.held = self.held + found

    def warm_up(self) -> None:
        """Import what checks, which takes seconds."""
        if self.settings.enabled:
            warm_up(self.settings)

    def check(self, now: datetime) -> Checked | None:
        """Check what came since the last call, and keep the result; None where nothing came.

        Raises Unavailable when the store does not answer.
        """
        with self.lock:
            found, self.held = self.held, Facts()
        if not found.messages:
            return None
        settings = self.settings
        against = volume(found, self.usual, least=settings.least_volume, most=settings.most_volume)
        self.usual = learned(self.usual, found)
        summary = row(found, against, settings)
        words = tuple(one.words + _named(one.column, against) for one in failures(summary, settings))
        if words:
            log.warning("quality.failed", extra={"failures": list(words)})
        add_result(self.engine, summary, words, now=now)
        return Checked(now, summary, words)


def _named(column: str, against: Volume) -> str:
    """Which services an expectation is about."""
    names = {"new_services": against.new, "odd_services_percent": (*against.quiet, *against.loud)}.get(column, ())
    if not names:
        return ""
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f": {', '.join(names[:NAMED])}{more}"
