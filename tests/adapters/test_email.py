"""The e-mail channel, against real SMTP servers."""

from __future__ import annotations

import socket
import time
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.email import EmailChannel
from adapters.email_text import clean, html_part, message, message_id, text_part, thread_id
from domain.errors import BadSettings, Refused, SreError, Unavailable
from domain.pages import Page, PageReason
from domain.settings import CallSettings, EmailSettings, Security
from tests.contracts.pages_part import NOON, a_page
from tests.contracts.smtp_part import PASSWORD, USER, Inbox, certificate, scripted_server, smtp_server

RECIPIENTS = ("first@example.org", "second@example.org")


def settings(port: int = 1, **changes: object) -> EmailSettings:
    fixed = {"host": "127.0.0.1", "port": port, "security": Security.NONE, "recipients": RECIPIENTS}
    return EmailSettings.model_validate(fixed | changes)


def channel(port: int, timeout: float = 10.0, **changes: object) -> EmailChannel:
    return EmailChannel(settings(port, **changes), CallSettings(timeout_seconds=timeout))


def test_a_mail_carries_the_page_as_text_and_as_html() -> None:
    page = a_page(lines=("no space left on device",), degraded=("model registry is down",), late=True)
    with smtp_server() as inbox:
        receipt = channel(inbox.port).send(page)
        (mail,) = inbox.mails
    assert mail["Subject"] == "[CRITICAL] [late] web: disk is full"
    assert ", ".join(RECIPIENTS) == mail["To"]
    assert mail["Date"].datetime == NOON
    assert receipt.message_id == mail["Message-ID"]
    assert f"127.0.0.1:{inbox.port}" == receipt.receiver
    for subtype in ("plain", "html"):
        part = mail.get_body((subtype,)).get_content()
        for fact in ("no space left on device", "model registry is down", "critical", "web", "sre ack 17"):
            assert fact in part


def test_mails_about_one_incident_are_one_thread() -> None:
    with smtp_server() as inbox:
        for key in ("first", "second"):
            channel(inbox.port).send(a_page(key=key))
        one, two = inbox.mails
    assert one["Message-ID"] != two["Message-ID"]
    assert thread_id("17/1") == one["References"] == two["References"] == one["In-Reply-To"]


def test_the_message_id_is_the_same_for_the_same_key_only() -> None:
    assert message_id("a") == message_id("a")
    assert len({message_id("a"), message_id("b"), thread_id("a")}) == 3


def test_starttls_with_login(tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path)
    secured = {"security": Security.STARTTLS, "ca_file": str(trusted), "username": USER}
    with smtp_server(starttls=context, login=True) as inbox:
        assert channel(inbox.port, password=PASSWORD, **secured).send(a_page())
        with pytest.raises(Refused, match="535") as caught:
            channel(inbox.port, password="wrong secret", **secured).send(a_page())
    assert len(inbox.mails) == 1
    assert "wrong secret" not in str(caught.value)


def test_implicit_tls(tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path)
    with smtp_server(tls=context) as inbox:
        assert channel(inbox.port, security=Security.TLS, ca_file=str(trusted)).send(a_page())
    assert len(inbox.mails) == 1


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_certificate_that_is_not_trusted_is_refused(tmp_path: Path, security: Security) -> None:
    context, _ = certificate(tmp_path)
    offered = {"tls": context} if security is Security.TLS else {"starttls": context}
    with smtp_server(**offered) as inbox, pytest.raises(Refused, match="ca_file"):
        channel(inbox.port, security=security).send(a_page())
    assert inbox.mails == []


def test_a_server_without_starttls_gets_neither_password_nor_page() -> None:
    with smtp_server(login=True) as inbox, pytest.raises(Refused, match="security"):
        channel(inbox.port, security=Security.STARTTLS, username=USER, password=PASSWORD).send(a_page())
    assert inbox.mails == []


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param({"DATA": "451 try later"}, Unavailable, id="data-later"),
        pytest.param({"DATA": "554 spam"}, Refused, id="data-never"),
        pytest.param({"RCPT": "450 mailbox busy"}, Unavailable, id="recipients-later"),
        pytest.param({"RCPT": "550 nobody"}, Refused, id="recipients-never"),
        pytest.param({RECIPIENTS[0]: "550 nobody", RECIPIENTS[1]: "450 busy"}, Unavailable, id="one-of-them-later"),
    ],
)
def test_replies_become_ours(answers: dict[str, str], expected: type[SreError]) -> None:
    with smtp_server(Inbox(answers)) as inbox, pytest.raises(expected):
        channel(inbox.port).send(a_page())


def test_one_good_recipient_is_enough() -> None:
    with smtp_server(Inbox({RECIPIENTS[0]: "550 nobody"})) as inbox:
        assert channel(inbox.port).send(a_page())
    assert len(inbox.mails) == 1


