"""Exports of other tools become a file that loads, and whatever has no place in it is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.on_call_files.foreign import parts_of_week
from adapters.on_call_files.importing import Imported, read_foreign
from domain.errors import BadInput
from domain.roster import Roster
from domain.roster_words import as_local, as_window
from domain.schedules import on_duty
from tests.parts.on_call_part import NOW, PAGING, a_roster


def read(tmp_path: Path, source: str, document: object) -> Imported:
    (tmp_path / "export.json").write_text(json.dumps(document))
    return read_foreign(tmp_path / "export.json", source, NOW)


def roster_of(found: Imported, default: str) -> Roster:
    return a_roster(found.text, PAGING.model_copy(update={"escalation_policy": default}))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


PAGERDUTY: dict[str, Any] = {
    "users": [
        {
            "id": "P1",
            "name": "Ann Archer",
            "email": "ann@example.com",
            "time_zone": "Europe/Berlin",
            "contact_methods": [
                {"id": "M1", "type": "email_contact_method", "label": "Work", "address": "ann@example.com"},
                {
                    "id": "M2",
                    "type": "sms_contact_method",
                    "label": "Mobile",
                    "address": "15550100",
                    "country_code": 49,
                },
                {"id": "M3", "type": "push_notification_contact_method", "label": "Phone", "address": "f00"},
            ],
        },
        {"id": "P2", "name": "Bob Baker", "email": "bob@example.com", "time_zone": "America/New_York"},
    ],
    "schedules": [
        {
            "id": "S1",
            "name": "Primary",
            "time_zone": "America/New_York",
            "schedule_layers": [
                {
                    "name": "Layer 2",
                    "start": "2026-01-05T14:00:00Z",
                    "end": None,
                    "rotation_virtual_start": "2025-12-22T09:00:00-05:00",
                    "rotation_turn_length_seconds": 604800,
                    "users": [{"user": {"id": "P2"}}],
                    "restrictions": [
                        {
                            "type": "weekly_restriction",
                            "start_day_of_week": 5,
                            "start_time_of_day": "20:00:00",
                            "duration_seconds": 129600,
                        }
                    ],
                },
                {
                    "name": "Layer 1",
                    "start": "2026-01-12T09:00:00-05:00",
                    "end": None,
                    "rotation_virtual_start": "2026-01-05T09:00:00-05:00",
                    "rotation_turn_length_seconds": 604800,
                    "users": [{"user": {"id": "P1"}}, {"user": {"id": "P2"}}],
                    "restrictions": [],
                },
                {
                    "name": "Old",
                    "start": "2020-01-01T00:00:00Z",
                    "end": "2021-01-01T00:00:00Z",
                    "rotation_virtual_start": "2020-01-01T00:00:00Z",
                    "rotation_turn_length_seconds": 86400,
                    "users": [{"user": {"id": "P1"}}],
                    "restrictions": [],
                },
            ],
            "overrides": [{"start": "2026-03-05T10:00:00Z", "end": "2026-03-05T12:00:00Z", "user": {"id": "P2"}}],
        }
    ],
    "escalation_policies": [
        {
            "id": "E1",
            "name": "Web",
            "num_loops": 2,
            "escalation_rules": [
                {"escalation_delay_in_minutes": 10, "targets": [{"id": "S1", "type": "schedule_reference"}]},
                {"escalation_delay_in_minutes": 30, "targets": [{"id": "P1", "type": "user_reference"}]},
                {"escalation_delay_in_minutes": 30, "targets": [{"id": "P9", "type": "user_reference"}]},
            ],
            "services": [{"id": "X", "type": "service_reference", "summary": "Web shop"}],
        }
    ],
}


def test_pagerdutys_users_schedules_and_policies_become_a_file_that_loads(tmp_path: Path) -> None:
    roster = roster_of(read(tmp_path, "pagerduty", PAGERDUTY), "Web")
    assert {"ann", "bob"} == roster.users.keys()
    assert ("Ann Archer", "Europe/Berlin") == (roster.users["ann"].full_name, roster.users["ann"].zone)
    (first, second) = roster.policies["Web"].steps
    assert (["schedule Primary"], 600) == ([str(one) for one in first.notify], first.wait.total_seconds())
    assert (["user ann"], 1800, 2) == (
        [str(one) for one in second.notify],
        second.wait.total_seconds(),
        roster.policies["Web"].repeat,
    )


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param(
            "2026-01-13T12:00", ("bob",), id="turns are counted from the virtual start, so bob has the second"
        ),
        pytest.param("2026-01-20T12:00", ("ann",), id="then ann"),
        pytest.param(
            "2026-01-24T01:00", ("bob",), id="the layer that the API gives first counts most: Friday 20:00 there"
        ),
        pytest.param("2026-01-25T12:59", ("bob",), id="for 36 hours"),
        pytest.param("2026-01-25T13:01", ("ann",), id="and no longer"),
        pytest.param("2026-07-20T13:01", ("ann",), id="the hand-over stays at 09:00 there in summer"),
        pytest.param("2026-07-20T12:59", ("bob",), id="and not before"),
    ],
)
def test_pagerdutys_layers_say_the_same_here(at: str, expected: tuple[str, ...], tmp_path: Path) -> None:
    roster = roster_of(read(tmp_path, "pagerduty", PAGERDUTY), "Web")
    assert expected == on_duty(roster.schedules["Primary"], (), utc(at))


@pytest.mark.parametrize(
    "expected",
    [
        (
            "user ann: text messages (Mobile): they need a provider: set paging.apprise.ann to a provider's "
            "URL and add `- apprise: ann`"
        ),
        "user ann: push_notification_contact_method (Phone): it belongs to PagerDuty's own app",
        "schedule Primary, layer Old: it ended on 2021-01-01",
        (
            "schedule Primary: an override; add it by `sre on-call override 'Primary' bob --from "
            "2026-03-05T10:00 --to 2026-03-05T12:00`"
        ),
        "policy Web, rule 3: P9 is not in the export",
        "policy Web, rule 3: it names nobody who is here",
        "policy Web: service Web shop; add a route: match: [service=NAME], policy: Web",
    ],
)
def test_what_of_pagerduty_has_no_place_here_is_told(expected: str, tmp_path: Path) -> None:
    assert expected in read(tmp_path, "pagerduty", PAGERDUTY).lost


GRAFANA: dict[str, Any] = {
    "users": {
        "count": 2,
        "results": [
            {"id": "U1", "username": "ann", "email": "ann@example.com", "slack": [{"user_id": "UA", "team_id": "T"}]},
            {"id": "U2", "username": "bob", "email": "bob@example.com", "slack": []},
        ],
    },
    "on_call_shifts": [
        {
            "id": "H1",
            "name": "weekdays",
            "type": "rolling_users",
            "level": 1,
            "time_zone": None,
            "start": "2026-01-07T09:00:00",
            "duration": 28800,
            "frequency": "weekly",
            "interval": 1,
            "week_start": "MO",
            "by_day": ["MO", "TU", "WE", "TH", "FR"],
            "rolling_users": [["U1", "U2"], ["U2"]],
            "start_rotation_from_user_index": 1,
        },
        {
            "id": "H2",
            "name": "always",
            "type": "rolling_users",
            "level": 0,
            "start": "2026-01-05T00:00:00",
            "duration": 86400,
            "frequency": "daily",
            "rolling_users": [["U1"], ["U2"]],
        },
        {
            "id": "H3",
            "name": "monthly",
            "type": "recurrent_event",
            "start": "2026-01-05T00:00:00",
            "duration": 3600,
            "frequency": "monthly",
            "users": ["U1"],
        },
        {
            "id": "H4",
            "name": "once",
            "type": "single_event",
            "level": 9,
            "start": "2026-03-10T08:00:00",
            "duration": 10800,
            "users": ["U1"],
            "time_zone": "UTC",
        },
    ],
    "schedules": [
        {
            "id": "S1",
            "name": "Ops",
            "type": "calendar",
            "time_zone": "Europe/Berlin",
            "shifts": ["H1", "H2", "H3", "H4"],
        },
        {"id": "S2", "name": "Empty", "type": "web", "time_zone": "UTC", "shifts": []},
    ],
    "escalation_chains": [{"id": "C1", "name": "Ops", "team_id": None}],
    "escalation_policies": [
        {"id": "E3", "escalation_chain_id": "C1", "position": 2, "type": "wait", "duration": 900},
        {
            "id": "E1",
            "escalation_chain_id": "C1",
            "position": 0,
            "type": "notify_on_call_from_schedule",
            "notify_on_call_from_schedule": "S1",
        },
        {"id": "E2", "escalation_chain_id": "C1", "position": 1, "type": "notify_whole_channel"},
        {
            "id": "E4",
            "escalation_chain_id": "C1",
            "position": 3,
            "type": "notify_persons",
            "persons_to_notify": ["U1", "U2"],
        },
        {"id": "E5", "escalation_chain_id": "C1", "position": 4, "type": "repeat_escalation"},
    ],
}


def test_grafana_oncalls_users_schedules_and_chains_become_a_file_that_loads(tmp_path: Path) -> None:
    roster = roster_of(read(tmp_path, "grafana-oncall", GRAFANA), "Ops")
    assert ["slack UA", "email ann@example.com"] == [str(one) for one in roster.users["ann"].contacts]
    (first, second) = roster.policies["Ops"].steps
    assert (["schedule Ops"], 900) == ([str(one) for one in first.notify], first.wait.total_seconds())
    assert (["user ann", "user bob"], 300, 5) == (
        [str(one) for one in second.notify],
        second.wait.total_seconds(),
        roster.policies["Ops"].repeat,
    )


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param("2026-01-07T09:00", ("bob",), id="the rotation begins with the user of its index"),
        pytest.param("2026-01-12T09:00", ("ann",), id="the next one has the next calendar week"),
        pytest.param("2026-01-19T09:00", ("bob",), id="and the first one the week after"),
        pytest.param("2026-01-12T18:00", ("bob",), id="in the evening the shift of the lower level counts, by days"),
        pytest.param("2026-01-13T18:00", ("ann",), id="and the other one on the next day"),
        pytest.param("2026-03-10T10:00", ("ann",), id="what is only once counts above both"),
    ],
)
def test_grafana_oncalls_shifts_say_the_same_here(at: str, expected: tuple[str, ...], tmp_path: Path) -> None:
    roster = roster_of(read(tmp_path, "grafana-oncall", GRAFANA), "Ops")
    assert expected == on_duty(roster.schedules["Ops"], (), utc(at))


@pytest.mark.parametrize(
    "expected",
    [
        "schedule Ops, shift weekdays: bob together with ann; one at a time is on call here",
        "schedule Ops, shift monthly: it recurs by the month; use a calendar",
        "schedule Ops, shift once: its own zone UTC; its times are those of Europe/Berlin now",
        "schedule Empty: no layer is left of it",
        'policy Ops, step 2: a whole channel of Slack; name it as a target: `- slack: "#channel"`',
        "user bob: personal notification rules; contacts stand in the order in which they are tried",
    ],
)
def test_what_of_grafana_oncall_has_no_place_here_is_told(expected: str, tmp_path: Path) -> None:
    assert expected in read(tmp_path, "grafana-oncall", GRAFANA).lost


def test_a_schedule_of_calendars_keeps_them(tmp_path: Path) -> None:
    schedule = {
        "id": "S3",
        "name": "Cal",
        "type": "ical",
        "ical_url_primary": "https://example.com/a.ics",
        "ical_url_overrides": "https://example.com/b.ics",
    }
    found = yaml.safe_load(read(tmp_path, "grafana-oncall", {"schedules": [schedule]}).text)
    layers = found["schedules"]["Cal"]["layers"]
    assert ["https://example.com/a.ics", "https://example.com/b.ics"] == [layer["calendar"] for layer in layers]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("[]", "must be one JSON object", id="a list"),
        pytest.param("{", "not JSON", id="no JSON"),
        pytest.param("{}", "holds no users, schedules or policies of PagerDuty", id="something else"),
        pytest.param(
            '{"schedules": [{"schedule_layers": [{"users": 3}]}]}', "is no export of PagerDuty", id="other types"
        ),
    ],
)
def test_what_is_no_export_is_refused(text: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "export.json").write_text(text)
    with pytest.raises(BadInput, match=expected):
        read_foreign(tmp_path / "export.json", "pagerduty", NOW)


@pytest.mark.parametrize(
    ("day", "hours", "expected"),
    [
        pytest.param(4, 10, ["fri 20:00-06:00"], id="over midnight"),
        pytest.param(4, 4, ["fri 20:00-24:00"], id="until midnight"),
        pytest.param(4, 36, ["fri 20:00-24:00", "sat 00:00-24:00", "sun 00:00-08:00"], id="over two midnights"),
        pytest.param(6, 28, ["sun 20:00-24:00", "mon 00:00-24:00"], id="over the end of the week"),
    ],
)
def test_a_span_becomes_parts_of_the_week(day: int, hours: int, expected: list[str]) -> None:
    found = parts_of_week([day], time(20), timedelta(hours=hours))
    assert expected == found
    assert all(as_window(text) for text in found)


def test_a_date_alone_is_midnight() -> None:
    assert as_local("2026-01-05") == as_local(datetime(2026, 1, 5).date())  # noqa: DTZ001
