"""Silences and maintenance windows for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from domain.muting import Mute, MuteKind
from domain.muting_checks import as_matcher
from tests.parts.logs_part import NOON

SILENCE = Mute(
    id=3,
    kind=MuteKind.SILENCE,
    matchers=(as_matcher("service=web"),),
    starts_at=NOON,
    ends_at=NOON + timedelta(hours=2, minutes=30),
    every="",
    until=None,
    author="ann",
    comment="disk swap",
)


def a_silence(*matchers: str, **changes: Any) -> Mute:
    """A silence of `web` from noon until half past two, or of what these matchers say."""
    given = {"matchers": tuple(map(as_matcher, matchers))} if matchers else {}
    return replace(SILENCE, **(given | changes))


def a_window(*matchers: str, **changes: Any) -> Mute:
    """The same as a maintenance window."""
    return a_silence(*matchers, **({"kind": MuteKind.MAINTENANCE} | changes))
