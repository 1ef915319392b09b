"""What a demonstration says of itself, when it fails too, and what it begins with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from adapters.store import answers
from adapters.store.database import Engine, transaction
from adapters.store.tables.paging import pages
from console.demo_addresses import closing_lines
from console.demo_cascade import Cascade, cascade_document, unmet
from console.demo_story import Story
from console.demo_summary import why_not
from console.demo_third_act import is_asked, is_carried_out, is_given_up
from console.demo_view import View, told
from deployments.shop.control import CASCADE
from domain.actions import Approval
from domain.ledger import LedgerKind
from domain.plan_documents import digest
from domain.plans import Risk
from tests.contracts.fakes import RecordingExecutor
from tests.parts.answering_part import BUSY, World, acting, inventory, risky


def an_incident(**changes: object) -> dict[str, Any]:
    found = {"id": 4, "template": "pool_in_use high", "state": "open", "objections": [], "actions": [], "ledger": []}
    return found | changes


@pytest.mark.parametrize(
    ("incidents", "expected"),
    [
        ([], "no incident of web was opened since the fault"),
        (
            [an_incident(state="escalated", objections=["the target was acted on lately"])],
            "incident 4 (pool_in_use high) is escalated; not carried out: the target was acted on lately",
        ),
        (
            [
                an_incident(
                    state="escalated",
                    actions=[
                        {"kind": "restart", "target": "web", "state": "done", "outcome": "ineffective", "error": None}
                    ],
                )
            ],
            "incident 4 (pool_in_use high) is escalated; restart web: ineffective",
        ),
        (
            [an_incident(ledger=[{"kind": LedgerKind.CONFIRMED, "fields": {"logs": 3}}])],
            "incident 4 (pool_in_use high) is open; last of all: confirmed by 3 anomalous logs",
        ),
    ],
)
def test_the_end_of_a_failing_demonstration_names_the_cause(incidents: list[dict[str, Any]], expected: str) -> None:
    """N2: the second within 15 minutes failed, and its last message did not say that the target was acted on lately."""
    assert expected == why_not("web", incidents)


def test_each_demonstration_begins_with_an_empty_home(tmp_path: Path) -> None:
    """N2: the budgets of an earlier one told in the next."""
    story = Story(tmp_path, normal_seconds=20, debug=False)
    (story.home / "mails").mkdir(parents=True)
    (tmp_path / "kept").touch()
    story.begin_anew()
    assert not story.home.exists()
    assert (tmp_path / "kept").exists()
    assert tmp_path in story.home.parents


def test_n7_a_decision_is_a_line_in_words() -> None:
    entry = {
        "at": datetime(2026, 1, 5, 13, 22, 42, tzinfo=UTC),
        "incident_id": 3,
        "kind": LedgerKind.PAGE_QUEUED,
        "fields": {"reason": "critical", "late": False, "key": "0" * 40},
    }
    assert "13:22:42 incident 3: page queued: critical" == told(entry)


def test_a_page_is_quoted_line_by_line_free_of_what_would_steer_a_terminal(store: Engine) -> None:
    """Fault 11: what a program printed into its log stands in pages."""
    written = StringIO()
    View(store, Console(file=written, width=100)).quote(["Plan: scale payments", "Evidence: \x1b[2J[bold]now[/bold]"])
    expected = ["  | Plan: scale payments", "  | Evidence: \N{REPLACEMENT CHARACTER}[2J[bold]now[/bold]"]
    assert expected == written.getvalue().splitlines()


# --- the cascade, told from what is stored ------------------------------------------------------------


@pytest.fixture
def world(store: Engine) -> World:
    """An agent that must ask before it starts more workers of `payments`."""
    books = acting(playbooks=risky(Risk.MEDIUM, "overload"), services=inventory("payments"))
    return World(store, knowledge=books, executor=RecordingExecutor({"payments": 4}))


def asked(world: World) -> int:
    """An overload of `payments` for which a person is asked."""
    number = world.fault(BUSY, service="payments")
    assert ["plan", "begin"] == world.run()
    return number


def allowed(world: World, number: int) -> None:
    plan = world.answer(number).plan
    assert plan is not None
    world.forward(3)
    with transaction(world.engine) as connection:
        answers.allow(connection, number, digest(plan), Approval(True, "ann", world.now, role="approver"))
    world.run()


def given_up(world: World, number: int) -> None:
    """The action was carried out, did not help, and was taken back."""
    world.forward(20)
    world.traffic(30, service="payments", level="ERROR", message=BUSY)
    world.forward(45)
    assert ["verify", "undo", "escalate"] == world.run()


def an_alert(service: str, role: str, relation: str, **changes: Any) -> dict[str, Any]:
    alert = {"service": service, "role": role, "relation": relation, "template": "it failed", "logs": 3, "episode": 1}
    return alert | changes


ALERTS = [
    an_alert("payments", "cause", "it came first"),
    an_alert("orders", "effect", "names payments"),
    an_alert("gateway", "effect", "names orders"),
    an_alert("orders", "effect", "names payments", template="another text"),
    an_alert("inventory", "effect", "of an earlier episode", episode=0),
]


def delivered(world: World, number: int) -> list[dict[str, Any]]:
    """The pages of the incident, each with the file of its mail."""
    return [{"incident": number, "reason": reason, "mail_file": f"{reason}.eml"} for reason in world.pages()]


def document(world: World, number: int, others: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """What the summary tells of the incident, all alerts included."""
    found = world.stored(number) | {"alerts": ALERTS}
    cascade = Cascade(CASCADE, found["stored_at"], world.now, number, (1, 3, 1))
    return cascade_document(cascade, [found, *others], delivered(world, number))


def test_the_cascade_is_told_with_origin_word_action_and_pages(world: World) -> None:
    number = asked(world)
    allowed(world, number)
    given_up(world, number)
    told_of = document(world, number)
    assert ("payments", ["orders", "gateway"]) == (told_of["likely_origin"], told_of["who_suffers"])
    assert ["payments", "orders", "gateway", "orders"] == [row["service"] for row in told_of["alerts"]]
    assert ("ann", timedelta(seconds=3)) == (
        told_of["approval"]["allowed_by"],
        told_of["approval"]["allowed_at"] - told_of["approval"]["asked_at"],
    )
    assert {
        "action": "scale payments",
        "outcome": "ineffective",
        "taken_back": True,
        "workers_before": 1,
        "workers_with_it": 3,
        "workers_after": 1,
    } == told_of["action"]
    assert {"approval", "ineffective"} == set(told_of["mails"])
    assert [] == unmet(told_of)


def test_a_cascade_whose_plan_nobody_allowed_is_told_without_an_action(world: World) -> None:
    told_of = document(world, asked(world))
    assert (None, {}) == (told_of["approval"]["allowed_by"], told_of["action"])
    assert [
        "a person allowed the plan",
        "the action did not help",
        "it was taken back",
        "one process, three, and one again",
        "a person was paged that it did not help",
    ] == unmet(told_of)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"likely_origin": "gateway"}, "its likely origin is the service that was slow", id="other origin"),
        pytest.param({"who_suffers": ["orders"]}, "those who suffer are named", id="gateway is not named"),
        pytest.param({"further_incidents": [9]}, "it is one incident", id="a symptom has an incident of its own"),
        pytest.param({"mails": {"ineffective": "a.eml"}}, "a person was asked by a page", id="asked without a mail"),
        pytest.param(
            {"mails": {"approval": "a.eml", "ineffective": ""}},
            "a person was paged that it did not help",
            id="a page that no mail server has",
        ),
    ],
)
def test_each_claim_of_the_cascade_is_checked(world: World, change: dict[str, Any], expected: str) -> None:
    number = asked(world)
    allowed(world, number)
    given_up(world, number)
    assert [expected] == unmet(document(world, number) | change)


@pytest.mark.parametrize(
    ("beside", "expected"),
    [
        pytest.param({}, [7], id="an incident of the time of the fault"),
        pytest.param({"kind": "own"}, [], id="the agent's own trouble is none"),
        pytest.param({"confirmed_at": None}, [], id="nothing confirmed it and nobody is told"),
        pytest.param({"service": "inventory"}, [], id="the faulty service has nothing to do with it"),
        pytest.param({"stored_at": datetime(2026, 1, 1, tzinfo=UTC)}, [], id="it was there before"),
        pytest.param({"stored_at": datetime(2027, 1, 1, tzinfo=UTC)}, [], id="it came when the fault was over"),
    ],
)
def test_what_was_opened_beside_the_cascade_is_counted(
    world: World, beside: dict[str, Any], expected: list[int]
) -> None:
    number = asked(world)
    seen = world.stored(number)["stored_at"]
    other = {"id": 7, "kind": "log", "service": "orders", "stored_at": seen, "confirmed_at": seen} | beside
    assert expected == document(world, number, others=[other])["further_incidents"]


def test_the_last_act_knows_how_far_the_answer_is(world: World) -> None:
    """Each question is about rows, and holds only after what the one before it holds for."""
    number = asked(world)

    def known() -> list[bool]:
        found = world.stored(number)
        return [question(found) for question in (is_asked, is_carried_out, is_given_up)]

    assert [False, False, False] == known()  # the page was not accepted yet
    accept(world)
    assert [True, False, False] == known()
    allowed(world, number)
    assert [False, True, False] == known()
    given_up(world, number)
    assert [False, True, False] == known()
    accept(world)
    assert [False, True, True] == known()


def accept(world: World) -> None:
    """A mail server accepts every page that waits."""
    with transaction(world.engine) as connection:
        connection.execute(pages.update().values(state="sent"))


@pytest.mark.parametrize(
    ("addresses", "kept", "expected"),
    [
        pytest.param({"pages": "http://p/incidents"}, None, "pages: http://p/incidents (stops now", id="it stops"),
        pytest.param(
            {"pages": "http://p/incidents", "mlflow": "http://m"},
            Path("home"),
            "what just happened, in a browser: http://p/incidents",
            id="it goes on",
        ),
        pytest.param({"mlflow": "http://m"}, Path("home"), "look around: SRE_HOME=home", id="it has no pages"),
    ],
)
def test_it_ends_with_where_to_look(addresses: dict[str, str], kept: Path | None, expected: str) -> None:
    assert closing_lines(addresses, kept)[-1].startswith(expected)
