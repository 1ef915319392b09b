"""How often the stored analyses were right, by what people wrote when the incidents were over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from adapters.store import analyses, resolution_notes
from adapters.store.analyses import Stored
from adapters.store.database import Engine, snapshot
from adapters.store.tables.found import resolution_notes as notes
from domain.amounts import counted
from domain.resolution_notes import ResolutionNote, Verdict


@dataclass(frozen=True, slots=True)
class Judged:
    """What people's notes say of the analyses of their incidents."""

    incidents: int  # with a note that names a service at fault or judges the analysis
    analysed: int  # of these
    origins: int  # analysed, with a service at fault by a person
    first: int  # of these, told to be at fault, or first of those that moved where nobody was told
    verdicts: dict[Verdict, int]

    @property
    def lines(self) -> list[str]:
        """In words."""
        said = ", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.items()) or "none"
        return [
            f"{counted(self.incidents, 'incident')} with a word on its cause or its analysis, {self.analysed} analysed",
            f"the service at fault came first in {self.first} of {self.origins}",
            f"verdicts: {said}",
        ]


def judged(engine: Engine) -> Judged:
    """Over everything that is stored. Raises Unavailable where the store does not answer."""
    with snapshot(engine) as connection:
        named = sa.or_(notes.c.origin != "", notes.c.verdict != "")
        ids = sorted(set(connection.scalars(sa.select(notes.c.incident_id).where(named))))
        written = resolution_notes.of_incidents(connection, ids)
        found = {number: analyses.of_incident(connection, number) for number in ids}
    origins = [(_origin(written[number]), one) for number, one in found.items() if one is not None and one.answer]
    known = [(origin, one) for origin, one in origins if origin]
    verdicts = Counter(verdict for number in ids if (verdict := _verdict(written[number])) is not None)
    first = sum(_first(one) == origin for origin, one in known)
    return Judged(len(ids), len(origins), len(known), first, dict(verdicts))


def _origin(written: Sequence[ResolutionNote]) -> str:
    """The newest that was named."""
    return next((note.origin for note in reversed(written) if note.origin), "")


def _verdict(written: Sequence[ResolutionNote]) -> Verdict | None:
    return next((note.verdict for note in reversed(written) if note.verdict), None)


def _first(stored: Stored) -> str:
    """The service that was told to be at fault, or that moved most."""
    if stored.answer is not None and stored.answer.root_cause is not None:
        return stored.answer.root_cause.service
    return stored.dossier.suspects[0].service if stored.dossier and stored.dossier.suspects else ""
