"""A known fault passes when everything came in time, and a miss says how far it came."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.canary import Outcome, Stage, Trace, in_a_line, logs, next_stage, run_of, told, verdict
from domain.canary_settings import CanarySettings
from domain.contacts import Contact, ContactKind
from domain.logs import Level
from tests.parts.logs_part import NOON, SECOND

RUN = "0123456789ab"
WITHIN = timedelta(seconds=60)
STAGES = list(Stage)


def a_trace(*reached: Stage, each: float = 1.0, **changes: object) -> Trace:
    times = {stage: NOON + (1 + STAGES.index(stage)) * each * SECOND for stage in reached}
    return Trace(RUN, NOON, times, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("trace", "after", "expected", "said"),
    [
        pytest.param(a_trace(*STAGES), 30, Outcome.PASSED, "", id="everything-came"),
        pytest.param(a_trace(*STAGES), 90, Outcome.PASSED, "", id="everything-came-and-we-looked-late"),
        pytest.param(a_trace(*STAGES, each=13), 70, Outcome.MISSED, "longer than", id="too-late"),
        pytest.param(a_trace(), 10, Outcome.RUNNING, "", id="under-way"),
        pytest.param(a_trace(), 60, Outcome.MISSED, "Kafka did not take its logs", id="not-sent"),
        pytest.param(a_trace(Stage.SENT), 60, Outcome.MISSED, "the run of `watch`", id="not-found"),
        pytest.param(a_trace(*STAGES[:2]), 60, Outcome.MISSED, "no incident was confirmed", id="not-confirmed"),
        pytest.param(a_trace(*STAGES[:3]), 60, Outcome.MISSED, "no page was made", id="no-page"),
        pytest.param(a_trace(*STAGES[:4]), 60, Outcome.MISSED, "canary.contact", id="not-delivered"),
    ],
)
def test_verdict(trace: Trace, after: float, expected: Outcome, said: str) -> None:
    outcome, why = verdict(trace, now=NOON + after * SECOND, within=WITHIN)
    assert expected is outcome
    assert said in why
    assert (outcome is Outcome.MISSED) is bool(why)


@given(st.sets(st.sampled_from(Stage)), st.floats(0, 200), st.floats(1, 100))
def test_it_passes_with_every_stage_only_and_is_over_when_its_time_is(
    reached: set[Stage], after: float, within: float
) -> None:
    trace = a_trace(*reached)
    outcome, _ = verdict(trace, now=NOON + after * SECOND, within=timedelta(seconds=within))
    assert outcome is not Outcome.PASSED or reached == set(Stage)
    assert outcome is not Outcome.RUNNING or after < within
    assert (next_stage(trace) is None) is (reached == set(Stage))


@given(st.text(alphabet="0123456789abcdef", min_size=12, max_size=12), st.integers(1, 9))
def test_its_logs_say_which_run_they_are_of(run: str, many: int) -> None:
    said = logs(run, NOON, many)
    assert many == len(said)
    assert {run} == {run_of(str(one["message"])) for one in said}
    assert {Level.ERROR.name} == {one["level"] for one in said}


@pytest.mark.parametrize(
    "message", ["", "canary run failed", "canary run 0123456789 failed", "no canary run 0123456789ab failed"]
)
def test_other_messages_are_of_no_run(message: str) -> None:
    assert "" == run_of(message)


def test_what_people_read() -> None:
    halfway = told(a_trace(*STAGES[:2]))
    assert ["sent: after 1.0 s", "stored and found anomalous: after 2.0 s"] == halfway[:2]
    assert ["page delivered: not reached"] == halfway[-1:]
    passed = a_trace(*STAGES, outcome=Outcome.PASSED)
    assert f"{NOON:%Y-%m-%d} 12:00 UTC: a page for a known fault after 5.0 s" == in_a_line(passed)
    assert in_a_line(a_trace(outcome=Outcome.MISSED, why="after 60 s: because")).endswith("after 60 s: because")


def test_its_contact() -> None:
    assert Contact(ContactKind.FILE, "canary") == CanarySettings().to
    assert Contact(ContactKind.WEBHOOK, "night watch") == CanarySettings(contact="webhook night watch").to
    for wrong in ("pigeon home", "webhook", ""):
        with pytest.raises(ValidationError, match="contact"):
            CanarySettings(contact=wrong)
