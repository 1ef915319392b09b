"""Who is on call: each promise over zones that change their clocks by an hour, by half an hour, and never."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.roster import Hours, Layer, Override, Schedule, Shift, Turn, Window
from domain.schedules import changes, duty, exists, gaps, hours_change, moment, on_duty, shifts, within

BERLIN = "Europe/Berlin"
ZONES = (BERLIN, "America/New_York", "Australia/Lord_Howe", "UTC")
# Around the changes of 2026 in each of them, so two weeks in spring and two in autumn.
SPANS = [
    (datetime(2026, month, day, tzinfo=UTC), datetime(2026, month, day, tzinfo=UTC) + timedelta(days=14))
    for month, day in ((3, 1), (3, 22), (3, 30), (9, 27), (10, 19), (10, 26))
]
EVERY_DAY = frozenset(range(7))
WEEKDAYS = frozenset(range(5))
MONDAY = datetime(2026, 1, 5, 9)  # noqa: DTZ001 - local

clocks = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30]))
windows = st.builds(Window, st.frozensets(st.integers(0, 6), min_size=1), clocks, clocks)
rotations = st.builds(
    Layer,
    name=st.sampled_from(["first", "second"]),
    users=st.lists(st.sampled_from(["ann", "bob", "cem"]), min_size=1, max_size=4).map(tuple),
    begins=st.builds(datetime, st.just(2026), st.integers(1, 3), st.integers(1, 28), st.integers(0, 23)),
    turn=st.sampled_from(Turn),
    every=st.integers(1, 12),
    ends=st.none() | st.builds(datetime, st.just(2026), st.integers(10, 11), st.integers(1, 30), st.integers(0, 23)),
    only=st.lists(windows, max_size=2).map(tuple),
)
schedules = st.builds(
    Schedule, st.just("s"), st.sampled_from(ZONES), st.lists(rotations, min_size=1, max_size=3).map(tuple)
)


@st.composite
def takings(draw: st.DrawFn) -> list[Shift]:
    """Overrides somewhere in the year."""
    begins = [draw(st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 1))) for _ in range(draw(st.integers(0, 2)))]  # noqa: DTZ001
    return [
        Shift("dee", at.replace(tzinfo=UTC), at.replace(tzinfo=UTC) + timedelta(hours=draw(st.integers(1, 99))))
        for at in begins
    ]


def local(text: str, zone: str = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def weekly(*users: str, **more: object) -> Layer:
    return Layer(**{"name": "weekly", "users": users, "begins": MONDAY, **more})  # type: ignore[arg-type]


def of(*layers: Layer, zone: str = BERLIN) -> Schedule:
    return Schedule("s", zone, layers)


@given(schedules, takings(), st.sampled_from(SPANS))
def test_shifts_cover_the_span_without_hole_or_overlap(
    schedule: Schedule, overrides: list[Shift], span: tuple[datetime, datetime]
) -> None:
    found = shifts(schedule, overrides, *span)
    assert span == (found[0].begins, found[-1].ends)
    assert all(before.ends == after.begins for before, after in pairwise(found))
    assert all(shift.begins < shift.ends for shift in found)


@given(schedules, takings(), st.sampled_from(SPANS), st.floats(0, 1, exclude_max=True))
def test_who_is_on_duty_is_who_the_shift_of_that_moment_names(
    schedule: Schedule, overrides: list[Shift], span: tuple[datetime, datetime], part: float
) -> None:
    at = span[0] + (span[1] - span[0]) * part
    (shift,) = [one for one in shifts(schedule, overrides, *span) if one.begins <= at < one.ends]
    assert ((shift.user,) if shift.user else ()) == on_duty(schedule, overrides, at)


@given(schedules, takings(), st.sampled_from(SPANS), st.floats(0, 1, exclude_max=True))
def test_one_layer_answers_and_it_is_the_last_one_that_has_somebody(
    schedule: Schedule, overrides: list[Shift], span: tuple[datetime, datetime], part: float
) -> None:
    at = span[0] + (span[1] - span[0]) * part
    taken = [shift.user for shift in overrides if shift.begins <= at < shift.ends]
    alone = [users for layer in schedule.layers if (users := on_duty(of(layer, zone=schedule.zone), (), at))]
    assert (tuple(taken[-1:]) or (alone[-1] if alone else ())) == on_duty(schedule, overrides, at)


@given(rotations, st.sampled_from(ZONES), st.sampled_from(SPANS))
def test_a_hand_over_of_days_or_weeks_stays_at_its_local_time(
    layer: Layer, zone: str, span: tuple[datetime, datetime]
) -> None:
    plain = Layer("plain", ("ann", "bob"), layer.begins, Turn.DAYS, layer.every)
    assert plain.begins is not None
    for at in changes(of(plain, zone=zone), (), *span):
        there = at.astimezone(ZoneInfo(zone))
        planned = datetime.combine(there.date(), plain.begins.time())
        assert there.time() == plain.begins.time() or not exists(planned, ZoneInfo(zone))


@given(st.integers(1, 30), st.sampled_from(ZONES), st.sampled_from(SPANS))
def test_hours_are_counted_as_they_pass(every: int, zone: str, span: tuple[datetime, datetime]) -> None:
    schedule = of(weekly("ann", "bob", turn=Turn.HOURS, every=every), zone=zone)
    assert {timedelta(hours=every)} == {after - before for before, after in pairwise(changes(schedule, (), *span))}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param("2026-01-05T08:59", (), id="nobody before the first hand-over"),
        pytest.param("2026-01-05T09:00", ("ann",), id="the first one from the hand-over on"),
        pytest.param("2026-03-30T08:59", ("cem",), id="the old one until the hand-over after the clocks went forward"),
        pytest.param("2026-03-30T09:00", ("ann",), id="the next one from that hand-over on"),
        pytest.param("2026-10-26T08:59", ("cem",), id="the old one until the hand-over after the clocks went back"),
        pytest.param("2026-10-26T09:00", ("ann",), id="the next one from then on"),
    ],
)
def test_a_weekly_rotation(at: str, expected: tuple[str, ...]) -> None:
    assert expected == on_duty(of(weekly("ann", "bob", "cem")), (), local(at))


NIGHTS = Window(WEEKDAYS, time(22), time(6))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param("2026-01-09T21:59", (), id="before the window"),
        pytest.param("2026-01-09T22:00", ("ann",), id="Friday night"),
        pytest.param("2026-01-10T05:59", ("ann",), id="that night goes on after midnight, into Saturday"),
        pytest.param("2026-01-10T06:00", (), id="until it ends"),
        pytest.param("2026-01-10T23:00", (), id="Saturday night is none of them"),
        pytest.param("2026-01-12T01:00", (), id="and neither is what is left of Sunday night"),
    ],
)
def test_a_window_may_go_over_midnight_and_belongs_to_the_day_that_it_begins_on(
    at: str, expected: tuple[str, ...]
) -> None:
    assert expected == on_duty(of(weekly("ann", only=(NIGHTS,))), (), local(at))


def test_a_window_from_midnight_to_midnight_is_the_whole_day() -> None:
    saturday = Window(frozenset({5}), time(0), time(0))
    (free, taken, again) = shifts(
        of(weekly("ann", only=(saturday,))), (), local("2026-03-27T12:00"), local("2026-03-29T12:00")
    )
    assert ("", "ann", "") == (free.user, taken.user, again.user)
    assert (local("2026-03-28T00:00"), local("2026-03-29T00:00")) == (taken.begins, taken.ends)


def test_the_newest_override_counts_above_every_layer_and_says_so() -> None:
    begins, ends = local("2026-01-06T00:00"), local("2026-01-07T00:00")
    taken = [Override("s", name, begins, ends, "eve", id=n).shift for n, name in enumerate(("cem", "dee"), 1)]
    found = duty(of(weekly("ann", "bob")), taken, begins)
    assert (("dee",), "override 2 by eve") == (found.users, found.why)
    assert ("ann",) == on_duty(of(weekly("ann", "bob")), taken, ends)


def test_a_calendar_may_name_two_at_once_and_a_layer_below_fills_what_it_leaves_open() -> None:
    begins, ends = local("2026-01-06T10:00"), local("2026-01-06T12:00")
    calendar = Layer("calendar", shifts=(Shift("bob", begins, ends), Shift("cem", begins, ends)))
    assert ("bob", "cem") == on_duty(of(weekly("ann"), calendar), (), begins)
    assert ("ann",) == on_duty(of(weekly("ann"), calendar), (), ends)


def test_a_gap_is_reported_with_its_times() -> None:
    days = Window(EVERY_DAY, time(8), time(20))
    (gap,) = gaps(of(weekly("ann", only=(days,))), (), local("2026-01-06T12:00"), local("2026-01-07T12:00"))
    assert (local("2026-01-06T20:00"), local("2026-01-07T08:00")) == (gap.begins, gap.ends)


OFFICE = Hours("office", BERLIN, (Window(WEEKDAYS, time(9), time(17)),), frozenset({date(2026, 12, 25)}))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param("2026-12-24T08:59", False, id="before they begin"),
        pytest.param("2026-12-24T09:00", True, id="when they begin"),
        pytest.param("2026-12-24T17:00", False, id="when they have ended"),
        pytest.param("2026-12-25T12:00", False, id="on a holiday, though it is a Friday"),
        pytest.param("2026-12-26T12:00", False, id="on a Saturday"),
    ],
)
def test_working_hours(at: str, *, expected: bool) -> None:
    assert expected is within(OFFICE, local(at))


def test_working_hours_change_only_where_that_is_said() -> None:
    begins, ends = local("2026-12-24T00:00"), local("2026-12-28T12:00")
    edges = [begins, *hours_change(OFFICE, begins, ends), ends]
    for since, until in pairwise(edges):
        minutes = int((until - since) / timedelta(minutes=1))
        assert 1 == len({within(OFFICE, since + timedelta(minutes=n)) for n in range(0, minutes, 15)})


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        pytest.param("2026-03-29T02:30", BERLIN, False, id="the hour that spring leaves out"),
        pytest.param("2026-03-29T03:00", BERLIN, True, id="the first time after it"),
        pytest.param("2026-10-25T02:30", BERLIN, True, id="a time that there is twice"),
        pytest.param("2026-10-04T02:15", "Australia/Lord_Howe", False, id="the half hour that spring leaves out there"),
    ],
)
def test_which_local_times_exist(text: str, zone: str, *, expected: bool) -> None:
    assert expected is exists(datetime.fromisoformat(text), ZoneInfo(zone))


def test_a_time_that_does_not_exist_is_the_moment_after_the_change() -> None:
    assert local("2026-03-29T03:30") == moment(date(2026, 3, 29), time(2, 30), ZoneInfo(BERLIN))
