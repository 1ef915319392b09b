"""The agent tests itself: a known fault goes in as logs, and must come out as a page, within a time.

The logs are of a reserved service and carry the number of their run. What comes of them stays apart: it joins no
other incident, counts for no storm, trains nothing, and is told to the test's own contact alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from domain.amounts import seconds
from domain.logs import Level

SERVICE = "sre-canary"
CONTACT = "canary"  # of the channel `file`, which is there without a setting
WHY = "the agent tests itself"
MISSED = "the canary did not come through"
RUN = re.compile(r"canary run ([0-9a-f]{12}) ")


class Stage(StrEnum):
    """How far a known fault came, in order."""

    SENT = "sent"  # Kafka acknowledged its logs
    FOUND = "stored and found anomalous"
    CONFIRMED = "incident confirmed"
    QUEUED = "page queued"
    DELIVERED = "page delivered"


STUCK: Mapping[Stage, str] = {
    Stage.SENT: "Kafka did not take its logs",
    Stage.FOUND: "its logs were not stored, or not found anomalous: see the run of `watch`",
    Stage.CONFIRMED: "no incident was confirmed: see incidents.confirm_logs and the run of `watch`",
    Stage.QUEUED: "no page was made: see the runs of `watch` and `on-call`",
    Stage.DELIVERED: "its page was not delivered: see the run of `on-call`, and canary.contact",
}


class Outcome(StrEnum):
    """How a run ended, or that it goes on."""

    RUNNING = "running"
    PASSED = "passed"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Trace:
    """What is known of one run."""

    run: str  # 12 hexadecimal digits
    sent_at: datetime
    reached: Mapping[Stage, datetime] = field(default_factory=dict)
    outcome: Outcome = Outcome.RUNNING
    why: str = ""  # of a miss
    ended_at: datetime | None = None

    def after(self, stage: Stage) -> float | None:
        """Seconds from the start to a stage, None where it was not reached; clocks of two machines may differ."""
        at = self.reached.get(stage)
        return None if at is None else max(0.0, (at - self.sent_at).total_seconds())


def logs(run: str, now: datetime, many: int) -> list[dict[str, object]]:
    """The logs of a run: errors by their words, of a service that nobody else has."""
    text = f"canary run {run} failed: a test of the agent itself, nothing is broken"
    said = {"timestamp": now.isoformat(), "service": SERVICE, "level": Level.ERROR.name, "message": text}
    return [said | {"attributes": {"canary": run, "log": number}} for number in range(many)]


def run_of(message: str) -> str:
    """The run that a message says it is of, or nothing; whether there is such a run the store knows."""
    found = RUN.match(message)
    return found[1] if found else ""


def template_of(run: str) -> str:
    """What the incident of a run is called."""
    return f"canary run {run}"


def next_stage(trace: Trace) -> Stage | None:
    """What is waited for, None when everything came."""
    return next((stage for stage in Stage if stage not in trace.reached), None)


def verdict(trace: Trace, *, now: datetime, within: timedelta) -> tuple[Outcome, str]:
    """How the run stands, and of a miss why."""
    waits = next_stage(trace)
    if waits is None:
        late = trace.after(Stage.DELIVERED)
        if late is not None and late > within.total_seconds():
            return Outcome.MISSED, f"its page took {seconds(late)}, longer than {seconds(within.total_seconds())}"
        return Outcome.PASSED, ""
    if now - trace.sent_at < within:
        return Outcome.RUNNING, ""
    return Outcome.MISSED, f"after {seconds(within.total_seconds())}: {STUCK[waits]}"


def told(trace: Trace) -> list[str]:
    """Each stage with its time, a line each."""
    found = []
    for stage in Stage:
        took = trace.after(stage)
        found.append(f"{stage.value}: {'not reached' if took is None else f'after {took:.1f} s'}")
    return found


def in_a_line(trace: Trace) -> str:
    """How a run ended, for a status."""
    at = f"{trace.sent_at:%Y-%m-%d %H:%M} UTC"
    if trace.outcome is Outcome.PASSED:
        return f"{at}: a page for a known fault after {trace.after(Stage.DELIVERED) or 0.0:.1f} s"
    return f"{at}: {trace.why or 'it is under way'}"
