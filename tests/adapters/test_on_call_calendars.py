"""Calendars in, from files and from a real server, and out again."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from adapters.on_call_files import RosterSource
from adapters.on_call_files.calendars import written
from domain.errors import BadSettings
from domain.roster import Roster
from domain.schedules import on_duty, shifts
from tests.parts.on_call_part import NOW, PAGING, SMALL, a_roster, example


def event(*lines: str) -> str:
    return "\r\n".join(
        ["BEGIN:VEVENT", f"UID:{abs(hash(lines))}", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT", ""]
    )


def calendar(*events: str) -> str:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n{''.join(events)}END:VCALENDAR\r\n"


def once(who: str, begins: str = "20260303T080000Z", ends: str = "20260303T180000Z", *more: str) -> str:
    return event(f"SUMMARY:{who}", f"DTSTART:{begins}", f"DTEND:{ends}", *more)


def with_calendar(source: object) -> str:
    layer = f"      - users: [ann, bob]\n        begins: 2026-01-05T09:00\n      - calendar: {source}\n"
    text = SMALL.replace("      - users: [ann, bob]\n        begins: 2026-01-05T09:00\n", layer)
    return text.replace("ann: {", "ann: {full_name: Ann Archer, ")


def of(tmp_path: Path, *events: str) -> Roster:
    (tmp_path / "who.ics").write_bytes(calendar(*events).encode())
    return a_roster(with_calendar("who.ics"), PAGING, tmp_path)


def on(roster: Roster, at: str) -> tuple[str, ...]:
    return on_duty(roster.schedules["primary"], (), datetime.fromisoformat(at).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    "who",
    [
        pytest.param(once("ann"), id="by name"),
        pytest.param(once("ANN ARCHER"), id="by full name, whatever its letters"),
        pytest.param(once("ann@example.com"), id="by mail address"),
        pytest.param(once("[L2] ann"), id="behind a level, as Grafana OnCall reads it"),
        pytest.param(
            once("on call", "20260303T080000Z", "20260303T180000Z", "ATTENDEE:mailto:ann@example.com"), id="as attendee"
        ),
        pytest.param(
            once("on call", "20260303T080000Z", "20260303T180000Z", "ATTENDEE;CN=Ann Archer:mailto:x@y.z"),
            id="as attendee by name",
        ),
    ],
)
def test_an_event_names_somebody(who: str, tmp_path: Path) -> None:
    roster = of(tmp_path, who)
    assert (("ann",), ()) == (on(roster, "2026-03-03T09:00"), roster.warnings)
    assert ("bob",) == on(of(tmp_path, once("bob")), "2026-03-03T09:00")


def test_an_event_of_two_has_both_on_call(tmp_path: Path) -> None:
    assert ("ann", "bob") == on(of(tmp_path, once("ann, bob")), "2026-03-03T09:00")


def test_an_event_that_names_nobody_is_told_with_its_name_and_time(tmp_path: Path) -> None:
    roster = of(tmp_path, once("Zed"), *(once(f"Team {n}") for n in range(4)))
    first = "schedules.primary.layers.1.calendar: the event 'Zed' at 2026-03-03 08:00 UTC names nobody of `users`"
    assert first in roster.warnings
    assert "schedules.primary.layers.1.calendar: 2 more events name nobody of `users`" in roster.warnings


def test_an_event_recurs_at_its_local_time_over_a_change_of_the_clocks(tmp_path: Path) -> None:
    begins = "DTSTART;TZID=Europe/Berlin:20260302T090000"
    roster = of(tmp_path, event("SUMMARY:bob", begins, "DTEND;TZID=Europe/Berlin:20260302T100000", "RRULE:FREQ=WEEKLY"))
    layer = roster.schedules["primary"].layers[1]
    starts = {shift.begins for shift in layer.shifts}
    assert datetime(2026, 3, 23, 8, tzinfo=UTC) in starts
    assert datetime(2026, 3, 30, 7, tzinfo=UTC) in starts
    assert max(starts) < NOW + timedelta(days=400)


@pytest.mark.parametrize(
    ("lines", "begins", "ends"),
    [
        pytest.param(
            ("DTSTART;VALUE=DATE:20260303", "DTEND;VALUE=DATE:20260304"),
            datetime(2026, 3, 2, 23, tzinfo=UTC),
            datetime(2026, 3, 3, 23, tzinfo=UTC),
            id="a whole day goes from midnight to midnight where the schedule is",
        ),
        pytest.param(
            ("DTSTART:20260303T090000", "DTEND:20260303T100000"),
            datetime(2026, 3, 3, 8, tzinfo=UTC),
            datetime(2026, 3, 3, 9, tzinfo=UTC),
            id="a time without a zone is local where the schedule is",
        ),
    ],
)
def test_times_of_a_schedules_own_zone(
    lines: tuple[str, ...], begins: datetime, ends: datetime, tmp_path: Path
) -> None:
    (shift,) = of(tmp_path, event("SUMMARY:bob", *lines)).schedules["primary"].layers[1].shifts
    assert (begins, ends) == (shift.begins, shift.ends)


def test_a_cancelled_event_is_none(tmp_path: Path) -> None:
    roster = of(tmp_path, once("bob", "20260303T080000Z", "20260303T180000Z", "STATUS:CANCELLED"))
    assert () == roster.schedules["primary"].layers[1].shifts


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(None, "who.ics cannot be read: No such file", id="no file"),
        pytest.param(b"<html>", "is no calendar that can be read", id="no calendar"),
        pytest.param(b"x" * 5_000_001, "is larger than 5,000,000 bytes", id="too large"),
        pytest.param(
            calendar(event("SUMMARY:bob", "DTSTART:20260303T080000Z", "RRULE:FREQ=SECONDLY")).encode(),
            "has an event that recurs each second or minute",
            id="an event each second, for ever",
        ),
    ],
)
def test_a_calendar_that_cannot_be_used_is_refused_with_its_line(
    content: bytes | None, expected: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "who.ics").write_bytes(content)
    with pytest.raises(BadSettings) as told:
        a_roster(with_calendar("who.ics"), PAGING, tmp_path)
    assert "on_call.yaml:12: schedules.primary.layers.1.calendar" in str(told.value)
    assert expected in str(told.value)


class Site(HTTPServer):
    """A server of one calendar; `status` and `content` may change."""

    status = 200
    content = b""


class _Answer(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site(("127.0.0.1", 0), _Answer)
    server.content = calendar(once("bob")).encode()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def address(site: Site) -> str:
    return f"http://ann:secret@127.0.0.1:{site.server_port}/who.ics"


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        pytest.param(503, b"", "answered 503", id="it refuses"),
        pytest.param(200, b"<html>log in</html>", "sent no calendar", id="it sends something else"),
        pytest.param(
            200, b"BEGIN:VCALENDAR" + b"x" * 5_000_001, "sends more than 5,000,000 bytes", id="it sends too much"
        ),
    ],
)
def test_while_a_url_does_not_answer_its_last_copy_is_used_and_its_age_told(
    status: int, content: bytes, expected: str, site: Site, tmp_path: Path
) -> None:
    text = with_calendar(address(site))
    assert () == a_roster(text, PAGING, tmp_path).warnings
    (copy,) = (tmp_path / "calendars").glob("*.ics")
    made = (NOW - timedelta(hours=3)).timestamp()
    os.utime(copy, (made, made))
    site.status, site.content = status, content
    roster = a_roster(text, PAGING, tmp_path)
    (warning,) = roster.warnings
    assert ("bob",) == on(roster, "2026-03-03T09:00")
    assert expected in warning
    assert warning.endswith("the copy that was made 3 h ago is used")
    assert "secret" not in warning


def test_a_url_that_never_answered_is_refused_without_its_password(site: Site, tmp_path: Path) -> None:
    site.status = 404
    with pytest.raises(BadSettings, match="answered 404, and there is no earlier copy") as told:
        a_roster(with_calendar(address(site)), PAGING, tmp_path)
    assert "secret" not in str(told.value)


def test_a_running_source_asks_a_url_again_after_five_minutes_and_lets_nobody_wait(site: Site, tmp_path: Path) -> None:
    (tmp_path / "on_call.yaml").write_text(with_calendar(address(site)))
    source = RosterSource(tmp_path / "on_call.yaml", PAGING, tmp_path)
    assert ("bob",) == on(source.current(NOW).roster, "2026-03-03T09:00")
    source.current(NOW)
    first = source._asks
    assert first is not None
    first.join()
    site.content = calendar(once("ann")).encode()
    assert ("bob",) == on(source.current(NOW + timedelta(minutes=4)).roster, "2026-03-03T09:00")
    assert first is source._asks
    assert ("bob",) == on(source.current(NOW + timedelta(minutes=6)).roster, "2026-03-03T09:00")
    asking = source._asks
    assert asking is not None
    asking.join()
    assert ("ann",) == on(source.current(NOW + timedelta(minutes=7)).roster, "2026-03-03T09:00")


def test_a_restart_waits_for_no_calendar_of_which_there_is_a_copy(site: Site, tmp_path: Path) -> None:
    """Every page would wait for each server that hangs, five seconds and more."""
    (tmp_path / "on_call.yaml").write_text(with_calendar(address(site)))
    RosterSource(tmp_path / "on_call.yaml", PAGING, tmp_path).current(NOW)
    site.content = calendar(once("ann")).encode()
    again = RosterSource(tmp_path / "on_call.yaml", PAGING, tmp_path)
    assert ("bob",) == on(again.current(NOW).roster, "2026-03-03T09:00")
    again.current(NOW)
    asking = again._asks
    assert asking is not None
    asking.join()
    assert ("ann",) == on(again.current(NOW).roster, "2026-03-03T09:00")


def test_a_url_that_does_not_answer_at_the_start_is_asked_again(site: Site, tmp_path: Path) -> None:
    site.status = 503
    (tmp_path / "on_call.yaml").write_text(with_calendar(address(site)))
    source = RosterSource(tmp_path / "on_call.yaml", PAGING, tmp_path)
    assert "answered 503" in source.current(NOW).flaws[0]
    site.status = 200
    source.current(NOW + timedelta(minutes=6))
    asking = source._asks
    assert asking is not None
    asking.join()
    found = source.current(NOW + timedelta(minutes=7))
    assert (("bob",), ()) == (on(found.roster, "2026-03-03T09:00"), found.flaws)


def test_what_is_exported_comes_back_the_same(tmp_path: Path) -> None:
    roster = a_roster()
    schedule, ends = roster.schedules["primary"], NOW + timedelta(weeks=8)
    found = shifts(schedule, (), NOW, ends)
    (tmp_path / "who.ics").write_bytes(written("primary", schedule.zone, found, roster.users, NOW))
    back = a_roster(with_calendar("who.ics"), PAGING, tmp_path).schedules["primary"].layers[1].shifts
    assert [(one.user, one.begins, one.ends) for one in found] == [(one.user, one.begins, one.ends) for one in back]


def test_a_gap_is_exported_as_nothing_and_the_same_shift_keeps_its_id() -> None:
    roster = example()
    schedule = roster.schedules["platform"]
    before = datetime(2026, 1, 4, tzinfo=UTC)
    found = shifts(schedule, (), before, before + timedelta(days=8))
    text, later = (written("platform", schedule.zone, found, roster.users, at) for at in (before, NOW))
    assert ["", "cem"] == [shift.user for shift in found]
    assert 1 == text.count(b"BEGIN:VEVENT")
    uid = [line for line in text.splitlines() if line.startswith(b"UID:")]
    assert uid == [line for line in later.splitlines() if line.startswith(b"UID:")]
