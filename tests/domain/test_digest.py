"""The daily digest: when it is due, why something deserved no page, and what it says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.digest import MOST_LINES, NotPaged, digest_lines, due, key_of, why_noted, why_over
from domain.incidents import Resolution
from domain.ledger import LedgerKind

EIGHT = datetime(2026, 1, 5, 8, tzinfo=UTC)
LATE_EVENING = datetime(2026, 1, 4, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "now", "expected"),
    [
        pytest.param("08:00", EIGHT - timedelta(seconds=1), None, id="not before its time"),
        pytest.param("08:00", EIGHT, EIGHT, id="at its time"),
        pytest.param("08:00", EIGHT + timedelta(minutes=59), EIGHT, id="a little late, when on-call was away"),
        pytest.param("08:00", EIGHT + timedelta(hours=1), None, id="not an hour late"),
        pytest.param("23:30", datetime(2026, 1, 5, 0, 10, tzinfo=UTC), LATE_EVENING, id="over midnight"),
        pytest.param("", EIGHT, None, id="never"),
    ],
)
def test_the_digest_is_due(at: str, now: datetime, expected: datetime | None) -> None:
    assert expected == due(at, now)


def test_there_is_one_key_a_day() -> None:
    assert "digest 2026-01-05" == key_of(EIGHT)


@pytest.mark.parametrize(
    ("resolution", "confirmed", "late", "expected"),
    [
        pytest.param(Resolution.VERIFIED, True, False, "a playbook answered it", id="a playbook"),
        pytest.param(Resolution.QUIET, False, False, "not confirmed: too few anomalous logs", id="an outlier"),
        pytest.param(Resolution.QUIET, True, True, "late: its evidence was old when it came", id="old evidence"),
        pytest.param(Resolution.QUIET, True, False, "it was over by itself", id="it healed"),
        pytest.param(Resolution.HUMAN, False, True, "a person closed it", id="by hand"),
    ],
)
def test_why_an_incident_had_no_page(resolution: Resolution, *, confirmed: bool, late: bool, expected: str) -> None:
    assert expected == why_over(resolution, confirmed=confirmed, late=late)


@pytest.mark.parametrize("resolution", Resolution)
def test_every_end_of_an_incident_has_a_reason_in_words(resolution: Resolution) -> None:
    assert why_over(resolution, confirmed=True, late=False)


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        pytest.param(LedgerKind.PAGE_JOINED, {"told_with": "all"}, "covered by the page about all", id="joined"),
        pytest.param(LedgerKind.PAGE_MUTED, {"rule": "silence 3"}, "held back by silence 3", id="muted"),
        pytest.param(LedgerKind.PAGE_SUPPRESSED, {"error": "acknowledged by ann"}, "acknowledged by ann", id="taken"),
        pytest.param(LedgerKind.PAGE_SUPPRESSED, {"why": "late"}, "late: its evidence was old when it came", id="late"),
        pytest.param(LedgerKind.PAGE_SUPPRESSED, {"error": "a\x1b[2J\nb"}, "a\N{REPLACEMENT CHARACTER}[2J b", id="raw"),
    ],
)
def test_why_a_page_was_not_sent(kind: LedgerKind, fields: dict[str, object], expected: str) -> None:
    assert expected == why_noted(kind, fields)


def test_it_counts_and_names_what_it_tells_of() -> None:
    found = [
        NotPaged(3, "web", "slow", "it was over by itself"),
        NotPaged(4, "web", "slow", "it was over by itself"),
        NotPaged(5, "cache", "evictions", "a playbook answered it"),
    ]
    assert [
        "DIGEST of 2026-01-05: 3 incidents deserved no page",
        "2 incidents: it was over by itself",
        "web: slow (incidents 3, 4)",
        "1 incident: a playbook answered it",
        "cache: evictions (incident 5)",
    ] == digest_lines(found, EIGHT)


def test_nothing_to_tell_is_no_digest() -> None:
    assert [] == digest_lines([], EIGHT)


def test_a_long_one_is_cut_and_says_how_much_is_left() -> None:
    found = [NotPaged(number, f"s{number}", "slow", "it was over by itself") for number in range(1, 101)]
    lines = digest_lines(found, EIGHT)
    assert (MOST_LINES, "… and 53 lines more: sre incidents") == (len(lines), lines[-1])
