"""Which pages were worth it, and which change is recommended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.decided import Decision, Opening
from domain.ledger import LedgerKind
from domain.noise_report import Report, headline, in_words, markdown
from domain.noise_trials import Candidate, Trial, came_again, candidates, derived, playbook_for, tried
from domain.settings import Settings
from domain.told_pages import Acted, Asked, Told, acted
from tests.domain.test_playbooks import a_playbook
from tests.parts.logs_part import NOON

WEB, DB = (Opening(name, "log", "disk | is full", NOON) for name in ("web", "db"))
LATER = DB._replace(opened_at=NOON + timedelta(hours=1))
MINUTE = Opening("web", "metric", "latency high", NOON)
WELL = Asked("pool", by_rank_alone=True, allowed=True, refused=False, helped=True)
RISKY, IN_VAIN = replace(WELL, by_rank_alone=False), replace(WELL, helped=False)
REFUSED = replace(WELL, allowed=False, refused=True, helped=False)
UNANSWERED = replace(WELL, allowed=False, helped=False)
HIGHER = Candidate("detection.confidence_threshold: 0.8", {"detection": {"confidence_threshold": 0.8}})


def told(
    number: int, about: Opening = WEB, *, became: Acted = Acted.NOTHING, critical: bool = False, hour: int = 0
) -> Told:
    return Told(number, NOON + timedelta(hours=hour), number + 100, about, "uncommon", critical, became)


def names(pages: list[Told], **changes: dict[str, object]) -> list[str]:
    return [one.told for one in candidates(pages, Settings.model_validate(changes))]


def decided(*kinds: LedgerKind, about: Opening = WEB, page: int = 0) -> list[Decision]:
    return [Decision(NOON, kind, about, "{}", page=page) for kind in kinds]


@pytest.mark.parametrize(
    ("verdict", "signs", "expected"),
    [
        ("false-alarm", {"action": True, "by_hand": True, "acknowledged": True}, Acted.FALSE_ALARM),
        ("real", {"action": True}, Acted.REAL),
        ("", {"action": True, "acknowledged": True}, Acted.ACTION),
        ("", {"by_hand": True, "acknowledged": True}, Acted.BY_HAND),
        ("", {"acknowledged": True, "answered": True}, Acted.ACKNOWLEDGED),
        ("", {"answered": True}, Acted.ANSWERED),
        ("", {}, Acted.NOTHING),
    ],
)
def test_what_people_say_counts_most(verdict: str, signs: dict[str, bool], expected: Acted) -> None:
    assert expected is acted(verdict, **signs)


def test_what_is_tried_follows_from_pages_that_nobody_acted_upon() -> None:
    pages = [told(1), told(2), told(3, DB, became=Acted.REAL), told(4, DB)]
    assert [
        "detection.confidence_threshold: 0.8",
        "detection.confidence_threshold: 0.9",
        "incidents.confirm_logs: 6",
        "incidents.quiet_seconds: 3,600",
        "incidents.join_seconds: 600",
        "sre silence add service=web --for 7d",
    ] == names(pages)
    assert [] == names([told(3, became=Acted.ACTION)])
    assert not any("threshold" in one for one in names(pages, detection={"confidence_threshold": 0.9}))


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        pytest.param([told(1)], {"quiet": False, "join": False, "alarms": False}, id="one"),
        pytest.param([told(1), told(2)], {"quiet": True, "join": False, "alarms": False}, id="it-came-again"),
        pytest.param([told(1), told(2, DB)], {"quiet": False, "join": True, "alarms": False}, id="two-services"),
        pytest.param([told(1), told(2, LATER)], {"quiet": False, "join": False, "alarms": False}, id="an-hour-apart"),
        pytest.param([told(1, MINUTE)], {"quiet": False, "join": False, "alarms": True}, id="about-a-minute"),
    ],
)
def test_a_setting_is_tried_where_pages_are_of_its_kind(pages: list[Told], expected: dict[str, bool]) -> None:
    found = names(pages)
    assert expected == {name: any(name in one for one in found) for name in expected}
    assert not any("alarms" in one for one in names(pages, detection={"false_alarms_per_day": 0}))


@pytest.mark.parametrize(
    ("asked", "times", "saved", "missed"),
    [
        pytest.param([WELL, WELL], 1, 2, [], id="allowed-and-helped-twice"),
        pytest.param([WELL], 0, 1, [], id="once-is-too-little"),
        pytest.param([WELL, WELL, REFUSED], 1, 2, [103], id="refused-once"),
        pytest.param([WELL, WELL, IN_VAIN], 1, 2, [103], id="did-not-help-once"),
        pytest.param([WELL, WELL, UNANSWERED], 1, 2, [], id="nobody-answered"),
        pytest.param([RISKY, RISKY], 0, 0, [], id="its-risk-asks-as-well"),
        pytest.param([None, None], 0, 0, [], id="nothing-was-asked"),
    ],
)
def test_a_playbook_may_stop_asking_where_it_was_always_right(
    asked: list[Asked | None], times: int, saved: int, missed: list[int]
) -> None:
    pages = [replace(told(at, became=Acted.ACTION), asked=one) for at, one in enumerate(asked, 1)]
    assert times == names(pages).count("sre autonomy set pool web act")
    found = derived(Candidate("", unattended=("pool", "web")), pages)
    assert (saved, missed) == (found.saved, found.missed)


def test_a_playbook_is_tried_for_what_came_again_and_had_none() -> None:
    other = told(4, DB)
    critical = replace(told(5), reason="critical")
    (page,) = came_again([told(1), told(2, LATER._replace(service="web")), other, critical][:2])
    assert 2 == page.number
    assert [] == came_again([told(1), critical])


def test_what_a_tried_playbook_is_for_is_not_missed() -> None:
    page = told(1, became=Acted.BY_HAND)
    candidate = playbook_for(page, a_playbook())
    assert "sre playbooks draft 101, reviewed and trusted to act" == candidate.told
    other = told(2, DB._replace(template="something else"), became=Acted.BY_HAND)
    stored = [*STORED, *decided(CONFIRMED, QUEUED, about=other.about, page=2)]
    replayed = [*decided(CONFIRMED), *decided(CONFIRMED, about=other.about)]
    found = tried(candidate, [page, other], stored, replayed)
    assert (2, [102]) == (found.saved, found.missed)


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
    found = tried(HIGHER, [told(7, became=Acted.ACTION)], decided(CONFIRMED), replayed)
    assert (saved, missed) == (found.saved, found.missed)
    own = tried(HIGHER, [told(7, became=Acted.ACTION)], [], replayed)
    assert (0, []) == (own.saved, own.missed)


@pytest.mark.parametrize(
    ("pages", "stored", "replayed", "saved"),
    [
        pytest.param([told(1)], STORED, decided(CONFIRMED, QUEUED, about=DB), 0, id="one is won for it"),
        pytest.param([told(1)], STORED, decided(CONFIRMED, QUEUED, QUEUED, about=DB), -1, id="more are won"),
        pytest.param([], STORED, [], 0, id="nobody got what is lost"),
    ],
)
def test_only_what_people_got_is_saved_and_what_is_won_counts_against_it(
    pages: list[Told], stored: list[Decision], replayed: list[Decision], saved: int
) -> None:
    found = tried(HIGHER, pages, stored, replayed)
    assert saved == found.saved
    assert not found.recommended
    assert ("would have made 1 page more" in in_words(found)) == (saved < 0)


@pytest.mark.parametrize(
    ("page", "missed"),
    [
        (told(1), []),
        (told(1, critical=True), [101]),
        (told(1, became=Acted.ACKNOWLEDGED), [101]),
        (told(1, DB, became=Acted.REAL), []),
        (replace(told(1, DB), others=frozenset({"web"})), []),
    ],
)
def test_a_silence_holds_back_what_its_service_alone_pages_for(page: Told, missed: list[int]) -> None:
    found = derived(Candidate("sre silence add service=web --for 7d", silenced="web"), [page])
    assert (int(page.about is WEB), missed) == (found.saved, found.missed)


def test_the_report_is_in_words() -> None:
    pages = [told(1), told(2, hour=2), told(3, DB, became=Acted.REAL)]
    report = Report(NOON, NOON + timedelta(days=1), pages, [Trial(HIGHER, 2, []), Trial(HIGHER, 3, [103])], ["a doubt"])
    text = "\n".join(markdown(report))
    assert "3 pages, 2 of them acted upon by nobody; 2 pages could have been saved" == headline(report)
    for part in (
        "| web | 2 | 0 |",
        "| db | 1 | 1 |",
        "| 14 | 1 | 0 |",
        "| called real | 1 | 1 |",
        "would have saved 2 pages and missed nothing: recommended",
        "would have saved 3 pages, and missed 1 incident that mattered (103): not recommended",
        "- web: disk | is full: 2 pages",
        "- a doubt",
    ):
        assert part in text


def test_without_pages_there_is_nothing_to_say() -> None:
    assert "nobody was paged" == headline(Report(NOON, NOON, []))
    assert markdown(Report(NOON, NOON, []))[-1] == "nobody was paged"
    assert "would have saved no page" in in_words(Trial(HIGHER, 0, []))
