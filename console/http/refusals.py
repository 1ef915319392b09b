"""Answers that are not taken, in the ledger; a stranger cannot fill it."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime
from threading import Lock

from limits import RateLimitItemPerHour
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from adapters.store import responses
from adapters.store.database import Engine
from adapters.store.users import refuse_login
from domain.answer_links import MEANING, Flaw
from domain.errors import Unavailable
from domain.responses import Via

log = logging.getLogger(__name__)

# Entries in an hour about what nobody signed, for each way in; and about one link, event or person.
OF_STRANGERS, OF_ONE = 10, 5
UNSIGNED = frozenset({Flaw.FORGED, Flaw.UNREADABLE})


class Refusals:
    """Notes what was refused, and how many like it were not noted since."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.limiter = FixedWindowRateLimiter(MemoryStorage())
        self.unsaid: Counter[str] = Counter()
        self.lock = Lock()

    def note(  # noqa: PLR0913 - what is known of the answer
        self,
        flaw: Flaw,
        via: Via,
        *,
        now: datetime,
        about: str = "",
        incident_id: int | None = None,
        by: str = "",
        verb: str = "",
    ) -> None:
        """Note one refusal, `about` a link or event; beyond the limit it is counted and told of later."""
        known = "" if flaw in UNSIGNED else about
        unsaid = self._unsaid(f"{flaw} {via} {known}", OF_ONE if known else OF_STRANGERS)
        if unsaid is None:
            return
        fields = {"why": MEANING[flaw], "via": via, "by": by, "verb": verb, "unsaid": unsaid}
        try:
            kept = {name: value for name, value in fields.items() if value}
            responses.refuse(self.engine, incident_id, kept, now=now)
        except Unavailable as error:  # it is refused all the same
            log.warning("http.refusal-not-noted", extra={"error": str(error)[:200], **kept})

    def note_login(self, name: str, address: str, why: str, *, now: datetime, by: str = "") -> None:
        """Note one login that was refused; whoever tries is a stranger, so all of them share one limit.

        `by`: what it was tried by, empty for a password.
        """
        unsaid = self._unsaid("login", OF_STRANGERS)
        if unsaid is None:
            return
        more = {key: value for key, value in {"by": by, "unsaid": unsaid}.items() if value}
        fields = {"user": name, "from": address, "why": why, **more}
        try:
            refuse_login(self.engine, fields, now=now)
        except Unavailable as error:  # as above
            log.warning("http.refusal-not-noted", extra={"error": str(error)[:200]})

    def _unsaid(self, key: str, most: int) -> int | None:
        """How many like it were not noted since the last one; None where this one is not noted either."""
        with self.lock:
            if not self.limiter.hit(RateLimitItemPerHour(most), key):
                self.unsaid[key] += 1
                return None
            return self.unsaid.pop(key, 0)
