"""The file of who is on call: what it says, and what is wrong with it, each with its line."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from adapters.on_call_files import Current, RosterSource, load
from domain.contacts import Contact, ContactKind
from domain.errors import BadSettings
from domain.muting import Matcher
from domain.paging_settings import EmailSettings, PagingSettings
from domain.roster import PolicyStep, Route, Target, TargetKind, Turn
from domain.schedules import on_duty
from tests.parts.on_call_part import NOW, PAGING, SMALL, a_roster, example


def test_the_example_loads_without_a_flaw_or_a_warning_and_always_has_somebody_on_call() -> None:
    roster = example()
    assert () == roster.warnings
    assert {"checkout", "platform", "second line"} == roster.schedules.keys()
    assert all(on_duty(schedule, (), NOW) for schedule in roster.schedules.values())
    assert frozenset({date(2026, 12, 25), date(2027, 1, 1)}) == roster.hours["office"].holidays


def test_everything_that_the_file_says_is_in_the_roster() -> None:
    roster = example()
    ann = roster.users["ann"]
    assert ("Ann Archer", "Europe/Berlin", "U01ANN", "ann@example.com") == (
        *(ann.full_name, ann.zone, ann.slack_id),
        ann.email,
    )
    assert (Contact(ContactKind.SLACK, "U01ANN"), Contact(ContactKind.EMAIL, "ann@example.com")) == ann.contacts[:2]
    assert (Turn.WEEKS, 2) == (
        roster.schedules["second line"].layers[0].turn,
        roster.schedules["second line"].layers[0].every,
    )
    ops = Contact(ContactKind.SLACK, "#ops")
    second = PolicyStep(
        (Target(TargetKind.SCHEDULE, "second line"), Target(TargetKind.CHANNEL, "slack #ops", ops)),
        timedelta(minutes=10),
    )
    assert (second, 2, timedelta(hours=4)) == (
        roster.policies["default"].steps[1],
        roster.policies["default"].repeat,
        roster.policies["default"].ack_lasts,
    )
    assert Route((Matcher("severity", "=~", "low|medium"),), "default", "office", "quiet") == roster.routes[1]
    assert "checkout" == roster.routed([{"service": "web"}, {"service": "cart"}]).policy


def flaws_of(text: str, paging: PagingSettings = PAGING) -> list[str]:
    with pytest.raises(BadSettings) as told:
        a_roster(text, paging)
    return str(told.value).splitlines()


def changed(old: str, new: str) -> str:
    assert old in SMALL
    return SMALL.replace(old, new)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            changed("[ann, bob]\nsch", "[ann, bop]\nsch"),
            "5: teams.ops.1: no user 'bop' here; the nearest is bob",
            id="unknown user in a team",
        ),
        pytest.param(
            changed("{schedule: primary}", "{schedule: primry}"),
            "15: policies.default.steps.0.notify.0: no schedule 'primry' here; the nearest is primary",
            id="unknown schedule",
        ),
        pytest.param(
            changed("{team: ops}", "{team: op}"),
            "17: policies.default.last_resort.0: no team 'op' here; the nearest is ops",
            id="unknown team",
        ),
        pytest.param(
            changed("{team: ops}", "{teem: ops}"),
            "17: policies.default.last_resort.0: no kind 'teem'; the nearest is team",
            id="unknown kind of target",
        ),
        pytest.param(
            changed("{slack: U1}", "{slak: U1}"),
            "2: users.ann.contacts.1: no kind 'slak'; the nearest is slack",
            id="unknown kind of contact",
        ),
        pytest.param(
            changed("wait: 5m", "wait: 5 minutes"),
            "16: policies.default.steps.0.wait: '5 minutes' is no duration; write 90s, 5m, 2h or 7d",
            id="a duration that is none",
        ),
        pytest.param(
            changed("    last_resort", "    lastresort"),
            "17: policies.default.lastresort: unknown key; the nearest is last_resort",
            id="unknown key of a policy",
        ),
        pytest.param(
            changed("        begins", "        begin"),
            "11: schedules.primary.layers.0.begin: unknown key; the nearest is begins",
            id="unknown key of a layer",
        ),
        pytest.param(changed("teams:", "team:"), "4: team: unknown key; the nearest is teams", id="unknown heading"),
        pytest.param(
            changed("Europe/Berlin", "Europe/Berln"),
            "8: schedules.primary.zone: no time zone 'Europe/Berln'; the nearest is Europe/Berlin",
            id="unknown zone",
        ),
        pytest.param(
            changed("users: [ann, bob]", "users: []"),
            "10: schedules.primary.layers.0: an empty rotation: nobody takes turns",
            id="empty rotation",
        ),
        pytest.param(
            changed("2026-01-05T09:00", "2026-03-29T02:30"),
            "11: schedules.primary.layers.0.begins: 2026-03-29 02:30 does not exist in Europe/Berlin: the "
            "clocks go forward then",
            id="a hand-over in the hour that spring leaves out",
        ),
        pytest.param(
            changed("2026-01-05T09:00", "2026-01-05T25:00"),
            "11: schedules.primary.layers.0.begins: '2026-01-05T25:00' is no local time; write 2026-01-05T09:00",
            id="a hand-over that no clock shows",
        ),
        pytest.param(
            changed("2026-01-05T09:00", "2026-01-05T09:00:00Z"),
            "11: schedules.primary.layers.0.begins: '2026-01-05 09:00:00+00:00' names a zone; write the "
            "local time of the schedule's zone: 2026-01-05T09:00",
            id="a hand-over with a zone",
        ),
        pytest.param(
            changed("teams:", "  ann: {contacts: [{email: ann@example.org}]}\nteams:"),
            "4: users.ann: stands here a second time",
            id="a name twice",
        ),
        pytest.param(
            changed("  default:", "  other:"),
            "12: policies: there must be one named 'default', for what no route fits "
            "(paging.escalation_policy); the nearest is other",
            id="no policy for the rest",
        ),
        pytest.param(
            SMALL + "routes: [{match: [severity=critcal], policy: default}]",
            "18: routes.0.match.0: severity=critcal: nothing has the severity 'critcal'; the nearest is critical",
            id="fault 5: a condition that nothing meets",
        ),
        pytest.param(
            SMALL + "routes: [{match: [a=b], policy: default}, {match: [a=b], policy: default}]",
            "18: routes.1: never applies: route 1 has the same conditions and stands before it",
            id="fault 5: a route that never applies",
        ),
        pytest.param(
            SMALL + "routes: [{match: ['service=~(a'], policy: default}]",
            "18: routes.0.match.0: service=~(a: is not a regular expression of RE2: missing ): (a",
            id="a pattern that cannot be read",
        ),
        pytest.param(
            SMALL + "routes: [{match: [a=b], policy: default, hours: office}]",
            "18: routes.0.hours: no working hours 'office' here; there is none",
            id="unknown working hours",
        ),
        pytest.param(
            changed("{email: bob@example.com}", "{email: ann@example.com}"),
            "3: users.bob.email: ann@example.com belongs to ann already",
            id="two people with one address",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_the_nearest_right_name(text: str, expected: str) -> None:
    assert f"on_call.yaml:{expected}" in flaws_of(text)


def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_the_file() -> None:
    text = changed("{slack: U1}", "{slak: U1}").replace("Europe/Berlin", "Berlin")
    text = text.replace("wait: 5m", "wait: five").replace("{team: ops}", "{team: op}")
    assert [2, 8, 16, 17] == [int(flaw.split(":")[1]) for flaw in flaws_of(text)]


NO_MAIL = PAGING.model_copy(update={"email": EmailSettings()})


def test_a_contact_without_what_it_needs_is_refused_while_it_is_somebodys_only_one_else_told() -> None:
    (flaw,) = flaws_of(SMALL, NO_MAIL)
    assert "on_call.yaml:3: users.bob.contacts: the only contact cannot be used: email bob@example.com: " in flaw
    assert flaw.endswith("no mail server is set: paging.email.host")
    roster = a_roster(changed("[{email: bob@example.com}]", "[{email: bob@example.com}, {slack: U2}]"), NO_MAIL)
    assert 2 == len([text for text in roster.warnings if "cannot be used: no mail server is set" in text])


def test_a_policy_that_can_reach_nobody_is_refused() -> None:
    more = "  lost:\n    steps: [{notify: [{webhook: nowhere}], wait: 5m}]\n"
    (flaw,) = flaws_of(SMALL + more)
    assert flaw.startswith("on_call.yaml:18: policies.lost: reaches nobody")


def test_a_gap_is_told_with_its_time() -> None:
    text = changed("        begins:", "        only: [mon-fri 08:00-20:00]\n        begins:")
    (warning,) = a_roster(text).warnings
    assert (
        "on_call.yaml:7: schedules.primary: nobody is on call from Mon 2026-03-02 20:00 to Tue 2026-03-03 08:00 "
        "Europe/Berlin, the first of 20 in the next 28 days"
    ) == warning


def test_a_label_that_our_incidents_do_not_have_is_told() -> None:
    (warning,) = a_roster(SMALL + "routes: [{match: [servise=web], policy: default}]").warnings
    assert "on_call.yaml:18: routes.0: our incidents have no label 'servise'" in warning
    assert warning.endswith("the nearest is service")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"users: [", "1: not YAML", id="no YAML"),
        pytest.param(b"\xff\xfe", "not UTF-8 at byte 0", id="no text"),
        pytest.param(b"- ann", "1: the file: must hold headings", id="no mapping"),
        pytest.param(b"users: [ann]", "1: users: must be a mapping of names", id="a list where names belong"),
        pytest.param(b"3: {}", "1: 3: unknown key", id="a number as heading"),
    ],
)
def test_a_file_that_is_none_is_refused(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "on_call.yaml"
    path.write_bytes(content)
    with pytest.raises(BadSettings, match=expected):
        load(path, PAGING, copies=tmp_path)


def test_a_file_that_is_not_there_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"cannot be read: No such file or directory \(paging.on_call\)"):
        load(tmp_path / "none.yaml", PAGING, copies=tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> RosterSource:
    (tmp_path / "on_call.yaml").write_text(SMALL)
    return RosterSource(tmp_path / "on_call.yaml", PAGING, tmp_path / "home")


def write(source: RosterSource, text: str) -> None:
    assert source.path is not None
    source.path.write_text(text)
    later = time.time_ns() + 10**9
    os.utime(source.path, ns=(later, later))


def test_a_change_of_the_file_counts_at_the_next_question(source: RosterSource) -> None:
    first = source.current()
    assert SMALL == first.text
    assert source.current() is first
    write(source, changed("wait: 5m", "wait: 7m"))
    assert timedelta(minutes=7) == source.current().roster.policies["default"].steps[0].wait


def test_a_file_that_became_unreadable_keeps_the_last_good_one_and_says_why(source: RosterSource) -> None:
    good = source.current()
    write(source, "users: [")
    bad = source.current()
    assert (good.roster, good.text) == (bad.roster, bad.text)
    assert "not YAML" in bad.flaws[0]
    assert source.current() is bad
    write(source, SMALL)
    assert () == source.current().flaws


def test_a_file_that_was_removed_keeps_the_last_good_one(source: RosterSource) -> None:
    good = source.current()
    assert source.path is not None
    source.path.unlink()
    assert good.roster == source.current().roster
    assert "cannot be read" in source.current().flaws[0]


def test_without_a_good_file_everybody_is_paged_rather_than_nobody(source: RosterSource) -> None:
    write(source, "users: [")
    (step,) = source.current().roster.policies["default"].steps
    assert "email on-call@localhost" in {target.name for target in step.notify}


def test_without_a_file_everybody_is_paged_whom_the_settings_name(tmp_path: Path) -> None:
    paging = PagingSettings(email=EmailSettings(host="smtp", recipients=("a@b.c",)), webhook=SecretStr("http://h/"))
    found: Current = RosterSource(None, paging, tmp_path).current(datetime(2026, 1, 1, tzinfo=UTC))
    (step,) = found.roster.policies["default"].steps
    assert ["email a@b.c", "webhook default"] == [target.name for target in step.notify]
    assert ("", ()) == (found.text, found.flaws)
