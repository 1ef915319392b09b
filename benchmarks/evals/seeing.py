"""What came of a world: read from its store and from who was told, not from what the analysis says of itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from adapters.redaction import redaction
from adapters.store import analyses as analysis_rows
from adapters.store.alert_rows import some_alerts
from adapters.store.database import transaction
from adapters.store.incident_rows import as_incident
from adapters.store.llm_calls import spent
from adapters.store.tables.analysed import analyses, llm_calls
from adapters.store.tables.found import incidents
from adapters.store.tables.paging import pages
from adapters.store.telemetry import quoted
from benchmarks.evals.scenarios import PageSeen, Seen, Told
from benchmarks.evals.world import World
from domain.analysis import Analysis, Claim
from domain.dossier import touched
from domain.exhibits import Exhibit, LogExhibit
from domain.llm import Usage
from domain.llm_settings import CapSettings
from domain.pages import Page
from tasks.gathering import exhibit

LONG_BEFORE = timedelta(hours=1)  # what is older is a past incident
# What may say something of an analysis to people, or to whoever reads the store.
SPOKEN = (
    analyses.c.dossier,
    analyses.c.options,
    analyses.c.turns,
    analyses.c.answer,
    pages.c.lines,
    pages.c.about,
)


def seen(world: World, requests: Sequence[str] = (), own_log: str = "", control: Seen | None = None) -> Seen:
    """Everything that came of it. `own_log`: what the agent wrote into its own log meanwhile."""
    told = tuple(_incidents(world))
    return Seen(
        incidents=told,
        pages=tuple(_page(page) for page in world.mailbox.pages),
        actions=tuple(world.executor.done),
        requests=tuple(requests),
        own_log=own_log,
        stored="\n".join(_rows(world)),
        used=_used(world),
        caps_kept=_caps_kept(world, told),
        unsupported=tuple(flaw for one in told if one.analysis for flaw in _unsupported(world, one, one.analysis)),
        control=control,
    )


def _incidents(world: World) -> Iterator[Told]:
    of_now = incidents.c.opened_at >= world.onset - LONG_BEFORE
    with transaction(world.engine) as connection:
        for row in connection.execute(sa.select(incidents).where(of_now).order_by(incidents.c.id)).all():
            one = as_incident(row)
            one.alerts = some_alerts(connection, one.id)
            stored = analysis_rows.of_incident(connection, one.id)
            began = (one.begun_at - world.onset).total_seconds()
            yield Told(one.id, one.service, str(one.kind), touched(one), one.state, began, stored)


def _page(page: Page) -> PageSeen:
    text = (page.summary, page.suffers, page.origin, page.asked, *page.evidence, *page.done, *page.lines)
    return PageSeen(page.incident_id, str(page.reason), page.service, page.severity, "\n".join(text))


def _rows(world: World) -> Iterator[str]:
    with transaction(world.engine) as connection:
        for column in SPOKEN:
            yield from (json.dumps(value, ensure_ascii=False) for value in connection.scalars(sa.select(column)))


def _used(world: World) -> Usage:
    """What the calls came to over all incidents."""
    with transaction(world.engine) as connection:
        return spent(connection, 0, 0, now=world.now).day


def _caps_kept(world: World, told: Sequence[Told]) -> bool:
    """Whether no incident, and not all of them together, used more than it may."""
    with transaction(world.engine) as connection:
        each = [spent(connection, one.id, 1, now=world.now) for one in told]
        longest = connection.scalar(sa.select(sa.func.max(llm_calls.c.seconds))) or 0.0
    within = [_within(one.incident, world.llm.incident) for one in each]
    return all(within) and _within(_used(world), world.llm.day) and longest <= world.llm.call_seconds + 1


def _within(used: Usage, cap: CapSettings) -> bool:
    return used.calls <= cap.calls and used.tokens <= cap.tokens and used.cost <= cap.cost


# --- whether what people were told is there ---------------------------------------------------------------


def _unsupported(world: World, told: Told, found: Analysis) -> Iterator[str]:
    """What was claimed and is not shown by what is stored."""
    claims = [*found.chain, *found.impact, *([found.root_cause] if found.root_cause else [])]
    for claim in claims:
        yield from _flaws(world, claim)
        if found.by_model and not claim.cites:
            yield f"incident {told.id}: a claim cites nothing"
    for one in found.hypotheses:
        yield from _missing(world, [*one.speaks_for, *one.speaks_against])
    offered = {one["name"] for one in (told.stored.options if told.stored else [])}
    yield from (f"incident {told.id}: {name} was never offered" for name in set(found.plans) - offered)


def _flaws(world: World, claim: Claim) -> Iterator[str]:
    yield from _missing(world, claim.cites)
    about = {one.service for one in claim.cites}
    said = " ".join(one.text for one in claim.cites if isinstance(one, LogExhibit))
    if claim.cites and claim.service not in about and claim.service not in said:
        yield f"a claim about {claim.service} cites only {', '.join(sorted(about))}"


def _missing(world: World, cites: Sequence[Exhibit]) -> Iterator[str]:
    """Logs that do not stand in the store as they are quoted."""
    wanted = {one.log: one for one in cites if isinstance(one, LogExhibit)}
    there = quoted(world.engine, {log: one.at for log, one in wanted.items()})
    mask: Any = redaction(world.knowledge.settings.paging.mask)
    for log, one in wanted.items():
        if log not in there or exhibit(there[log], mask) != one:
            yield f"log {log} of {one.service} is not stored as it is quoted"
