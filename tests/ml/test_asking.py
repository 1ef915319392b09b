"""A model that fails, hangs or says nonsense: rules decide within the batch, say why, and the model comes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from domain.logs import LogBatch
from domain.verdicts import Reason, Verdicts
from ml.asking import AGAIN, AGAIN_AT_MOST, Asking, Failed
from ml.detectors.service_deviation import Deviation
from ml.scoring import Champion, score
from tests.ml.test_scoring import a_champion, batch_of
from tests.parts.logs_part import a_log

PATIENCE = 0.2


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


class Odd:
    """A model of one metric whose answer is whatever it is told to do."""

    def __init__(self, answer: Callable[[Deviation], Deviation]) -> None:
        self.services_ = ["web"]
        self.metrics_ = ["queue"]
        self.center_ = np.zeros((1, 1))
        self.good = a_champion(queue=[100.0]).detector
        self.answer = answer

    def measure(self, codes: Any, columns: Any) -> Deviation:
        return self.answer(self.good.measure(codes, columns))

    def reaches(self, codes: Any, columns: Any) -> Any:
        return self.good.reaches(codes, columns)


def raises(_found: Deviation) -> Deviation:
    raise ArithmeticError("secret of a log")


def nothing(found: Deviation) -> Deviation:
    return Deviation(np.full_like(found.reach, np.nan), found.metric, found.value, found.center, found.spread)


def of_another_shape(found: Deviation) -> Deviation:
    return Deviation(found.reach[:0], found.metric, found.value, found.center, found.spread)


@pytest.fixture
def hanging() -> Iterator[Callable[[Deviation], Deviation]]:
    end = threading.Event()

    def hang(found: Deviation) -> Deviation:
        end.wait(60)
        return found

    yield hang
    end.set()


def failing() -> LogBatch:
    return batch_of(a_log(level="ERROR", message="connection refused", metrics={"queue": 1e6}), a_log())


def asked(answer: Callable[[Deviation], Deviation], clock: Clock | None = None) -> tuple[Champion, Verdicts]:
    champion = Champion(Odd(answer), 3, Asking(PATIENCE, clock or Clock()))
    return champion, score(failing(), champion, threshold=0.7)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(raises, "model 3: it raised ArithmeticError", id="raises"),
        pytest.param(nothing, "model 3: it gave no number for a log", id="NaN"),
        pytest.param(of_another_shape, "model 3: it raised ValueError", id="another shape"),
    ],
)
def test_rules_take_over_within_the_batch_and_say_why(answer: Callable[[Deviation], Deviation], why: str) -> None:
    _, found = asked(answer)
    assert (0, why) == (found.model, found.fallback)
    assert [Reason.WORDS, Reason.NOTHING] == found.reason.tolist()
    assert [True, False] == found.anomalous.tolist()


def test_one_that_takes_a_minute_is_waited_for_for_moments(hanging: Callable[[Deviation], Deviation]) -> None:
    begun = time.monotonic()
    champion, found = asked(hanging)
    assert "model 3: it took longer than 0.2 s" == found.fallback
    again = score(failing(), champion, threshold=0.7)
    assert (found.fallback, [True, False]) == (again.fallback, again.anomalous.tolist())
    assert time.monotonic() - begun < 30


def test_it_is_not_asked_again_at_once_and_comes_back_by_itself() -> None:
    clock, broken = Clock(), [True]

    def sometimes(found: Deviation) -> Deviation:
        return raises(found) if broken else found

    champion, first = asked(sometimes, clock)
    assert first.fallback
    broken.clear()
    assert score(failing(), champion, threshold=0.7).fallback
    clock.at = AGAIN + 1
    back = score(failing(), champion, threshold=0.7)
    assert (3, "") == (back.model, back.fallback)


def test_the_more_often_it_fails_the_longer_it_is_left_alone() -> None:
    clock = Clock()
    asking = Asking(PATIENCE, clock)
    pauses = []
    for _ in range(9):
        with pytest.raises(Failed):
            asking.answer(lambda: 1 / 0)
        pauses.append(asking.not_before - clock.at)
        clock.at = asking.not_before
    assert pauses == sorted(pauses)
    assert (AGAIN, AGAIN_AT_MOST) == (pauses[0], pauses[-1])
