"""What a rule matches, when it is in force, and how it reads."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.incidents import Kind, Severity
from domain.inventory import Inventory, Service
from domain.muting import (
    LABELS,
    Matcher,
    Mute,
    Phase,
    ends,
    in_maintenance,
    in_words,
    labels_of,
    muted_by,
    muting,
    phase,
)
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON
from tests.parts.mutes_part import a_silence, a_window

HOUR = timedelta(hours=1)
END = NOON + 2.5 * HOUR
INVENTORY = Inventory({"web": Service("web", "supervisord", "web", owner="team shop")})
WEB = labels_of(an_incident(), INVENTORY)
API = WEB | {"service": "api", "owner": ""}


def test_an_incident_has_every_label() -> None:
    incident = an_incident(kind=Kind.METRIC, template="cpu_usage high", metric="cpu_usage", severity=Severity.CRITICAL)
    found = labels_of(incident, INVENTORY)
    assert set(LABELS) == set(found)
    assert {
        "service": "web",
        "severity": "critical",
        "kind": "metric",
        "playbook": "mend-it",
        "template": "cpu_usage high",
        "metric": "cpu_usage",
        "owner": "team shop",
        "id": "1",
    } == found
    assert ("api", "") == tuple(labels_of(incident, INVENTORY, service="api")[name] for name in ("service", "owner"))


@pytest.mark.parametrize(
    ("matchers", "expected"),
    [
        pytest.param(["service=web"], True, id="the-value-to-the-letter"),
        pytest.param(["service=we"], False, id="a-part-of-the-value-is-not-the-value"),
        pytest.param(["service=Web"], False, id="case-counts"),
        pytest.param(["service!=web"], False, id="not-the-value"),
        pytest.param(["service!=api"], True, id="another-value"),
        pytest.param(["service=~w.b|api"], True, id="a-pattern"),
        pytest.param(["service=~we"], False, id="a-pattern-matches-the-whole-value"),
        pytest.param(["service!~we"], True, id="a-pattern-that-matches-a-part-only-does-not-match"),
        pytest.param(["service!~web|api"], False, id="not-the-pattern"),
        pytest.param(["service=web", "severity=~low|medium"], False, id="all-must-match"),
        pytest.param(["service=web", "severity=high", "owner=team shop"], True, id="all-do-match"),
        pytest.param(["metric="], True, id="a-label-that-is-empty"),
        pytest.param(["template=~it.+"], True, id="a-text"),
    ],
)
def test_matching_is_of_the_whole_value(matchers: list[str], expected: bool) -> None:  # noqa: FBT001 - a table
    assert expected == a_silence(*matchers).matches(WEB)


def test_a_text_of_several_lines_is_one_value() -> None:
    assert a_silence("template=~first.+last").matches(WEB | {"template": "first\nand last"})


@pytest.mark.parametrize(
    ("rule", "now", "expected"),
    [
        pytest.param(a_silence(), NOON, Phase.ACTIVE, id="from-its-start-on"),
        pytest.param(a_silence(), NOON - HOUR, Phase.PENDING, id="before-its-start"),
        pytest.param(a_silence(), END, Phase.ENDED, id="from-its-end-on"),
        pytest.param(a_silence(expired_at=NOON + HOUR), NOON + HOUR, Phase.ENDED, id="from-its-expiry-on"),
        pytest.param(a_silence(expired_at=NOON + HOUR), NOON, Phase.ACTIVE, id="until-its-expiry"),
        pytest.param(a_silence(expired_at=NOON - HOUR), NOON, Phase.ENDED, id="expired-before-its-start"),
        pytest.param(a_window(every="day"), END, Phase.PENDING, id="until-tomorrow"),
        pytest.param(a_window(every="day"), NOON + 24 * HOUR, Phase.ACTIVE, id="again-tomorrow"),
        pytest.param(a_window(every="day", until=NOON + HOUR), END, Phase.ENDED, id="not-again-after-until"),
        pytest.param(a_window(every="day", expired_at=END), NOON + 24 * HOUR, Phase.ENDED, id="not-again-when-expired"),
    ],
)
def test_a_rule_is_in_force_while_it_lasts(rule: Mute, now: datetime, expected: Phase) -> None:
    assert expected is phase(rule, now)
    assert (expected is Phase.ACTIVE) == (muted_by(WEB, [rule], now=now) is rule)


def test_of_several_rules_the_one_that_ends_last_holds_back() -> None:
    longer = a_silence(id=1, ends_at=END + HOUR)
    assert longer is muted_by(WEB, [a_silence(id=0), longer, a_silence(id=2)], now=NOON)
    assert END + HOUR == ends(longer, NOON)
    assert ends(longer, END + HOUR) is None


def test_a_silence_is_no_maintenance() -> None:
    window = a_window(id=4)
    assert in_maintenance(WEB, [a_silence()], now=NOON) is None
    assert window is in_maintenance(WEB, [a_silence(), window], now=NOON)
    assert window is muted_by(WEB, [window], now=NOON)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param([], [], id="no-rule"),
        pytest.param([a_silence("service=web")], [], id="a-silence-for-one-service-does-not-hide-another"),
        pytest.param([a_silence("service=~web|api")], [3], id="one-rule-for-all"),
        pytest.param([a_silence("severity=high")], [3], id="what-all-have-in-common"),
        pytest.param([a_silence("service=web"), a_window("service=api", id=4)], [3, 4], id="a-rule-for-each"),
        pytest.param([a_silence("service!=web")], [], id="all-but-one"),
    ],
)
def test_an_incident_of_several_services_is_muted_when_all_of_it_is(rules: list[Mute], expected: list[int]) -> None:
    assert expected == [rule.id for rule in muting([WEB, API], rules, now=NOON)]


def test_what_nothing_is_known_of_is_not_muted() -> None:
    assert () == muting([], [a_silence()], now=NOON)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (a_silence(), "silence 3 by ann until 14:30 UTC: disk swap"),
        (a_window(ends_at=NOON + 24 * HOUR), "maintenance window 3 by ann until 2026-01-06 12:00 UTC: disk swap"),
        (a_silence(comment="\x1b[2J\nx"), "silence 3 by ann until 14:30 UTC: \N{REPLACEMENT CHARACTER}[2J x"),
    ],
)
def test_a_rule_in_words(rule: Mute, expected: str) -> None:
    assert expected == in_words(rule, NOON)


def test_the_words_of_a_rule_stay_the_same_all_through_an_occurrence() -> None:
    nightly = a_window(starts_at=NOON + 11 * HOUR, ends_at=NOON + 13 * HOUR, every="day")
    assert 1 == len({in_words(nightly, NOON + hours * HOUR) for hours in (11, 11.9, 12, 12.9)})


@pytest.mark.parametrize("op", ["=~", "!~"])
def test_a_stored_pattern_that_cannot_be_read_any_more_mutes_nothing(op: str) -> None:
    """Look-around was accepted once."""
    assert not Matcher("service", op, "(?!web).*").matches({"service": "web"})
    assert not Matcher("service", op, "(?!web).*").matches({"service": "db"})
