"""Fault 5: a rule that was accepted, shown as active and silently ignored."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.errors import BadInput
from domain.muting import Matcher, Mute
from domain.muting_checks import as_matcher, bounded, flaws
from tests.parts.logs_part import NOON
from tests.parts.mutes_part import a_silence

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("service=web", Matcher("service", "=", "web")),
        ("severity=~medium|low", Matcher("severity", "=~", "medium|low")),
        ("service!=web", Matcher("service", "!=", "web")),
        ("template!~a=b", Matcher("template", "!~", "a=b")),
        ("template=a = b", Matcher("template", "=", "a = b")),
        ("metric=", Matcher("metric", "=", "")),
    ],
)
def test_a_matcher_as_it_is_written(text: str, expected: Matcher) -> None:
    assert expected == as_matcher(text)


@pytest.mark.parametrize("text", ["web", "", "=web", "service"])
def test_what_is_no_condition_says_how_to_write_one(text: str) -> None:
    with pytest.raises(BadInput, match="write LABEL=VALUE"):
        as_matcher(text)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        pytest.param(a_silence(ends_at=NOON), "not after it starts", id="it-ends-when-it-starts"),
        pytest.param(a_silence(starts_at=NOON - 3 * HOUR, ends_at=NOON), "would be over", id="it-is-over"),
        pytest.param(a_silence(ends_at=NOON + 25 * HOUR, every="day"), "lasts longer than a day", id="it-overlaps"),
        pytest.param(a_silence(every="hour"), "write day or week", id="another-period"),
        pytest.param(a_silence(until=NOON + 9 * HOUR), "give --every", id="until-without-every"),
        pytest.param(a_silence(matchers=()), "no matcher", id="no-matcher"),
        pytest.param(a_silence(comment=" "), "no comment", id="no-comment"),
        pytest.param(a_silence(comment="x" * 1_001), "1,001 characters, at most 1,000", id="a-long-comment"),
        pytest.param(a_silence("service=" + "x" * 201), "201 characters, at most 200", id="a-long-value"),
        pytest.param(a_silence("service=~" + "x|" * 101 + "y"), "203 characters, at most 200", id="a-long-pattern"),
        pytest.param(a_silence(ends_at=NOON + 367 * 24 * HOUR), "at most 366 days ahead", id="for-more-than-a-year"),
        pytest.param(
            a_silence(every="day", until=NOON + 367 * 24 * HOUR), "may recur at most 366 days ahead", id="for-ever"
        ),
        pytest.param(
            a_silence(*(f"service!=web-{number}" for number in range(21))),
            "21 matchers, at most 20",
            id="many",
        ),
        pytest.param(
            a_silence(*(f"service={'x' * 201}" for _ in range(100))),
            "100 matchers, at most 20",
            id="very-many",
        ),
        pytest.param(a_silence("servce=web"), "the nearest is service", id="an-unknown-label"),
        pytest.param(a_silence("severity=hihg"), "the nearest is high", id="an-unknown-severity"),
        pytest.param(a_silence("severity=~hi"), "low, medium, high, critical", id="a-pattern-like-no-severity"),
        pytest.param(a_silence("kind=text"), "no kind is called so", id="an-unknown-kind"),
        pytest.param(a_silence("id=seven"), "an id is a number", id="an-id-that-is-no-number"),
        pytest.param(a_silence("service=~web(?!-test)"), "RE2 has no look-around", id="a-pattern-that-looks-ahead"),
        pytest.param(a_silence("service=~web("), "is not a regular expression", id="a-broken-pattern"),
        pytest.param(a_silence("service=~.*"), "can match the empty text", id="a-pattern-of-nothing"),
        pytest.param(a_silence("service=~.+"), "match every incident", id="everything"),
        pytest.param(a_silence("service!=", "severity=~.+"), "match every incident", id="everything-said-otherwise"),
        pytest.param(a_silence("severity=~low|medium|high|critical"), "match every incident", id="every-severity"),
    ],
)
def test_what_could_not_apply_or_would_to_everything_is_refused(rule: Mute, says: str) -> None:
    (found,) = flaws(rule, everything=False, now=NOON)
    assert says in found


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(a_silence(), id="one-service"),
        pytest.param(a_silence("service!=web"), id="all-but-one"),
        pytest.param(a_silence("playbook!="), id="what-has-a-playbook"),
        pytest.param(a_silence("playbook="), id="what-has-none"),
        pytest.param(a_silence("severity!=critical"), id="what-is-not-critical"),
        pytest.param(a_silence("service=~.+", "severity=low"), id="one-condition-that-says-nothing"),
        pytest.param(a_silence(every="day", until=NOON + 366 * 24 * HOUR), id="again-for-a-year"),
        pytest.param(a_silence(*(f"service!=web-{number}" for number in range(20))), id="as-many-as-may-be"),
        pytest.param(a_silence(starts_at=NOON - 30 * HOUR, ends_at=NOON - 29 * HOUR, every="day"), id="again-later"),
    ],
)
def test_what_applies_to_something_is_accepted(rule: Mute) -> None:
    assert [] == flaws(rule, everything=False, now=NOON)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param(a_silence(every="week"), NOON + 366 * 24 * HOUR, id="for-a-year"),
        pytest.param(a_silence(every="week", until=NOON + HOUR), NOON + HOUR, id="as-somebody-said"),
        pytest.param(a_silence(), None, id="what-does-not-recur-needs-none"),
    ],
)
def test_what_recurs_has_an_end(rule: Mute, expected: datetime | None) -> None:
    assert expected == bounded(rule, now=NOON).until


def test_everything_may_be_meant() -> None:
    assert [] == flaws(a_silence("service=~.+"), everything=True, now=NOON)
