"""The mix of texts of services: what is off is found, what is habit is not, and new texts become usual."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.mix_looks import Odd, Said
from ml.mixes import Mixes, MixState

BEGIN = 29_000_000 // 1_440 * 1_440
USUAL = {1: 60.0, 2: 30.0, 3: 10.0}
LIMIT = 1e-6
KNOWN = 400  # minutes after which a text would be missed

Minute = Callable[[int], Mapping[int, float]]


def of(counts: Mapping[int, float], service: int = 0) -> Said:
    return Said(np.full(len(counts), service), np.array(list(counts)), np.array(list(counts.values())))


def wavering(number: int, counts: Mapping[int, float] = USUAL) -> dict[int, float]:
    """The same counts, a little more or less in each minute."""
    return {one: many + (number * 7 + one) % 5 - 2 for one, many in counts.items()}


class Run:
    """Minutes after each other, and what was found in them."""

    def __init__(self, mixes: Mixes | None = None) -> None:
        self.mixes = mixes or Mixes()
        self.state: MixState = self.mixes.begin()
        self.at = BEGIN
        self.mix: list[Odd] = []
        self.new: list[Odd] = []

    def go(self, minutes: int, say: Minute) -> Run:
        for number in range(minutes):
            mix, new, self.state = self.mixes.find(self.state, self.at, of(say(number)))
            self.mix.append(mix)
            self.new.append(new)
            self.at += 1
        return self

    def odd(self, since: int = 0) -> list[int]:
        """Minutes, from that one of the run on, in which the mix was off."""
        return [at for at, one in enumerate(self.mix) if at >= since and (one.p_value < LIMIT).any()]

    def strange(self, since: int = 0) -> list[int]:
        return [at for at, one in enumerate(self.new) if at >= since and (one.p_value < LIMIT).any()]


def test_a_text_that_takes_over_is_named_with_its_share_and_what_was_normal() -> None:
    run = Run().go(KNOWN, wavering).go(5, lambda number: wavering(number, {1: 30, 2: 15, 3: 55}))
    assert run.odd() == list(range(KNOWN, KNOWN + 5))
    told = run.mix[KNOWN]
    assert (3, True) == (told.template[0], told.above[0])
    assert told.value[0] == pytest.approx(55, abs=3)
    assert told.normal[0] == pytest.approx(10, abs=1)
    assert {float(BEGIN + KNOWN)} == {float(one.since[0]) for one in run.mix[KNOWN:]}


def test_a_usual_text_that_is_missing_is_found() -> None:
    run = Run().go(KNOWN, wavering).go(5, lambda number: wavering(number, {1: 65, 3: 35}))
    assert KNOWN + 2 in run.odd()
    run = Run().go(KNOWN, wavering).go(5, lambda _: {1: 80.0, 3: 25.0})
    named = {int(one.template[0]) for one in run.mix[KNOWN:]}
    assert named <= {2, 3}


def test_a_text_that_was_worded_anew_is_no_missing_one_however_long_it_lasts() -> None:
    run = Run().go(KNOWN, wavering).go(120, lambda number: wavering(number, {1: 60, 4: 30, 3: 10}))
    assert [] == run.odd()
    assert KNOWN in run.strange(), "it is listed as new"
    assert [] == run.strange(KNOWN + 31), "and becomes usual"


def test_nothing_is_judged_before_a_service_is_known_for_half_an_hour() -> None:
    run = Run().go(30, lambda number: {number: 100.0})
    assert [] == [*run.odd(), *run.strange()]


def test_what_comes_each_day_at_an_hour_is_usual_from_the_third_time_on() -> None:
    def day(number: int) -> dict[int, float]:
        return wavering(number, USUAL | {9: 40} if 120 <= number < 180 else USUAL)

    run = Run()
    for _ in range(4):
        run.go(1_440, day)
    assert [] == run.odd(2 * 1_440)
    assert [] == run.strange(1_440)


def test_a_shift_that_stays_becomes_usual() -> None:
    run = Run().go(KNOWN, wavering).go(600, lambda number: wavering(number, {1: 8, 2: 82, 3: 10}))
    assert run.odd()
    assert [] == run.odd(KNOWN + 400)


def test_two_texts_that_turn_out_to_be_one_are_no_fault() -> None:
    run = Run().go(KNOWN, wavering)

    def current(ids: np.ndarray) -> np.ndarray:
        return np.where(ids == 2, 1, ids)

    for number in range(10):
        said = wavering(number, {1: 90, 3: 10})
        mix, new, run.state = run.mixes.find(run.state, run.at + number, of(said), current)
        assert min(mix.p_value.min(), new.p_value.min()) > LIMIT
    pairs = run.state.pairs
    assert {1, 3} == set(pairs.table["template"][: pairs.used].tolist())


@settings(max_examples=20, deadline=None)
@given(cut=st.integers(0, 60), seed=st.integers(0, 2**16))
def test_a_state_that_was_saved_goes_on_alike(cut: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    minutes = [
        Said(rng.integers(0, 3, 8), rng.integers(1, 6, 8), rng.integers(1, 50, 8).astype(float)) for _ in range(80)
    ]
    mixes = Mixes(warm=10, missed=20)
    state, other = mixes.begin(), mixes.begin()
    for number, said in enumerate(minutes):
        if number == cut:
            other = mixes.resume(other.arrays())
        mix, new, state = mixes.find(state, BEGIN + number, said)
        again, anew, other = mixes.find(other, BEGIN + number, said)
        for one, two in ((mix, again), (new, anew)):
            assert np.array_equal(one.p_value, two.p_value)
            assert np.array_equal(one.template, two.template)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16), share=st.floats(0.02, 0.5))
def test_chance_alone_raises_nothing(seed: int, share: float) -> None:
    """A quarter of a day of independent logs; one of a million likelihoods may be so small."""
    rng = np.random.default_rng(seed)
    chance = [share, (1 - share) / 2, (1 - share) / 2]

    def say(_: int) -> dict[int, float]:
        return {at + 1: float(many) for at, many in enumerate(rng.multinomial(60, chance)) if many}

    run = Run().go(360, say)
    assert [] == [*run.odd(), *run.strange()]


def test_what_is_remembered_is_limited_and_what_comes_at_present_is_kept() -> None:
    run = Run(Mixes(most_pairs=50)).go(100, lambda number: {1: 50.0, number + 2: 1.0})
    assert run.state.pairs.used <= 50
    assert 1 in run.state.pairs.table["template"]


def test_what_was_not_said_for_a_week_is_forgotten() -> None:
    run = Run().go(3, lambda _: {1: 5.0, 2: 5.0})
    run.at += 8 * 1_440
    run.at -= run.at % 1_440
    run.go(1, lambda _: {1: 5.0})
    assert [1] == run.state.pairs.table["template"][: run.state.pairs.used].tolist()
