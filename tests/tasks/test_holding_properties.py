"""Whatever order rules are added, expired, end and pages are delivered in: what is open is told of in the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.store import mutes
from adapters.store.database import connect, transaction
from adapters.store.tables.schema import metadata
from domain.muting import Mute, MuteKind, ends
from domain.pages import PageReason
from tests.parts.desk_part import Desk
from tests.parts.mutes_part import a_silence, a_window

MINUTE = timedelta(minutes=1)
DAY = 24 * 60

rule = st.sampled_from([a_silence(), a_window(), a_window("service=~w.b"), a_silence("service=api")])
minutes = st.integers(1, 90) | st.integers(1, 2 * DAY)
step = st.one_of(
    st.tuples(st.just("add"), rule, st.integers(-30, 30), minutes, st.sampled_from(["", "day", "week"])),
    st.tuples(st.just("expire"), st.integers(1, 3)),
    st.tuples(st.just("forward"), minutes),
    st.tuples(st.just("deliver")),
    st.tuples(st.just("fail")),
)


@contextmanager
def a_desk() -> Iterator[Desk]:
    engine = connect("sqlite:///:memory:")
    metadata.create_all(engine)
    desk = Desk(engine)
    yield desk
    engine.dispose()


class Play:
    """One history of one page; what is in force at each delivery is told from all rules, not from the store's query."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.number = desk.incident()

    def muted(self) -> bool:
        rules = [mute for kind in MuteKind for mute in mutes.all_mutes(self.desk.engine, kind)]
        of_it = [one for one in rules if "api" not in str(one.matchers[0])]
        return any(ends(one, self.desk.now) for one in of_it)

    def add(self, given: Mute, after: int, lasts: int, every: str) -> None:
        begins = max(self.desk.now + after * MINUTE, self.desk.now - (lasts - 1) * MINUTE)
        lasts = min(lasts, DAY) if every == "day" else lasts
        made = replace(given, starts_at=begins, ends_at=begins + lasts * MINUTE, every=every)
        mutes.add(self.desk.engine, made, now=self.desk.now)

    def expire(self, number: int) -> None:
        for kind in MuteKind:
            mutes.expire(self.desk.engine, number, kind, by="bob", now=self.desk.now)

    def forward(self, minutes: int) -> None:
        self.desk.forward(60 * minutes)

    def deliver(self) -> None:
        muted, before = self.muted(), len(self.desk.receiver.pages)
        self.desk.deliver()
        if muted:
            assert before == len(self.desk.receiver.pages)
        else:
            assert [(self.number, PageReason.UNCOMMON)] == self.desk.told()

    def fail(self) -> None:
        """Whoever delivers dies after the claim; the lease runs out."""
        self.desk.claim()
        self.desk.forward(120)

    def end(self) -> None:
        """Every rule is over; what recurs was expired."""
        for number in range(1, 40):
            self.expire(number)
        self.desk.forward(3 * DAY * 60)
        self.deliver()


@settings(max_examples=100)
@given(st.lists(step, min_size=3, max_size=12))
def test_a_page_of_an_open_incident_is_sent_once_all_its_rules_have_ended(steps: list[tuple[object, ...]]) -> None:
    with a_desk() as desk:
        play = Play(desk)
        for name, *given_to_it in steps:
            getattr(play, str(name))(*given_to_it)
            with transaction(desk.engine) as connection:
                assert all(ends(mute, desk.now) for mute in mutes.mutes_now(connection, desk.now))
        play.end()
        assert ["sent"] == desk.states()
