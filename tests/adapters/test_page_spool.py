"""The spool: on disk before it counts, a damaged line costs itself, and a restart sends at most the same key again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.page_spool import Fate, Mark, PageSpool
from adapters.sealing import PLAIN, Keyring, use
from domain.contacts import Contact, ContactKind
from domain.encryption_keys import MasterKey
from domain.going_out import SpooledPage, fault_key, faults_of
from domain.incidents import Incident
from domain.pages import PageReason, Receipt
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON, SECOND

ANN = Contact(ContactKind.EMAIL, "ann@example.org")
MINUTE = timedelta(minutes=1)


def spooled(incident: Incident | None = None, **changes: object) -> SpooledPage:
    about = incident or an_incident(id=0)
    key = fault_key(about, about.last_at)
    page = SpooledPage(
        key, key, PageReason.CRITICAL, False, NOON, NOON, about.last_at, faults_of(about), replace(about, alerts=[])
    )
    return replace(page, **changes)  # type: ignore[arg-type]


def claim(key: str) -> Mark:
    return Mark(key, Fate.CLAIMED, NOON + MINUTE, "ann", ANN)


def test_a_page_is_read_as_it_was_written_by_whoever_comes_next(tmp_path: Path) -> None:
    page = spooled()
    assert PageSpool(tmp_path).add(page)
    assert [page] == PageSpool(tmp_path).pages()
    assert not PageSpool(tmp_path).add(page), "the same key is one page"


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_line_that_a_crash_cut_off_costs_itself_alone(cut: int, tmp_path: Path) -> None:
    spool = PageSpool(tmp_path)
    first, second, third = (spooled(an_incident(id=0, service=name)) for name in ("one", "two", "three"))
    spool.add(first)
    spool.add(second)
    held = spool.pages_file.read_bytes()
    spool.pages_file.write_bytes(held[:-cut])
    after = PageSpool(tmp_path)
    # One that lost its line's end alone is whole.
    left = [first, second] if cut == 1 else [first]
    assert left == after.pages()
    after.add(third)
    assert [*left, third] == after.pages()


def test_nothing_of_a_message_is_readable_where_encryption_is_on(tmp_path: Path) -> None:
    use(Keyring([MasterKey("one", b"k" * 32)]))
    try:
        page = spooled(an_incident(id=0, service="secret-service"))
        spool = PageSpool(tmp_path)
        spool.add(page)
        spool.note(claim(page.key))
        assert all(b"secret-service" not in file.read_bytes() for file in (spool.pages_file, spool.marks_file))
        assert b"ann@example.org" not in spool.marks_file.read_bytes()
        assert [page] == PageSpool(tmp_path).pages()
    finally:
        use(PLAIN)


def test_what_is_claimed_is_nobody_elses_until_the_claim_ends(tmp_path: Path) -> None:
    """Fault 3: whoever died between claim and mark is followed by somebody who sends the same key."""
    page, spool = spooled(), PageSpool(tmp_path)
    spool.add(page)
    assert spool.claim(claim(page.key), now=NOON)
    assert not PageSpool(tmp_path).claim(claim(page.key), now=NOON + SECOND)
    assert PageSpool(tmp_path).claim(replace(claim(page.key), until=NOON + 3 * MINUTE), now=NOON + 2 * MINUTE)


def test_what_was_accepted_never_goes_again(tmp_path: Path) -> None:
    page, spool = spooled(), PageSpool(tmp_path)
    receipt = Receipt("email", "mail.example.org", "<1@example.org>", NOON)
    spool.add(page)
    spool.claim(claim(page.key), now=NOON)
    spool.note(Mark(page.key, Fate.SENT, person="ann", contact=ANN, receipt=receipt))
    assert not spool.claim(claim(page.key), now=NOON + 60 * MINUTE)
    sent = spool.join(page.key, now=NOON + MINUTE)
    assert [("ann", ANN, receipt)] == [(one.person, one.contact, one.receipt) for one in sent or ()]


def test_the_store_takes_a_page_over_only_when_nobody_sends_it(tmp_path: Path) -> None:
    page, spool = spooled(), PageSpool(tmp_path)
    spool.add(page)
    spool.claim(claim(page.key), now=NOON)
    assert spool.join(page.key, now=NOON + SECOND) is None
    assert [] == spool.join(page.key, now=NOON + 2 * MINUTE)
    assert not spool.claim(claim(page.key), now=NOON + 3 * MINUTE), "it is the store's by now"


def test_yesterdays_pages_are_dropped_with_their_marks(tmp_path: Path) -> None:
    spool = PageSpool(tmp_path)
    old, new = spooled(), spooled(an_incident(id=0, service="other"), made_at=NOON + timedelta(days=2))
    for page in (old, new):
        spool.add(page)
        spool.note(claim(page.key))
    spool.forget(NOON + timedelta(days=2))
    assert [new] == spool.pages()
    assert ([], 1) == (spool.marks(old.key), len(spool.marks(new.key)))


def test_a_page_waits_until_the_store_has_it(tmp_path: Path) -> None:
    spool = PageSpool(tmp_path)
    assert 0 == spool.waiting()
    pages = [spooled(an_incident(id=0, service=name)) for name in ("one", "two")]
    assert all(map(spool.add, pages))
    assert 2 == spool.waiting()
    spool.join(pages[0].key, now=NOON)
    assert 1 == spool.waiting()
