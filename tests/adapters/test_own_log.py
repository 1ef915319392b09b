"""The agent's own log: JSON lines that several processes write, rotated without loss, free of secrets."""

from __future__ import annotations

import json
import logging
import multiprocessing
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.own_log import CHATTY, OURS, configure, shared_file
from domain.errors import BadSettings
from domain.settings import LoggingSettings
from tasks import bootstrap

WRITERS = 4
LINES = 500


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in (*OURS, *CHATTY))]
    before = [(logger, list(logger.handlers), logger.level) for logger in loggers]
    yield
    for logger, handlers, level in before:
        for handler in set(logger.handlers) - set(handlers):
            handler.close()
        logger.handlers[:] = handlers
        logger.setLevel(level)


def lines(project: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (project / "logs/sre_agent.log").read_text().splitlines()]


def test_an_event_is_one_json_line_with_its_fields(tmp_path: Path) -> None:
    configure(LoggingSettings(), tmp_path)
    at = datetime(2026, 1, 2, tzinfo=UTC)
    logging.getLogger("flows.watch").info("incident.opened", extra={"service": "zahlung-ü", "score": 0.9, "at": at})
    (line,) = lines(tmp_path)
    assert (line["event"], line["level"], line["logger"]) == ("incident.opened", "INFO", "flows.watch")
    assert (line["service"], line["score"], line["at"]) == ("zahlung-ü", 0.9, at.isoformat())
    assert isinstance(line["process"], int)
    assert datetime.fromisoformat(str(line["time"])).tzinfo is not None


def test_configured_again_writes_each_line_once(tmp_path: Path) -> None:
    configure(LoggingSettings(), tmp_path)
    configure(LoggingSettings(), tmp_path)
    logging.getLogger("tasks.page").info("page.sent")
    assert len(lines(tmp_path)) == 1


@pytest.mark.parametrize("name", CHATTY)
def test_n7_the_end_of_each_batch_is_no_line_and_a_failure_is_one(name: str, tmp_path: Path) -> None:
    """N7: a window of 60 batches left 60 times "Finished in state Completed()"."""
    configure(LoggingSettings(level="DEBUG"), tmp_path)
    assert not logging.getLogger(name).isEnabledFor(logging.INFO)
    assert logging.getLogger(name).isEnabledFor(logging.ERROR)


def test_n9_each_home_has_a_log_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """N9: the parts of a second home wrote into the first one's log."""
    for name in ("a", "b"):
        monkeypatch.setenv("SRE_HOME", str(tmp_path / name))
        bootstrap.settings()
        logging.getLogger("tasks.page").info("page.sent", extra={"home": name})
    found = {name: [line["home"] for line in lines(tmp_path / name)] for name in ("a", "b")}
    assert {"a": ["a"], "b": ["b"]} == found


@pytest.mark.parametrize(
    ("level", "option", "expected"),
    [
        pytest.param("INFO", {"debug": False}, ["ours.info", "ours.warning", "foreign.warning"], id="info"),
        pytest.param("WARNING", {"debug": False}, ["ours.warning", "foreign.warning"], id="warning"),
        pytest.param("ERROR", {"debug": False}, [], id="error"),
        pytest.param(
            "DEBUG", {"debug": False}, ["ours.debug", "ours.info", "ours.warning", "foreign.warning"], id="debug-level"
        ),
        pytest.param(
            "ERROR", {"debug": True}, ["ours.debug", "ours.info", "ours.warning", "foreign.warning"], id="debug-option"
        ),
    ],
)
def test_level_holds_for_ours_and_others_only_warn(
    tmp_path: Path,
    level: str,
    option: dict[str, bool],
    expected: list[str],
) -> None:
    configure(LoggingSettings(level=level), tmp_path, **option)
    for name, method in (
        ("ours", "debug"),
        ("ours", "info"),
        ("ours", "warning"),
        ("foreign", "info"),
        ("foreign", "warning"),
    ):
        logger = logging.getLogger("ml.rules" if name == "ours" else "urllib3.pool")
        getattr(logger, method)(f"{name}.{method}")
    assert [line["event"] for line in lines(tmp_path)] == expected


