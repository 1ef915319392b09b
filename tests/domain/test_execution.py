from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.execution import ProcessState, Progress, Snapshot, TargetState, how_far
from tests.parts.answers_part import RESTART, SCALE

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ONE = ProcessState("web:one", TargetState.RUNNING, 11, NOON)
TWO = ProcessState("web:two", TargetState.RUNNING, 12, NOON)
RESERVE = ProcessState("web:spare", TargetState.STOPPED, 0, None)
FAILED = replace(ONE, state=TargetState.FAILED, pid=0)


def again(process: ProcessState) -> ProcessState:
    return replace(process, state=TargetState.RUNNING, pid=process.pid + 100, started_at=NOON + timedelta(seconds=5))


def down(process: ProcessState) -> ProcessState:
    return replace(process, state=TargetState.STOPPED, pid=0)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param([ONE, TWO], [again(ONE), again(TWO)], Progress.DONE, id="all-new"),
        pytest.param([ONE, RESERVE], [again(ONE), RESERVE], Progress.DONE, id="the-reserve-does-not-count"),
        pytest.param([ONE], [replace(ONE, pid=99)], Progress.DONE, id="restarted-within-one-second"),
        pytest.param([ONE, TWO], [ONE, TWO], Progress.UNTOUCHED, id="nothing-changed"),
        pytest.param([FAILED], [FAILED], Progress.UNTOUCHED, id="still-failed"),
        pytest.param([ONE, TWO], [again(ONE), TWO], Progress.HALF, id="one-of-two"),
        pytest.param([ONE, TWO], [down(ONE), TWO], Progress.HALF, id="one-stopped"),
        pytest.param([ONE], [replace(again(ONE), state=TargetState.CHANGING)], Progress.HALF, id="still-starting"),
        pytest.param([ONE], [], Progress.GONE, id="no-such-target-any-more"),
        pytest.param([ONE], [TWO], Progress.GONE, id="other-processes-only"),
    ],
)
def test_progress(before: list[ProcessState], now: list[ProcessState], expected: Progress) -> None:
    assert expected == how_far(RESTART, Snapshot("web", tuple(before)), Snapshot("web", tuple(now)))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param([ONE, again(TWO)], Progress.DONE, id="enough-run"),
        pytest.param([ONE, down(TWO)], Progress.UNTOUCHED, id="nothing-started"),
        pytest.param([ONE, replace(TWO, state=TargetState.CHANGING)], Progress.HALF, id="starting"),
        pytest.param([], Progress.GONE, id="gone"),
    ],
)
def test_scale_progress(now: list[ProcessState], expected: Progress) -> None:
    before = Snapshot("web", (ONE, down(TWO)))
    assert expected == how_far(SCALE, before, Snapshot("web", tuple(now)))


MARKED = Snapshot("web", mark="old", goal="new")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(Snapshot("web", mark="new"), Progress.DONE, id="as-wanted"),
        pytest.param(Snapshot("web", mark="new", settled=False), Progress.HALF, id="as-wanted-and-not-brought-about"),
        pytest.param(Snapshot("web", mark="old"), Progress.UNTOUCHED, id="as-before"),
        pytest.param(Snapshot("web", mark="third"), Progress.OTHER, id="somebody-elses"),
        pytest.param(Snapshot("web"), Progress.GONE, id="no-longer-there"),
    ],
)
def test_progress_by_what_the_platform_says(now: Snapshot, expected: Progress) -> None:
    assert expected == how_far(RESTART, MARKED, now)
