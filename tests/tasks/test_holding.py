"""Pages that are held back: by rules of people, by their likely origin, and while more joins their incident.

Whoever delivers is new each time and knows nothing but the store.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.store import mutes
from adapters.store.closing import acknowledge
from adapters.store.database import Engine
from adapters.store.outbox import QueuedPage
from adapters.store.standing import Standing, standing, undelivered
from adapters.store.step_queue import LONGEST
from domain.errors import Unavailable
from domain.incidents import Kind, Resolution, Severity, State
from domain.inventory import Inventory, Service
from domain.muting import Mute, MuteKind
from domain.pages import PageReason
from tests.parts.desk_part import Desk
from tests.parts.mutes_part import a_silence, a_window

HOUR = 3600
SHOP = Inventory(
    {
        "web": Service("web", "supervisord", "web", dependencies=("db",), owner="team shop"),
        "db": Service("db", "supervisord", "db"),
    }
)


@pytest.fixture
def desk(store: Engine) -> Desk:
    return Desk(store)


@pytest.mark.parametrize("rule", [a_silence(), a_window()], ids=["silence", "maintenance-window"])
def test_what_is_muted_waits_without_an_attempt_and_says_what_mutes_it(desk: Desk, rule: Mute) -> None:
    added = desk.mute(rule)
    desk.incident()
    for _ in range(3):
        assert [] == desk.deliver()
        desk.forward(10)
    (page,) = desk.pages()
    assert ("queued", f"{added.name} by ann until 13:00 UTC: disk swap") == tuple(page.values())[:2]
    assert [] == desk.attempts()
    assert 1 == desk.ledger("page.muted")
    assert [] == desk.told()


@pytest.mark.parametrize("rule", [a_silence(), a_window(), a_window(every="day")])
def test_a_rule_that_ends_while_nobody_delivers_has_ended(desk: Desk, rule: Mute) -> None:
    """Fault 6: after a maintenance window alerts stayed suppressed."""
    desk.mute(rule)
    number = desk.incident()
    desk.deliver()
    desk.forward(HOUR)
    assert [f"sent: {desk.read(number).page_key}"] == desk.deliver()
    (page,) = desk.receiver.pages
    assert page.lines[0].startswith("Held back until now by ")
    assert page.lines[0].endswith("by ann until 13:00 UTC: disk swap")
    assert ["sent"] == desk.states()


def test_a_silence_that_began_and_ended_while_nobody_delivered_leaves_no_trace(desk: Desk) -> None:
    desk.mute(a_silence())
    number = desk.incident()
    desk.forward(HOUR)
    desk.deliver()
    assert [(number, PageReason.UNCOMMON)] == desk.told()
    assert 0 == desk.ledger("page.muted")


def test_a_rule_that_was_expired_lets_its_pages_go(desk: Desk) -> None:
    added = desk.mute(a_silence())
    desk.incident()
    desk.deliver()
    desk.forward(10)
    mutes.expire(desk.engine, added.id, MuteKind.SILENCE, by="bob", now=desk.now)
    desk.deliver()
    assert ["sent"] == desk.states()


def test_a_page_is_looked_at_every_ten_seconds_at_most(desk: Desk) -> None:
    desk.mute(a_silence(), seconds=5)
    desk.incident()
    desk.deliver()
    desk.forward(9)
    assert [] == desk.deliver()
    desk.forward(1)
    assert 1 == len(desk.deliver())


def test_one_rule_after_the_other_is_noted_once_each(desk: Desk) -> None:
    desk.mute(a_silence(comment="first"), seconds=30)
    desk.incident()
    desk.deliver()
    desk.mute(a_silence(comment="second"), seconds=60)
    for _ in range(6):
        desk.forward(10)
        desk.deliver()
    assert 2 == desk.ledger("page.muted")
    (page,) = desk.receiver.pages
    assert "silence 1 by ann until 12:00 UTC: first; silence 2 by ann until 12:01 UTC: second" in page.lines[0]


def test_critical_pages_are_muted_too(desk: Desk) -> None:
    desk.mute(a_silence("owner=team shop"))
    desk.inventory = SHOP
    desk.incident(severity=Severity.CRITICAL, reason=PageReason.CRITICAL)
    assert [] == desk.deliver()
    assert ["queued"] == desk.states()


def test_a_silence_for_one_service_does_not_hide_a_cascade_over_others(desk: Desk) -> None:
    desk.mute(a_silence("service=web"))
    number = desk.incident()
    desk.alert(number, "web", ago=60)
    desk.alert(number, "api", ago=60)
    desk.deliver()
    assert [(number, PageReason.UNCOMMON)] == desk.told()


def test_what_another_incident_relies_on_is_not_hidden(desk: Desk) -> None:
    desk.mute(a_silence("service=web"))
    first = desk.incident()
    joined = desk.incident("api")
    desk.change(joined, page_key=desk.read(first).page_key)
    desk.deliver()
    assert (first, PageReason.UNCOMMON) in desk.told()


@pytest.mark.parametrize("resolution", [Resolution.QUIET, Resolution.ORIGIN, Resolution.VERIFIED, Resolution.HUMAN])
@pytest.mark.parametrize("looked", [True, False], ids=["somebody-looked", "nobody-delivered-meanwhile"])
def test_what_was_over_while_it_was_muted_is_told_to_nobody(desk: Desk, resolution: Resolution, looked: bool) -> None:  # noqa: FBT001 - a table
    desk.mute(a_silence())
    number = desk.incident()
    if looked:
        desk.deliver()
    desk.forward(60)
    desk.close(number, resolution)
    desk.forward(HOUR)
    desk.deliver()
    desk.deliver()
    (page,) = desk.pages()
    assert "suppressed" == page["state"]
    assert page["error"]
    assert [] == desk.told()


def test_that_it_is_over_is_told_even_within_a_silence(desk: Desk) -> None:
    """Fault 6: no resolve was sent for silenced alerts."""
    number = desk.incident()
    desk.deliver()
    desk.mute(a_silence())
    desk.again(number, PageReason.WORSE)
    desk.deliver()
    desk.close(number, Resolution.VERIFIED)
    desk.forward(20)
    desk.deliver()
    assert [(number, PageReason.UNCOMMON), (number, PageReason.RESOLVED)] == desk.told()
    assert ["sent", "suppressed", "sent"] == desk.states()


def test_what_was_acknowledged_while_it_was_muted_does_not_page(desk: Desk) -> None:
    """Fault 2: an acknowledged incident paged months later."""
    desk.mute(a_silence())
    number = desk.incident()
    desk.deliver()
    acknowledge(desk.engine, number, by="ann", now=desk.now)
    desk.forward(HOUR)
    assert [] == desk.deliver()
    assert [] == desk.told()


@pytest.mark.parametrize(("state", "sent"), [(State.WAITING, True), (State.ESCALATED, False)])
def test_a_muted_question_is_asked_afterwards_while_its_plan_waits(desk: Desk, state: State, sent: bool) -> None:  # noqa: FBT001 - a table
    desk.mute(a_silence())
    number = desk.incident(reason=PageReason.APPROVAL, state=State.WAITING)
    desk.deliver()
    desk.change(number, state=state)
    desk.forward(HOUR)
    desk.deliver()
    assert [(number, PageReason.APPROVAL)] * sent == desk.told()
    assert ["sent" if sent else "suppressed"] == desk.states()


def test_muted_pages_are_not_counted_as_undelivered_while_somebody_looks(desk: Desk) -> None:
    desk.mute(a_silence())
    desk.incident(severity=Severity.CRITICAL)
    desk.forward(1_000)
    desk.deliver()
    assert 0 == undelivered(desk.engine, made_before=desk.now, now=desk.now).critical
    desk.forward(120)
    assert 1 == undelivered(desk.engine, made_before=desk.now, now=desk.now).critical


def test_a_page_that_nobody_accepts_after_its_silence_is_undelivered_and_still_says_what_held_it(desk: Desk) -> None:
    desk.mute(a_silence(), seconds=10)
    desk.incident()
    desk.deliver()
    desk.receiver.failure = Unavailable("nobody answers")
    desk.forward(10)
    desk.deliver()
    assert [""] == desk.held()
    assert 1 == undelivered(desk.engine, made_before=desk.now, now=desk.now).pages
    desk.receiver.failure = None
    desk.forward(60)
    desk.deliver()
    (page,) = desk.receiver.pages
    assert page.lines[0].startswith("Held back until now by silence 1")


def test_pages_that_are_held_back_do_not_keep_others_waiting(desk: Desk) -> None:
    desk.mute(a_silence())
    for _ in range(25):
        desk.incident()
    desk.deliver()
    desk.deliver()
    desk.forward(20)
    last = desk.incident("api")
    desk.deliver()
    assert [(last, PageReason.UNCOMMON)] == desk.told()


# --- inhibition --------------------------------------------------------------------------------


@pytest.fixture
def shop(desk: Desk) -> Desk:
    desk.inventory = SHOP
    return desk


def test_an_origin_that_was_told_of_holds_its_symptom_back(shop: Desk) -> None:
    origin = shop.incident("db", template="pool exhausted")
    symptom = shop.incident("web")
    shop.deliver()
    assert [(origin, PageReason.UNCOMMON)] == shop.told()
    assert f"its likely origin, incident {origin} (db: pool exhausted)" == shop.held()[1]
    assert 1 == shop.ledger("page.muted")
    assert State.OPEN is shop.read(symptom).state


def test_an_inhibition_that_ends_while_nobody_delivers_has_ended(shop: Desk) -> None:
    """Fault 7, the other way round: the symptom still fires, and whoever comes back tells of it."""
    origin, symptom = shop.incident("db"), shop.incident("web")
    shop.deliver()
    shop.close(origin, Resolution.HUMAN)
    shop.forward(HOUR)
    shop.deliver()
    assert (symptom, PageReason.UNCOMMON) in shop.told()
    assert shop.receiver.pages[-1].lines[0].startswith(f"Held back until now by its likely origin, incident {origin}")


def test_what_is_held_back_by_its_origin_stays_so_over_a_restart(shop: Desk) -> None:
    """Fault 7: inhibited alerts fired on restart."""
    origin, _ = shop.incident("db"), shop.incident("web")
    for _ in range(5):
        shop.deliver()
        shop.forward(HOUR)
    assert [(origin, PageReason.UNCOMMON)] == shop.told()


def test_a_symptom_that_ended_with_its_origin_is_told_to_nobody(shop: Desk) -> None:
    origin, symptom = shop.incident("db"), shop.incident("web")
    shop.deliver()
    shop.close(origin, Resolution.VERIFIED)
    shop.close(symptom, Resolution.ORIGIN)
    shop.forward(20)
    shop.deliver()
    assert [(origin, PageReason.UNCOMMON), (origin, PageReason.RESOLVED)] == shop.told()
    assert ["sent", "suppressed", "sent"] == shop.states()


def test_an_origin_that_is_being_repaired_holds_its_symptom_back(shop: Desk) -> None:
    origin = shop.incident("db")
    shop.change(origin, state=State.ACTING, page_key="")
    shop.incident("web")
    shop.deliver()
    assert f"its likely origin, incident {origin} (db: it broke)" == shop.held()[1]


def test_an_origin_that_is_silenced_hides_no_symptom(shop: Desk) -> None:
    shop.mute(a_silence("service=db"))
    shop.incident("db")
    symptom = shop.incident("web")
    shop.deliver()
    shop.forward(10)
    shop.deliver()
    assert [(symptom, PageReason.UNCOMMON)] == shop.told()


def test_services_without_a_place_in_the_inventory_hold_nothing_back(desk: Desk) -> None:
    desk.incident("db")
    desk.incident("web")
    desk.deliver()
    assert 2 == len(desk.told())


# --- gathering ---------------------------------------------------------------------------------


def test_a_page_waits_until_nothing_joins_and_names_all_that_did(desk: Desk) -> None:
    number = desk.incident()
    desk.alert(number)
    for service in ("api", "mail"):
        assert [] == desk.deliver()
        desk.forward(5)
        desk.alert(number, service)
    desk.forward(10)
    desk.deliver()
    (page,) = desk.receiver.pages
    assert "3 services: it broke" in page.summary
    assert {"api: same words", "mail: same words"} <= set(page.lines)
    assert [1] == desk.attempts()
    assert 0 == desk.ledger("page.muted")


def test_a_page_names_what_its_incident_is_made_of_in_this_episode(desk: Desk) -> None:
    number = desk.incident(episode=2)
    desk.alert(number, "web", ago=60, episode=2)
    desk.alert(number, "api", ago=60, episode=2)
    desk.alert(number, "old", ago=60, episode=1)
    desk.deliver()
    (page,) = desk.receiver.pages
    assert "2 services: it broke" in page.summary
    assert "api: same words" in page.lines


def test_a_silence_must_match_the_services_of_this_episode_only(desk: Desk) -> None:
    desk.mute(a_silence("service=web"))
    number = desk.incident(episode=2)
    desk.alert(number, "web", ago=60, episode=2)
    desk.alert(number, "old", ago=60, episode=1)
    assert [] == desk.deliver()
    assert ["queued"] == desk.states()


def test_a_page_waits_a_minute_at_most(desk: Desk) -> None:
    number = desk.incident()
    for second in range(12):
        desk.alert(number, f"s{second}")
        assert [] == desk.deliver()
        desk.forward(5)
    assert 1 == len(desk.deliver())


@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        pytest.param({}, True, id="uncommon"),
        pytest.param({"reason": PageReason.OBJECTED}, True, id="objected"),
        pytest.param({"severity": Severity.CRITICAL}, False, id="what-is-critical"),
        pytest.param({"reason": PageReason.APPROVAL}, False, id="what-waits-for-a-person"),
        pytest.param({"reason": PageReason.FAILED}, False, id="failed"),
        pytest.param({"reason": PageReason.INEFFECTIVE}, False, id="ineffective"),
        pytest.param({"reason": PageReason.UNKNOWN}, False, id="unknown"),
        pytest.param({"reason": PageReason.WORSE}, False, id="worse"),
        pytest.param({"kind": Kind.OWN, "service": "sre-agent"}, False, id="about-ourselves"),
    ],
)
def test_only_news_about_what_was_found_waits_for_more(desk: Desk, changes: dict[str, object], waits: bool) -> None:  # noqa: FBT001 - a table
    number = desk.incident(**({"service": "web"} | changes))
    if changes.get("kind") is not Kind.OWN:
        desk.alert(number)
    desk.deliver()
    assert ([] if waits else [number]) == [incident for incident, _ in desk.told()]


def test_what_a_clock_ahead_dated_is_sent_when_it_is_set_back(desk: Desk) -> None:
    number = desk.incident()
    desk.alert(number)
    desk.deliver()
    desk.now -= timedelta(days=1) + LONGEST
    desk.deliver()
    assert [(number, PageReason.UNCOMMON)] == desk.told()


def test_a_store_that_does_not_answer_for_one_page_keeps_no_other_waiting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is claimed with it is delivered; it is looked at again."""
    first, second = desk.incident(), desk.incident("api")

    def standing_of(engine: Engine, queued: QueuedPage) -> Standing:
        if queued.incident.id == first:
            raise Unavailable("lock timeout")
        return standing(engine, queued)

    monkeypatch.setattr("tasks.expanding.standing", standing_of)
    desk.deliver()
    assert [(second, PageReason.UNCOMMON)] == desk.told()


def test_who_tries_again_asks_again_whether_it_is_held_back(desk: Desk) -> None:
    """A silence that is added while nobody took it holds."""
    number = desk.incident()
    desk.receiver.failure = Unavailable("busy")
    desk.deliver()
    added = desk.mute(a_silence())
    desk.receiver.failure = None
    desk.forward(5)
    assert [] == desk.deliver()
    assert [f"{added.name} by ann until 13:00 UTC: disk swap"] == desk.held()
    desk.forward(2 * HOUR)
    desk.deliver()
    assert [(number, PageReason.UNCOMMON)] == desk.told()