def test_terminal_shows_events_for_people_only_with_debug(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(LoggingSettings(), tmp_path)
    logging.getLogger("flows.watch").error("quiet")
    configure(LoggingSettings(), tmp_path, debug=True)
    logging.getLogger("flows.watch").debug("incident.opened", extra={"service": "web", "text": "\x1b[2Jgone"})
    shown = capsys.readouterr().err
    assert "\x1b" not in shown
    assert "quiet" not in shown
    assert "DEBUG incident.opened service=web" in shown


def test_secrets_never_reach_file_or_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = 'pass"word\\ü'
    refusal = ConnectionError(f"refused: {secret} at smtp://user:hidden@host")
    configure(LoggingSettings(), tmp_path, secrets=["pass", secret], debug=True)
    log = logging.getLogger("adapters.email")
    try:
        raise refusal
    except ConnectionError:
        log.exception("login with %s", secret, extra={"url": "postgresql://agent:hidden@db/agent"})
    text = (tmp_path / "logs/sre_agent.log").read_text() + capsys.readouterr().err
    assert lines(tmp_path)[0]["url"] == "postgresql://agent:***@db/agent"
    assert "word" not in text
    assert "hidden" not in text


def test_what_a_quoted_log_tells_of_secrets_and_people_is_masked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quoted = "login password=hunter2 of ann@example.org, cust-17"
    configure(LoggingSettings(), tmp_path, patterns=(r"cust-\d+",), debug=True)
    log = logging.getLogger("adapters.page")
    failure = ConnectionError(quoted)
    try:
        raise failure
    except ConnectionError:
        log.exception("refused: %s", quoted, extra={"text": quoted, "more": {"lines": [quoted]}, "count": 7})
    (line,) = lines(tmp_path)
    text = (tmp_path / "logs/sre_agent.log").read_text() + capsys.readouterr().err
    for secret in ("hunter2", "ann@", "cust-17"):
        assert secret not in text
    assert ("login password=*** of ***, ***", 7) == (line["text"], line["count"])
    assert "ConnectionError" in str(line["exc_info"])


def test_other_handlers_see_the_record_as_it_was(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    configure(LoggingSettings(), tmp_path)
    logging.getLogger("adapters.page").warning("a %s", "password=x", extra={"text": "password=y"})
    (record,) = [one for one in caplog.records if one.name == "adapters.page"]
    assert ("a password=x", "password=y") == (record.getMessage(), record.text)


def test_unwritable_file_is_a_setting_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where a folder should be")
    with pytest.raises(BadSettings, match=r"logging\.file: .*sre_agent\.log cannot be written"):
        configure(LoggingSettings(), tmp_path)


def _write(path: Path, writer: int) -> None:
    handler = shared_file(path, max_bytes=4_000, kept=1_000)
    for number in range(LINES):
        handler.emit(logging.makeLogRecord({"msg": f"{writer} {number}", "levelno": logging.INFO}))
    handler.close()


def test_processes_rotate_one_file_and_lose_no_line(tmp_path: Path) -> None:
    path = tmp_path / "own.log"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(path, writer)) for writer in range(WRITERS)]
    for process in writers:
        process.start()
    for process in writers:
        process.join(60)
    assert [process.exitcode for process in writers] == [0] * WRITERS
    files = [file for file in tmp_path.glob("own.log*") if file.suffix != ".lock"]
    written = sorted(line for file in files for line in file.read_text().splitlines())
    assert written == sorted(f"{writer} {number}" for writer in range(WRITERS) for number in range(LINES))
    assert len(files) > 1
    # The line that makes a file full is written into it.
    assert max(file.stat().st_size for file in files) < 4_000 + 10


def test_oldest_files_are_dropped(tmp_path: Path) -> None:
    handler = shared_file(tmp_path / "own.log", max_bytes=10, kept=2)
    for number in range(10):
        handler.emit(logging.makeLogRecord({"msg": f"line number {number}"}))
    handler.close()
    names = ["own.log", "own.log.1", "own.log.2"]
    assert sorted(file.name for file in tmp_path.iterdir() if file.suffix != ".lock") == names
    assert [(tmp_path / name).read_text() for name in names] == [f"line number {number}\n" for number in (9, 8, 7)]


def test_a_file_moved_away_by_somebody_else_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "own.log"
    handler = shared_file(path)
    handler.emit(logging.makeLogRecord({"msg": "before"}))
    path.rename(tmp_path / "moved")
    handler.emit(logging.makeLogRecord({"msg": "after"}))
    handler.close()
    assert (path.read_text(), (tmp_path / "moved").read_text()) == ("after\n", "before\n")


def test_a_line_longer_than_the_file_is_written_whole(tmp_path: Path) -> None:
    handler = shared_file(tmp_path / "own.log", max_bytes=10)
    handler.emit(logging.makeLogRecord({"msg": "x" * 100}))
    handler.close()
    assert (tmp_path / "own.log").read_text() == "x" * 100 + "\n"


def test_with_encryption_on_no_field_repeats_a_log(tmp_path: Path) -> None:
    """The file is not encrypted; what is no quote stays."""
    configure(LoggingSettings(), tmp_path, quotes=False)
    said = {"template": "payment of Ann failed", "incident": 7, "evidence": ["Ann"], "error": "timed out"}
    logging.getLogger("adapters.page").warning("incident.opened", extra=said)
    (line,) = lines(tmp_path)
    assert "Ann" not in (tmp_path / "logs/sre_agent.log").read_text()
    assert ("incident.opened", 7, "timed out") == (line["event"], line["incident"], line["error"])
