"""How far a playbook may go on a service, and what changes when a run of it was judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from adapters.store import experience
from adapters.store.database import Connection
from domain.autonomy import Autonomy, Earning, Standing, Trust, Word, level_of, standing, trust
from domain.errors import BadInput
from domain.experience import Run, tally
from domain.incidents import Incident
from domain.inventory import Service
from domain.lengths import must_be_short
from domain.nearest import nearest
from domain.playbooks import Playbook
from domain.settings import MitigationSettings
from tasks.held import Held
from tasks.judging import Knowledge


def earning(limits: MitigationSettings) -> Earning:
    """How the settings let trust be earned and lost."""
    given = limits.autonomy
    return Earning(level_of(given.start), level_of(given.most), given.proofs, given.failures)


def trust_of(
    knowledge: Knowledge, playbook: Playbook | None, service: Service | None, known: Sequence[Run], said: Word | None
) -> Trust:
    """How far the playbook may go on the service; what was read once and cannot be read any more asks first."""
    rules = earning(knowledge.settings.mitigation)
    mine = [run for run in known if service is not None and run.service == service.name]
    most = service.limits.autonomy if service else Autonomy.ACT
    own = playbook.autonomy if playbook else Autonomy.ASK
    return trust(standing(mine, rules, said), rules, playbook=own, service=most)


def stands(held: Held, connection: Connection, incident: Incident) -> Standing:
    """Where the incident's playbook stands on its service, after all that was judged by now."""
    known = experience.runs(connection, incident.playbook, incident, now=held.now())
    said = experience.word(connection, incident.playbook, incident.service)
    mine = [run for run in known if run.service == incident.service]
    return standing(mine, earning(held.means.settings.mitigation), said)


@contextmanager
def telling(held: Held, connection: Connection, incident: Incident) -> Iterator[None]:
    """A run is judged, or fails, inside: what that earns or costs goes on record in the same transaction."""
    before = stands(held, connection, incident)
    yield
    after = stands(held, connection, incident)
    if after.level is not before.level:
        of, levels = (incident.playbook, incident.service), (before.level, after.level)
        experience.changed(connection, incident.id, of, levels, after.because, now=held.now())


@dataclass(frozen=True, slots=True)
class Trusted:
    """One playbook on one service."""

    playbook: str
    service: str
    trust: Trust
    helped: int
    failed: int
    said: bool  # whether a person's word counts

    @property
    def tried(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.helped or self.failed or self.said)


def everyone(connection: Connection, knowledge: Knowledge, *, now: datetime) -> list[Trusted]:
    """Every playbook that can act, on every service that may be acted upon."""
    done: dict[tuple[str, str], list[Run]] = {}
    for run in experience.every_run(connection, now=now):
        done.setdefault((run.playbook, run.service), []).append(run)
    words = experience.words(connection)
    found = []
    for playbook in (one for one in knowledge.playbooks if one.actions):
        for service in knowledge.inventory.services.values():
            of = playbook.id, service.name
            mine = done.get(of, [])
            level = trust_of(knowledge, playbook, service, mine, words.get(of))
            found.append(Trusted(*of, level, *tally(mine), of in words))
    return found


UNKNOWN = "the inventory here does not know the service, so nothing is done there"


def elsewhere(connection: Connection, knowledge: Knowledge, *, now: datetime) -> list[Trusted]:
    """What was said and tried of services that the inventory here does not know; nothing of it counts meanwhile."""
    done: dict[tuple[str, str], list[Run]] = {}
    for run in experience.every_run(connection, now=now):
        done.setdefault((run.playbook, run.service), []).append(run)
    words, rules = experience.words(connection), earning(knowledge.settings.mitigation)
    found = []
    for of in sorted(done.keys() | words.keys()):
        if of[1] not in knowledge.inventory.services:
            level = standing(done.get(of, []), rules, words.get(of)).level
            found.append(Trusted(*of, Trust(level, UNKNOWN), *tally(done.get(of, [])), of in words))
    return found


def untried(knowledge: Knowledge) -> str:
    """What is said where nothing was tried."""
    if knowledge.inventory.services:
        start = knowledge.settings.mitigation.autonomy.start
        return f"nothing was tried yet: every playbook begins at {start} on every service"
    file = knowledge.settings.mitigation.inventory
    where = f"mitigation.inventory names {file}" if file else "mitigation.inventory names no file"
    return f"the inventory here knows no service ({where}), so no playbook may act anywhere"


def set_by_hand(connection: Connection, knowledge: Knowledge, playbook: str, service: str, said: Word) -> Trust:
    """Keep a person's word; what holds from now on. Raises BadInput where there is no such one, or much is said."""
    books = {book.id: book for book in knowledge.playbooks if book.actions}
    services = knowledge.inventory.services
    if playbook not in books:
        raise BadInput(f"no playbook {playbook!r} that acts; {nearest(playbook, books)}")
    if service not in services:
        raise BadInput(f"no service {service!r} in the inventory; {nearest(service, services)}")
    must_be_short("the reason", said.why)
    every = experience.every_run(connection, now=said.at)
    mine = [run for run in every if (run.playbook, run.service) == (playbook, service)]
    before = standing(mine, earning(knowledge.settings.mitigation), experience.word(connection, playbook, service))
    experience.say(connection, playbook, service, said, before=before.level)
    return trust_of(knowledge, books[playbook], services[service], mine, said)
