from __future__ import annotations

import pytest

from domain.movements import Movement
from domain.telemetry import Follow
from domain.waits import wait_movements
from tests.parts.logs_part import NOON
from tests.parts.telemetry_part import a_wait


def moved(*waits: Follow) -> list[Movement]:
    """The movements of these waits."""
    return list(wait_movements(waits, NOON))


@pytest.mark.parametrize(
    ("wait", "expected"),
    [
        pytest.param(a_wait("web", "db", 0.01, 1.0), True, id="a-hundred-times"),
        pytest.param(a_wait("web", "db", 0.01, 1.0, pairs=1), True, id="once-but-a-hundred-times"),
        pytest.param(a_wait("web", "db", 0.01, 0.012), False, id="a-little"),
        pytest.param(a_wait("web", "db", 0.0, 0.002), False, id="within-the-jitter"),
        pytest.param(a_wait("web", "db", 1.0, 0.01), False, id="shorter"),
        pytest.param(a_wait("web", "db", 0.01, 1.0, pairs=0), False, id="never-seen"),
    ],
)
def test_a_wait_moves_where_it_grew_beyond_chance(wait: Follow, expected: bool) -> None:  # noqa: FBT001
    assert expected is bool(moved(wait))


def test_many_pairs_say_more_than_one() -> None:
    (once,), (often,) = (moved(a_wait("web", "db", 0.01, 1.0, pairs=pairs)) for pairs in (1, 50))
    assert once.size < often.size


def test_pairs_of_the_same_services_are_one_movement() -> None:
    (one,) = moved(a_wait("web", "db", 0.01, 1.0), a_wait("web", "db", 0.01, 3.0))
    assert pytest.approx(2.0) == one.after
