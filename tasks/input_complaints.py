"""What batches say about their producers and their model, for people to see: conditions, and incidents of our own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.store.batches import Judged
from domain.clocks import skew_in_words
from domain.errors import SreError
from domain.readability import Readability
from tasks.judging import NO_MODEL

log = logging.getLogger(__name__)

# A condition is repeated so often while it lasts, and is over when nothing was seen of it for twice as long.
SKEW_AGAIN = timedelta(seconds=30)


@dataclass
class InputComplaints:
    """Looks at each batch that was stored; what it has to say never keeps a batch from that."""

    topic: str
    say: Callable[[str, str], None]  # a part, and what ails it: nothing when it is well
    own_incident: Callable[[str, str], None]  # template and message of an incident of our own
    readability: Readability = field(default_factory=Readability)
    unreadable: bool = False  # an incident of ours tells of it
    skew_seen: datetime | None = None
    model_trouble: str = ""  # why rules decide although there is a model

    def look(self, judged: Judged, now: datetime) -> None:
        """Tell of what is new in a batch. What cannot be told is logged."""
        try:
            self._clocks(judged.ahead, now)
            self._readability(judged, now)
            # A system that never had a model is as it was set up.
            self._model(judged.verdicts.fallback.removeprefix(NO_MODEL))
        except SreError as error:
            log.warning("watch.input-not-told-of", extra={"error": str(error)[:200]})

    def _clocks(self, ahead: Mapping[str, timedelta], now: datetime) -> None:
        quiet_for = now - self.skew_seen if self.skew_seen else SKEW_AGAIN
        if ahead and quiet_for >= SKEW_AGAIN:
            self.skew_seen = now
            self.say("clocks", skew_in_words(ahead))
        elif self.skew_seen and quiet_for >= 2 * SKEW_AGAIN:
            self.skew_seen = None
            self.say("clocks", "")

    def _readability(self, judged: Judged, now: datetime) -> None:
        self.readability.add(len(judged.raw), (letter.reason for letter in judged.rejected), now)
        complaint = self.readability.complaint
        if complaint and not self.unreadable:
            self.own_incident(f"most logs of topic {self.topic} cannot be read", complaint)
        self.unreadable = bool(complaint)

    def _model(self, trouble: str) -> None:
        if trouble != self.model_trouble:
            self.model_trouble = trouble
            self.say("model", f"rules decide: {trouble}" if trouble else "")
