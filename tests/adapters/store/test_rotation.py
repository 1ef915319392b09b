"""Everything is sealed anew in small steps, also what was plain, and reads the same before and after."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from adapters.sealing import PLAIN, Keyring, use
from adapters.store import chain, look_ups, rotation
from adapters.store.database import Engine, connect, transaction
from adapters.store.opening import with_keyring
from adapters.store.tables.found import incidents
from domain.rotation import SIGNING_KEY
from tests.parts.filled_part import fill
from tests.parts.judged_part import NOW, Feed, count, rows
from tests.parts.keys_part import FIRST, SECOND
from tests.parts.logs_part import SECOND as ONE_SECOND
from tests.parts.logs_part import an_error

SAID = "payment of Ann failed"


@pytest.fixture(autouse=True)
def _plain_again() -> Iterator[None]:
    yield
    use(PLAIN)


def opened(url: str, *keys: object, seals: bool = True) -> Engine:
    """The store as a process with these keys opens it."""
    return with_keyring(connect(url), Keyring(keys, seals=seals))  # type: ignore[arg-type]


def rotate(engine: Engine) -> int:
    return sum(sum(target.reseal()) for target in rotation.targets(engine))


def keys_of(engine: Engine) -> set[str]:
    """Every key that something is sealed with; `plain` where something is not."""
    found = [one for target in rotation.targets(engine) for one in target.found()]
    return {name for one in found for name in one.sealed} | {"plain" for one in found if one.plain}


def shown(engine: Engine, number: int) -> dict[str, object]:
    found = look_ups.one_incident(engine, number)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("before", "after", "seals", "expected"),
    [
        pytest.param((), (FIRST,), True, {FIRST.id, SIGNING_KEY}, id="what was plain is sealed"),
        pytest.param((FIRST,), (SECOND, FIRST), True, {SECOND.id, SIGNING_KEY}, id="another key"),
        pytest.param((FIRST,), (FIRST,), False, {FIRST.id}, id="written plain again, but for the signing key"),
    ],
)
def test_everything_is_sealed_anew_and_reads_the_same(
    store: Engine,
    store_url: str,
    before: tuple[object, ...],
    after: tuple[object, ...],
    *,
    seals: bool,
    expected: set[str],
) -> None:
    first = opened(store_url, *before)
    number = fill(first, SAID)
    chain.seal(first, (), now=NOW)
    told = shown(first, number)
    second = opened(store_url, *after, seals=seals)
    assert 0 < rotate(second)
    assert expected | (set() if seals else {"plain"}) == keys_of(second)
    assert 0 == rotate(second)
    assert told == shown(second, number)
    assert [] == chain.verify(second, (), now=NOW)[2]  # the ledger's hashes are over what it says


def test_after_a_rotation_the_old_key_is_not_needed_and_signatures_still_join(store: Engine, store_url: str) -> None:
    fill(opened(store_url, FIRST), SAID)
    signed = rows(store, "SELECT template FROM incidents")
    rotate(opened(store_url, SECOND, FIRST))
    alone = opened(store_url, SECOND)
    assert signed == rows(store, "SELECT template FROM incidents")
    fed = Feed(alone)
    fed.next = 3
    fed.take(an_error(7, message=SAID), now=NOW + ONE_SECOND)
    assert [1, 1] == [count(alone, "incidents"), count(alone, "alerts")]


def test_it_goes_on_where_it_was_stopped(store: Engine, store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "AT_ONCE", 2)
    fill(opened(store_url), SAID, letters=7)
    sealing = opened(store_url, FIRST)
    (letters,) = (one for one in rotation.targets(sealing) if one.name == "dead_letters")
    steps = letters.reseal()
    assert [2, 2] == [next(steps), next(steps)]
    steps.close()  # type: ignore[attr-defined]
    assert 3 == letters.left()
    assert [2, 1] == list(letters.reseal())


def test_a_key_that_is_not_given_is_named(store: Engine, store_url: str) -> None:
    fill(opened(store_url, FIRST), SAID)
    plain = with_keyring(connect(store_url), PLAIN)
    assert FIRST.id in keys_of(plain)


def test_what_is_null_stays_null(store: Engine, store_url: str) -> None:
    fill(opened(store_url), SAID)
    sealing = opened(store_url, FIRST)
    rotate(sealing)
    with transaction(sealing) as connection:
        assert 1 == connection.scalar(sa.select(sa.func.count()).where(incidents.c.plan.is_(None)))


def test_tables_are_rewritten(store: Engine, store_url: str) -> None:
    number = fill(opened(store_url), SAID)
    sealing = opened(store_url, FIRST)
    rotate(sealing)
    rotation.vacuum(sealing, ["incidents", "dead_letters"])
    assert SAID == shown(sealing, number)["template"]
