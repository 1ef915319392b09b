"""A year on a virtual clock: every critical incident reaches a human within the proved bound."""

from __future__ import annotations

from datetime import timedelta

from tests.parts.year_part import DOWN, POLICIES, Year

EPISODES = 30


def test_every_critical_incident_of_a_year_reaches_a_human_in_time() -> None:
    """Faults 2 and 3: each channel down in turn, workers that die anywhere, both changes of the clocks."""
    year = Year(seed=9)
    year.live(EPISODES)
    assert [] == year.flaws
    assert year.reached >= EPISODES
    assert year.deaths >= EPISODES / 3, "workers died"
    expected = {(policy, str(down or "nothing")) for policy in POLICIES.values() for down in DOWN}
    assert expected == set(year.worst), "each channel was down for each policy"
    assert max(year.worst.values()) > timedelta(minutes=5), "somebody was reached by a later step only"
