"""The confidence that a playbook is the right one is true: where 0.9 is said, about 90 of 100 choices are right."""

from __future__ import annotations

from functools import cache

import pytest

from benchmarks.reliability import SEED, Choice, Labelled, choices, knowledge, labelled, parts, quality, seed_choices
from domain.settings import Settings
from tests.playbooks.samples_part import known


@cache
def found() -> list[Choice]:
    """What is chosen for each labelled log."""
    return choices(labelled(), knowledge())


def test_the_set_covers_every_playbook_and_holds_a_hundred_logs_that_none_is_for() -> None:
    logs = labelled()
    assert {book.id for book in known()} == {log.playbook for log in logs} - {""}
    assert 220 <= sum(bool(log.playbook) for log in logs)
    assert 80 <= sum(not log.playbook for log in logs)
    assert len(logs) == len({log.message for log in logs})


def test_a_chosen_playbook_is_right_and_most_that_should_be_are_chosen() -> None:
    """A wrong playbook is worse than none."""
    judged = quality(found())
    assert 0.94 <= judged.precision
    assert 0.75 <= judged.recall
    assert 0.88 <= judged.recall_opened


@pytest.mark.parametrize(
    ("part", "precision", "recall"),
    [
        pytest.param("tuned on", 0.93, 0.8, id="the half by whose misses patterns were tuned"),
        pytest.param("other half", 0.93, 0.73, id="the other half"),
        pytest.param("fresh", 0.85, 0.6, id="logs written after the patterns"),
    ],
)
def test_each_part_of_the_set_is_judged_well(part: str, precision: float, recall: float) -> None:
    judged = quality(parts(found())[part])
    assert precision <= judged.precision
    assert recall <= judged.recall


def test_in_every_bin_the_confidence_is_the_share_of_right_choices() -> None:
    large = [one for some in parts(found()).values() for one in quality(some).bins if one.count >= 15]
    assert large
    assert [] == [one for one in large if abs(one.confidence - one.right) > 0.1]


def test_what_is_common_is_as_sure_as_the_setting_asks() -> None:
    asked = Settings().mitigation.common_error_threshold
    sure = [one for one in found() if one.confidence >= asked]
    assert asked <= sum(one.is_right for one in sure) / len(sure)


def test_the_bins_tell_a_confidence_that_is_not_true() -> None:
    """Two choices of ten are right where 0.95 was said."""
    told = [
        Choice("", "disk-full", "disk-full" if number < 2 else "overload", 0.95, opened=True) for number in range(10)
    ]
    (one,) = quality(told).bins
    assert (0.95, 10, 0.2) == (one.least, one.count, one.right)


def test_what_the_rules_open_no_incident_for_counts_as_missed() -> None:
    (one,) = choices([Labelled("all is well", "disk-full", "web")], knowledge())
    judged = quality([one])
    assert (False, 0.0, 0) == (one.opened, judged.recall, judged.chosen)


@pytest.mark.skipif(not SEED.exists(), reason="the seed stream is not at hand")
def test_every_scenario_of_the_seed_stream_got_the_playbook_that_fits_it() -> None:
    of_scenarios = seed_choices(knowledge())
    assert 18 == len(of_scenarios)
    assert [] == [one for one in of_scenarios if not one.is_right]
