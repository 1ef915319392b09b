"""Small made-up situations around an onset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from domain.logs import Level
from domain.telemetry import Follow, Phrase, Series, Span, Telemetry
from tests.parts.logs_part import NOON

MINUTE = timedelta(minutes=1)
QUIET_MINUTES, BAD_MINUTES = 16, 4
WAVERING = (1.0, 1.02, 0.99, 1.01)  # nothing stands quite still


def a_series(service: str, metric: str, before: float, during: float) -> Series:
    """A metric that wavers around one value before the onset at noon, and around another from then on."""
    levels = [before] * QUIET_MINUTES + [during] * BAD_MINUTES
    values = tuple(level * WAVERING[number % len(WAVERING)] for number, level in enumerate(levels))
    return Series(service, metric, tuple(NOON + (n - QUIET_MINUTES) * MINUTE for n in range(len(levels))), values)


def a_phrase(service: str, text: str, before: int, during: int, level: Level = Level.INFO) -> Phrase:
    """A text that was said so many times before the onset, and so many times from then on."""
    return Phrase(service, text, level, before, during, NOON + MINUTE if during else None)


def a_wait(service: str, then_service: str, before: float, during: float, pairs: int = 20) -> Follow:
    """How many seconds a line of the second service comes after one of the first."""
    return Follow(service, "asks", then_service, "answers", pairs, pairs, before, during)


def a_telemetry(
    metrics: Mapping[tuple[str, str], tuple[float, float]] | None = None,
    phrases: Sequence[Phrase] = (),
    calls: Sequence[tuple[str, str]] = (),
) -> Telemetry:
    """What is known of the time around noon; metrics by (service, name) as their levels before and from then on."""
    series = tuple(a_series(*name, *levels) for name, levels in (metrics or {}).items())
    before, during = Span(NOON - QUIET_MINUTES * MINUTE, NOON), Span(NOON, NOON + BAD_MINUTES * MINUTE)
    return Telemetry(NOON, before, during, series, tuple(phrases), calls=frozenset(calls))
