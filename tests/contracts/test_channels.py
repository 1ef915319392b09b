"""What every channel promises, the fake included; each against a real server that plays its receiver."""

from __future__ import annotations

import logging
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from adapters.channels import CHANNELS
from deployments.ports import unused
from domain.contacts import Contact, ContactKind
from domain.errors import Later, Refused, SreError, Unavailable
from domain.pages import Channel, Page, PageKind
from domain.paging_settings import (
    EmailSettings,
    HookSettings,
    PagerDutySettings,
    PagingSettings,
    Security,
    SlackSettings,
)
from tests.contracts.fakes import RecordingChannel
from tests.contracts.pages_part import FULL, a_page
from tests.contracts.smtp_part import PASSWORD, Inbox, smtp_server
from tests.parts.receivers_part import Accepting, PagerDuty, Receiver, Reply, Slack, as_json, receiving

SECRET = "s3cr3t-path-or-key-0123456789abc"  # 32 characters, as PagerDuty wants them
NOBODY = "http://no-such-host.invalid"


@dataclass
class World:
    """A channel, the contact that it reaches, and how its receiver is made to fail."""

    channel: Channel
    to: Contact
    fail: Callable[[type[SreError]], None]
    receiver: Receiver | None = None
    cannot: frozenset[type[SreError]] = field(default_factory=frozenset)  # failures that its receiver does not tell

    def send(self, **changes: Any) -> Any:
        return self.channel.send(a_page(to=self.to, **changes))


def recording() -> Iterator[World]:
    channel = RecordingChannel()

    def fail(error: type[SreError]) -> None:
        channel.failure = error("no", 7.0) if error is Later else error("no")

    yield World(channel, a_page().to, fail)


def email() -> Iterator[World]:
    with smtp_server() as inbox:
        settings = email_at("127.0.0.1", inbox.port)
        replies = {Unavailable: "451 later", Refused: "554 never"}

        def fail(error: type[SreError]) -> None:
            inbox.answers["DATA"] = replies[error]

        yield World(CHANNELS[ContactKind.EMAIL](settings), a_page().to, fail, cannot=frozenset({Later}))


def email_at(host: str, port: int) -> PagingSettings:
    return PagingSettings(email=EmailSettings(host=host, port=port, security=Security.NONE), send_seconds=SECONDS)


SECONDS = 20.0
REPLIES = {
    Unavailable: Reply(500, SECRET.encode()),
    Refused: Reply(400, SECRET.encode()),
    Later: Reply(429, SECRET.encode(), {"Retry-After": "7"}),
}


def settings_for(kind: ContactKind, url: str, seconds: float = SECONDS) -> tuple[PagingSettings, str]:
    """Settings whose receiver of that kind is at `url`, and its name; every secret of theirs is SECRET."""
    secret = f"{url}/services/{SECRET}"
    made: dict[ContactKind, tuple[dict[str, Any], str]] = {
        ContactKind.WEBHOOK: ({"webhooks": {"ops": HookSettings(url=secret, secret=SECRET)}}, "ops"),
        ContactKind.PAGERDUTY: (
            {"pagerduty": PagerDutySettings(routing_key=SECRET, url=f"{url}/v2")},
            "default",
        ),
        ContactKind.SLACK: ({"slack": SlackSettings(token=SECRET, url=f"{url}/api/")}, "#ops"),
        ContactKind.TEAMS: ({"teams": {"ops": secret}}, "ops"),
        ContactKind.ALERTMANAGER: ({"alertmanagers": {"ops": url}}, "ops"),
        ContactKind.APPRISE: ({"apprise": {"ops": secret.replace("http", "json", 1)}}, "ops"),
    }
    changes, to = made[kind]
    return PagingSettings.model_validate({"send_seconds": seconds, **changes}), to


RECEIVERS: dict[ContactKind, Callable[[], Receiver]] = {
    ContactKind.WEBHOOK: Receiver,
    ContactKind.PAGERDUTY: PagerDuty,
    ContactKind.SLACK: lambda: Slack(token=SECRET),
    ContactKind.TEAMS: Accepting,
    ContactKind.ALERTMANAGER: Receiver,
    ContactKind.APPRISE: Receiver,
}
SLACK_REPLIES = {**REPLIES, Refused: as_json(200, {"ok": False, "error": "invalid_blocks"})}
CANNOT = {ContactKind.APPRISE: frozenset({Refused, Later})}


