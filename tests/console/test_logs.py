"""`sre logs`, `sre why --json` and `sre stats` over blocks on PostgreSQL and rows on both databases."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

import console.logs
from adapters.store import log_columns, log_reader, log_search, log_statistics
from adapters.store.database import Engine, connect
from adapters.store.log_following import Following
from adapters.store.log_writer import BLOCK_FROM
from adapters.store.wanted_logs import Wanted
from console.main import cli
from domain.errors import BadInput, Refused
from tests.parts.databases_part import Server
from tests.parts.judged_part import Feed, count
from tests.parts.logs_part import a_log, an_error

NOW = datetime.now(UTC).replace(microsecond=0)
MANY = BLOCK_FROM + 100
BEGIN = NOW - timedelta(minutes=20)


def at(number: int) -> str:
    return (BEGIN + timedelta(seconds=number)).isoformat()


def made() -> list[bytes]:
    """Of two services, a log a second; every tenth of `web` fails."""
    found = []
    for number in range(MANY):
        about: dict[str, Any] = {"timestamp": at(number), "request_id": f"r{number}", "metrics": {"cpu": number % 7}}
        if number % 3 == 0:
            found.append(a_log(service="db", message=f"took {number} ms", **about))
        elif number % 10 == 1:
            found.append(an_error(**about))
        else:
            found.append(a_log(**about, attribute=number))
    return found


@pytest.fixture(scope="module", params=["rows", "block"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store that holds the logs, as one block on PostgreSQL and as rows on SQLite."""
    if request.param == "block":
        server: Server = request.getfixturevalue("postgres_server")
        where = server.fresh()
    else:
        template = request.getfixturevalue("sqlite_template")
        path = tmp_path_factory.mktemp("logs") / "store.db"
        path.write_bytes(template.read_bytes())
        where = f"sqlite:///{path}"
    engine = connect(where)
    Feed(engine).take(*made(), now=NOW)
    assert (request.param == "block") == bool(count(engine, "log_blocks"))
    engine.dispose()
    return where


