"""Patterns of playbooks meet the logs of strangers: none may hang or match everything."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.patterns import pattern_flaw


@pytest.mark.parametrize(
    "pattern",
    [
        "connection pool exhausted",
        r"\bpool\b.{0,40}\b(exhausted|full)",
        r"too many (clients|connections)",
        r"(could not|cannot) (get|obtain) (a |an |the |new )*connection",
        r"(\d{1,3}\.){3}\d{1,3}",
        r"(\d+\.){3}\d+",
        r"x(?:ab)*y",
        r"(foo|bar)+",
        r"a.*b.*c",
        r"(?i:oom) ?kill(ed|er)?",
    ],
)
def test_usual_patterns_are_fine(pattern: str) -> None:
    assert pattern_flaw(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("(", "is not a regular expression"),
        ("*x", "is not a regular expression"),
        ("(?P<a>x)(?P<a>y)", "is not a regular expression"),
        ("[[a]b]x", "is not a regular expression: Possible nested set"),
        ("", "matches the empty string"),
        (".*", "matches the empty string"),
        ("^", "matches the empty string"),
        (r"\b", "matches the empty string"),
        ("(error)?", "matches the empty string"),
        ("(a+)+b", "matching may take for ever"),
        ("(a*)*b", "matching may take for ever"),
        ("([a-z]+)*x", "matching may take for ever"),
        (r"(\w+\s?)+:", "matching may take for ever"),
        ("(a|a)+b", "matching may take for ever"),
        ("(a|ab)*c", "matching may take for ever"),
        (r"(.|\s)*x", "matching may take for ever"),
        ("(a|a){1,50}b", "matching may take for ever"),
        ("(a{1,200}){1,200}b", "matching may take for ever"),
        ("(?=(a+)+)b", "matching may take for ever"),
        ("a.*b.*c.*d.*e.*f", "has 5 open repeats"),
        ("(a+){5}b", "has 5 open repeats"),
    ],
)
def test_bad_patterns_say_why(pattern: str, expected: str) -> None:
    assert expected in pattern_flaw(pattern)


@given(st.text(st.sampled_from("ab(|)*+?{1,}.[]^$\\"), max_size=12))
def test_an_accepted_pattern_compiles_and_does_not_match_nothing(pattern: str) -> None:
    if not pattern_flaw(pattern):
        assert re.search(pattern, "", re.IGNORECASE) is None