def over_http(kind: ContactKind) -> Callable[[], Iterator[World]]:
    def make() -> Iterator[World]:
        with receiving(RECEIVERS[kind]()) as receiver:
            settings, to = settings_for(kind, receiver.url)
            replies = SLACK_REPLIES if kind is ContactKind.SLACK else REPLIES

            def fail(error: type[SreError]) -> None:
                receiver.always = replies[error]

            yield World(CHANNELS[kind](settings), Contact(kind, to), fail, receiver, CANNOT.get(kind, frozenset()))

    return make


def file() -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "below" / "pages.jsonl"

        def fail(_error: type[SreError]) -> None:
            (Path(folder) / "below").write_text("a file where the folder should be")

        settings = PagingSettings(files={"ops": str(path)})
        told_by_none = frozenset[type[SreError]]({Refused, Later})
        yield World(CHANNELS[ContactKind.FILE](settings), Contact(ContactKind.FILE, "ops"), fail, cannot=told_by_none)


MEMBERS = {"recording": recording, "email": email, "file": file, **{kind.value: over_http(kind) for kind in RECEIVERS}}
# Nothing of theirs tells a page that comes again from another one; docs/guides/channels.md says so.
WITHOUT_KEY = {"slack"}


def test_every_channel_keeps_the_contract() -> None:
    assert set(CHANNELS) == set(ContactKind)
    assert set(CHANNELS) <= set(MEMBERS)


