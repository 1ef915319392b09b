"""The ledger is sealed by one sealer at a time, and every change to it is found."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters.anchors import FileAnchors
from adapters.store.chain import seal, verify, waiting
from adapters.store.database import Engine, connect, transaction
from adapters.store.ledger_rows import note
from adapters.store.migrate import migrate
from adapters.store.switches import degraded
from adapters.store.tables import chained
from domain.errors import Refused, SreError, Unavailable
from domain.ledger import Anchor, AnchorPlace, Entry, LedgerKind, extend
from tests.parts.first_version_part import make
from tests.parts.judged_part import NOW, rows

Places = Sequence[AnchorPlace]
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "new" / "ledger.anchor"


@pytest.fixture
def anchor(file: Path) -> tuple[FileAnchors]:
    return (FileAnchors(file),)


def kept(anchor: Places) -> list[int]:
    (place,) = anchor
    return [head.seq for head in place.read() or []]


def write(store: Engine, count: int = 3) -> None:
    with transaction(store) as connection:
        for number in range(count):
            note(connection, LedgerKind.OPENED, number, {"message": 'ü " \\ <*>', "share": 0.1, "n": number}, now=NOW)


def damage(store: Engine, order: str) -> None:
    with store.begin() as connection:
        connection.execute(sa.text(order))


def test_what_was_sealed_holds(store: Engine, anchor: Places) -> None:
    write(store)
    assert 3 == seal(store, anchor, now=NOW)
    assert 0 == seal(store, anchor, now=NOW)
    write(store, 2)
    assert (3, 2, []) == verify(store, anchor, now=NOW)
    assert 2 == seal(store, anchor, now=NOW)
    assert (5, 0, []) == verify(store, anchor, now=NOW)
    assert [3, 5] == kept(anchor)


def test_an_empty_ledger_holds(store: Engine, anchor: Places) -> None:
    assert 0 == seal(store, anchor, now=NOW)
    assert (0, 0, []) == verify(store, anchor, now=NOW)


@pytest.mark.parametrize(
    ("order", "says"),
    [
        pytest.param("UPDATE ledger SET incident_id = 99 WHERE id = 2", "entry 2 was changed", id="changed"),
        pytest.param("UPDATE ledger SET kind = 'x' WHERE id = 2", "entry 2 was changed", id="kind-changed"),
        pytest.param("DELETE FROM ledger WHERE id = 2", "entry 2 was removed", id="removed"),
        pytest.param("DELETE FROM seals WHERE seq = 2", "link 2 is missing", id="link-removed"),
        pytest.param("DELETE FROM seals WHERE seq = 3", "link 3 was anchored and is gone", id="tail-cut"),
        pytest.param("DELETE FROM seals", "link 3 was anchored and is gone", id="all-links-removed"),
        pytest.param(
            "DELETE FROM chain_heads WHERE place = ''", "its row of chain_heads was removed", id="head-removed"
        ),
        pytest.param(
            "UPDATE seals SET hash = '00' WHERE seq = 3", "link 3 is not the one that was anchored", id="hash-changed"
        ),
    ],
)
def test_what_was_done_by_hand_is_found(store: Engine, anchor: Places, order: str, says: str) -> None:
    write(store)
    seal(store, anchor, now=NOW)
    damage(store, order)
    assert any(says in fault for fault in verify(store, anchor, now=NOW)[2])


def test_a_tail_that_was_cut_and_sealed_anew_is_found_by_the_anchor(store: Engine, anchor: Places) -> None:
    write(store)
    seal(store, anchor, now=NOW)
    damage(store, "DELETE FROM seals WHERE seq = 3")
    damage(store, "DELETE FROM ledger WHERE id = 3")
    write(store, 1)
    seal(store, anchor, now=NOW)
    assert ["link 3 is missing", "the chain was cut: link 3 was anchored and is gone"] == verify(
        store, anchor, now=NOW
    )[2]


def test_half_a_line_of_a_crash_is_no_anchor(store: Engine, anchor: Places, file: Path) -> None:
    write(store)
    seal(store, anchor, now=NOW)
    with file.open("a") as out:
        out.write("4 abc")
    assert [3] == kept(anchor)


@pytest.mark.slow
def test_two_sealers_at_once_make_one_chain(postgres_url: str, anchor: Places) -> None:
    engines = connect(postgres_url), connect(postgres_url)
    write(engines[0], 500)
    together = threading.Barrier(2)

    def seal_it(engine: Engine) -> int:
        together.wait(10)
        return seal(engine, anchor, now=NOW)

    with ThreadPoolExecutor(2) as pool:
        assert [0, 500] == sorted(pool.map(seal_it, engines))
    assert (500, 0, []) == verify(engines[0], anchor, now=NOW)
    for engine in engines:
        engine.dispose()


@pytest.mark.slow
def test_an_entry_that_was_committed_late_is_sealed_too(postgres_url: str, anchor: Places) -> None:
    """Ids are given before the commit, so a lower one may appear after a higher one was sealed."""
    engine = connect(postgres_url)
    with engine.connect() as slow:
        slow.execute(sa.text("INSERT INTO ledger (at, kind, fields) VALUES (now(), 'slow', '{}')"))
        write(engine, 1)
        assert 1 == seal(engine, anchor, now=NOW)
        slow.commit()
    assert 1 == seal(engine, anchor, now=NOW)
    assert (2, 0, []) == verify(engine, anchor, now=NOW)
    assert [2, 1] == [row["ledger_id"] for row in rows(engine, "SELECT ledger_id FROM seals ORDER BY seq")]
    engine.dispose()


def test_a_tail_that_was_removed_together_with_the_anchor_file_is_missed(
    store: Engine, anchor: Places, file: Path
) -> None:
    """A16: `verify` said OK."""
    write(store)
    seal(store, anchor, now=NOW)
    damage(store, "DELETE FROM seals WHERE seq = 3")
    damage(store, "DELETE FROM ledger WHERE id = 3")
    file.unlink()
    found = verify(store, anchor, now=NOW)[2]
    assert "the chain was cut: link 3 was anchored and is gone" in found
    assert f"{file}: anchors are missing: link 3 was written there, the newest there is none" in found


def test_an_anchor_file_that_was_removed_is_a_fault_by_itself(store: Engine, anchor: Places, file: Path) -> None:
    """A16."""
    write(store)
    seal(store, anchor, now=NOW)
    file.unlink()
    (fault,) = verify(store, anchor, now=NOW)[2]
    assert "anchors are missing" in fault
    assert 0 == seal(store, anchor, now=LATER)
    assert (fault,) == tuple(verify(store, anchor, now=LATER)[2])


def test_entries_that_were_removed_before_they_were_sealed_are_missed(store: Engine, anchor: Places) -> None:
    """A16: the unsealed tail was deleted, and `verify` said OK."""
    write(store)
    seal(store, anchor, now=NOW)
    write(store, 2)
    damage(store, "DELETE FROM ledger WHERE id > 3")
    gone = [f"entry {number} was removed before it was sealed" for number in (4, 5)]
    assert (3, 2, gone) == verify(store, anchor, now=NOW)
    assert 0 == seal(store, anchor, now=NOW)
    assert gone == verify(store, anchor, now=NOW)[2]


def test_an_entry_that_nothing_will_ever_seal_is_a_fault(store: Engine, anchor: Places) -> None:
    write(store)
    damage(store, "DELETE FROM unsealed WHERE ledger_id = 2")
    assert ["entry 2 has no seal and does not wait for one"] == verify(store, anchor, now=NOW)[2]


class Moody:
    """A place that takes heads only when it wants to."""

    name = "moody"

    def __init__(self) -> None:
        self.error: SreError | None = None
        self.heads: list[Anchor] = []

    def write(self, anchor: Anchor, _at: object) -> None:
        if self.error:
            raise self.error
        self.heads.append(anchor)

    def read(self) -> list[Anchor]:
        return self.heads


@pytest.mark.parametrize("error", [Unavailable("disk is full"), Refused("not authorised")])
def test_an_anchor_that_cannot_be_written_is_seen_and_written_later(
    store: Engine, anchor: Places, error: SreError
) -> None:
    moody = Moody()
    places = (moody, *anchor)
    moody.error = error
    write(store)
    assert 3 == seal(store, places, now=NOW)
    assert [3] == kept(anchor)
    (told,) = degraded(store, now=NOW)
    assert told.startswith("ledger anchor is down")
    assert str(error) in told
    assert [] == verify(store, places, now=NOW)[2]
    (fault,) = verify(store, places, now=LATER)[2]
    assert "moody: anchors are missing: the chain ends at link 3" in fault
    moody.error = None
    assert 0 == seal(store, places, now=LATER)
    assert [3] == [head.seq for head in moody.heads]
    assert [] == degraded(store, now=LATER)
    assert [] == verify(store, places, now=LATER)[2]


@pytest.mark.slow
def test_a_look_for_what_is_new_does_not_read_what_is_sealed(postgres: Engine, anchor: Places) -> None:
    """A2: the search was quadratic in the whole ledger from about 240,000 entries on."""
    damage(
        postgres,
        "INSERT INTO ledger (at, kind, fields) SELECT now(), 'filler', '{}' FROM generate_series(1, 12000)",
    )
    while seal(postgres, anchor, now=NOW):
        pass
    write(postgres, 2)
    damage(postgres, "ANALYZE")
    with transaction(postgres) as connection:
        query = waiting().compile(postgres, compile_kwargs={"literal_binds": True})
        plan = "\n".join(connection.scalars(sa.text(f"EXPLAIN (ANALYZE, TIMING OFF) {query}")))
    assert "Seq Scan on ledger" not in plan
    assert "seals" not in plan
    assert "rows=2 " in plan.splitlines()[0]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def first_version(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database as the first version left it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'old.db'}"
    else:
        url = request.getfixturevalue("postgres_server").empty()
    engine = connect(url)
    make(engine)
    yield engine
    engine.dispose()


def test_a_chain_of_the_first_version_goes_on_where_it_ended(first_version: Engine, anchor: Places) -> None:
    """Two entries were sealed and a third one was not when the agent was stopped."""
    old = [Entry(number, NOW, "incident.opened", None, {"n": number}) for number in (1, 2, 3)]
    values = [{"id": one.id, "at": one.at, "kind": one.kind, "fields": dict(one.fields)} for one in old]
    links = [{"seq": link.seq, "ledger_id": link.ledger_id, "hash": link.hash} for link in extend(None, old[:2])]
    with first_version.begin() as connection:
        connection.execute(chained.ledger.insert(), values)
        connection.execute(chained.seals.insert(), links)
    migrate(first_version.url.render_as_string(hide_password=False))
    assert 1 == seal(first_version, anchor, now=LATER)
    assert 0 == seal(first_version, anchor, now=LATER)
    assert (3, 0, []) == verify(first_version, anchor, now=LATER)
