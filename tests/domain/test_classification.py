"""Common or uncommon: a confidence that means something, with reasons in words."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.classification import PRIOR_RUNS, classify
from domain.experience import NEVER_SEEN, Likeness, Past, Run
from domain.playbooks import FITS
from domain.verification import Outcome
from tests.parts.logs_part import NOON

LETTERS = {"R": Outcome.RECOVERED, "I": Outcome.INEFFECTIVE, "W": Outcome.WORSE, "U": Outcome.UNKNOWN}


def runs(letters: str, likeness: Likeness = Likeness.SAME) -> list[Run]:
    return [Run("pool", "web", likeness, LETTERS.get(one, Outcome.UNKNOWN), one == "h", NOON) for one in letters]


def sure(
    letters: str = "", likeness: Likeness = Likeness.SAME, *, past: Past = NEVER_SEEN, fits: float = FITS
) -> float:
    return classify(fits, "it matches", runs(letters, likeness), past, threshold=0.8).confidence


def test_without_history_the_patterns_decide() -> None:
    found = classify(0.95, "template matches /pool/", threshold=0.8)
    assert (True, pytest.approx(0.95)) == (found.common, found.confidence)
    assert found.reasons == (
        "template matches /pool/ (95 %)",
        "it was never tried before",
        "95 % sure, at least the 80 % that make it common",
    )


# What came of a playbook, letter by letter, on incidents how like this one; what else was seen; how well it fits.
HISTORIES: list[Any] = [
    pytest.param("", Likeness.SAME, NEVER_SEEN, 0.95, id="never-tried"),
    pytest.param("RIIII", Likeness.SAME, Past(5, 2), 0.95, id="failed-often"),
    pytest.param("RRRRRRRR", Likeness.SERVICE, Past(9, 0), FITS, id="helped-often"),
    pytest.param("IWUhR", Likeness.ELSEWHERE, Past(9, 9), FITS, id="elsewhere-everything-happened"),
    pytest.param("hhhh", Likeness.SAME, NEVER_SEEN, FITS, id="healed-by-itself"),
    pytest.param("U" * 12, Likeness.SAME, NEVER_SEEN, FITS, id="nobody-can-say"),
]


@pytest.mark.parametrize(
    ("less", "more"),
    [
        pytest.param(sure("I"), sure(), id="a-failure-lowers-it"),
        pytest.param(sure(), sure("R"), id="a-proved-recovery-raises-it"),
        pytest.param(sure("U"), sure(), id="fault-10-what-nobody-can-say-lowers-it"),
        pytest.param(sure("III"), sure("III", Likeness.SERVICE), id="the-same-fault-says-more-than-another"),
        pytest.param(sure("III", Likeness.SERVICE), sure("III", Likeness.ELSEWHERE), id="the-service-more-than-others"),
        pytest.param(sure(past=Past(9, 9)), sure(past=Past(9, 0)), id="what-goes-by-itself-needs-nobody"),
        pytest.param(sure(fits=0.9), sure(fits=0.95), id="what-fits-better-is-surer"),
    ],
)
def test_what_makes_it_surer(less: float, more: float) -> None:
    assert less < more


def test_what_healed_by_itself_changes_nothing() -> None:
    assert sure() == sure("hhhh")


def test_what_failed_often_enough_is_uncommon_and_the_reasons_say_how_often() -> None:
    found = classify(0.95, "it matches", runs("RIIII"), Past(5, 2), threshold=0.8)
    assert not found.common
    assert "the same fault of the same service: it helped 1 of 5 times" in found.reasons
    assert "seen 5 times before on the service, 2 of them went by themselves" in found.reasons
    assert found.reasons[-1].endswith("below the 80 % that make it common")


histories = st.text("RIWUh", max_size=60)


@given(histories, st.sampled_from(Likeness), st.floats(0, 1), st.integers(0, 500))
def test_it_is_a_probability(letters: str, likeness: Likeness, fits: float, alone: int) -> None:
    found = classify(fits, "x", runs(letters, likeness), Past(alone, alone), threshold=0.8)
    assert 0 <= found.confidence <= 1
    assert found.common == (found.confidence >= 0.8)


def test_where_it_says_so_often_it_is_so_often() -> None:
    """Playbooks that help with chances drawn at random: in each bin of confidence, that share of next runs helps."""
    chance = random.Random(8)
    bins: dict[int, list[tuple[float, bool]]] = {}
    for _ in range(6_000):
        helps = chance.betavariate(PRIOR_RUNS * FITS, PRIOR_RUNS * (1 - FITS))
        letters = "".join("R" if chance.random() < helps else "I" for _ in range(chance.randrange(20)))
        said = sure(letters)
        bins.setdefault(int(said * 20), []).append((said, chance.random() < helps))
    told = [kept for kept in bins.values() if len(kept) >= 100]
    assert len(told) >= 3
    for kept in told:
        said, share = sum(one for one, _ in kept) / len(kept), sum(right for _, right in kept) / len(kept)
        assert abs(said - share) < 0.02 + 2 * math.sqrt(share * (1 - share) / len(kept)), (len(kept), said, share)
