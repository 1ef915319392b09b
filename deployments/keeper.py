"""Sees to it that each long-lived deployment has a run: `python -m deployments.keeper`.

The triggers in `prefect.yaml` do that within seconds, as a rule. But Prefect's server keeps in memory
which events it saw: after it was restarted, the end of a run that began just before may wait a quarter
of an hour for its trigger. A run that somebody cancelled stays off.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from deployments import environment
from deployments.prefect_api import LOGIN, PrefectApi, connect
from deployments.programs import POOLS
from deployments.registration import long_lived
from domain.errors import Refused, Unavailable

log = logging.getLogger(__name__)

LOOK_SECONDS = 3.0
# The triggers' own time; a run that they start needs none from here.
PATIENCE = timedelta(seconds=15)


class Absences:
    """Since when each deployment has had no active run."""

    def __init__(self) -> None:
        self.since: dict[str, datetime] = {}

    def overdue(self, missing: Iterable[str], *, now: datetime) -> list[str]:
        """Those of `missing` that have been missing for too long; each is named once per such time."""
        missing = set(missing)
        self.since = {name: self.since.get(name, now) for name in missing}
        late = sorted(name for name in missing if now - self.since[name] >= PATIENCE)
        for name in late:
            self.since[name] = now
        return late


def missing(api: PrefectApi, ids: Mapping[str, str]) -> list[str]:
    """Deployments without an active run, except those whose last run somebody cancelled."""
    active = {run.deployment for run in api.runs(POOLS)}
    absent = [name for name, deployment in ids.items() if deployment not in active]
    return [name for name in absent if api.last_state(ids[name]) != "CANCELLED"]


def look(api: PrefectApi, absences: Absences, *, now: datetime) -> list[str]:
    """Start what has been missing for too long; the names."""
    ids = long_lived(api.deployments(POOLS))
    late = absences.overdue(missing(api, ids), now=now)
    for name in late:
        api.start(ids[name])
        log.warning("%s had no run for %d s and no trigger: started", name, PATIENCE.total_seconds())
    return late


def main() -> None:
    """Look every few seconds, until SIGTERM."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    absences = Absences()
    # A server of somebody's own may want a login, which the workers' file keeps.
    settings = environment.load(Path(os.environ["SRE_HOME"]) / environment.FOR_ALL)
    os.environ.setdefault(LOGIN, settings.get(LOGIN, ""))
    with connect(os.environ["PREFECT_API_URL"]) as api:
        while True:
            try:
                look(api, absences, now=datetime.now().astimezone())
            except (Unavailable, Refused) as error:
                log.info("Prefect does not answer: %s", error)
            time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()
