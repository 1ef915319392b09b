"""A spool with something in it, for tests."""

from __future__ import annotations

from adapters.page_spool import Fate, Mark, PageSpool
from domain.contacts import Contact, ContactKind
from domain.going_out import SpooledPage, fault_key, faults_of
from domain.pages import PageReason
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON


def spool_a_page(spool: PageSpool, said: str) -> None:
    """One page that quotes a log, and a mark of it for somebody of that name."""
    about = an_incident(id=0, template=said)
    key = fault_key(about, about.last_at)
    faults = faults_of(about)
    assert spool.add(SpooledPage(key, key, PageReason.CRITICAL, False, NOON, NOON, about.last_at, faults, about))
    spool.note(Mark(key, Fate.CLAIMED, NOON, said, Contact(ContactKind.EMAIL, "ann@example.org")))
