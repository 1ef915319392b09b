"""From what became of incidents to labels of lines."""

from __future__ import annotations

import pandas as pd
import pytest

from domain.alarm_verdicts import Said
from ml.detectors.service_deviation import SERVICE
from ml.lines import Line
from ml.training import TIME
from ml.training_lines import LEVEL, MESSAGE, as_lines, labels_of
from tests.parts.logs_part import NOON, SECOND

ONE, OTHER = Line("web", "ERROR", "disk 3 refused"), Line("web", "ERROR", "disk full")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param([(ONE, Said.NOTHING)], [None], id="nothing"),
        pytest.param([(ONE, Said.CONFIRMED)], [1], id="confirmed"),
        pytest.param([(ONE, Said.REAL), (OTHER, Said.FALSE)], [1, 0], id="people-said-so"),
        pytest.param([(ONE, Said.CONFIRMED), (ONE, Said.FALSE)], [None, 0], id="one-of-many-alike-was-called-false"),
        pytest.param([(OTHER, Said.CONFIRMED), (ONE, Said.FALSE)], [1, 0], id="another-text-stays"),
        pytest.param(
            [(ONE, Said.CONFIRMED), (ONE, Said.FALSE), (ONE, Said.REAL)], [1, 0, 1], id="called-both-false-and-real"
        ),
    ],
)
def test_labels(said: list[tuple[Line, Said]], expected: list[int | None]) -> None:
    assert expected == labels_of([line for line, _ in said], [int(each) for _, each in said])


def test_rows_become_lines() -> None:
    frame = pd.DataFrame({TIME: [NOON, NOON + SECOND], SERVICE: "web", LEVEL: [2, 5], MESSAGE: ["a", "b"]})
    first, second = as_lines(frame, time=TIME, service=SERVICE)
    assert Line("web", "INFO", "a", at=NOON.timestamp()) == first
    assert ("CRITICAL", 1.0) == (second.level, second.at - first.at)