@pytest.fixture(autouse=True)
def chosen(request: pytest.FixtureRequest, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    if "url" in request.fixturenames:
        monkeypatch.setenv("SRE_STORE__URL", request.getfixturevalue("url"))


def sre(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def lines(*arguments: str) -> list[dict[str, Any]]:
    done = sre(*arguments, "--json")
    assert 0 == done.exit_code, done.output or done.exception
    return [json.loads(line) for line in done.stdout.splitlines()]


def every(test: Any) -> list[int]:
    return [number for number in range(MANY) if test(number)]


def is_db(number: int) -> bool:
    return number % 3 == 0


def fails(number: int) -> bool:
    return number % 10 == 1 and not is_db(number)


CHOICES = [
    pytest.param(["--service", "db"], is_db, id="of a service"),
    pytest.param(["--service", "db", "--service", "web"], lambda _: True, id="of several services"),
    pytest.param(["--level", "warn"], fails, id="of a level and above"),
    pytest.param(["--text", "TOOK 33"], lambda n: is_db(n) and f"took {n}".startswith("took 33"), id="by text"),
    pytest.param(["--regex", "--text", r"took \d ms"], lambda n: is_db(n) and n < 10, id="by a regular expression"),
    pytest.param(["--template", "took <*> ms"], is_db, id="by template"),
    pytest.param(["--template", "took 17 ms"], is_db, id="by a message with the template"),
    pytest.param(["--since", at(100), "--until", at(200)], lambda n: 100 <= n < 200, id="of a time"),
    pytest.param(["--service", "nobody"], lambda _: False, id="of a service that is not there"),
]


@pytest.mark.parametrize(("options", "test"), CHOICES)
def test_logs_are_chosen(url: str, options: list[str], test: Any) -> None:
    found = lines("logs", "--limit", "10000", *options)
    assert [f"r{number}" for number in every(test)] == [log["request_id"] for log in found]


def test_the_newest_come_last_and_no_more_than_the_limit(url: str) -> None:
    found = lines("logs", "--limit", "7")
    assert [f"r{number}" for number in range(MANY - 7, MANY)] == [log["request_id"] for log in found]
    assert "the newest 7; --limit shows more" in sre("logs", "--limit", "7").stderr


def test_json_has_names_and_objects_not_numbers_of_ours_nor_bytes(url: str) -> None:
    log = lines("logs", "--limit", "1", "--service", "web")[0]
    number = int(log["request_id"][1:])
    assert ("logs", {"cpu": number % 7}) == (log["topic"], log["measured"])
    assert log["level"] in ("INFO", "ERROR")
    ((why,),) = (json.loads(sre("why", f"r{number}", "--json").stdout),)
    assert {"cpu": number % 7} == why["log"]["measured"]
    assert f"r{number}" == json.loads(why["log"]["body"])["request_id"]
    assert ("native", dict) == (why["log"]["wire"], type(why["log"]["attributes"]))


def test_people_read_a_line_a_log(url: str) -> None:
    done = sre("logs", "--service", "db", "--until", at(1))
    assert f"{BEGIN:%Y-%m-%d %H:%M:%S}.000 INFO     db  took 0 ms\n" == done.stdout


def test_an_incident_has_its_logs_and_those_around_it(url: str) -> None:
    found = lines("logs", "--incident", "1", "--limit", "10000")
    own = [log for log in found if log["incident_id"] == 1]
    assert len(every(fails)) == len(own)
    assert {"web"} == {log["service"] for log in found}
    assert len(own) < len(found)
    few = lines("logs", "--incident", "1", "--limit", "5")
    assert [1] * 5 == [log["incident_id"] for log in few]


def test_what_cannot_be_asked_is_said_before_anything_is_read(url: str) -> None:
    assert "is no regular expression" in str(sre("logs", "--regex", "--text", "(").exception)
    assert 2 == sre("logs", "--follow", "--until", "1h").exit_code
    assert 2 == sre("logs", "--sql", "SELECT 1", "--level", "error").exit_code
    assert "write 30m, 24h" in sre("logs", "--since", "yesterday").stderr
    assert "there is no incident 99; `sre incidents` lists them" == str(sre("logs", "--incident", "99").exception)


def test_nothing_found_names_the_option_that_may_help(url: str) -> None:
    assert "no such log since 1h; a longer --since looks further back\n" == sre("logs", "--text", "never said").stderr


def test_an_empty_store_says_so(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_STORE__URL", sqlite_url)
    assert "no log is stored yet; `sre status` says what is read\n" == sre("logs").stderr
    assert "no log is stored yet; `sre status` says what is read\n" == sre("stats").stdout
    assert [] == json.loads(sre("stats", "--json").stdout)


@pytest.mark.slow
def test_reading_stops_at_the_limit_and_skips_columns_of_blocks_that_hold_nothing(
    postgres: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three blocks: the newest suffices for a small limit, and of a service that none has no message is unpacked."""
    feed = Feed(postgres)
    for part in range(3):
        values = [a_log(timestamp=at(part * 60 + n % 50), request_id=f"{part}-{n}") for n in range(MANY)]
        feed.take(*values, now=NOW)
    fetched: list[str] = []
    unpacked: list[Any] = []
    packed, unpack = log_reader.packed, log_search.unpack
    monkeypatch.setattr(log_search, "packed", lambda c, b, name: fetched.append(name) or packed(c, b, name))
    monkeypatch.setattr(log_search, "unpack", lambda held, names: unpacked.append(names) or unpack(held, names))
    assert 10 == len(log_search.search(postgres, Wanted(), 10))
    assert ["columns"] == fetched
    unpacked.clear()
    assert [] == log_search.search(postgres, Wanted(services=["nobody"]), 10)
    assert [["service", "level", "incident_id"]] * 3 == [sorted(names, key=names.index) for names in unpacked]


# --- new ones -----------------------------------------------------------------------------------


def test_each_new_log_is_told_once(store: Engine) -> None:
    feed = Feed(store)
    feed.take(a_log(request_id="before"), now=NOW)
    following = Following(store, Wanted(services=["web"]))
    following.begin(NOW)
    assert [] == following.new(NOW)
    feed.take(a_log(request_id="one"), a_log(request_id="other", service="db"), now=NOW)
    assert ["one"] == [log["request_id"] for log in following.new(NOW)]
    many = [a_log(timestamp=at(n), request_id=f"m{n}") for n in range(MANY)]
    feed.take(*many, now=NOW)
    assert [f"m{n}" for n in range(MANY)] == [log["request_id"] for log in following.new(NOW)]
    assert [] == following.new(NOW + timedelta(seconds=30))


def test_following_ends_at_ctrl_c_without_a_failure(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(console.logs.time, "sleep", pressed)
    done = sre("logs", "--follow", "--limit", "3", "--json")
    assert (0, 3) == (done.exit_code, len(done.stdout.splitlines()))


# --- SQL ----------------------------------------------------------------------------------------


def test_sql_counts_what_is_stored(url: str) -> None:
    found = lines("logs", "--sql", "SELECT service, count(*) AS logs FROM logs GROUP BY 1 ORDER BY 1")
    assert [("db", len(every(is_db))), ("web", MANY - len(every(is_db)))] == [(f["service"], f["logs"]) for f in found]


SQL = [
    pytest.param("SELECT count(*) AS n FROM logs WHERE level >= 4", {"n": len(every(fails))}, id="levels are numbers"),
    pytest.param("SELECT max(measured['cpu']) AS n FROM logs", {"n": 6.0}, id="a metric of the map"),
    pytest.param(
        "SELECT count(*) AS n FROM logs a JOIN logs b USING (request_id)", {"n": MANY}, id="a join with itself"
    ),
    pytest.param("SELECT min(timestamp) AS n FROM logs", {"n": at(0)}, id="times are in UTC"),
    pytest.param(
        "SELECT body AS n FROM logs WHERE request_id = 'r0'", {"n": made()[0].decode()}, id="bytes are shown as text"
    ),
]


@pytest.mark.parametrize(("sql", "expected"), SQL)
def test_sql_answers(url: str, sql: str, expected: dict[str, object]) -> None:
    assert [expected] == lines("logs", "--sql", sql)


def test_sql_sees_the_time_and_the_service_that_were_asked_for(url: str) -> None:
    sql = ["--sql", "SELECT count(*) AS n FROM logs"]
    assert [{"n": 100}] == lines("logs", "--since", at(100), "--until", at(200), *sql)
    assert [{"n": len(every(is_db))}] == lines("logs", "--service", "db", *sql)


def test_an_answer_has_at_most_the_limit_and_says_so(url: str) -> None:
    done = sre("logs", "--sql", "SELECT message FROM logs", "--limit", "2")
    assert "the first 2 rows; --limit shows more\n" == done.stderr


@pytest.mark.slow
def test_only_the_columns_that_a_question_names_are_read(postgres: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from adapters.log_sql import Limits, answer  # noqa: PLC0415 - the names that it asks for are looked at

    asked: list[list[str]] = []

    def read(names: Any) -> Any:
        asked.append(list(names))
        return log_columns.read_columns(postgres, Wanted(), names)

    answer("SELECT service, count(*) FROM logs WHERE level > 2 GROUP BY 1", read, Limits())
    answer("SELECT 1", read, Limits())
    assert [["service", "level"]] == asked


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM read_text('/etc/passwd')", "only the table `logs` can be read"),
        ("SELECT * FROM '/etc/passwd'", "sql: "),
        ("SELECT * FROM read_csv('/etc/passwd')", "only the table `logs` can be read"),
        ("SELECT * FROM read_blob('/etc/passwd')", "only the table `logs` can be read"),
        ("SELECT * FROM read_parquet('/etc/passwd')", "only the table `logs` can be read"),
        ("SELECT * FROM glob('/etc/*')", "only the table `logs` can be read"),
        ("COPY logs TO '/tmp/logs.csv'", "only one SELECT"),
        ("COPY logs FROM '/etc/passwd'", "only one SELECT"),
        ("ATTACH '/tmp/other.db'", "only one SELECT"),
        ("INSTALL httpfs", "only one SELECT"),
        ("LOAD httpfs", "only one SELECT"),
        ("SET enable_external_access = true", "only one SELECT"),
        ("RESET lock_configuration", "only one SELECT"),
        ("PRAGMA database_list", "only one SELECT"),
        ("CREATE TABLE mine AS SELECT 1", "only one SELECT"),
        ("DROP VIEW logs", "only one SELECT"),
        ("EXPORT DATABASE '/tmp/all'", "only one SELECT"),
        ("CALL pragma_version()", "only one SELECT"),
        ("SELECT 1; SELECT 2", "only one SELECT"),
        ("SELECT 1; COPY logs TO '/tmp/logs.csv'", "only one SELECT"),
        ("", "only one SELECT"),
        ("SELECT * FROM STORED", "does not exist"),
        ("SELECT nothing FROM logs", "the columns of `logs` are topic, partition"),
        ("SELEC 1", "syntax error"),
    ],
    ids=lambda value: value or "nothing",
)
def test_sql_reaches_nothing_but_the_logs(
    sql: str, said: str, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRE_STORE__URL", sqlite_url)
    error = sre("logs", "--sql", sql).exception
    assert isinstance(error, BadInput | Refused)
    assert said in str(error)
    assert "root:" not in str(error)


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        pytest.param(ENDLESS, "no answer within 0.5 s, so it was stopped", id="time"),
        pytest.param("SELECT list(repeat('x', 10000) || i) FROM range(10000000) t(i)", "takes more than", id="memory"),
    ],
)
def test_a_question_that_costs_too_much_is_stopped_with_what_to_do(
    sql: str, said: str, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRE_STORE__URL", sqlite_url)
    error = sre("logs", "--sql", sql, "--seconds", "0.5" if "RECURSIVE" in sql else "60").exception
    assert isinstance(error, Refused)
    assert said in str(error)
    assert "ask for less time (--since, --until)" in str(error)


# --- statistics -----------------------------------------------------------------------------------


def by_hour(test: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for number in every(test):
        hour = (BEGIN + timedelta(seconds=number)).replace(minute=0, second=0).isoformat()
        found[hour] = found.get(hour, 0) + 1
    return found


def stats(*options: str) -> list[dict[str, Any]]:
    done = sre("stats", "--json", *options)
    assert 0 == done.exit_code, done.output or done.exception
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_statistics_count_by_service_and_hour(url: str) -> None:
    found = stats()
    assert by_hour(is_db) == {row["hour"]: row["logs"] for row in found if row["service"] == "db"}
    failed = by_hour(fails)
    web = {row["hour"]: row for row in found if row["service"] == "web"}
    assert failed == {hour: row["levels"]["ERROR"] for hour, row in web.items() if "ERROR" in row["levels"]}
    assert failed == {hour: row["anomalies"] for hour, row in web.items() if row["anomalies"]}
    for row in web.values():
        assert row["anomaly_rate"] == pytest.approx(row["anomalies"] / row["logs"], abs=1e-6)


def test_statistics_have_quantiles_and_templates(url: str) -> None:
    for row in stats("--service", "db"):
        assert row["service"] == "db"
        assert [["took <*> ms", row["logs"]]] == row["templates"]
        cpu = row["metrics"]["cpu"]
        assert row["logs"] == cpu["values"]
        assert 0 <= cpu["p50"] <= cpu["p95"] <= cpu["p99"] <= 6 * 1.02


def test_statistics_for_people_have_words_and_units(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    shown = sre("stats").stdout
    assert "took <*> ms" in shown
    assert "ERROR" in shown
    assert "%" in shown
    assert "\x1b" not in shown


@pytest.mark.slow
def test_blocks_within_the_time_are_never_read(postgres: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    Feed(postgres).take(*made(), now=NOW)

    def never(*_given: object) -> None:
        raise AssertionError("a block was read")

    monkeypatch.setattr(log_statistics, "of_block", never)
    found = log_statistics.statistics(postgres, since=BEGIN - timedelta(hours=1))
    assert MANY == sum(hour.logs for hour in found)


def test_a_long_value_is_cut_in_a_table_and_whole_in_json(url: str) -> None:
    assert url
    found = sre("logs", "--sql", "SELECT repeat('x', 5000) AS long")
    assert "more characters)" in found.output.replace("\n", " ")
    (row,) = lines("logs", "--sql", "SELECT repeat('x', 5000) AS long")
    assert 5_000 == len(row["long"])


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ("repeat('x', 20000000)", "20,000,000"),
        ("[repeat('x', 20000000)]", "20,000,000"),
        ("{'k': repeat('x', 20000000)}", "20,000,001"),
        ("range(2000000)", "16,000,000"),
    ],
)
def test_an_answer_that_nobody_could_read_is_refused(url: str, asked: str, size: str) -> None:
    assert url
    found = sre("logs", "--sql", f"SELECT {asked}")
    assert f"the answer has {size} characters, at most 10,000,000" in str(found.exception)