@pytest.fixture(params=MEMBERS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A channel, and a way to let its receiver fail."""
    yield from MEMBERS[request.param]()


def test_a_page_that_was_accepted_has_a_receipt(world: World) -> None:
    before = datetime.now(UTC)
    receipt = world.send()
    assert receipt.channel in MEMBERS
    assert receipt.receiver
    assert before <= receipt.accepted_at <= datetime.now(UTC)


@pytest.mark.parametrize("member", sorted(set(MEMBERS) - WITHOUT_KEY))
def test_the_same_page_again_is_recognisable_and_another_one_is_not(member: str) -> None:
    """Fault 8: a retry is recognisable as one."""
    for world in MEMBERS[member]():
        pages = (("a", 1), ("a", 1), ("b", 2))
        first, again, other = (world.send(key=key, incident_id=number) for key, number in pages)
        assert first.message_id == again.message_id
        assert first.message_id != other.message_id


@pytest.mark.parametrize("error", [Unavailable, Refused, Later])
def test_a_failure_says_whether_trying_again_helps(world: World, error: type[SreError]) -> None:
    if error in world.cannot:
        pytest.skip("its receivers do not tell this failure from others")
    world.fail(error)
    with pytest.raises(error) as caught:
        world.send()
    if isinstance(caught.value, Later):
        assert 7.0 == caught.value.seconds


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"summary": "a\r\nBcc: x@y.z\x00\x1b[31m"}, id="control-characters"),
        pytest.param({"lines": ("<script>alert(1)</script>", "\ud800", "x" * 100_000)}, id="markup-and-length"),
        pytest.param({"evidence": (), "lines": (), "degraded": ("model",), "late": True}, id="nothing-but-trouble"),
        pytest.param({"service": "サービス", "summary": "ошибка ✗"}, id="other-scripts"),
        pytest.param({"summary": "", "service": "", "asked": "", "evidence": ("", " ")}, id="nothing-to-say"),
        pytest.param({"key": "incident \n ü \ud800", "thread": "other"}, id="a-key-of-any-text"),
        pytest.param({"lines": tuple(f"line {number} of many" for number in range(5_000))}, id="very-many-lines"),
    ],
)
def test_any_text_can_be_paged(world: World, changes: dict[str, object]) -> None:
    assert world.send(**changes)


@pytest.mark.parametrize("kind", PageKind)
def test_every_kind_of_page_follows_the_first_one(world: World, kind: PageKind) -> None:
    first = world.send()
    page = replace(FULL, to=world.to, kind=kind, key="second")
    assert world.channel.send(page, first).channel == first.channel


HTTP = [pytest.param(kind, id=kind.value) for kind in RECEIVERS]
ALL = [*HTTP, pytest.param(ContactKind.EMAIL, id="email")]


def a_channel(kind: ContactKind, url: str, seconds: float = SECONDS) -> tuple[Channel, Page]:
    settings, to = settings_for(kind, url, seconds)
    return CHANNELS[kind](settings), a_page(to=Contact(kind, to))


@contextmanager
def misbehaving(do: Callable[[socket.socket], None]) -> Iterator[int]:
    """Port of a server that does so to each connection until the test is over."""
    listener, kept = socket.create_server(("127.0.0.1", 0)), []

    def serve(connection: socket.socket) -> None:
        try:
            do(connection)
        except OSError:
            return  # the client has gone

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            kept.append(connection)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
        for connection in kept:
            connection.close()


def silent(_connection: socket.socket) -> None:
    """Take the connection and say nothing."""


def drip_head(connection: socket.socket) -> None:
    """A byte now and then, within a line that never ends."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    for _ in count():
        connection.sendall(b"2")
        time.sleep(0.02)


def drip_body(connection: socket.socket) -> None:
    """An answer whose body never ends."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    for _ in count():
        connection.sendall(b" ")
        time.sleep(0.02)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("behaviour", [silent, drip_head, drip_body])
def test_a_delivery_ends_at_its_deadline_whatever_the_receiver_does(
    kind: ContactKind, behaviour: Callable[[socket.socket], None]
) -> None:
    """One that is silent, and one that sends a byte now and then for ever, are both cut: else this would not end."""
    with misbehaving(behaviour) as port:
        if kind is ContactKind.EMAIL:
            settings = PagingSettings(email=email_at("127.0.0.1", port).email, send_seconds=0.5)
            channel, page = CHANNELS[kind](settings), a_page()
        else:
            channel, page = a_channel(kind, f"http://127.0.0.1:{port}", 0.5)
        with pytest.raises(Unavailable):
            channel.send(page)


@pytest.mark.parametrize("kind", HTTP)
def test_nobody_there_is_unavailable_and_the_setting_is_named(kind: ContactKind) -> None:
    channel, page = a_channel(kind, f"http://127.0.0.1:{unused()}")
    with pytest.raises(Unavailable, match=rf"paging\.{kind.value}"):
        channel.send(page)


@pytest.mark.parametrize("kind", HTTP)
def test_an_unknown_host_is_unavailable_and_the_setting_is_named(kind: ContactKind) -> None:
    channel, page = a_channel(kind, NOBODY)
    with pytest.raises(Unavailable, match=rf"paging\.{kind.value}"):
        channel.send(page)


@pytest.mark.parametrize("kind", HTTP)
def test_a_contact_that_no_setting_reaches_is_unavailable_and_the_setting_is_named(kind: ContactKind) -> None:
    with pytest.raises(Unavailable, match=rf"paging\.{kind.value}"):
        CHANNELS[kind](PagingSettings()).send(a_page(to=Contact(kind, "nobody")))


WITH_STATUS = [case for case in HTTP if case.values[0] is not ContactKind.APPRISE]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("kind", HTTP)
def test_no_redirect_is_followed(kind: ContactKind, status: int) -> None:
    with receiving(RECEIVERS[kind]()) as receiver, receiving(Receiver()) as elsewhere:
        receiver.always = Reply(status, b"", {"Location": elsewhere.url})
        channel, page = a_channel(kind, receiver.url)
        with pytest.raises(Unavailable):
            channel.send(page)
    assert elsewhere.seen == []
    assert 1 == len(receiver.seen)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
@pytest.mark.parametrize("kind", WITH_STATUS)
def test_a_mistake_of_settings_is_not_final_and_names_the_setting(kind: ContactKind, status: int) -> None:
    """P1: a wrong password lost a critical page at the first try."""
    with receiving(RECEIVERS[kind]()) as receiver:
        receiver.always = Reply(status, SECRET.encode())
        channel, page = a_channel(kind, receiver.url)
        with pytest.raises(Unavailable, match=rf"{status} .*paging\.{kind.value}"):
            channel.send(page)
    assert 1 == len(receiver.seen)


@pytest.mark.parametrize("kind", WITH_STATUS)
def test_what_passes_is_tried_again_within_the_deadline_under_the_same_key(kind: ContactKind) -> None:
    """Fault 8: a receiver answered 500, then recovered; it can tell that it is the same page."""
    with receiving(RECEIVERS[kind]()) as receiver:
        receiver.once = [Reply(500, b""), Reply(503, b"")]
        channel, page = a_channel(kind, receiver.url)
        assert channel.send(page)
        bodies = {seen.body for seen in receiver.seen[:3]}
    assert 1 == len(bodies)
    assert 1 == len({seen.headers.get("idempotency-key") for seen in receiver.seen[:3]})


@pytest.mark.parametrize(
    ("status", "given", "least", "most"),
    [
        pytest.param(429, "7", 7, 7, id="seconds"),
        pytest.param(503, "7", 7, 7, id="unavailable-for-seconds"),
        pytest.param(429, "999999999", 3600, 3600, id="an-hour-at-most"),
        pytest.param(429, timedelta(minutes=30), 1_000, 1_800, id="a-date"),
        pytest.param(429, timedelta(minutes=-30), 0, 0, id="a-date-that-is-over"),
        pytest.param(429, "Mon, 05 Jan 2099 12:00:00 GMT", 3600, 3600, id="a-far-date"),
    ],
)
@pytest.mark.parametrize("kind", WITH_STATUS)
def test_who_says_when_to_come_again_is_obeyed(
    kind: ContactKind, status: int, given: str | timedelta, least: float, most: float
) -> None:
    said = given if isinstance(given, str) else format_datetime(datetime.now(UTC) + given)
    with receiving(RECEIVERS[kind]()) as receiver:
        receiver.always = Reply(status, b"", {"Retry-After": said})
        channel, page = a_channel(kind, receiver.url)
        with pytest.raises(Later) as caught:
            channel.send(page)
    assert least <= caught.value.seconds <= most
    assert 1 == len(receiver.seen)


@pytest.mark.parametrize("given", ["soon", "-5", "1.5", "", "٣"])
def test_what_says_nothing_of_use_is_no_time_to_come_again(given: str) -> None:
    with receiving(Receiver()) as receiver:
        receiver.always = Reply(429, b"", {"Retry-After": given.encode().decode("latin-1")})
        channel, page = a_channel(ContactKind.WEBHOOK, receiver.url)
        with pytest.raises(Unavailable) as caught:
            channel.send(page)
    assert not isinstance(caught.value, Later)


@pytest.mark.parametrize("status", [200, 202, 302, 400, 401, 403, 404, 429, 500])
@pytest.mark.parametrize("kind", HTTP)
def test_no_secret_is_in_a_receipt_an_error_or_a_log(
    kind: ContactKind, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The receiver repeats whatever it knows."""
    caplog.set_level(logging.DEBUG)
    with receiving(RECEIVERS[kind]()) as receiver:
        if status >= 300:
            receiver.always = Reply(status, f'{{"ok": false, "error": "{SECRET}", "errors": ["{SECRET}"]}}'.encode())
        channel, page = a_channel(kind, receiver.url)
        try:
            told = repr(channel.send(page))
        except SreError as error:
            told = repr(error) + str(error) + repr(error.__cause__)
    logged = "".join(record.getMessage() + repr(vars(record)) for record in ours(caplog))
    assert SECRET not in told
    assert SECRET not in logged


def ours(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What reaches our log: our own lines, and those of others from warning on."""
    return [one for one in caplog.records if one.name.startswith("adapters") or one.levelno >= logging.WARNING]


def test_a_password_of_mail_is_in_no_error() -> None:
    with smtp_server(login=True) as inbox:
        secured = {"host": "127.0.0.1", "port": inbox.port, "security": "none", "username": "u", "password": PASSWORD}
        channel = CHANNELS[ContactKind.EMAIL](PagingSettings(email=EmailSettings.model_validate(secured)))
        with pytest.raises(Unavailable) as caught:
            channel.send(a_page())
    assert PASSWORD not in repr(caught.value)


def test_an_inbox_is_empty_at_first() -> None:
    assert Inbox().mails == []
