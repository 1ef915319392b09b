"""Connections, and the driver's errors as ours."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from adapters.store.database import Contended, Engine, connect, transaction
from domain.errors import BadSettings, Refused, Unavailable
from tests.parts.judged_part import count


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("mysql://localhost/x", "not supported", id="another-database"),
        pytest.param("no url", "not a database URL", id="nonsense"),
    ],
)
def test_other_addresses_are_refused(url: str, says: str) -> None:
    with pytest.raises(BadSettings, match=says):
        connect(url)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("postgresql://127.0.0.1:1/agent", id="nobody-listens"),
        pytest.param("sqlite:////proc/no/such.db", id="no-such-folder"),
    ],
)
def test_a_database_that_cannot_be_reached_is_unavailable(url: str) -> None:
    with pytest.raises(Unavailable), transaction(connect(url)):
        pass


def test_a_statement_that_makes_no_sense_is_refused(store: Engine) -> None:
    with pytest.raises((Refused, Unavailable)), transaction(store) as connection:
        connection.execute(sa.text("SELECT nothing FROM nowhere"))


def test_a_row_that_exists_is_contention(store: Engine) -> None:
    order = sa.text("INSERT INTO topics (id, name, kafka_id) VALUES (1, 'a', 'b')")
    with transaction(store) as connection:
        connection.execute(order)
    with pytest.raises(Contended), transaction(store) as connection:
        connection.execute(order)


def test_an_error_inside_takes_everything_back(store: Engine) -> None:
    with pytest.raises(KeyError), transaction(store) as connection:
        connection.execute(sa.text("INSERT INTO topics (id, name, kafka_id) VALUES (1, 'a', 'b')"))
        raise KeyError
    assert 0 == count(store, "topics")


@pytest.mark.slow
@pytest.mark.parametrize("copying", [False, True])
def test_a_connection_that_is_cut_is_unavailable_and_the_next_one_works(
    postgres: Engine, postgres_url: str, *, copying: bool
) -> None:
    """COPY runs beside SQLAlchemy, so its errors are the driver's own."""
    with pytest.raises(Unavailable), transaction(postgres) as connection:
        pid = connection.scalar(sa.text("SELECT pg_backend_pid()"))
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        if copying:
            with connection.connection.cursor().copy("COPY topics FROM STDIN") as copy:
                copy.write(b"1\ta\tb\n")
        connection.execute(sa.text("SELECT 1"))
    assert 0 == count(postgres, "topics")


def test_a_file_in_a_folder_that_does_not_exist_yet_is_made(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/new/store.db")
    with transaction(engine) as connection:
        assert 1 == connection.scalar(sa.text("SELECT 1"))
    engine.dispose()


@pytest.mark.slow
def test_a_session_is_in_utc_wherever_the_server_is(postgres_url: str) -> None:
    """I1: on a server in Berlin a log of the year 9999 stopped every claim and every batch."""
    name = sa.make_url(postgres_url).database
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute(f"ALTER DATABASE \"{name}\" SET timezone = 'Europe/Berlin'".encode())
    engine = connect(postgres_url)
    with transaction(engine) as connection:
        assert "UTC" == connection.scalar(sa.text("SHOW timezone"))
        last = connection.scalar(sa.text("SELECT '9999-12-31T23:59:59Z'::timestamptz"))
    assert "9999-12-31T23:59:59+00:00" == last.isoformat()
    engine.dispose()
