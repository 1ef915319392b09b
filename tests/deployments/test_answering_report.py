"""P1, P5: status said `up` while pages waited, a part was known to be down, and nobody worked off the queue."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.store import canary_rows, mutes, step_queue
from adapters.store.database import Engine, transaction
from adapters.store.step_queue import LONGEST
from adapters.store.switches import report_condition
from adapters.store.tables.paging import pages
from console.parts import tell
from deployments.answering_report import NO_PAGE, NO_STEP, Answering, ask
from deployments.report import Health, PartReport, answering
from domain.canary import Outcome, Stage
from domain.settings import Settings, StoreSettings
from domain.steps import Due
from tests.parts.judged_part import NOW, Feed
from tests.parts.mutes_part import a_silence, a_window

MINUTE = timedelta(minutes=1)


def lines(store: Engine, *, after: timedelta) -> list[PartReport]:
    url = store.url.render_as_string(hide_password=False).replace("postgresql+psycopg", "postgresql")
    settings = Settings(store=StoreSettings(url=SecretStr(url)))
    return answering(ask(settings, now=NOW + after), now=NOW + after)


def down(found: list[PartReport]) -> dict[str, str]:
    return {one.part: one.text for one in found if one.health is Health.DOWN}


def test_an_empty_store_is_well(store: Engine) -> None:
    found = lines(store, after=MINUTE)
    promised = "no alarm about minutes in 24 h; 1 a day may be wrong (detection.false_alarms_per_day)"
    expected = [("incidents", "no step is overdue"), ("pages", "no page waits"), ("detection", promised)]
    assert expected == [(one.part, one.text) for one in found]
    assert {} == down(found)


def test_p5_what_watch_or_on_call_reports_as_unhealthy_is_shown_until_it_is_well(store: Engine) -> None:
    report_condition(store, "email", seen_by="on-call", healthy=False, detail="535 no such user", now=NOW)
    report_condition(store, "clocks", seen_by="watch", healthy=True, detail="", now=NOW)
    assert {"condition": "email is down since 12:00:10 UTC: 535 no such user"} == down(lines(store, after=MINUTE))
    report_condition(store, "email", seen_by="on-call", healthy=True, detail="", now=NOW + MINUTE)
    assert {} == down(lines(store, after=MINUTE))


def test_p1_a_critical_page_that_nobody_accepted_is_shown_after_a_quarter_of_an_hour(store: Engine) -> None:
    Feed(store).incident(level="CRITICAL", message="out of memory")
    assert "pages" not in down(lines(store, after=14 * MINUTE))
    told = down(lines(store, after=16 * MINUTE))["pages"]
    assert told.startswith("1 page waits, 1 of them critical, the oldest since 2026-01-05 12:00:10 UTC")


def test_rules_in_force_and_what_they_hold_back_are_told_of_and_are_no_fault(store: Engine) -> None:
    Feed(store).incident(level="CRITICAL", message="out of memory")
    mutes.add(store, a_silence(), now=NOW)
    mutes.add(store, a_window("service=db"), now=NOW)
    mutes.add(store, a_window("service=db", starts_at=NOW + MINUTE), now=NOW)
    with transaction(store) as connection:
        connection.execute(pages.update().values(muted_by="silence 1", due_at=NOW + 16 * MINUTE))
    found = {one.part: (one.health, one.text) for one in lines(store, after=16 * MINUTE)}
    assert (Health.UP, "1 silence and 2 maintenance windows in force; 1 page held back") == found["muting"]
    assert (Health.UP, "no page waits") == found["pages"]


def test_a_page_that_is_not_critical_is_told_of_and_is_no_fault(store: Engine) -> None:
    Feed(store).incident()
    found = lines(store, after=16 * MINUTE)
    assert "pages" not in down(found)
    assert "1 page waits, the oldest since 2026-01-05 12:00:10 UTC" == found[-2].text


@pytest.mark.parametrize(
    ("after", "says"),
    [
        pytest.param(MINUTE / 2, None, id="just-due"),
        pytest.param(
            2 * MINUTE,
            "`on-call` does not work off incidents: 1 step overdue, the first was due 2 min ago",
            id="overdue",
        ),
    ],
)
def test_p5_steps_that_nobody_takes_are_shown(store: Engine, after: timedelta, says: str | None) -> None:
    Feed(store).incident()
    told = down(lines(store, after=after)).get("incidents")
    assert (told is None) if says is None else (told or "").startswith(says)


def test_a_step_in_somebodys_hands_or_for_later_is_not_overdue(store: Engine) -> None:
    number = Feed(store).incident()
    step_queue.claim(store, token="t", lease=5 * MINUTE, now=NOW, limit=1)
    assert "incidents" not in down(lines(store, after=2 * MINUTE))
    assert "incidents" in down(lines(store, after=6 * MINUTE))
    with transaction(store) as connection:
        step_queue.schedule(connection, number, Due(NOW + LONGEST, "an approval"))
    assert "incidents" not in down(lines(store, after=6 * MINUTE))


def test_a_store_that_does_not_answer_is_the_reason() -> None:
    gone = Settings(store=StoreSettings(url=SecretStr("postgresql://nobody@127.0.0.1:1/none")))
    found = ask(gone, now=NOW)
    assert ((), NO_PAGE, NO_STEP) == (found.conditions, found.pages, found.overdue)
    assert ["incidents"] == list(down(answering(found, now=NOW)))


@pytest.mark.parametrize("as_json", [False, True])
def test_what_is_down_ends_with_1_in_words_and_in_json(capsys: pytest.CaptureFixture[str], *, as_json: bool) -> None:
    found = answering(Answering(conditions=("email is down since 12:00:10 UTC: 535",)), now=NOW)
    assert 1 == tell(found, as_json=as_json)
    printed = capsys.readouterr().out
    assert "email is down since 12:00:10 UTC: 535" in printed
    rows: list[dict[str, Any]] = json.loads(printed) if as_json else []
    assert ["condition", "incidents", "pages"][: len(rows)] == [row["part"] for row in rows]
    assert 0 == tell(answering(Answering(), now=NOW), as_json=as_json)


@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.MISSED])
def test_the_last_test_of_the_whole_way_is_shown(store: Engine, outcome: Outcome) -> None:
    trace = canary_rows.begin(store, "0" * 12, now=NOW)
    assert "canary" not in {one.part for one in lines(store, after=MINUTE)}
    reached = dict.fromkeys(Stage, NOW + MINUTE / 6) if outcome is Outcome.PASSED else {}
    why = "" if outcome is Outcome.PASSED else "after 120 s: no page was made"
    canary_rows.end(store, replace(trace, reached=reached, outcome=outcome, why=why), now=NOW)
    (shown,) = (one for one in lines(store, after=MINUTE) if one.part == "canary")
    assert (Health.DOWN if why else Health.UP) is shown.health
    assert (why or "a page for a known fault after 10.0 s") in shown.text
