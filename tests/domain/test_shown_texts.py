"""Texts that are too long to be shown whole."""

from __future__ import annotations

import pytest

from domain.shown_texts import brief


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("it broke", "it broke", id="short"),
        pytest.param("it broke today, too", "it broke… (11 more characters)", id="behind a word"),
        pytest.param("x" * 1_010, "xxxxxxxxx… (1,001 more characters)", id="one word"),
    ],
)
def test_of_a_long_text_the_beginning_is_said_and_how_much_is_missing(text: str, expected: str) -> None:
    assert expected == brief(text, 10)
