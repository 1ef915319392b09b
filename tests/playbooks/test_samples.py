"""Every playbook's samples open its incident and choose it, its near misses do not, and its plan can be made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.parts_file import PROJECT
from domain.errors import BadInput
from domain.execution import Order
from domain.incidents import State
from domain.inventory import Service
from domain.logs import Level
from domain.plans import ActionKind
from domain.playbook_overlaps import Choice
from domain.playbooks import LogSample, Playbook, best_fit, bind
from tests.contracts.fakes import RecordingExecutor
from tests.playbooks.samples_part import alerts, chosen, incidents, knowledge, known, logs_of

EVERY = known()
ACTING = [book for book in EVERY if book.actions]
SERVICE = Service("web", "supervisord", "web")


def cases(key: str) -> list[object]:
    """Each sample, or near miss, of each playbook."""
    found = [(book, number, sample) for book in EVERY for number, sample in enumerate(getattr(book, key))]
    return [pytest.param(book, sample, id=f"{book.id} {key} {number}") for book, number, sample in found]


@pytest.mark.parametrize(("book", "sample"), cases("samples"))
def test_a_sample_opens_an_incident_that_chooses_its_playbook(book: Playbook, sample: LogSample) -> None:
    logs = logs_of(sample)
    (incident,) = incidents(logs)
    assert State.OPEN == incident.state
    assert incident.confirmed_at is not None
    assert [book.id] == chosen(logs)
    assert book.id == incident.playbook


@pytest.mark.parametrize(("book", "sample"), cases("near_misses"))
def test_a_near_miss_does_not_choose_the_playbook(book: Playbook, sample: LogSample) -> None:
    assert book.id not in chosen(logs_of(sample))


@pytest.mark.parametrize(("book", "sample"), cases("samples"))
def test_the_check_chooses_as_the_live_path_does(book: Playbook, sample: LogSample) -> None:
    (alert,) = alerts(logs_of(sample))
    found = best_fit(EVERY, alert)
    assert found is not None
    assert book.id == found.playbook.id == Choice(EVERY).fitting(sample)[0].playbook.id


@pytest.mark.parametrize("book", EVERY, ids=lambda book: book.id)
def test_a_playbook_s_words_below_error_with_nothing_abnormal_beside_them_choose_nothing(book: Playbook) -> None:
    """Anybody may write words."""
    samples = [replace(sample, level=Level.WARN) for sample in book.samples if not sample.metric]
    assert {""} >= set(chosen(log for sample in samples for log in logs_of(sample)))


class PreviewingExecutor(RecordingExecutor):
    """The fake, for every kind of action: those that it cannot carry out it still previews."""

    kinds = frozenset(ActionKind)

    def preview(self, order: Order) -> str:
        self._existing(order.target)
        return f"would {order.action.told}"


@pytest.mark.parametrize("book", ACTING, ids=lambda book: book.id)
def test_its_plan_binds_to_the_inventory_and_passes_a_dry_run(book: Playbook) -> None:
    (alert,) = alerts(logs_of(book.samples[0]))
    found = best_fit(EVERY, alert)
    assert found is not None
    plan = bind(book, alert.id, found, SERVICE)
    executor = PreviewingExecutor({"web": 3})
    orders = [Order(action=action, key=f"1:{number}") for number, action in enumerate(plan.actions)]
    assert [f"would {action.told}" for action in plan.actions] == [executor.preview(order) for order in orders]
    assert {"web"} == {action.target for action in plan.actions}
    assert [] == executor.calls


@pytest.mark.parametrize("book", [book for book in EVERY if not book.actions], ids=lambda book: book.id)
def test_one_for_people_says_why_and_has_no_plan(book: Playbook) -> None:
    (alert, *_) = alerts(logs_of(book.samples[0]))
    found = best_fit(EVERY, alert)
    assert found is not None
    assert book.for_people.endswith(".")
    with pytest.raises(BadInput, match="has no plan"):
        bind(book, alert.id, found, SERVICE)


def test_there_are_at_least_thirty_and_none_names_a_service_of_the_shop() -> None:
    assert 30 <= len(EVERY)
    assert {("*",)} == {book.matches.services for book in EVERY}
    assert PROJECT / "playbooks" == PROJECT / knowledge().settings.playbooks.path


def test_what_the_agent_does_by_itself_is_of_low_risk_or_asks_a_person() -> None:
    """At the default `mitigation.max_risk` only restarts and sharper watches run unattended."""
    unattended = {action.kind for book in ACTING if book.risk.name == "LOW" for action in book.actions}
    assert {ActionKind.RESTART, ActionKind.MONITOR} == unattended
