"""The ledger is sealed by one sealer at a time, and every change to it is found."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters.store.chain import anchors, seal, verify
from adapters.store.database import Engine, connect, transaction
from adapters.store.incident_queue import note
from domain.correlation import LedgerKind
from tests.parts.judged_part import NOW, rows


@pytest.fixture
def anchor(tmp_path: Path) -> Path:
    return tmp_path / "new" / "ledger.anchor"


def write(store: Engine, count: int = 3) -> None:
    with transaction(store) as connection:
        for number in range(count):
            note(connection, LedgerKind.OPENED, number, {"message": 'ü " \\ <*>', "share": 0.1, "n": number}, now=NOW)


def damage(store: Engine, order: str) -> None:
    with store.begin() as connection:
        connection.execute(sa.text(order))


def test_what_was_sealed_holds(store: Engine, anchor: Path) -> None:
    write(store)
    assert 3 == seal(store, anchor, now=NOW)
    assert 0 == seal(store, anchor, now=NOW)
    write(store, 2)
    assert (3, 2, []) == verify(store, anchor)
    assert 2 == seal(store, anchor, now=NOW)
    assert (5, 0, []) == verify(store, anchor)
    assert [3, 5] == [head.seq for head in anchors(anchor)]


def test_an_empty_ledger_holds(store: Engine, anchor: Path) -> None:
    assert 0 == seal(store, anchor, now=NOW)
    assert (0, 0, []) == verify(store, anchor)


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
            "UPDATE seals SET hash = '00' WHERE seq = 3", "link 3 is not the one that was anchored", id="hash-changed"
        ),
    ],
)
def test_what_was_done_by_hand_is_found(store: Engine, anchor: Path, order: str, says: str) -> None:
    write(store)
    seal(store, anchor, now=NOW)
    damage(store, order)
    assert any(says in fault for fault in verify(store, anchor)[2])


def test_a_tail_that_was_cut_and_sealed_anew_is_found_by_the_anchor(store: Engine, anchor: Path) -> None:
    write(store)
    seal(store, anchor, now=NOW)
    damage(store, "DELETE FROM seals WHERE seq = 3")
    damage(store, "DELETE FROM ledger WHERE id = 3")
    write(store, 1)
    seal(store, anchor, now=NOW)
    assert ["link 3 is not the one that was anchored"] == verify(store, anchor)[2]


def test_half_a_line_of_a_crash_is_no_anchor(store: Engine, anchor: Path) -> None:
    write(store)
    seal(store, anchor, now=NOW)
    with anchor.open("a") as file:
        file.write("4 abc")
    assert [3] == [head.seq for head in anchors(anchor)]


@pytest.mark.slow
def test_two_sealers_at_once_make_one_chain(postgres_url: str, anchor: Path) -> None:
    engines = connect(postgres_url), connect(postgres_url)
    write(engines[0], 500)
    together = threading.Barrier(2)

    def seal_it(engine: Engine) -> int:
        together.wait(10)
        return seal(engine, anchor, now=NOW)

    with ThreadPoolExecutor(2) as pool:
        assert [0, 500] == sorted(pool.map(seal_it, engines))
    assert (500, 0, []) == verify(engines[0], anchor)
    for engine in engines:
        engine.dispose()


@pytest.mark.slow
def test_an_entry_that_was_committed_late_is_sealed_too(postgres_url: str, anchor: Path) -> None:
    """Ids are given before the commit, so a lower one may appear after a higher one was sealed."""
    engine = connect(postgres_url)
    with engine.connect() as slow:
        slow.execute(sa.text("INSERT INTO ledger (at, kind, fields) VALUES (now(), 'slow', '{}')"))
        write(engine, 1)
        assert 1 == seal(engine, anchor, now=NOW)
        slow.commit()
    assert 1 == seal(engine, anchor, now=NOW)
    assert (2, 0, []) == verify(engine, anchor)
    assert [2, 1] == [row["ledger_id"] for row in rows(engine, "SELECT ledger_id FROM seals ORDER BY seq")]
    engine.dispose()
