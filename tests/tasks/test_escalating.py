"""From a page to the people behind it, one after the other, until somebody acknowledges."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.store import escalations, responses
from adapters.store.closing import acknowledge, reread
from adapters.store.database import Engine, transaction
from adapters.store.escalations import Phase
from adapters.store.tables.paging import escalations as table
from adapters.store.tables.paging import pages
from domain.contacts import Contact, ContactKind
from domain.errors import BadInput, Refused, Unavailable
from domain.incidents import Resolution, State
from domain.muting import Matcher
from domain.pages import PageKind, PageReason
from domain.people import People, Role
from domain.responses import Response, Verb, Via
from domain.roster import Policy, PolicyStep, Route
from domain.settings import Settings
from tasks.auditing import audit
from tasks.responding import act_on_stored, respond
from tests.parts.desk_part import Desk
from tests.parts.judged_part import rows
from tests.parts.mutes_part import a_silence
from tests.parts.roster_part import ANN_MAIL, MINUTES, OPS, ROSTER, FixedRoster, channel, user

MINUTE, HOUR = 60.0, 3600.0


@pytest.fixture
def desk(store: Engine) -> Desk:
    return Desk(store, rosters=FixedRoster())


def the_escalation(desk: Desk, number: int) -> escalations.Escalation:
    with transaction(desk.engine) as connection:
        found = escalations.read(connection, number)
    assert found is not None
    return found


def say(
    desk: Desk, number: int, verb: Verb, argument: str = "", *, by: str = "ann", people: People | None = None
) -> str:
    answer = Response(number, 0, verb, by, Via.COMMAND, argument)
    return respond(desk.engine, answer, people or People(), now=desk.now, roster=ROSTER)


def paged(desk: Desk, **changes: object) -> int:
    number = desk.incident(**changes)
    desk.deliver()
    return number


# --- who is told, and when ---------------------------------------------------------------------


def test_step_after_step_until_nobody_is_left(desk: Desk) -> None:
    paged(desk)
    assert ["ann", "slack #ops"] == desk.reached()
    walked = []
    for minutes in (5, 10, 5, 10):
        desk.forward(minutes * MINUTE - 1)
        assert [] == desk.fire()
        desk.forward(1)
        desk.fire()
        walked.append(desk.reached())
    assert [["bob"], ["ann", "slack #ops"], ["bob"], ["chief"]] == walked
    assert [{"state": "sent"}] == rows(desk.engine, "SELECT state FROM pages")


def test_a_critical_page_goes_to_every_contact_at_once_and_another_one_to_the_first(desk: Desk) -> None:
    paged(desk, severity=4, reason=PageReason.CRITICAL)
    assert ["ann", "ann", "slack #ops"] == desk.reached()
    paged(desk, service="api")
    assert ["ann", "slack #ops"] == desk.reached()


def test_after_everybody_it_begins_anew_when_the_repeat_interval_is_over(desk: Desk) -> None:
    number = paged(desk)
    for _ in range(4):
        desk.forward(10 * MINUTE)
        desk.fire()
    assert Phase.EXHAUSTED is the_escalation(desk, number).phase
    desk.reached()
    desk.forward(4 * HOUR)
    desk.fire()
    assert ["ann", "slack #ops"] == desk.reached()


def test_who_acknowledges_stops_it_and_the_others_are_told(desk: Desk) -> None:
    number = paged(desk)
    desk.reached()
    acknowledge(desk.engine, number, by="ann", now=desk.now)
    desk.forward(HOUR)
    assert [] == desk.fire()
    assert ["slack #ops"] == desk.reached(), "ann knows"
    assert Phase.ACKNOWLEDGED is the_escalation(desk, number).phase


def test_an_acknowledgement_expires_with_a_reminder(desk: Desk) -> None:
    """Fault 2: what was acknowledged paged months later; what was forgotten never did."""
    number = paged(desk)
    acknowledge(desk.engine, number, by="ann", now=desk.now)
    desk.deliver()
    desk.reached()
    desk.forward(4 * HOUR)
    desk.fire()
    assert [("ann", PageReason.REMINDER)] == [(page.person, page.reason) for page in desk.receiver.pages]
    desk.reached()
    desk.forward(30 * MINUTE)
    desk.fire()
    assert desk.read(number).acked_at is None
    desk.fire()
    assert ["ann", "slack #ops"] == desk.reached()
    assert 1 == desk.ledger("acknowledgement.expired")


def test_a_renewed_acknowledgement_lasts_again(desk: Desk) -> None:
    number = paged(desk)
    acknowledge(desk.engine, number, by="ann", now=desk.now)
    desk.forward(4 * HOUR)
    desk.fire()
    acknowledge(desk.engine, number, by="ann", now=desk.now)
    desk.reached()
    desk.forward(HOUR)
    assert ([], ["slack #ops"]) == (desk.fire(), desk.reached()), "the news that ann has it"


def test_what_is_over_escalates_no_further(desk: Desk) -> None:
    number = paged(desk)
    desk.close(number, Resolution.VERIFIED)
    desk.deliver()
    desk.reached()
    desk.forward(5 * MINUTE)
    assert ["over: it is over"] == desk.fire()
    assert [] == desk.reached()


def test_what_went_quiet_before_anybody_had_it_goes_on_to_the_next_people(desk: Desk) -> None:
    """P2."""
    desk.receiver.failure = Unavailable("busy")
    number = paged(desk, severity=4)
    desk.close(number, Resolution.QUIET)
    desk.forward(5 * MINUTE)
    desk.receiver.failure = None
    desk.fire()
    assert "bob" in desk.reached()


def test_nobody_else_is_asked_about_a_plan_that_has_its_answer(desk: Desk) -> None:
    number = paged(desk, reason=PageReason.APPROVAL, state=State.WAITING)
    desk.reached()
    desk.change(number, state=State.ACTING)
    desk.forward(5 * MINUTE)
    assert ["the plan has its answer and is being carried out"] == desk.fire()
    desk.change(number, state=State.ESCALATED)
    desk.again(number, PageReason.INEFFECTIVE)
    desk.deliver()
    desk.forward(5 * MINUTE - 1)
    desk.fire()
    assert "bob" not in desk.reached(), "whoever allowed it has as long as ever"
    desk.forward(1)
    desk.fire()
    assert "bob" in desk.reached()


def test_the_policy_stays_as_it_was_when_the_first_page_was_expanded(desk: Desk) -> None:
    paged(desk)
    desk.reached()
    other = Policy("default", (PolicyStep((user("chief"),), 60 * MINUTES),))
    desk.rosters = FixedRoster(replace(ROSTER, policies={"default": other}), "roster 2")
    desk.forward(5 * MINUTE)
    desk.fire()
    assert ["bob"] == desk.reached()


def test_who_is_on_call_is_asked_when_a_step_comes(desk: Desk) -> None:
    paged(desk)
    desk.reached()
    desk.forward(15 * MINUTE)
    desk.fire()
    desk.forward(10 * MINUTE)
    desk.rosters = FixedRoster(replace(ROSTER, schedules={}), "roster 2")
    desk.fire()
    assert ["bob", "slack #ops"] == desk.reached()


def test_a_route_chooses_the_policy(desk: Desk) -> None:
    policies = {**ROSTER.policies, "web": Policy("web", (PolicyStep((user("bob"),), MINUTES),))}
    routes = (Route((Matcher("service", "=", "web"),), "web"),)
    desk.rosters = FixedRoster(replace(ROSTER, policies=policies, routes=routes))
    paged(desk, service="web")
    assert ["bob"] == desk.reached()
    paged(desk, service="api")
    assert ["ann", "slack #ops"] == desk.reached()


def test_a_further_page_goes_to_everybody_who_was_told_and_restarts_nothing(desk: Desk) -> None:
    number = paged(desk)
    desk.forward(5 * MINUTE)
    desk.fire()
    due = the_escalation(desk, number).due_at
    desk.reached()
    desk.again(number, PageReason.FAILED)
    desk.deliver()
    assert ["ann", "bob", "slack #ops"] == sorted(desk.reached())
    assert due == the_escalation(desk, number).due_at


def test_what_gets_critical_begins_its_policy_anew(desk: Desk) -> None:
    number = paged(desk)
    desk.forward(5 * MINUTE)
    desk.fire()
    desk.reached()
    desk.change(number, severity=4)
    desk.again(number, PageReason.CRITICAL)
    desk.deliver()
    assert {"ann", "bob", "slack #ops"} == set(desk.reached())
    assert desk.now + timedelta(minutes=5) == the_escalation(desk, number).due_at


def test_a_silence_holds_the_next_step_back(desk: Desk) -> None:
    paged(desk)
    desk.reached()
    desk.mute(a_silence(), seconds=600)
    desk.forward(5 * MINUTE)
    assert desk.fire()[0].startswith("held back by silence")
    assert [] == desk.reached()
    desk.forward(10 * MINUTE)
    desk.fire()
    assert ["bob"] == desk.reached()


def test_a_page_for_which_nobody_can_be_found_waits_and_is_a_condition(desk: Desk) -> None:
    desk.rosters = FixedRoster(replace(ROSTER, schedules={}, policies={"x": Policy("x", ())}))
    desk.incident(severity=4)
    (said,) = desk.deliver()
    assert said.startswith("not accepted: nobody can be reached")
    assert ["queued"] == desk.states()
    assert [{"part": "paging"}] == rows(desk.engine, "SELECT part FROM conditions WHERE NOT healthy")
    desk.forward(20 * MINUTE)
    desk.deliver()
    assert ["a critical page reaches nobody"] == [
        row["template"] for row in rows(desk.engine, "SELECT template FROM incidents WHERE kind = 'own'")
    ]
    desk.rosters = FixedRoster()
    desk.forward(30)
    desk.deliver()
    assert "ann" in desk.reached()


def test_the_ledger_says_to_whom_a_page_went_and_why(desk: Desk) -> None:
    paged(desk)
    (row,) = rows(desk.engine, "SELECT fields FROM ledger WHERE kind = 'page.expanded'")
    assert "ann by email ann@example.org (on call by schedule primary)" in str(row["fields"])


def test_the_first_page_is_a_trigger_and_what_follows_is_not(desk: Desk) -> None:
    number = paged(desk)
    desk.again(number, PageReason.FAILED)
    desk.deliver()
    acknowledge(desk.engine, number, by="bob", now=desk.now)
    desk.deliver()
    desk.close(number, Resolution.VERIFIED)
    desk.deliver()
    kinds = list(dict.fromkeys(page.kind for page in desk.receiver.pages))
    assert [PageKind.TRIGGER, PageKind.UPDATE, PageKind.ACKNOWLEDGE, PageKind.RESOLVE] == kinds
    assert 1 == len({page.thread for page in desk.receiver.pages})


# --- what people answer ------------------------------------------------------------------------


def test_escalate_now_tells_the_next_ones_at_once(desk: Desk) -> None:
    number = paged(desk)
    desk.reached()
    assert "comes now" in say(desk, number, Verb.ESCALATE)
    desk.fire()
    assert ["bob"] == desk.reached()


def test_reassigned_goes_to_whom_it_was_given_and_then_by_the_policy(desk: Desk) -> None:
    number = paged(desk)
    acknowledge(desk.engine, number, by="ann", now=desk.now)
    desk.deliver()
    desk.reached()
    assert f"incident {number} goes to user chief" == say(desk, number, Verb.REASSIGN, "user chief")
    desk.fire()
    assert ["chief"] == desk.reached()
    desk.forward(10 * MINUTE)
    desk.fire()
    assert ["ann", "slack #ops"] == desk.reached()


def test_reassigned_again_asks_nobody_whom_it_was_given_before(desk: Desk) -> None:
    number = paged(desk)
    say(desk, number, Verb.REASSIGN, "user chief")
    say(desk, number, Verb.REASSIGN, "user bob")
    kept = the_escalation(desk, number).progress.policy.steps
    assert ["user bob", "schedule primary"] == [str(step.notify[0]) for step in kept[:2]]


NOBODY = [
    pytest.param("user nobody", "no user 'nobody'; the nearest is bob", id="user"),
    pytest.param("bobby", "no user 'bobby'; the nearest is bob", id="name alone"),
    pytest.param("team nope", "no team 'nope'; the nearest is web", id="team"),
    pytest.param("team ann", "no team 'ann'", id="a user is no team"),
    pytest.param("schedule secondary", "no schedule 'secondary'; the nearest is primary", id="schedule"),
]


@pytest.mark.parametrize(("target", "says"), NOBODY)
def test_given_to_nobody_it_stays_with_whoever_has_it(desk: Desk, target: str, says: str) -> None:
    """It burned the policy: the next step came as if somebody had been asked."""
    number = paged(desk)
    before = the_escalation(desk, number)
    with pytest.raises(BadInput, match=says):
        say(desk, number, Verb.REASSIGN, target)
    assert before == the_escalation(desk, number)


def test_a_stored_answer_that_gives_it_to_nobody_is_refused_in_words(desk: Desk) -> None:
    number = paged(desk)
    before = the_escalation(desk, number)
    stored = Response(number, 1, Verb.REASSIGN, "ann", Via.LINK, "user nobody", "n1")
    assert responses.insert(desk.engine, stored, now=desk.now)
    assert 1 == act_on_stored(desk.engine, People(), now=desk.now, roster=ROSTER)
    (answered,) = responses.of_nonce(desk.engine, "n1")
    assert "refused: no user 'nobody'; the nearest is bob" == answered.outcome
    assert before == the_escalation(desk, number)


def test_without_a_roster_it_goes_to_whomever_is_named(desk: Desk) -> None:
    number = paged(desk)
    answer = Response(number, 0, Verb.REASSIGN, "ann", Via.COMMAND, "user nobody")
    assert f"incident {number} goes to user nobody" == respond(desk.engine, answer, People(), now=desk.now)


def test_what_keeps_alerts_of_its_own_is_never_merged(desk: Desk) -> None:
    """A page that came with another one never opened its alert at PagerDuty, and its end closed nothing."""
    quiet_desk(desk, receiver_per_minute=1)
    duty = Contact(ContactKind.PAGERDUTY, "default")
    policy = Policy("default", (PolicyStep((channel(duty),), MINUTES),))
    desk.rosters = FixedRoster(replace(ROSTER, policies={"default": policy}))
    for number in range(3):
        desk.incident(service=f"s{number}")
    desk.deliver()
    assert 3 == len(desk.receiver.pages)


def test_snoozed_tells_nobody_until_then(desk: Desk) -> None:
    number = paged(desk)
    say(desk, number, Verb.SNOOZE, "3600")
    desk.deliver()
    desk.reached()
    desk.forward(HOUR - 1)
    assert [] == desk.fire()
    desk.forward(1)
    desk.fire()
    desk.fire()
    assert ["ann", "slack #ops"] == desk.reached()


def test_a_comment_goes_to_those_who_were_told(desk: Desk) -> None:
    number = paged(desk)
    desk.reached()
    say(desk, number, Verb.COMMENT, "the disk\nis being swapped", by="bob")
    desk.deliver()
    assert ["ann", "slack #ops"] == desk.reached()
    assert 1 == desk.ledger("incident.commented")


def test_a_comment_that_comes_after_the_end_opens_nothing_elsewhere_again(desk: Desk) -> None:
    """PagerDuty would take it for a further incident, and Alertmanager for an alert that fires again."""
    number = paged(desk, severity=2)
    desk.reached()
    say(desk, number, Verb.COMMENT, "the disk is being swapped")
    desk.change(number, severity=4)  # what is worse is sent first
    desk.close(number)
    for _ in range(2):
        desk.deliver()
        desk.forward(HOUR)
    slack = [(page.reason, page.kind) for page in desk.receiver.pages if page.to == OPS]
    assert [(PageReason.RESOLVED, PageKind.RESOLVE), (PageReason.COMMENTED, PageKind.RESOLVE)] == slack


def test_resolved_by_an_answer_is_resolved_by_a_person(desk: Desk) -> None:
    number = paged(desk)
    say(desk, number, Verb.RESOLVE)
    assert (State.RESOLVED, Resolution.HUMAN) == (desk.read(number).state, desk.read(number).resolution)


@pytest.mark.parametrize(
    ("verb", "argument", "says"),
    [
        pytest.param(Verb.SNOOZE, "soon", "no number of seconds", id="a snooze without a number"),
        pytest.param(Verb.SNOOZE, "99999999", "seven days at most", id="a snooze for years"),
        pytest.param(Verb.SNOOZE, "nan", "no number of seconds", id="a snooze that is no number"),
        pytest.param(Verb.REASSIGN, "planet x", "names nobody", id="given to no kind of person"),
        pytest.param(Verb.COMMENT, "  ", "says something", id="an empty comment"),
    ],
)
def test_what_cannot_be_meant_is_said_so(desk: Desk, verb: Verb, argument: str, says: str) -> None:
    number = paged(desk)
    with pytest.raises(BadInput, match=says):
        say(desk, number, verb, argument)


def test_who_may_not_changes_nothing(desk: Desk) -> None:
    number = paged(desk)
    people = People({"eve": Role.VIEWER})
    with pytest.raises(Refused, match="eve is viewer"):
        say(desk, number, Verb.ACKNOWLEDGE, by="eve", people=people)
    assert desk.read(number).acked_at is None


def test_an_answer_to_an_earlier_time_of_the_incident_changes_nothing(desk: Desk) -> None:
    number = paged(desk)
    desk.change(number, episode=2)
    answer = Response(number, 1, Verb.ACKNOWLEDGE, "ann", Via.LINK)
    with pytest.raises(Refused, match="came back since"):
        respond(desk.engine, answer, People(), now=desk.now)
    assert desk.read(number).acked_at is None


@pytest.mark.parametrize("verb", [Verb.SNOOZE, Verb.ESCALATE, Verb.REASSIGN])
def test_what_nobody_was_paged_for_cannot_be_passed_on(desk: Desk, verb: Verb) -> None:
    number = desk.incident()
    with pytest.raises(Refused, match="nobody was paged"):
        say(desk, number, verb, {Verb.SNOOZE: "3600"}.get(verb, "user bob"))
    found = reread(desk.engine, number)
    assert found is not None
    assert found.acked_at is None


# --- the auditor -------------------------------------------------------------------------------


def test_all_in_order_is_a_sign_of_life(desk: Desk) -> None:
    class Pulse:
        beats = 0

        def beat(self, _at: object) -> None:
            self.beats += 1

    number, pulse = paged(desk), Pulse()
    assert [] == audit(desk.pager, pulse)
    acknowledge(desk.engine, number, by="ann", now=desk.now)
    desk.deliver()
    desk.forward(HOUR)
    assert [] == audit(desk.pager, pulse)
    assert 2 == pulse.beats


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(table.delete(), id="its row is gone"),
        pytest.param(table.update().values(due_at=None, state="running"), id="its timer is gone"),
        pytest.param(table.update().values(state="over", due_at=None), id="it was ended while it is open"),
    ],
)
def test_what_has_no_next_step_is_given_one_and_told_of(desk: Desk, harm: object) -> None:
    """Fault 2: an escalation was lost over a restart; 5.5 hours without a page."""
    number = paged(desk)
    with transaction(desk.engine) as connection:
        connection.execute(harm)  # type: ignore[call-overload]
    desk.reached()
    desk.forward(HOUR)
    assert [number] == [one.incident_id for one in audit(desk.pager, None)]
    desk.fire()
    assert "ann" in desk.reached()
    assert 1 == desk.ledger("escalation.mended")
    desk.deliver()
    assert [] == audit(desk.pager, None)


def test_a_timer_that_nobody_took_is_overdue(desk: Desk) -> None:
    number = paged(desk)
    desk.forward(HOUR)
    assert [number] == [one.incident_id for one in audit(desk.pager, None)]


def test_a_page_that_was_never_looked_at_is_overdue(desk: Desk) -> None:
    number = desk.incident()
    desk.forward(HOUR)
    assert [number] == [one.incident_id for one in audit(desk.pager, None)]
    assert rows(desk.engine, "SELECT 1 FROM pages WHERE state = 'queued'")


def test_an_incident_about_paging_pages_nobody(desk: Desk) -> None:
    desk.receiver.failure = Unavailable("busy")
    paged(desk, severity=4)
    with transaction(desk.engine) as connection:
        connection.execute(pages.update().values(created_at=desk.now - timedelta(minutes=16)))
    desk.forward(MINUTE)
    desk.deliver()
    own = rows(desk.engine, "SELECT id, template FROM incidents WHERE kind = 'own'")
    assert ["a critical page reaches nobody"] == [row["template"] for row in own]
    assert [] == rows(desk.engine, f"SELECT 1 FROM pages WHERE incident_id = {own[0]['id']}")


# --- what people can read ----------------------------------------------------------------------


def duty_desk(desk: Desk) -> None:
    """Everybody is told by a channel that keeps alerts of its own, and by mail."""
    duty = Contact(ContactKind.PAGERDUTY, "default")
    policy = Policy("default", (PolicyStep((channel(duty), channel(ANN_MAIL)), MINUTES),))
    desk.rosters = FixedRoster(replace(ROSTER, policies={"default": policy}))


def test_the_alert_of_an_earlier_time_ends_although_the_incident_came_back(desk: Desk) -> None:
    """Its key names the episode: nothing that comes later would close it."""
    duty_desk(desk)
    number = paged(desk)
    desk.close(number, Resolution.VERIFIED)
    desk.change(number, state="reopened", resolution=None, resolved_at=None, episode=2, page_key="")
    desk.reached()
    desk.deliver()
    assert [("pagerduty default", PageKind.RESOLVE, 1)] == [
        (str(page.to), page.kind, page.episode) for page in desk.receiver.pages
    ]


def test_an_alert_that_opens_after_all_was_over_ends_too(desk: Desk) -> None:
    """P2: the page of what went quiet goes out, and nobody would ever end it."""
    duty_desk(desk)
    desk.receiver.failure = Unavailable("busy")
    number = paged(desk, severity=4)
    desk.close(number, Resolution.QUIET)
    desk.receiver.failure = None
    for _ in range(2):
        desk.forward(61)
        desk.deliver()
    told = [(str(page.to), page.kind) for page in desk.receiver.pages]
    assert ("pagerduty default", PageKind.RESOLVE) == [one for one in told if one[0] == "pagerduty default"][-1]
    assert ("email ann@example.org", PageKind.RESOLVE) not in told


def quiet_desk(desk: Desk, **paging: object) -> None:
    desk.settings = Settings.model_validate({"paging": paging})


def test_over_the_rate_of_a_receiver_pages_come_as_one_and_none_is_dropped(desk: Desk) -> None:
    quiet_desk(desk, receiver_per_minute=2)
    numbers = [desk.incident(service=f"s{number}") for number in range(5)]
    desk.deliver()
    assert [2, 2] == [sum(str(page.to) == to for page in desk.receiver.pages) for to in (str(ANN_MAIL), str(OPS))]
    desk.forward(61)
    desk.deliver()
    last = [page for page in desk.receiver.pages if page.to == OPS][-1]
    assert 2 == len(last.also)
    assert {"sent"} == set(desk.states())
    assert len(numbers) == 2 + 1 + len(last.also)


def test_over_the_budget_of_a_shift_pages_wait_and_critical_ones_do_not(desk: Desk) -> None:
    quiet_desk(desk, shift_budget=2)
    for number in range(4):
        desk.forward(61)
        paged(desk, service=f"s{number}")
    paged(desk, service="db", severity=4, reason=PageReason.CRITICAL)
    to_ops = [page for page in desk.receiver.pages if page.to == OPS]
    assert ["s0", "s1", "db"] == [page.service for page in to_ops]
    desk.forward(2 * HOUR)
    desk.deliver()
    assert 1 == len([page for page in desk.receiver.pages if page.to == OPS][-1].also)
    assert {"sent"} == set(desk.states())


def test_what_is_merged_and_not_accepted_is_not_lost(desk: Desk) -> None:
    quiet_desk(desk, receiver_per_minute=1)
    for number in range(3):
        desk.incident(service=f"s{number}")
    desk.deliver()
    desk.forward(61)
    desk.receiver.failure = Unavailable("busy")
    desk.deliver()
    desk.receiver.failure = None
    for _ in range(3):
        desk.forward(61)
        desk.deliver()
    assert {"sent"} == set(desk.states())


def test_a_comment_that_is_too_long_is_told_to_nobody(desk: Desk) -> None:
    number = paged(desk)
    with pytest.raises(BadInput, match="the comment has 1,001 characters, at most 1,000"):
        say(desk, number, Verb.COMMENT, "x" * 1_001)
    assert f"comment on incident {number} kept" == say(desk, number, Verb.COMMENT, "x" * 1_000)
