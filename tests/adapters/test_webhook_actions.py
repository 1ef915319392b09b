"""The webhook executor, against a real HTTP server."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

import pytest

from adapters.executing import Given
from adapters.store.database import connect
from adapters.webhook_actions import WebhookExecutor
from domain.errors import Refused, SreError, Unavailable
from domain.execution import Progress, how_far
from domain.parameters import CallWebhook
from domain.plans import ActionKind
from domain.settings import MitigationSettings, Settings
from domain.settings_acting import WebhookSettings
from tests.contracts.executors_part import Receiver, order, receiving, said

TELL = order(ActionKind.CALL_WEBHOOK, "shop:web", CallWebhook("tell"))


@pytest.fixture
def world(sqlite_url: str) -> Iterator[tuple[Receiver, WebhookExecutor]]:
    with receiving() as (receiver, address):
        yield receiver, executor(address, sqlite_url)


def executor(address: str, url: str) -> WebhookExecutor:
    listed = {"tell": WebhookSettings(url=address, secret="s3cret")}
    return WebhookExecutor(Given(Settings(mitigation=MitigationSettings(webhooks=listed)), connect(url)))


def test_the_receiver_learns_what_is_asked_and_can_check_who_asks(world: tuple[Receiver, WebhookExecutor]) -> None:
    receiver, it = world
    it.carry_out(TELL)
    (body,), (headers,) = receiver.bodies, receiver.headers
    assert {"webhook": "tell", "service": "web", "target": "shop:web", "key": "one"} == said(body)
    expected = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert (f"sha256={expected}", "one") == (headers["X-SRE-Signature"], headers["Idempotency-Key"])


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, Unavailable), (503, Unavailable), (429, Unavailable), (400, Refused), (404, Refused), (302, Refused)],
)
def test_what_the_receiver_answers_decides_whether_another_try_may_help(
    world: tuple[Receiver, WebhookExecutor], status: int, error: type[SreError]
) -> None:
    receiver, it = world
    receiver.answers = [status]
    before = it.observe(TELL)
    with pytest.raises(error, match=f"webhook tell: HTTP status {status}"):
        it.carry_out(TELL)
    assert Progress.DONE != how_far(TELL.action, before, it.observe(TELL))


def test_fault_8_a_try_that_comes_again_has_the_same_key(world: tuple[Receiver, WebhookExecutor]) -> None:
    receiver, it = world
    receiver.answers = [500]
    with pytest.raises(Unavailable):
        it.carry_out(TELL)
    it.carry_out(TELL)
    assert {"one"} == receiver.keys
    assert ["one", "one"] == [headers["Idempotency-Key"] for headers in receiver.headers]


def test_a_receiver_that_is_not_there_is_told_without_its_address(sqlite_url: str) -> None:
    with pytest.raises(Unavailable) as caught:
        executor("http://user:pa55word@127.0.0.1:1/hook", sqlite_url).carry_out(TELL)
    assert "pa55word" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "found"),
    [
        pytest.param(429, Progress.UNTOUCHED, id="not-taken-so-the-gate-is-asked-again"),
        pytest.param(500, Progress.HALF, id="perhaps-taken-so-it-goes-again-under-its-key"),
        pytest.param(404, Progress.FAILED, id="refused-so-it-is-over"),
    ],
)
def test_whoever_takes_over_sees_by_the_answer_what_is_left_to_do(
    world: tuple[Receiver, WebhookExecutor], status: int, found: Progress
) -> None:
    receiver, it = world
    receiver.answers = [status]
    before = it.observe(TELL)
    with pytest.raises(SreError):
        it.carry_out(TELL)
    assert found is how_far(TELL.action, before, it.observe(TELL))


def test_a_call_that_was_never_sent_is_as_if_it_had_not_begun(sqlite_url: str) -> None:
    """A pause must stop it: the gate is asked before what has not happened, and not before what is half done."""
    it = executor("http://127.0.0.1:1/hook", sqlite_url)
    before = it.observe(TELL)
    with pytest.raises(Unavailable):
        it.carry_out(TELL)
    assert Progress.UNTOUCHED is how_far(TELL.action, before, it.observe(TELL))


def test_an_answer_that_repeats_the_address_does_not_reach_the_ledger(sqlite_url: str) -> None:
    with receiving() as (receiver, address):
        receiver.answers, receiver.text = [404], b"Cannot POST /hook/T0K3N"
        with pytest.raises(Refused) as caught:
            executor(f"{address}/T0K3N", sqlite_url).carry_out(TELL)
    assert "T0K3N" not in str(caught.value)
