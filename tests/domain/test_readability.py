"""N5: a topic of which most cannot be read is an incident of ours, not a pile of dead letters."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.readability import WINDOW, Readability
from tests.parts.logs_part import NOON, SECOND


def complaint(*batches: tuple[int, int], step: timedelta = SECOND) -> str:
    """Of batches of so many logs, of which so many cannot be read, `step` apart."""
    found, at = Readability(), NOON
    for logs, unreadable in batches:
        found.add(logs, ["not JSON"] * unreadable, at)
        at += step
    return found.complaint


@pytest.mark.parametrize(
    ("batches", "step", "complains"),
    [
        pytest.param([(99, 99)], SECOND, False, id="too-few"),
        pytest.param([(100, 49)], SECOND, False, id="less-than-half"),
        pytest.param([(100, 50)], SECOND, True, id="half"),
        pytest.param([(1, 1)] * 100, SECOND, True, id="counted-over-batches"),
        pytest.param([(1, 1)] * 200, WINDOW / 50, False, id="but-not-for-ever"),
        pytest.param([(100, 100), (300, 0)], SECOND, False, id="readable-again"),
    ],
)
def test_when_most_cannot_be_read(batches: list[tuple[int, int]], step: timedelta, complains: bool) -> None:  # noqa: FBT001
    assert complains == bool(complaint(*batches, step=step))


def test_it_says_how_many_and_why() -> None:
    found = Readability()
    found.add(1_500, [*["not JSON"] * 1_000, *["service is missing"] * 200, "a", "a", "b", "c"], NOON)
    assert (
        "1,204 of 1,500 logs of the last minutes cannot be read: not JSON (1,000 logs);"
        " service is missing (200 logs); a (2 logs); and 2 other reasons" == found.complaint
    )


def test_nothing_was_read_yet() -> None:
    assert "" == Readability().complaint
