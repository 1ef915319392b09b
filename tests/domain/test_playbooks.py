"""Which playbook fits an incident, and what it would do: the same each time, never out of a log's text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.incidents import Kind
from domain.inventory import Service
from domain.logs import Level
from domain.parameters import Restart, Scale
from domain.plans import ActionKind, Measure, Preconditions, Risk, Undo, Verification
from domain.playbook_flaws import flaws
from domain.playbooks import (
    ActionTemplate,
    Fit,
    LogSample,
    Matches,
    MetricMatch,
    Playbook,
    best_fit,
    bind,
    excerpt,
    fit,
)


@dataclass(frozen=True)
class Seen:
    """What retrieval looks at in an incident."""

    id: int = 7
    service: str = "orders"
    kind: Kind = Kind.LOG
    template: str = "connection pool exhausted after <*>"
    metric: str = ""
    direction: str = ""
    level: int = int(Level.ERROR)


def by_metric(direction: str = "high") -> Seen:
    return Seen(kind=Kind.METRIC, template=f"memory_rss {direction}", metric="memory_rss", direction=direction)


RESTART = ActionTemplate(ActionKind.RESTART, "{service}", Risk.LOW, Undo.NONE, Restart())


def a_playbook(playbook_id: str = "pool", *actions: ActionTemplate, **matches: tuple[object, ...]) -> Playbook:
    given_matches = {"templates": ("pool exhausted",), "metrics": (), "services": ("*",)} | matches
    return Playbook(
        id=playbook_id,
        title="Pool",
        matches=Matches(**given_matches),  # type: ignore[arg-type]
        preconditions=Preconditions(),
        actions=actions or (RESTART,),
        risk=Risk.LOW,
        verification=Verification(Measure.ERROR_RATE, 0.05, timedelta(minutes=1)),
        cool_down=timedelta(minutes=15),
        owner="platform",
        links=(),
        body="# Pool\n",
        path=f"playbooks/{playbook_id}.md",
        samples=(LogSample("pool exhausted"),) * 3,
        near_misses=(LogSample("all is well"),) * 3,
    )


MEMORY = MetricMatch("memory_*", "high")


@pytest.mark.parametrize(
    ("playbook", "seen", "expected"),
    [
        pytest.param(a_playbook(), Seen(), 0.9, id="template"),
        pytest.param(a_playbook(), Seen(template="POOL EXHAUSTED"), 0.9, id="template-in-capitals"),
        pytest.param(a_playbook(), Seen(template="all is well"), None, id="other-template"),
        pytest.param(a_playbook(services=("pay*",)), Seen(), None, id="other-service"),
        pytest.param(a_playbook(services=("pay*", "ord*")), Seen(), 0.9, id="service-glob"),
        pytest.param(a_playbook(templates=(), metrics=(MEMORY,)), by_metric(), 0.9, id="metric"),
        pytest.param(a_playbook(templates=(), metrics=(MEMORY,)), by_metric("low"), None, id="direction"),
        pytest.param(a_playbook(), Seen(level=int(Level.WARN)), None, id="a6-words-at-warn-prove-nothing"),
        pytest.param(a_playbook(), Seen(level=int(Level.WARN), metric="m"), 0.9, id="a6-a-metric-beside-them-does"),
        pytest.param(a_playbook(metrics=(MEMORY,)), replace(by_metric(), kind=Kind.STORM), None, id="a14-storm"),
        pytest.param(
            a_playbook(templates=("memory_rss high",)), by_metric(), None, id="a14-a-metric-s-name-is-no-text"
        ),
        pytest.param(
            a_playbook(templates=(), metrics=(MEMORY,)),
            replace(by_metric(), kind=Kind.LOG),
            None,
            id="a14-a-text-that-looks-like-a-metric-is-none",
        ),
        pytest.param(a_playbook(templates=(), metrics=(MEMORY,)), Seen(), None, id="no-metric"),
        pytest.param(a_playbook(templates=()), Seen(), None, id="matches-nothing-by-itself"),
    ],
)
def test_fit(playbook: Playbook, seen: Seen, expected: float | None) -> None:
    found = fit(playbook, seen)
    assert expected == (found.confidence if found else None)


def test_the_best_fit_wins_and_ties_go_by_id() -> None:
    known = [a_playbook("c"), a_playbook("a", templates=(), metrics=(MEMORY,)), a_playbook("b")]
    found = best_fit(known, Seen(metric="memory_rss", direction="high"))
    assert found is not None
    why = "template matches /pool exhausted/; c fits as well, and comes later by its id"
    assert (found.playbook.id, found.reason) == ("b", why)


@pytest.mark.parametrize(
    ("other", "seen", "expected"),
    [
        pytest.param(
            a_playbook("a", templates=("exhausted",)),
            Seen(),
            ("pool", "it names 14 characters, a 9"),
            id="the longest match wins",
        ),
        pytest.param(
            a_playbook("z", services=("ord*",)),
            Seen(),
            ("z", "pool fits as well, but is for more services"),
            id="of equal matches that for fewer services wins",
        ),
        pytest.param(
            a_playbook("a", templates=(), metrics=(MEMORY,)),
            Seen(),
            ("pool", "template matches /pool exhausted/"),
            id="what does not fit is not spoken of",
        ),
    ],
)
def test_of_two_that_fit_the_more_particular_one_wins_and_the_reason_says_so(
    other: Playbook, seen: Seen, expected: tuple[str, str]
) -> None:
    for known in ([other, a_playbook()], [a_playbook(), other]):
        found = best_fit(known, seen)
        assert found is not None
        assert expected[0] == found.playbook.id
        assert found.reason.endswith(expected[1])


def test_of_two_globs_of_a_metric_the_longer_wins() -> None:
    exact = a_playbook("z", templates=(), metrics=(MetricMatch("memory_rss", "high"),))
    found = best_fit([a_playbook("a", templates=(), metrics=(MEMORY,)), exact], by_metric())
    assert found is not None
    assert ("z", 10) == (found.playbook.id, found.matched)


def test_nothing_fits() -> None:
    assert best_fit([a_playbook(services=("x",))], Seen()) is None


SERVICE = Service("orders", "supervisord", "shop:orders")


def test_bind_fills_in_the_target_of_the_inventory_and_the_whole_playbook() -> None:
    scale = ActionTemplate(ActionKind.SCALE, "{service}", Risk.MEDIUM, Undo.RESTORE, Scale(3))
    book = a_playbook("pool", RESTART, scale)
    plan = bind(book, 7, Fit(book, 0.95, "it matches"), SERVICE)
    assert (plan.preconditions, plan.why, plan.executor) == (book.preconditions, "it matches", "supervisord")
    assert (plan.incident_id, plan.source, plan.confidence, plan.risk) == (7, "playbook:pool", 0.95, Risk.MEDIUM)
    assert [(action.kind, action.target, action.parameters) for action in plan.actions] == [
        (ActionKind.RESTART, "shop:orders", Restart()),
        (ActionKind.SCALE, "shop:orders", Scale(3)),
    ]


def test_a_playbook_without_actions_has_no_plan() -> None:
    with pytest.raises(BadInput, match=r"playbooks/pool\.md"):
        bind(replace(a_playbook(), actions=()), 7, Fit(a_playbook(), 0.95, ""), SERVICE)


@given(st.text(max_size=60), st.integers(0, 80))
def test_an_excerpt_is_never_longer_than_allowed(body: str, limit: int) -> None:
    assert len(excerpt(body, limit)) <= limit


def test_an_excerpt_ends_with_a_line_and_says_that_it_was_cut() -> None:
    assert excerpt("first line\nsecond line\nthird line\n", 30) == "first line\n… (cut)"
    assert excerpt("short", 30) == "short"


def test_a_good_playbook_has_no_flaw() -> None:
    assert flaws(a_playbook()) == []


@pytest.mark.parametrize(
    ("risk", "expected"),
    [
        pytest.param(Risk.LOW, [("actions", 0, "risk")], id="low-risk-is-refused"),
        pytest.param(Risk.MEDIUM, [("actions", 0, "risk")], id="medium-risk-is-refused"),
        pytest.param(Risk.HIGH, [], id="high-risk-is-accepted"),
    ],
)
def test_destroying_without_a_way_back_is_high_risk(risk: Risk, expected: list[tuple[str | int, ...]]) -> None:
    """Fault 17, for kinds that later join the catalogue: restart stands in for a destructive one."""
    playbook = replace(a_playbook("pool", replace(RESTART, risk=risk)), risk=risk)
    found = flaws(playbook, destructive=frozenset({ActionKind.RESTART}))
    assert expected == [flaw.where for flaw in found]


def test_a_verification_that_cannot_fail_is_refused() -> None:
    playbook = replace(a_playbook(), verification=Verification(Measure.ERROR_RATE, 1.0, timedelta(minutes=1)))
    assert [flaw.where for flaw in flaws(playbook)] == [("verification", "at_most")]
