"""What somebody found out becomes a note: printable, not too long, and nothing where nothing was said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.resolution_notes import LONGEST, NOTHING, Verdict, found_out, newest_cure
from tests.parts.logs_part import NOON


@given(st.text(max_size=LONGEST), st.sampled_from(["cause", "helped", "origin"]))
def test_texts_are_printable_and_on_one_line(text: str, name: str) -> None:
    texts = {"cause": "", "helped": "", "origin": ""} | {name: text[: 200 if name == "origin" else LONGEST]}
    found = found_out(**texts, verdict=None)
    assert getattr(found, name).isprintable()
    assert found.is_empty == (not texts[name].strip())


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (("x" * 2_001, "", ""), "cause has 2,001 characters, at most 2,000: say it shorter"),
        (("", "x" * 2_001, ""), "helped has 2,001 characters"),
        (("", "", "x" * 201), "origin has 201 characters, at most 200"),
    ],
)
def test_too_long_a_text_is_refused_with_its_name(texts: tuple[str, str, str], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        found_out(*texts, None)


def test_a_verdict_alone_says_something() -> None:
    assert not found_out("", "", "", Verdict.WRONG).is_empty
    assert NOTHING.is_empty


def test_the_newest_note_that_says_what_helped_counts() -> None:
    said = ("restarted it", "set the pool to 40", "")
    notes = [found_out("", helped, "", Verdict.RIGHT).note(1, 1, by="ann", at=NOON) for helped in said]
    assert "set the pool to 40" == newest_cure(notes)
    assert "" == newest_cure([])
