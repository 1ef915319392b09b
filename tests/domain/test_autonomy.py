"""Autonomy: earned by proved recoveries, lost by what did not help, never above a limit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.autonomy import Autonomy, Earning, Standing, Word, moved, standing, trust
from domain.experience import Likeness, Run
from domain.verification import Outcome
from tests.parts.logs_part import NOON

OBSERVE, SUGGEST, ASK, ACT = Autonomy
RULES = Earning(start=ASK, most=ACT, proofs=3, failures=2)
LETTERS = {"R": Outcome.RECOVERED, "I": Outcome.INEFFECTIVE, "W": Outcome.WORSE, "U": Outcome.UNKNOWN}


def runs(letters: str) -> list[Run]:
    """R recovered, I ineffective, W worse, U unknown, h healed by itself; one a day."""
    return [
        Run(
            "pool",
            "web",
            Likeness.SAME,
            LETTERS.get(letter, Outcome.UNKNOWN),
            healed=letter == "h",
            at=NOON + timedelta(days=day),
            incident_id=day + 1,
        )
        for day, letter in enumerate(letters)
    ]


@pytest.mark.parametrize(
    ("letters", "level"),
    [
        pytest.param("", ASK, id="nothing-is-proved-so-it-is-where-it-begins"),
        pytest.param("RR", ASK, id="two-of-three-proofs-are-too-few"),
        pytest.param("RRR", ACT, id="three-proofs-in-a-row-lift-it"),
        pytest.param("RRRRRRRRR", ACT, id="above-the-highest-there-is-nothing"),
        pytest.param("RRIR", ASK, id="a-failure-breaks-the-row"),
        pytest.param("RRUR", ASK, id="fault-10-what-nobody-can-say-breaks-it-too"),
        pytest.param("RhRhR", ACT, id="what-healed-by-itself-proves-nothing-and-breaks-nothing"),
        pytest.param("hhhh", ASK, id="healed-by-itself-is-no-proof"),
        pytest.param("RRRI", ACT, id="one-failure-is-forgiven-where-two-lower-it"),
        pytest.param("RRRII", ASK, id="two-in-a-row-lower-it"),
        pytest.param("RRRIRI", ACT, id="not-in-a-row"),
        pytest.param("W", SUGGEST, id="what-makes-it-worse-lowers-it-at-once"),
        pytest.param("WW", OBSERVE, id="and-again"),
        pytest.param("WWWIIII", OBSERVE, id="below-the-lowest-there-is-nothing"),
        pytest.param("RRRWRRR", ACT, id="what-was-lost-can-be-earned-again"),
    ],
)
def test_where_a_playbook_stands(letters: str, level: Autonomy) -> None:
    assert level is standing(runs(letters), RULES).level


def test_a_persons_word_counts_from_then_on_and_what_was_before_does_not() -> None:
    said = Word(OBSERVE, "ann", "it dropped the cache", NOON + timedelta(days=2, hours=1))
    assert OBSERVE is standing(runs("RRR"), RULES, said).level
    assert SUGGEST is standing(runs("RRRRRR"), RULES, said).level


@pytest.mark.parametrize(
    ("limits", "level", "why"),
    [
        ({}, ACT, "proved"),
        ({"playbook": ASK}, ASK, "the playbook itself"),
        ({"service": SUGGEST}, SUGGEST, "the inventory"),
        ({"playbook": ASK, "service": OBSERVE}, OBSERVE, "the inventory"),
    ],
)
def test_it_never_goes_beyond_a_limit(limits: dict[str, Autonomy], level: Autonomy, why: str) -> None:
    found = trust(standing(runs("RRR"), RULES), RULES, **limits)
    assert (level, True) == (found.level, why in found.why)


def test_settings_limit_everything() -> None:
    rules = Earning(start=ACT, most=SUGGEST, proofs=3, failures=1)
    assert SUGGEST is trust(standing(runs("RRRRRR"), rules), rules).level


def test_the_evidence_is_told_in_words() -> None:
    assert "3 proved recoveries in a row by 2026-01-07 (the last: incident 3)" == standing(runs("RRR"), RULES).because
    assert "lowered on 2026-01-05: worse (incident 1)" == standing(runs("W"), RULES).because
    assert "2 of 3 proved recoveries in a row towards the next level" in standing(runs("RR"), RULES).told(RULES)


levels = st.sampled_from(Autonomy)
letters = st.text("RIWUh", max_size=40)


@given(letters, st.builds(Earning, levels, levels, st.integers(1, 5), st.integers(1, 5)), levels, levels)
def test_no_history_lifts_it_above_any_limit(
    history: str, rules: Earning, playbook: Autonomy, service: Autonomy
) -> None:
    found = trust(standing(runs(history), rules), rules, playbook=playbook, service=service)
    assert found.level <= min(rules.most, playbook, service)
    assert found.why


@given(letters)
def test_a_run_changes_the_level_by_one_at_most_and_only_a_proof_lifts_it(history: str) -> None:
    before: Standing = standing([], RULES)
    for count, letter in enumerate(history, start=1):
        after = standing(runs(history)[:count], RULES)
        change = after.level - before.level
        assert change in ({"R": (0, 1)}.get(letter, (0, -1)) if letter != "h" else (0,))
        before = after


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (Autonomy.ASK, Autonomy.ACT, "raised from ask to act"),
        (Autonomy.ACT, Autonomy.ASK, "lowered from act to ask"),
        (Autonomy.ASK, Autonomy.ASK, "stays at ask"),
    ],
)
def test_a_change_says_which_way(before: Autonomy, after: Autonomy, expected: str) -> None:
    assert expected == moved(before, after)
