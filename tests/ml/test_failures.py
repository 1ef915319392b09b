"""Words of failure are one list, for the rules and for the detector of lines."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml import failures
from ml.rules import _holding

WORDS = [
    "failed",
    "refused",
    "no space left",
    "too many",
    "OutOfMemoryError",
    "throttled",
    "Fehler",
    "连接失败",
    "lost",
]
HARMLESS = ["served", "well", "17", "lossless", "terrors", "healthy"]


@given(st.lists(st.sampled_from(WORDS + HARMLESS), min_size=1, max_size=6))
def test_both_engines_find_the_same(parts: list[str]) -> None:
    text = " ".join(parts)
    by_rules = bool(_holding(pa.chunked_array([pa.array([text])]), failures.FAILURE_WORDS)[0])
    assert by_rules == failures.words(text)
    assert by_rules == any(word in parts for word in WORDS)


@pytest.mark.parametrize(
    ("text", "healed"),
    [
        ("3 errors detected and corrected", True),
        ("scan done: errors=0", True),
        ("0 Fehler", True),
        ("without any timeouts", True),
        ("10 errors", False),
        ("errors: 0.5 %", False),
    ],
)
def test_what_says_that_all_is_well(text: str, *, healed: bool) -> None:
    assert healed == failures.healed(text)
