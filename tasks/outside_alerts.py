"""Alerts of others become incidents: part of each of on-call's rounds."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from adapters.store.database import Engine
from adapters.store.outside_alerts import take as take_words

log = logging.getLogger(__name__)


def take(engine: Engine, *, quiet: timedelta, now: datetime) -> int:
    """Let incidents follow what their sources said since the last round; how many changed.

    `quiet`: what fires again within so long after it was over is the same incident. Raises Unavailable.
    """
    taken = take_words(engine, quiet=quiet, now=now)
    changed = taken.opened + taken.reopened + taken.closed + taken.updated
    if changed:
        counts = {"opened": taken.opened, "reopened": taken.reopened, "closed": taken.closed, "updated": taken.updated}
        log.info("outside-alerts.taken", extra=counts)
    return changed
