"""How long a model is asked: never beyond a cap, and always with something left for the answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analysis import Because
from domain.investigation import Move, Progress, Spent, next_move, reserved
from domain.llm import NOTHING, Usage
from domain.llm_settings import CapSettings, LlmSettings

LIMITS = LlmSettings()
FRESH = Spent(NOTHING, NOTHING)


def test_it_explores_then_answers_then_stops() -> None:
    moves = [
        next_move(progress, FRESH, LIMITS, tools=True, prompt=9_000).move
        for progress in (Progress(), Progress(explored=3), Progress(explored=3, ready=True), Progress(readable=True))
    ]
    assert [Move.EXPLORE, Move.EXPLORE, Move.ANSWER, Move.STOP] == moves


@pytest.mark.parametrize(
    ("progress", "tools", "move"),
    [
        (Progress(), False, Move.ANSWER),  # the server knows no tools
        (Progress(explored=10), True, Move.ANSWER),  # two of twelve calls are kept for the answer
        (Progress(explored=2, answers=1), True, Move.ANSWER),  # once more, after one that could not be read
    ],
)
def test_when_it_answers(progress: Progress, tools: bool, move: Move) -> None:  # noqa: FBT001
    assert next_move(progress, FRESH, LIMITS, tools=tools, prompt=9_000).move is move


def test_tools_that_are_off_are_not_offered() -> None:
    limits = LlmSettings(tools=False)
    assert next_move(Progress(), FRESH, limits, tools=True, prompt=900).move is Move.ANSWER


def test_two_answers_that_cannot_be_read_are_enough() -> None:
    found = next_move(Progress(answers=2), FRESH, LIMITS, tools=True, prompt=9_000)
    assert (found.move, found.because) == (Move.STOP, Because.UNREADABLE)


CAPS = {
    "calls": Usage(calls=12),
    "tokens": Usage(tokens_in=58_000),
    "cost": Usage(cost=0.99),
    "seconds": Usage(seconds=179.5),
}


@pytest.mark.parametrize("used", CAPS.values(), ids=CAPS)
def test_each_cap_of_an_incident_ends_it(used: Usage) -> None:
    found = next_move(Progress(), Spent(used, NOTHING), LIMITS, tools=True, prompt=9_000)
    assert (found.move, found.because) == (Move.STOP, Because.INCIDENT_CAP)


@pytest.mark.parametrize(
    "used", [Usage(calls=500), Usage(tokens_out=1_999_999), Usage(cost=20.0), Usage(seconds=14_400)]
)
def test_each_cap_of_a_day_ends_it(used: Usage) -> None:
    found = next_move(Progress(), Spent(NOTHING, used), LIMITS, tools=True, prompt=9_000)
    assert (found.move, found.because) == (Move.STOP, Because.DAY_CAP)


def test_a_cap_of_nothing_asks_nobody() -> None:
    limits = LlmSettings(incident=CapSettings(calls=0))
    assert next_move(Progress(), FRESH, limits, tools=True, prompt=1).move is Move.STOP


def test_half_of_a_cap_is_kept_for_the_answer() -> None:
    found = next_move(Progress(explored=1), Spent(Usage(seconds=100), NOTHING), LIMITS, tools=True, prompt=900)
    assert found.move is Move.ANSWER


USED = st.builds(Usage, st.integers(0, 12), st.integers(0, 70_000), st.just(0), st.floats(0, 2), st.floats(0, 200))


@given(USED, st.integers(0, 200_000), st.integers(0, 2), st.booleans())
def test_no_call_can_pass_a_cap(used: Usage, prompt: int, answers: int, tools: bool) -> None:  # noqa: FBT001
    found = next_move(Progress(answers=answers), Spent(used, used), LIMITS, tools=tools, prompt=prompt)
    if found.move is Move.STOP:
        return
    whole = used + reserved(LIMITS, prompt, found)
    cap = LIMITS.incident
    assert whole.calls <= cap.calls
    assert whole.tokens <= cap.tokens
    assert whole.cost <= cap.cost + 1e-6
    assert whole.seconds <= cap.seconds + 1e-6


def test_it_always_ends() -> None:
    spent, progress, asked = NOTHING, Progress(), 0
    while (found := next_move(progress, Spent(spent, spent), LIMITS, tools=True, prompt=3_000)).move is not Move.STOP:
        spent += reserved(LIMITS, 3_000, found)
        answers = progress.answers + (found.move is Move.ANSWER)
        progress = Progress(progress.explored + (found.move is Move.EXPLORE), answers)
        asked += 1
    assert asked <= LIMITS.incident.calls
