"""What every channel promises, the fake included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from adapters.channels import CHANNELS
from domain.errors import Refused, SreError, Unavailable
from domain.pages import Channel
from domain.paging_settings import EmailSettings, PagingSettings, Security
from domain.settings import CallSettings
from tests.contracts.fakes import RecordingChannel
from tests.contracts.pages_part import a_page
from tests.contracts.smtp_part import Inbox, smtp_server

World = tuple[Channel, Callable[[type[SreError]], None]]


def recording() -> Iterator[World]:
    channel = RecordingChannel()

    def fail(error: type[SreError]) -> None:
        channel.failure = error("no")

    yield channel, fail


def email() -> Iterator[World]:
    with smtp_server() as inbox:
        settings = EmailSettings(host="127.0.0.1", port=inbox.port, security=Security.NONE)
        replies = {Unavailable: "451 later", Refused: "554 never"}

        def fail(error: type[SreError]) -> None:
            inbox.answers["DATA"] = replies[error]

        yield CHANNELS["email"](PagingSettings(email=settings), CallSettings()), fail


MEMBERS = {"recording": recording, "email": email}


def test_every_channel_keeps_the_contract() -> None:
    assert set(CHANNELS) <= set(MEMBERS)


@pytest.fixture(params=MEMBERS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A channel, and a way to let its receiver fail."""
    yield from MEMBERS[request.param]()


def test_a_page_that_was_accepted_has_a_receipt(world: World) -> None:
    before = datetime.now(UTC)
    receipt = world[0].send(a_page())
    assert receipt.channel in MEMBERS
    assert receipt.receiver
    assert before <= receipt.accepted_at <= datetime.now(UTC)


def test_the_same_page_again_is_recognisable_and_another_one_is_not(world: World) -> None:
    channel = world[0]
    first, again, other = channel.send(a_page()), channel.send(a_page()), channel.send(a_page(key="another"))
    assert first.message_id == again.message_id
    assert first.message_id != other.message_id


@pytest.mark.parametrize("error", [Unavailable, Refused])
def test_a_failure_says_whether_trying_again_helps(world: World, error: type[SreError]) -> None:
    channel, fail = world
    fail(error)
    with pytest.raises(error):
        channel.send(a_page())


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"subject": "a\r\nBcc: x@y.z\x00\x1b[31m"}, id="control-characters"),
        pytest.param({"lines": ("<script>alert(1)</script>", "\ud800", "x" * 100_000)}, id="markup-and-length"),
        pytest.param({"lines": (), "degraded": ("model",), "late": True}, id="nothing-but-trouble"),
        pytest.param({"service": "サービス", "subject": "ошибка ✗"}, id="other-scripts"),
    ],
)
def test_any_text_can_be_paged(world: World, changes: dict[str, object]) -> None:
    assert world[0].send(a_page(**changes))


def test_an_inbox_is_empty_at_first() -> None:
    assert Inbox().mails == []
