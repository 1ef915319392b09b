"""What a log may say is sealed in every column that may hold it, and is found again as before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters.sealing import PLAIN, SEALED, SIGNED, Keyring, use
from adapters.store import closing, look_ups, outside_alerts
from adapters.store.batches import BatchStore
from adapters.store.database import Engine, connect, transaction
from adapters.store.opening import with_keyring
from adapters.store.own_incidents import close_own_incident, open_own_incident
from adapters.store.sealed_columns import Sealed
from adapters.store.tables.found import alerts, incidents
from adapters.store.tables.schema import metadata
from adapters.store.tables.stored_logs import dead_letters
from domain.errors import BadSettings
from domain.outside_alerts import OutsideAlert, Status
from tests.parts.judged_part import NOW, Feed, count, rows
from tests.parts.keys_part import FIRST, SECOND
from tests.parts.logs_part import NOON, an_error
from tests.parts.logs_part import SECOND as ONE_SECOND

# Tables without a text of a log: times, places, people, counts, digests.
NOTHING_SAID = {
    *(
        "topics",
        "offsets",
        "quality_results",
        "approvals",
        "batches",
        "knowledge",
        "watches",
        "autonomy_words",
        "overrides",
    ),
    *("minutes", "closed_minutes", "minute_findings", "alarm_verdicts", "drift_checks", "watch_totals", "canary_runs"),
    *("seals", "unsealed", "chain_heads", "switches", "sealed_keys", "unnamed_files", "llm_calls"),
    *("users", "logins", "api_tokens", "openid_logins"),
}


@pytest.fixture(autouse=True)
def _plain_again() -> Iterator[None]:
    yield
    use(PLAIN)


@pytest.fixture
def sealed(store: Engine) -> Engine:
    return with_keyring(store, Keyring([FIRST]))


def test_every_table_is_sealed_or_known_to_say_nothing() -> None:
    holding = {table.name for table in metadata.tables.values() if any(isinstance(c.type, Sealed) for c in table.c)}
    assert metadata.tables.keys() - NOTHING_SAID == holding


def test_each_sealed_column_is_named_by_its_place() -> None:
    found = [
        (f"{table.name}.{c.name}", c.type.what)
        for table in metadata.tables.values()
        for c in table.c
        if isinstance(c.type, Sealed)
    ]
    assert [place for place, _ in found] == [what for _, what in found]


def test_an_incident_is_read_as_it_was_and_stored_sealed(sealed: Engine) -> None:
    fed = Feed(sealed)
    number = fed.incident(message="payment of Ann failed")
    (row,) = rows(sealed, "SELECT template, CAST(evidence AS text) AS evidence FROM incidents")
    assert row["template"].startswith(SIGNED)
    assert row["evidence"].startswith(f'"{SEALED}{FIRST.id}:')
    found = look_ups.one_incident(sealed, number)
    assert found is not None
    assert "payment of Ann failed" == found["template"]
    assert "payment of Ann failed" == found["evidence"][0]["message"]
    with transaction(sealed) as connection:
        mine = sa.select(sa.func.count()).where(incidents.c.template == "payment of Ann failed")
        others = sa.select(sa.func.count()).where(incidents.c.template != "payment of Ann failed")
        joined = sa.select(sa.func.count()).where(alerts.c.template == incidents.c.template)
        several = sa.select(sa.func.count()).where(incidents.c.template.in_(["x", "payment of Ann failed"]))
        assert [1, 0, 1, 1] == [connection.scalar(query) for query in (mine, others, joined, several)]


def test_the_same_signature_joins_its_incident_also_after_a_restart_with_another_key(
    store: Engine, store_url: str
) -> None:
    """Faults 4 and 24: one fingerprint makes one incident, whatever it looks like on disk."""
    Feed(with_keyring(store, Keyring([FIRST]))).incident()
    again = with_keyring(connect(store_url), Keyring([SECOND, FIRST]))
    after = Feed(again)
    after.next = 3
    after.take(an_error(7), now=NOW + ONE_SECOND)
    assert 1 == count(again, "incidents")
    assert 1 == count(again, "alerts")
    again.dispose()


def test_what_was_opened_before_encryption_goes_on_with_it(store: Engine) -> None:
    Feed(store).incident()
    number = open_own_incident(store, "the disk is full", "no space is left", now=NOW)
    sealed = with_keyring(store, Keyring([FIRST]))
    fed = Feed(sealed)
    fed.next = 3
    fed.take(an_error(7), now=NOW + ONE_SECOND)
    assert 2 == count(sealed, "incidents")
    assert 1 == count(sealed, "alerts")
    assert number == open_own_incident(sealed, "the disk is full", "no space is left", now=NOW)
    assert close_own_incident(sealed, "the disk is full", "there is space", now=NOW)


def test_dead_letters_are_counted_by_their_kind_and_read(sealed: Engine) -> None:
    BatchStore(sealed).prepare(NOON)
    letter = {"arrived_at": NOON, "topic_id": 1, "partition": 0}
    bodies = [b"\xff secret one", b"secret two"]
    with transaction(sealed) as connection:
        for offset, body in enumerate(bodies):
            reason = f"not a time: secret {offset}"
            connection.execute(dead_letters.insert(), letter | {"offset": offset, "reason": reason, "body": body})
    (kind,) = look_ups.letter_reasons(sealed, since=NOON, examples=5)
    assert ("not a time", 2) == (kind["reason"], kind["logs"])
    assert bodies == [one["body"] for one in reversed(kind["examples"])]
    assert "not a time: secret 1" == kind["examples"][0]["reason"]
    stored = rows(sealed, "SELECT reason, body FROM dead_letters")
    assert all("secret" not in row["reason"] and b"secret" not in bytes(row["body"]) for row in stored)


def test_alerts_of_others_keep_their_group(sealed: Engine) -> None:
    long = "a group of labels " * 300  # longer than a B-tree would take
    alert = OutsideAlert("print", long, Status.FIRING, {"alertname": "Ann"}, {}, NOON, None, "http://x")
    assert [1, 0] == [outside_alerts.keep(sealed, [alert], now=NOON) for _ in range(2)]
    assert 1 == outside_alerts.take(sealed, quiet=timedelta(minutes=5), now=NOON).opened
    assert 1 == count(sealed, "incidents")


def test_without_its_key_an_incident_is_refused_with_the_keys_name(sealed: Engine) -> None:
    number = Feed(sealed).incident()
    for keyring, told in ((PLAIN, "no key is given"), (Keyring([SECOND]), FIRST.id)):
        with pytest.raises(BadSettings, match=told):
            closing.reread(
                with_keyring(connect(str(sealed.url.render_as_string(hide_password=False))), keyring), number
            )


def test_two_processes_that_open_a_store_first_make_one_signing_key(store: Engine, store_url: str) -> None:
    rings = [Keyring([FIRST]), Keyring([FIRST])]
    engines = [with_keyring(connect(store_url), ring) for ring in rings]
    for engine in engines:
        engine.connect().close()
        engine.dispose()
    assert rings[0].sign("x") == rings[1].sign("x")
    assert 1 == count(store, "sealed_keys")


def test_a_store_that_was_not_migrated_says_what_to_do(tmp_path: Path) -> None:
    store = with_keyring(connect(f"sqlite:///{tmp_path / 'store.db'}"), Keyring([FIRST]))
    with store.begin() as connection:
        metadata.create_all(connection, [incidents])
    with pytest.raises(BadSettings, match="the store has no signing key yet; bring it up to date by `sre up`"):
        open_own_incident(store, "the disk is full", "no space is left", now=NOW)


def test_parameters_that_quote_logs_stand_in_no_error(sealed: Engine) -> None:
    with pytest.raises(sa.exc.DBAPIError) as caught, sealed.connect() as connection:
        connection.execute(sa.text("SELECT no_such_column FROM incidents WHERE template = :x"), {"x": "Ann"})
    assert "Ann" not in str(caught.value)
