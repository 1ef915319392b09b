"""How bad: from the level of its logs and from what its services' logs are like."""

from __future__ import annotations

import pytest

from domain.impact import Impact, severity
from domain.incidents import Severity

MEDIUM, HIGH, CRITICAL = Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL


def seen(errors: int, services: int = 1, earlier: int = 0, lately: int = 0, logs: int = 1_000) -> Impact:
    return Impact(services, logs, errors, earlier, lately)


@pytest.mark.parametrize(
    ("by_level", "impact", "expected"),
    [
        pytest.param(HIGH, seen(50), HIGH, id="an-error-that-some-notice"),
        pytest.param(HIGH, seen(9), MEDIUM, id="an-error-that-hardly-anybody-notices"),
        pytest.param(HIGH, seen(10), HIGH, id="one-in-a-hundred-is-noticed"),
        pytest.param(HIGH, seen(9, lately=10, earlier=5), HIGH, id="rare-but-it-gets-more"),
        pytest.param(HIGH, seen(9, lately=9, earlier=0), MEDIUM, id="a-few-are-no-trend"),
        pytest.param(HIGH, seen(9, lately=19, earlier=10), MEDIUM, id="nearly-as-many-as-before-are-no-trend"),
        pytest.param(MEDIUM, seen(100), HIGH, id="a-tenth-of-all-logs"),
        pytest.param(MEDIUM, seen(99), MEDIUM, id="just-under-a-tenth"),
        pytest.param(MEDIUM, seen(20, services=3), HIGH, id="in-three-services"),
        pytest.param(HIGH, seen(500, services=3), CRITICAL, id="half-of-three-services"),
        pytest.param(HIGH, seen(500, services=2), HIGH, id="half-of-two-services"),
        pytest.param(HIGH, seen(499, services=3), HIGH, id="just-under-half"),
        pytest.param(CRITICAL, seen(0), CRITICAL, id="what-says-itself-that-it-is-critical"),
        pytest.param(HIGH, seen(0, logs=0), HIGH, id="nothing-is-known"),
    ],
)
def test_how_bad_it_is(by_level: Severity, impact: Impact, expected: Severity) -> None:
    assert expected == severity(by_level, impact)


def test_it_is_told_in_words() -> None:
    told = str(Impact(3, 1_204, 748, 10, 40))
    assert "62.1 % of 1,204 logs of 3 services are errors, and its own logs get more" == told
