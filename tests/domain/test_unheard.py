"""Who is not heard is found by what others say of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.logs import Level
from domain.movements import MovementKind
from domain.suspects import suspects
from domain.telemetry import Telemetry
from tests.parts.telemetry_part import a_phrase, a_telemetry

ERRORS = {("cart", "error_rate"): (0.001, 0.5), ("cart", "active_connections"): (1.0, 60.0)}
USUAL = [a_phrase(service, "request done", 800, 200) for service in ("web", "cart")]
SPOKE = a_phrase("db", "row read", 800, 40)
BLAMES = a_phrase("cart", "POST /orders failed: db answered <*>", 0, 80, Level.ERROR)
DONE = a_phrase("cart", "POST /orders done in <*> ms", 0, 80)
CALLS = [("web", "cart"), ("cart", "db")]


def seen(*phrases: object, missing: float = 0.0, calls: list[tuple[str, str]] = CALLS) -> Telemetry:
    whole = a_telemetry(ERRORS, [*USUAL, *phrases], calls)  # type: ignore[list-item]
    return replace(whole, missing={"db": missing, "cart": 0.5, "web": 0.5} if missing else {})


@pytest.mark.parametrize(
    ("telemetry", "expected"),
    [
        pytest.param(seen(SPOKE, BLAMES, missing=40.0), "db", id="silent, and its caller says so"),
        pytest.param(seen(SPOKE, BLAMES, missing=40.0, calls=[]), "db", id="whoever called it"),
        pytest.param(seen(SPOKE, BLAMES, missing=9.0), "cart", id="a pause is no silence"),
        pytest.param(seen(SPOKE, DONE, missing=40.0), "cart", id="nobody speaks of it"),
        pytest.param(seen(BLAMES, calls=[]), "cart", id="nobody knows of it"),
        pytest.param(seen(SPOKE, BLAMES), "cart", id="it is heard"),
    ],
)
def test_whoever_is_silent_is_suspected_for_what_its_callers_say(telemetry: Telemetry, expected: str) -> None:
    found = suspects(telemetry)
    assert expected == found[0].service
    assert (expected == "db") == any(one.kind is MovementKind.NOT_HEARD for one in found[0].movements)


def test_what_is_not_read_is_told_beside_who_says_so() -> None:
    found = {one.service: one for one in suspects(seen(BLAMES))}
    (moved,) = found["db"].movements
    assert "none of its lines are read; others say: POST /orders failed: db answered <*>" == moved.told
    assert found["db"].score == moved.size


def test_silence_is_told_with_what_is_missing() -> None:
    (moved, *_) = suspects(seen(SPOKE, BLAMES, missing=40.0))[0].movements
    assert "silent, 40 lines were to come since; others say: POST /orders failed: db answered <*>" == moved.told
    assert BLAMES.first_at == moved.at


def test_of_several_accusers_the_one_that_suffers_most_counts() -> None:
    also = a_phrase("web", "GET /cart failed: db answered <*>", 0, 80, Level.ERROR)
    alone, both = (suspects(seen(SPOKE, BLAMES, *more, missing=40.0)) for more in ((), (also,)))
    assert alone[0].movements[0].size == both[0].movements[0].size
    web = [next(one.score for one in found if one.service == "web") for found in (alone, both)]
    assert web[0] < web[1]
