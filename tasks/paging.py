"""From a row of the outbox to a page, and through its channel to a human."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from prefect import task
from prefect.cache_policies import NO_CACHE

from adapters.channels import CHANNELS
from adapters.store import outbox
from adapters.store.database import Engine
from adapters.store.incident_queue import others_rely, reread
from adapters.store.outbox import QueuedPage
from adapters.store.switches import degraded
from domain.errors import BadSettings, Refused, Unavailable
from domain.incidents import Incident
from domain.pages import Page, PageReason
from domain.settings import Settings

log = logging.getLogger(__name__)

# A page's lease outlasts the time limit of its delivery by this much.
LEASE_SLACK = timedelta(seconds=15)
LONGEST_PAUSE_SECONDS = 60.0

MEANING = {
    PageReason.CRITICAL: "it is critical",
    PageReason.UNCOMMON: "no playbook fits",
    PageReason.OBJECTED: "a playbook fits, but may not run unattended",
    PageReason.INEFFECTIVE: "the playbook ran and did not help",
    PageReason.UNKNOWN: "the playbook ran, and nothing shows whether it helped",
    PageReason.FAILED: "the action failed",
    PageReason.STORM: "too many incidents at once",
}


def evidence_lines(incident: Incident) -> list[str]:
    """What was seen, one fact a line; the messages are untrusted text."""
    lines = [
        f"Service: {incident.service}",
        f"Signature: {incident.signature}",
        f"Seen: {incident.logs} logs from {incident.opened_at:%Y-%m-%d %H:%M:%S} to {incident.last_at:%H:%M:%S} UTC",
        f"Detector: {incident.detector}",
    ]
    for kept in incident.evidence:
        numbers = ", ".join(f"{name} {value}" for name, value in kept.numbers.items())
        lines.append(f"{kept.at:%H:%M:%S} [{kept.request_id or 'no id'}] {kept.message} ({kept.reason}: {numbers})")
    return lines


def page_of(queued: QueuedPage, down: list[str]) -> Page:
    """What the human is told."""
    incident = queued.incident
    subject = f"incident {incident.id}: {incident.title}: {MEANING[queued.reason]}"
    return Page(
        key=queued.key,
        incident_id=incident.id,
        episode=f"incident-{incident.id}",
        service=incident.service,
        severity=incident.severity.name.lower(),
        subject=f"LATE {subject}" if queued.late else subject,
        reason=queued.reason,
        lines=(*queued.lines, *evidence_lines(incident), f"Take it: sre ack {incident.id}"),
        degraded=tuple(down),
        late=queued.late,
        created_at=queued.created_at,
    )


def unwanted(incident: Incident | None, settings: Settings) -> str:
    """Why a queued page must not go out any more, or an empty text."""
    if not settings.paging.enabled:
        return "paging is switched off (paging.enabled)"
    if incident is None:
        return "its incident is gone"
    if incident.acked_at is not None:
        return "the incident was acknowledged"
    return "the incident was closed" if incident.state.closed else ""


@dataclass(frozen=True, slots=True)
class Pager:
    """Delivers what is in the outbox."""

    settings: Settings
    engine: Engine

    @property
    def lease(self) -> timedelta:
        """How long a claimed page is nobody else's."""
        return timedelta(seconds=self.settings.calls.timeout_seconds) + LEASE_SLACK

    def claim(
        self, token: str, *, incident_id: int | None = None, older_than: timedelta = timedelta()
    ) -> list[QueuedPage]:
        """Due pages, claimed."""
        now = datetime.now(UTC)
        return outbox.claim_pages(
            self.engine, token=token, lease=self.lease, now=now, due_before=now - older_than, incident_id=incident_id
        )

    def deliver(self, queued: QueuedPage) -> str:
        """Send one claimed page and record the outcome, in a word."""
        now = datetime.now(UTC)
        if not outbox.hold(self.engine, queued, until=now + self.lease):
            return "somebody else has it by now"
        why = unwanted(reread(self.engine, queued.incident.id), self.settings)
        if why and not (self.settings.paging.enabled and others_rely(self.engine, queued.incident.id, queued.key)):
            outbox.mark_suppressed(self.engine, queued, why, now=now)
            return f"suppressed: {why}"
        try:
            page = page_of(queued, degraded(self.engine, now=now))
            channel = CHANNELS[queued.channel](self.settings.paging, self.settings.calls)
            receipt = channel.send(page)
        except Unavailable as error:
            quick = queued.attempts < self.settings.calls.max_retries
            pause = min(2.0**queued.attempts, LONGEST_PAUSE_SECONDS) if quick else LONGEST_PAUSE_SECONDS
            now = datetime.now(UTC)
            outbox.mark_retry(self.engine, queued, str(error), due_at=now + timedelta(seconds=pause), now=now)
            log.warning("page.waiting", extra={"incident": queued.incident.id, "error": str(error)})
            return f"not accepted, again in {pause:.0f} s: {error}"
        except (Refused, BadSettings) as error:
            outbox.mark_failed(self.engine, queued, str(error), now=datetime.now(UTC))
            log.exception("page.failed", extra={"incident": queued.incident.id, "error": str(error)})
            return f"refused: {error}"
        outbox.mark_sent(self.engine, queued, receipt, now=datetime.now(UTC))
        log.info("page.sent", extra={"incident": queued.incident.id, "message_id": receipt.message_id})
        return f"sent: {receipt.message_id}"


class Envelope:
    """A page on its way into its task; no dataclass, because Prefect looks through those."""

    def __init__(self, pager: Pager, queued: QueuedPage) -> None:
        self.pager = pager
        self.queued = queued

    def __str__(self) -> str:
        return f"page by {self.queued.channel}: incident {self.queued.incident.id}, {self.queued.reason}"


@task(retries=0, cache_policy=NO_CACHE, persist_result=False, task_run_name="{envelope}")
async def send_page(envelope: Envelope) -> str:
    """Deliver one page; what the channel did not accept goes again from the outbox."""
    return await asyncio.to_thread(envelope.pager.deliver, envelope.queued)
