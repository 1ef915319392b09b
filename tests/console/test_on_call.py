"""`sre on-call …` on a real store and a real file."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from console.given import NotFound
from console.main import cli
from domain.errors import BadInput, BadSettings
from tests.parts.on_call_part import EXAMPLE, SMALL

AT = "2026-03-10T12:00"
LOST = SMALL.replace("    last_resort: [{team: ops}]\n", "")


@pytest.fixture(autouse=True)
def file(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "on_call.yaml"
    path.write_text(SMALL)
    for name, value in {
        "SRE_HOME": str(tmp_path / "home"),
        "SRE_STORE__URL": sqlite_url,
        "LOGNAME": "eve",
        "SRE_PAGING__ON_CALL": str(path),
        "SRE_PAGING__EMAIL__HOST": "smtp.example.com",
        "SRE_PAGING__SLACK__TOKEN": "xoxb-1",
    }.items():
        monkeypatch.setenv(name, value)
    return path


def sre(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["on-call", *arguments])


def told(*arguments: str) -> Any:
    done = sre(*arguments, "--json")
    assert 0 == done.exit_code, done.output
    return json.loads(done.stdout)


def test_who_is_on_call_until_when_who_comes_then_and_how_each_is_reached() -> None:
    (row,) = told("--at", AT)
    assert {
        "schedule": "primary",
        "on_call": ["bob"],
        "by": "layer 1",
        "until": "2026-03-16T08:00:00+00:00",
        "next": ["ann"],
        "reached_by": ["bob: email bob@example.com"],
    } == row
    shown = sre("--at", AT).stdout
    assert "Mon 2026-03-16 09:00 CET" in shown
    assert "bob: email bob@example.com" in shown


def test_a_week_is_shown_with_its_gaps_in_words(file: Path) -> None:
    file.write_text(SMALL.replace("        begins:", "        only: [mon-fri 08:00-20:00]\n        begins:"))
    shown = sre("--at", "2026-03-12T12:00", "--week")
    assert "nobody for 3 days" not in shown.stdout
    assert "nobody for 2 days" in shown.stdout  # from Friday evening on
    assert "Fri 2026-03-13 20:00 CET" in shown.stdout
    assert "nobody is on call from" in shown.stderr
    rows = told("--at", "2026-03-12T12:00", "--week")
    assert ["", "bob"] == sorted({row["on_call"] for row in rows if row["from"] < "2026-03-16"})


def test_without_a_file_it_says_who_is_paged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_PAGING__ON_CALL", "")
    assert "everybody whom the settings name is paged at once.\nNamed: email on-call@localhost" in sre().stdout
    assert {"file": "", "everybody": ["email on-call@localhost"]} == told()


def test_somebody_takes_a_shift_and_gives_it_back() -> None:
    begins = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    times = (f"{begins:%Y-%m-%dT%H:%M}", f"{begins + timedelta(hours=4):%Y-%m-%dT%H:%M}")
    done = sre("override", "primary", "ann", "--from", times[0], "--to", times[1], "--why", "dentist", "--as", "ann")
    assert done.stdout.startswith("override 1: ann takes primary from ")
    assert done.stdout.endswith(" UTC: dentist\n")
    at = f"{begins + timedelta(hours=1):%Y-%m-%dT%H:%M}"
    assert (["ann"], "override 1 by ann") == tuple(told("--at", at)[0][name] for name in ("on_call", "by"))
    assert told("override", "--remove", "1")["removed"] is True
    assert "layer 1" == told("--at", at)[0]["by"]
    assert isinstance(sre("override", "--remove", "1").exception, NotFound)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(
            ("primry", "ann", "--to", "22:00"), "no schedule 'primry'; the nearest is primary", id="no schedule"
        ),
        pytest.param(("primary", "anne", "--to", "22:00"), "no user 'anne'; the nearest is ann", id="no user"),
        pytest.param(("primary", "ann"), "who takes what until when", id="no end"),
        pytest.param(
            ("primary", "ann", "--from", "2030-01-05T18:00", "--to", "14:00"),
            "14:00 is 2030-01-06 14:00 UTC, and it begins at 2030-01-05 18:00 UTC",
            id="an end before its begin, which became 20 hours",
        ),
        pytest.param(
            ("primary", "ann", "--from", "2100-01-05T18:00", "--to", "2100-01-05T20:00"),
            "at most 366 days ahead",
            id="too far ahead",
        ),
        pytest.param(
            ("primary", "ann", "--to", "2020-01-01"), "it ends at 2020-01-01 00:00 UTC", id="an end that is over"
        ),
    ],
)
def test_an_override_that_cannot_be_is_refused(arguments: tuple[str, ...], expected: str) -> None:
    error = sre("override", *arguments).exception
    assert isinstance(error, BadInput)
    assert expected in str(error)


def test_the_check_shows_the_longest_time_for_each_channel_that_may_be_down() -> None:
    rows = told("check")
    assert [None, "email", "slack"] == [row["down"] for row in rows]
    assert [0, 300, 0] == [row["longest_seconds"] for row in rows]
    assert [25, 325, 25] == [row["with_a_restart_seconds"] for row in rows]
    assert "5 min 25 s" in sre("check").stdout


def test_the_check_shows_a_way_to_reach_nobody_and_fails(file: Path) -> None:
    file.write_text(LOST)
    done = sre("check")
    assert 1 == done.exit_code
    assert "while email is down reaches nobody: at once bob would be told, but only by email" in done.stdout


def test_the_check_takes_another_file_and_refuses_one_that_is_wrong(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(SMALL.replace("[ann, bob]\nsch", "[ann, bop]\nsch"))
    error = sre("check", str(other)).exception
    assert isinstance(error, BadSettings)
    assert f"{other}:5: teams.ops.1: no user 'bop' here; the nearest is bob" == str(error)


def test_the_example_needs_what_its_comments_say(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(sre("check", str(EXAMPLE)).exception, BadSettings) is False
    monkeypatch.setenv("SRE_PAGING__EMAIL__HOST", "")
    error = sre("check", str(EXAMPLE)).exception
    assert "users.bob.contacts: none of the contacts can be used" in str(error)


def test_a_schedule_is_written_as_a_calendar(tmp_path: Path) -> None:
    out = tmp_path / "primary.ics"
    assert 0 == sre("export", "--ical", "primary", "--weeks", "3", "--out", str(out)).exit_code
    text = out.read_bytes()
    assert 4 == text.count(b"BEGIN:VEVENT")  # three hand-overs within
    assert (
        text.decode().splitlines()[0] == sre("export", "--ical", "primary").stdout.splitlines()[0] == "BEGIN:VCALENDAR"
    )
    assert isinstance(sre("export", "--ical", "primry").exception, BadInput)


def test_an_import_prints_the_file_and_tells_what_did_not_carry_over(tmp_path: Path) -> None:
    export = tmp_path / "export.json"
    user = {"id": "P1", "name": "Ann", "email": "ann@example.com", "contact_methods": [{"type": "sms_contact_method"}]}
    export.write_text(json.dumps({"users": [user]}))
    done = sre("import", "--from", "pagerduty", str(export))
    assert done.stdout.startswith("# Imported from PagerDuty.")
    assert "carried over: 1\n  user ann: 1 mail address" in done.stderr
    assert "not carried over: 1\n  user ann: text messages" in done.stderr
    out = tmp_path / "new.yaml"
    assert ["user ann: 1 mail address"] == told("import", "--from", "pagerduty", str(export), "--out", str(out))[
        "carried"
    ]
    assert "ann@example.com" in out.read_text()
    assert isinstance(sre("import", "--from", "pagerduty", str(export), "--out", str(out)).exception, BadInput)
    assert 0 == sre("import", "--from", "pagerduty", str(export), "--out", str(out), "--force").exit_code


@pytest.mark.parametrize("command", ["check", "override", "export", "import"])
def test_each_command_shows_an_example(command: str) -> None:
    assert "Example: sre on-call " in sre(command, "--help").stdout


def test_a_week_says_the_true_end_of_its_last_shift() -> None:
    """It ended at the edge of the window, which is no hand-over."""
    rows = told("--at", "2026-03-12T12:00", "--week")
    assert "2026-03-23T08:00:00" in rows[-1]["to"]
    assert "Mon 2026-03-23 09:00 CET" in sre("--at", "2026-03-12T12:00", "--week").stdout


def test_a_night_may_end_on_the_next_day() -> None:
    begins = (datetime.now(UTC) + timedelta(days=1)).replace(hour=22, minute=0)
    done = sre("override", "primary", "ann", "--from", f"{begins:%Y-%m-%dT%H:%M}", "--to", "06:00", "--as", "ann")
    assert f"to {begins + timedelta(days=1):%Y-%m-%d} 06:00 UTC" in done.stdout


def test_an_override_may_end_on_a_day_by_its_date() -> None:
    day = datetime.now(UTC) + timedelta(days=30)
    done = sre("override", "primary", "ann", "--to", f"{day:%Y-%m-%d}", "--as", "ann")
    assert f"to {day:%Y-%m-%d} 00:00 UTC" in done.stdout, done.exception
