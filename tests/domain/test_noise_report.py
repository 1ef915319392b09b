"""Which pages were worth it, and which change is recommended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.decided import Decision, Opening
from domain.ledger import LedgerKind
from domain.noise_report import (
    Acted,
    Candidate,
    Report,
    Told,
    Trial,
    acted,
    candidates,
    headline,
    in_words,
    lines,
    silenced,
    tried,
)
from tests.parts.logs_part import NOON

WEB, DB = (Opening(name, "log", "disk | is full", NOON) for name in ("web", "db"))
HIGHER = Candidate("detection.confidence_threshold: 0.8", {"detection": {"confidence_threshold": 0.8}})


def told(
    number: int, about: Opening = WEB, *, became: Acted = Acted.NOTHING, critical: bool = False, hour: int = 0
) -> Told:
    return Told(number, NOON + timedelta(hours=hour), number + 100, about, "uncommon", critical, became)


def decided(*kinds: LedgerKind, about: Opening = WEB, page: int = 0) -> list[Decision]:
    return [Decision(NOON, kind, about, "{}", page=page) for kind in kinds]


@pytest.mark.parametrize(
    ("verdict", "signs", "expected"),
    [
        ("false-alarm", {"action": True, "by_hand": True, "acknowledged": True}, Acted.FALSE_ALARM),
        ("real", {"action": True}, Acted.REAL),
        ("", {"action": True, "acknowledged": True}, Acted.ACTION),
        ("", {"by_hand": True, "acknowledged": True}, Acted.BY_HAND),
        ("", {"acknowledged": True}, Acted.ACKNOWLEDGED),
        ("", {}, Acted.NOTHING),
    ],
)
def test_what_people_say_counts_most(verdict: str, signs: dict[str, bool], expected: Acted) -> None:
    whole = {"action": False, "by_hand": False, "acknowledged": False} | signs
    assert expected is acted(verdict, **whole)


def test_what_is_tried_follows_from_pages_that_nobody_acted_upon() -> None:
    pages = [told(1), told(2), told(3, DB, became=Acted.REAL), told(4, DB)]
    assert [
        "detection.confidence_threshold: 0.8",
        "detection.confidence_threshold: 0.9",
        "incidents.confirm_logs: 6",
        "sre silence add service=web --for 7d",
    ] == [one.told for one in candidates(pages, threshold=0.7, confirm_logs=3)]
    assert [] == candidates([told(3, became=Acted.ACTION)], threshold=0.7, confirm_logs=3)
    assert not any("threshold" in one.told for one in candidates(pages, threshold=0.9, confirm_logs=3))


QUEUED, CONFIRMED, JOINED = LedgerKind.PAGE_QUEUED, LedgerKind.CONFIRMED, LedgerKind.PAGE_JOINED
STORED = decided(CONFIRMED, QUEUED, page=1)


@pytest.mark.parametrize(
    ("became", "replayed", "saved", "missed"),
    [
        pytest.param(Acted.NOTHING, [], 1, [], id="saved"),
        pytest.param(Acted.FALSE_ALARM, [], 1, [], id="a-false-alarm-is-saved"),
        pytest.param(Acted.REAL, [], 1, [101], id="missed"),
        pytest.param(Acted.REAL, decided(CONFIRMED, QUEUED), 0, [], id="told-of-as-before"),
        pytest.param(Acted.REAL, decided(CONFIRMED, JOINED), 1, [], id="another-page-covers-it"),
        pytest.param(Acted.REAL, decided(CONFIRMED), 1, [101], id="nobody-is-told"),
    ],
)
def test_a_change_of_settings_is_held_against_what_was_told(
    became: Acted, replayed: list[Decision], saved: int, missed: list[int]
) -> None:
    found = tried(HIGHER, [told(1, became=became)], STORED, replayed)
    assert (saved, missed) == (found.saved, found.missed)
    assert (saved > 0 and not missed) == found.recommended


@pytest.mark.parametrize(
    ("replayed", "saved", "missed"),
    [
        pytest.param(decided(CONFIRMED), 0, [], id="it-comes-again"),
        pytest.param([], 1, [107], id="its-incident-is-gone"),
    ],
)
def test_pages_of_on_call_go_with_their_incident(replayed: list[Decision], saved: int, missed: list[int]) -> None:
    found = tried(HIGHER, [told(7, became=Acted.ACTION)], [], replayed)
    assert (saved, missed) == (found.saved, found.missed)


@pytest.mark.parametrize(
    ("page", "missed"),
    [
        (told(1), []),
        (told(1, critical=True), [101]),
        (told(1, became=Acted.ACKNOWLEDGED), [101]),
        (told(1, DB, became=Acted.REAL), []),
    ],
)
def test_a_silence_holds_back_what_its_service_pages_for(page: Told, missed: list[int]) -> None:
    found = silenced(Candidate("sre silence add service=web --for 7d", silenced="web"), [page])
    assert (int(page.about is WEB), missed) == (found.saved, found.missed)


def test_the_report_is_in_words() -> None:
    pages = [told(1), told(2, hour=2), told(3, DB, became=Acted.REAL)]
    report = Report(NOON, NOON + timedelta(days=1), pages, [Trial(HIGHER, 2, []), Trial(HIGHER, 3, [103])], ["a doubt"])
    text = "\n".join(lines(report))
    assert "3 pages, 2 of them acted upon by nobody; 2 pages could have been saved" == headline(report)
    for part in (
        "| web | 2 | 0 |",
        "| db | 1 | 1 |",
        "| 14 | 1 | 0 |",
        "| called real | 1 | 1 |",
        "would have saved 2 pages and missed nothing: recommended",
        "would have saved 3 pages, and missed 1 incident that mattered (103): not recommended",
        "- web: disk | is full: 2 pages",
        "Not certain: a doubt.",
    ):
        assert part in text


def test_without_pages_there_is_nothing_to_say() -> None:
    assert "nobody was paged" == headline(Report(NOON, NOON, []))
    assert lines(Report(NOON, NOON, []))[-1] == "nobody was paged"
    assert "would have saved no page" in in_words(Trial(HIGHER, 0, []))
