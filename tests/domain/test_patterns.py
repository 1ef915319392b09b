"""Patterns of playbooks meet the logs of strangers: none may hang or match everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.patterns import Patterns, is_whole, longest, matched, pattern_flaw, unusable


@pytest.mark.parametrize(
    "pattern",
    [
        "connection pool exhausted",
        r"\bpool\b.{0,40}\b(exhausted|full)",
        r"(could not|cannot) (get|obtain) (a |an |the |new )*connection",
        r"(\d{1,3}\.){3}\d{1,3}",
        "(a+)+b",
        r"(\w+\s?)+:",
        "a.*b.*c.*d.*e.*f",
        r"(?i:oom) ?kill(ed|er)?",
    ],
)
def test_usual_patterns_are_fine_and_so_are_those_that_others_choke_on(pattern: str) -> None:
    assert pattern_flaw(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("(", "is not a regular expression of RE2: missing )"),
        ("*x", "is not a regular expression of RE2: no argument for repetition operator"),
        ("full(?= disk)", "RE2 has no look-around"),
        ("(?<!not )full", "RE2 has no look-around"),
        (r"(x+) \1", "RE2 has no back-references"),
        ("(?>x+)y", "RE2 has no atomic matching"),
        ("x++y", "RE2 has no atomic matching"),
        ("x{2000}", "invalid repetition size"),
        ("\ud800", "half of a character"),
        ("", "can match the empty text"),
        (".*", "can match the empty text"),
        ("^", "can match the empty text"),
        (r"\b", "can match the empty text"),
        (r"\B", "can match the empty text"),
        ("(error)?", "can match the empty text"),
        (".", "matches everything, for example 'all is well'"),
        (r"\w+", "matches everything"),
        ("[a-z ]+", "matches everything"),
    ],
)
def test_bad_patterns_say_why(pattern: str, expected: str) -> None:
    assert expected in pattern_flaw(pattern)


@given(st.text(st.sampled_from("ab(|)*+?{1,}.[]^$\\"), max_size=12), st.text(st.sampled_from("ab \\"), max_size=6))
def test_an_accepted_pattern_never_matches_nothing(pattern: str, text: str) -> None:
    if not pattern_flaw(pattern):
        assert matched(pattern, "") is None
        assert matched(pattern, text) != ""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("pattern", ["(a+)+$", r"(\w+\s?)+:", "(a|a)+b", "(.*)*x"])
def test_a_long_text_is_matched_in_time_linear_in_it(pattern: str) -> None:
    """A backtracking engine needs more steps than there are atoms; the time limit is no measure but an end to it."""
    assert matched(pattern, "a" * 100_000 + "!") is None


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        pytest.param("full|full disk", "The FULL Disk", "FULL Disk", id="the longest alternative, case aside"),
        pytest.param("größer", "GRÖSSER größer", "größer", id="letters beyond ASCII"),
        pytest.param("x", "\ud800x", "x", id="half of a character beside it"),
        pytest.param("a.b", "a\0b", "a\0b", id="a NUL"),
        pytest.param("a.b", "a\nb", None, id="not over the end of a line"),
    ],
)
def test_what_matches_is_given_back(pattern: str, text: str, expected: str | None) -> None:
    assert expected == matched(pattern, text)


@given(
    st.lists(st.sampled_from(["ab", "b+", "a.b", "^b", "b$", r"\bA\b", "aa|bb"]), max_size=5),
    st.text("ab ", max_size=8),
)
def test_many_at_once_are_those_that_match_one_by_one(patterns: list[str], text: str) -> None:
    one_by_one = [place for place, pattern in enumerate(patterns) if matched(pattern, text) is not None]
    assert one_by_one == Patterns(patterns).matching(text)


def test_more_patterns_than_fit_at_once_are_all_tried() -> None:
    patterns = Patterns([f"fault {number}\\b" for number in range(2_500)])
    assert [7] == patterns.matching("a fault 7 occurred")
    assert [2_499] == patterns.matching("a fault 2499 occurred")


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        pytest.param("we|api", "api", True, id="one of two"),
        pytest.param("we", "web", False, id="a part is not the whole"),
        pytest.param("web", "WEB", False, id="case counts"),
        pytest.param("a.b", "a\nb", True, id="over the end of a line"),
        pytest.param("(a+)+", "a" * 50_000 + "b", False, id="in time linear in the text"),
    ],
)
def test_a_whole_value_is_compared_exactly(pattern: str, text: str, expected: bool) -> None:  # noqa: FBT001
    assert expected == is_whole(pattern, text)


def test_what_matches_any_value_is_a_pattern_but_none_to_search_texts_for() -> None:
    assert ("", True) == (unusable(".+"), "matches everything" in pattern_flaw(".+"))


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        pytest.param(("full", "disk .*full", "d"), ("disk .*full", "disk is full"), id="the longest part"),
        pytest.param(("disk", "full"), ("disk", "disk"), id="the first of equal ones"),
        pytest.param(("memory",), None, id="none that matches"),
        pytest.param((), None, id="no patterns"),
    ],
)
def test_of_several_patterns_the_one_that_names_the_most_is_given_back(
    patterns: tuple[str, ...], expected: tuple[str, str] | None
) -> None:
    assert expected == longest(patterns, "the disk is full")
