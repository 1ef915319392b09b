"""What waits so that people can read it, as a table."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.incidents import Severity
from domain.noise import MERGED, Before, Limits, wait
from domain.pages import PageReason
from tests.parts.logs_part import NOON

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
LIMITS = Limits(per_minute=3, budget=4, shift=12 * HOUR, merged_every=HOUR, interval=5 * MINUTE)
UNCOMMON, COMMENTED = PageReason.UNCOMMON, PageReason.COMMENTED


def ago(*seconds: float) -> list[object]:
    return [NOON - second * SECOND for second in sorted(seconds, reverse=True)]


FULL = Before(contact=ago(50, 20, 1))  # type: ignore[arg-type]
SPENT = Before(person=ago(9000, 7000, 5000, 600))  # type: ignore[arg-type]
TOLD = Before(thread=NOON - 60 * SECOND)


@pytest.mark.parametrize(
    ("reason", "severity", "before", "seconds", "says"),
    [
        pytest.param(UNCOMMON, 3, Before(), None, "", id="nothing was sent"),
        pytest.param(UNCOMMON, 3, FULL, 10, MERGED, id="the contact had its messages of this minute"),
        pytest.param(UNCOMMON, 4, FULL, None, "", id="what is critical waits for no limit"),
        pytest.param(UNCOMMON, 3, SPENT, 3000, MERGED, id="the person had the pages of a shift"),
        pytest.param(UNCOMMON, 4, SPENT, None, "", id="what is critical waits for no budget"),
        pytest.param(COMMENTED, 3, TOLD, 240, "every 5 minutes", id="news of one incident come grouped"),
        pytest.param(PageReason.FAILED, 3, TOLD, None, "", id="what asks for somebody is no news"),
        pytest.param(PageReason.RESOLVED, 3, FULL, None, "", id="an end never waits"),
        pytest.param(PageReason.APPROVAL, 3, SPENT, None, "", id="what waits for a person's word does not"),
    ],
)
def test_what_waits(reason: PageReason, severity: int, before: Before, seconds: float | None, says: str) -> None:
    found = wait(reason, Severity(severity), before, LIMITS, NOON)
    if seconds is None:
        assert found is None
        return
    assert found is not None
    assert (NOON + seconds * SECOND, True) == (found.until, says in found.why)


def test_over_the_budget_what_waits_is_let_go_together_once_in_a_while() -> None:
    spent = Before(person=ago(9000, 7000, 5000, 3600))  # type: ignore[arg-type]
    assert wait(UNCOMMON, Severity.HIGH, spent, LIMITS, NOON) is None