def say(connection: socket.socket, *replies: bytes) -> BinaryIO:
    """Greet, then give one reply to each line the client sends."""
    lines = connection.makefile("rb")
    connection.sendall(b"220 hello\r\n")
    for reply in replies:
        lines.readline()
        connection.sendall(reply)
    return lines


ENVELOPE = (b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n")


def read_mail(lines: BinaryIO) -> None:
    while lines.readline() not in (b".\r\n", b""):
        pass


def test_a_server_that_dies_after_the_mail_leaves_it_unknown_and_it_can_go_again() -> None:
    def die_after_data(connection: socket.socket) -> None:
        read_mail(say(connection, *ENVELOPE))

    with scripted_server(die_after_data) as port, pytest.raises(Unavailable):
        channel(port).send(a_page())
    with smtp_server() as inbox:
        assert message_id(a_page().key) == channel(inbox.port).send(a_page()).message_id


def test_what_was_accepted_stays_accepted_when_the_goodbye_fails() -> None:
    def hang_up_after_accepting(connection: socket.socket) -> None:
        read_mail(say(connection, *ENVELOPE))
        connection.sendall(b"250 kept\r\n")

    with scripted_server(hang_up_after_accepting) as port:
        assert channel(port).send(a_page())


def test_a_server_that_sends_a_byte_now_and_then_is_cut_off() -> None:
    def drip(connection: socket.socket) -> None:
        say(connection)
        while True:
            connection.sendall(b"2")
            time.sleep(0.05)

    started = time.monotonic()
    with scripted_server(drip) as port, pytest.raises(Unavailable):
        channel(port, timeout=0.6).send(a_page())
    assert time.monotonic() - started < 10


def test_a_silent_server_is_unavailable() -> None:
    def nothing(connection: socket.socket) -> None:
        connection.recv(1)

    with scripted_server(nothing) as port, pytest.raises(Unavailable):
        channel(port, timeout=0.3).send(a_page())


def test_nobody_listening_is_unavailable() -> None:
    with scripted_server(socket.socket.close) as port:
        pass
    with pytest.raises(Unavailable):
        channel(port).send(a_page())


@pytest.mark.parametrize("changes", [{"host": ""}, {"recipients": ()}])
def test_a_channel_that_cannot_work_is_an_error_of_settings(changes: dict[str, object]) -> None:
    with pytest.raises(BadSettings):
        channel(25, **changes)


class Tags(HTMLParser):
    """What a mail reader would see in the HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read_html(page: Page) -> Tags:
    reader = Tags()
    reader.feed(html_part(page))
    reader.close()
    return reader


TEXT = st.text(st.characters(exclude_categories=()), max_size=80) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "</li></ul><h1>",
        "&lt;b&gt;",
        "a\r\nBcc: x@y.z",
        "\r\n.\r\n",
        "\u202etxt.exe",
        "--==",
    ]
)
PAGES = st.builds(
    a_page,
    key=TEXT,
    episode=TEXT,
    service=TEXT,
    subject=TEXT,
    severity=st.sampled_from(["low", "critical"]) | TEXT,
    reason=st.sampled_from(PageReason),
    lines=st.lists(TEXT, max_size=4).map(tuple),
    degraded=st.lists(TEXT, max_size=2).map(tuple),
    late=st.booleans(),
)


@given(PAGES)
def test_text_from_logs_never_becomes_markup(page: Page) -> None:
    """The HTML has the tags of a harmless page with as many lines, and shows each line as it was written."""
    plain = a_page(lines=("x",) * len(page.lines), degraded=("x",) * len(page.degraded), late=page.late)
    read = read_html(page)
    assert read_html(plain).tags == read.tags
    for line in page.lines:
        assert clean(line) in "".join(read.text)


@given(PAGES)
def test_text_from_logs_never_becomes_a_header(page: Page) -> None:
    """Whatever the page says, the mail on the wire has our headers and no other, and two parts."""
    wire = message(page, settings()).as_bytes()
    mail = message_from_bytes(wire, policy=default)
    ours = set(message(a_page(severity=page.severity), settings()).keys())
    assert ours == set(mail.keys())
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert len(mail["To"].addresses) == len(RECIPIENTS)


@given(PAGES)
def test_the_text_part_has_one_line_per_fact(page: Page) -> None:
    fewer = text_part(a_page(lines=(), degraded=(), late=page.late))
    expected = len(fewer.splitlines()) + len(page.lines) + len(page.degraded)
    assert expected == len(text_part(page).splitlines())


@given(TEXT)
def test_cleaned_text_is_one_printable_line(text: str) -> None:
    once = clean(text)
    assert once == clean(once)
    assert once.isprintable()
    assert once == once.encode().decode()


def test_long_text_is_cut() -> None:
    assert len(clean("x" * 10_000, 200)) == 200
    assert "100 lines more" in text_part(a_page(lines=("x",) * 600))
