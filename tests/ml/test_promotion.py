"""A candidate becomes champion only where it would have paged better; the reason is told in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ml.promotion import PRESENT, Record, decide, record_of

ALIKE = Record(
    logs=1_000, flagged=2, false_incidents=1, false_pages=1, incidents=4, found=3, seconds=12.0, pairs=10, covered=8
)


def record(**changes: object) -> Record:
    return replace(ALIKE, **changes)  # type: ignore[arg-type]  # a table of cases


@pytest.mark.parametrize(
    ("candidate", "champion", "promote", "reason"),
    [
        pytest.param(
            {"false_incidents": 3, "false_pages": 3},
            True,
            False,
            "finds 3 incidents as the champion does, and would have paged 2 times more for nothing",
            id="pages-more-for-nothing",
        ),
        pytest.param(
            {"found": 4},
            True,
            True,
            "finds 4 incidents of 4 where the champion does 3, and would have paged 1 time for nothing as well",
            id="finds-more",
        ),
        pytest.param(
            {"found": 2, "false_incidents": 0, "false_pages": 0},
            True,
            False,
            "finds 2 incidents of 4 where the champion does 3, and would have paged 1 time less for nothing",
            id="quieter-because-it-is-blind",
        ),
        pytest.param(
            {"found": 4, "false_incidents": 2, "false_pages": 2},
            True,
            False,
            "finds 4 incidents of 4 where the champion does 3, and would have paged 1 time more for nothing",
            id="finds-more-and-cries-more",
        ),
        pytest.param(
            {"false_incidents": 0, "false_pages": 0},
            True,
            True,
            "finds 3 incidents as the champion does, and would have paged 1 time less for nothing",
            id="quieter",
        ),
        pytest.param(
            {"false_incidents": 2},
            True,
            False,
            "finds 3 incidents as the champion does, and would have paged 1 time for nothing as well, with 1 incident "
            "more",
            id="a-playbook-would-act-for-nothing",
        ),
        pytest.param(
            {"false_pages": 0},
            True,
            True,
            "finds 3 incidents as the champion does, and would have paged 1 time less for nothing",
            id="pages-less",
        ),
        pytest.param(
            {},
            True,
            False,
            "finds 3 incidents as the champion does, and would have paged 1 time for nothing as well; it is no better",
            id="alike",
        ),
        pytest.param(
            {"covered": 9},
            True,
            True,
            "finds 3 incidents as the champion does, and would have paged 1 time for nothing as well; "
            "of the 10 metrics of services that are seen it knows 9, the champion 8",
            id="alike-and-knows-more",
        ),
        pytest.param(
            {},
            False,
            True,
            "finds 3 incidents as rules alone do, and would have paged 1 time for nothing as well; "
            "there is no champion yet",
            id="the-first",
        ),
        pytest.param(
            {"false_incidents": 2, "false_pages": 2},
            False,
            False,
            "finds 3 incidents as rules alone do, and would have paged 1 time more for nothing",
            id="the-first-is-no-worse-than-rules",
        ),
        pytest.param(
            {"found": 4, "failed": "it took longer than 60 s"},
            True,
            False,
            "gives no answer: it took longer than 60 s",
            id="fails",
        ),
    ],
)
def test_decision(candidate: dict[str, object], champion: bool, promote: bool, reason: str) -> None:  # noqa: FBT001
    found = decide(record(**candidate), ALIKE, has_champion=champion, flagged_ratio=0.001)
    assert (promote, reason) == (found.promote, found.reason)


def test_what_flags_many_normal_logs_is_refused_whatever_it_finds() -> None:
    found = decide(record(found=4), ALIKE, has_champion=True, flagged_ratio=0.025)
    assert (False, "would flag 2.5% of later normal logs, at most 1% may be") == (found.promote, found.reason)


def test_a_time_without_incidents_says_so() -> None:
    quiet = record(incidents=0, found=0, seconds=None, false_incidents=0, false_pages=0)
    found = decide(quiet, quiet, has_champion=False, flagged_ratio=0)
    assert "had no incident to find, and would have paged nobody for nothing; there is no champion yet" == found.reason


@pytest.mark.parametrize("prefix", ["", PRESENT])
@pytest.mark.parametrize("kept", [ALIKE, record(seconds=None, found=0)])
def test_what_was_kept_as_numbers_is_the_record_again(kept: Record, prefix: str) -> None:
    assert kept == record_of({prefix + name: value for name, value in kept.metrics.items()}, prefix)


def test_where_a_number_is_missing_there_is_no_record() -> None:
    assert record_of({name: value for name, value in ALIKE.metrics.items() if name != "covered"}) is None
    assert record_of(ALIKE.metrics, PRESENT) is None
