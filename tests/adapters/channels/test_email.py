"""The e-mail channel, against real SMTP servers."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path
from typing import BinaryIO

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from hypothesis import given
from hypothesis import strategies as st

from adapters.channels.email import EmailChannel
from adapters.channels.email.mail import html_part, message, message_id, text_part
from domain.contacts import Contact, ContactKind
from domain.errors import BadSettings, Refused, SreError, Unavailable
from domain.page_sections import WORD_JOINER, clean
from domain.pages import Link, Page, PageKind, PageReason
from domain.paging_settings import EmailSettings, PagingSettings, Security
from tests.contracts.pages_part import NOON, a_page
from tests.contracts.smtp_part import PASSWORD, USER, Inbox, certificate, scripted_server, smtp_server

ANN = "ann@example.org"


def settings(port: int = 1, **changes: object) -> EmailSettings:
    fixed = {"host": "127.0.0.1", "port": port, "security": Security.NONE}
    return EmailSettings.model_validate(fixed | changes)


def channel(port: int, timeout: float = 10.0, **changes: object) -> EmailChannel:
    return EmailChannel(PagingSettings(email=settings(port, **changes), send_seconds=timeout))


def test_a_mail_carries_the_page_as_text_and_as_html() -> None:
    page = a_page(lines=("no space left on device",), degraded=("model registry is down",), late=True)
    with smtp_server() as inbox:
        receipt = channel(inbox.port).send(page)
        (mail,) = inbox.mails
    assert mail["Subject"] == "[late] CRITICAL web: disk is full; disk usage 97 %, normally 41 % [incident 17]"
    assert mail["To"] == ANN
    assert mail["Date"].datetime == NOON
    assert receipt.message_id == mail["Message-ID"]
    assert f"127.0.0.1:{inbox.port}" == receipt.receiver
    for subtype in ("plain", "html"):
        part = mail.get_body((subtype,)).get_content()
        for fact in ("no space left on device", "model registry is down", "critical", "web", "sre ack 17"):
            assert fact in part


def test_mails_about_one_incident_are_one_thread() -> None:
    """N6: the first mail is its root, so that every reader sees them together."""
    with smtp_server() as inbox:
        for key in ("first", "second"):
            channel(inbox.port).send(a_page(key=key, thread="first"))
        one, two = inbox.mails
    assert one["References"] is None
    assert one["Message-ID"] == two["References"] == two["In-Reply-To"]
    assert one["Message-ID"] != two["Message-ID"]


def test_what_is_over_alarms_nobody() -> None:
    """A page that resolves, even of what was critical, has no priority."""
    over = message(a_page(reason=PageReason.RESOLVED, kind=PageKind.RESOLVE), settings())
    assert over["X-Priority"] is None
    assert message(a_page(), settings())["X-Priority"] == "1"


def test_the_message_id_is_the_same_for_the_same_key_only() -> None:
    assert message_id("a") == message_id("a")
    assert message_id("a") != message_id("b")


def test_starttls_with_login(tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path)
    secured = {"security": Security.STARTTLS, "ca_file": str(trusted), "username": USER}
    with smtp_server(starttls=context, login=True) as inbox:
        assert channel(inbox.port, password=PASSWORD, **secured).send(a_page())
        with pytest.raises(Unavailable, match="535") as caught:
            channel(inbox.port, password="wrong secret", **secured).send(a_page())
    assert len(inbox.mails) == 1
    assert "wrong secret" not in str(caught.value)


def test_implicit_tls(tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path)
    with smtp_server(tls=context) as inbox:
        assert channel(inbox.port, security=Security.TLS, ca_file=str(trusted)).send(a_page())
    assert len(inbox.mails) == 1


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_certificate_that_is_not_trusted_gets_nothing_and_loses_nothing(tmp_path: Path, security: Security) -> None:
    """P1: a certificate that ran out lost a page at the first try."""
    context, _ = certificate(tmp_path)
    offered = {"tls": context} if security is Security.TLS else {"starttls": context}
    with smtp_server(**offered) as inbox, pytest.raises(Unavailable, match="ca_file"):
        channel(inbox.port, security=security).send(a_page())
    assert inbox.mails == []


def test_a_server_without_starttls_gets_neither_password_nor_page() -> None:
    with smtp_server(login=True) as inbox, pytest.raises(Unavailable, match="security"):
        channel(inbox.port, security=Security.STARTTLS, username=USER, password=PASSWORD).send(a_page())
    assert inbox.mails == []


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param({"DATA": "451 try later"}, Unavailable, id="data-later"),
        pytest.param({"DATA": "554 spam"}, Refused, id="data-never"),
        pytest.param({"DATA": "552 too large"}, Refused, id="too-large"),
        pytest.param({"RCPT": "450 mailbox busy"}, Unavailable, id="recipients-later"),
        pytest.param({"RCPT": "550 nobody"}, Unavailable, id="recipients-unknown"),
        pytest.param({"RCPT": "552 mailbox full"}, Unavailable, id="mailbox-full"),
        pytest.param({"RCPT": "554 relay access denied"}, Unavailable, id="no-relay"),
    ],
)
def test_only_a_fault_of_the_page_itself_is_final(answers: dict[str, str], expected: type[SreError]) -> None:
    """P1: 535, 550, 552 and a wrong certificate lost a critical page at the first try."""
    with smtp_server(Inbox(answers)) as inbox, pytest.raises(expected):
        channel(inbox.port).send(a_page())


def test_an_answer_is_told_as_words() -> None:
    with smtp_server(Inbox({"RCPT": "550 nobody here"})) as inbox, pytest.raises(Unavailable) as caught:
        channel(inbox.port).send(a_page())
    assert f"{ANN}: 550 nobody here" in str(caught.value)
    assert "{" not in str(caught.value)


def test_an_unknown_host_is_unavailable() -> None:
    unknown = channel(25, host="no-such-host.invalid")
    with pytest.raises(Unavailable, match=r"paging\.email\.host"):
        unknown.send(a_page())


def test_a_page_for_one_receiver_goes_to_nobody_else() -> None:
    with smtp_server() as inbox:
        channel(inbox.port, recipients=(ANN,)).send(a_page(to=Contact(ContactKind.EMAIL, "bob@example.org")))
    (mail,) = inbox.mails
    assert mail["To"] == "bob@example.org"


class Choosy(Inbox):
    """Takes no mail that says a word of the logs."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as its base
        if b"no space left" in envelope.original_content:
            return "554 5.7.1 looks like spam"
        return await super().handle_DATA(server, session, envelope)


def test_a_page_whose_evidence_is_refused_goes_without_it() -> None:
    """P1: what a log says must not keep a page from going out."""
    inbox = Choosy()
    with smtp_server(inbox):
        receipt = channel(inbox.port).send(a_page())
    (mail,) = inbox.mails
    assert receipt.message_id == mail["Message-ID"]
    assert mail["Subject"] == "CRITICAL incident 17: more by sre incident 17 [incident 17]"
    assert "refused the whole page" in mail.get_body(("plain",)).get_content()


def say(connection: socket.socket, *replies: bytes) -> BinaryIO:
    """Greet, then give one reply to each line the client sends."""
    lines = connection.makefile("rb")
    connection.sendall(b"220 hello\r\n")
    for reply in replies:
        lines.readline()
        connection.sendall(reply)
    return lines


ENVELOPE = (b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n")


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


def test_a_greeting_of_a_byte_now_and_then_is_cut_off() -> None:
    """A thread that waits for it without end would be missing for all later pages."""
    cut_after: list[float] = []

    def drip(connection: socket.socket) -> None:
        try:
            while len(cut_after) == 0 and time.monotonic() - started < 10:
                connection.sendall(b"2")
                time.sleep(0.05)
        finally:
            cut_after.append(time.monotonic() - started)

    started = time.monotonic()
    with scripted_server(drip) as port, pytest.raises(Unavailable):
        channel(port, timeout=0.6).send(a_page())
    assert time.monotonic() - started < 5
    assert cut_after[0] < 5


def test_a_password_that_no_login_carries_is_a_matter_of_settings() -> None:
    """Were it taken for a flaw of the mail, the page would be given up."""
    secured = {"username": USER, "password": "schlüssel"}
    with smtp_server(login=True) as inbox, pytest.raises(Unavailable, match=r"paging\.email\.username and password"):
        channel(inbox.port, **secured).send(a_page())


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


def test_a_channel_without_a_server_is_an_error_of_settings() -> None:
    with pytest.raises(BadSettings, match=r"paging\.email"):
        channel(25, host="")


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
    thread=TEXT,
    service=TEXT,
    summary=TEXT,
    suffers=TEXT,
    origin=TEXT,
    person=TEXT,
    evidence=st.lists(TEXT, max_size=3).map(tuple),
    done=st.lists(TEXT, max_size=2).map(tuple),
    also=st.lists(TEXT, max_size=2).map(tuple),
    severity=st.sampled_from(["low", "critical"]) | TEXT,
    reason=st.sampled_from(PageReason),
    lines=st.lists(TEXT, max_size=4).map(tuple),
    degraded=st.lists(TEXT, max_size=2).map(tuple),
    late=st.booleans(),
)


@given(PAGES)
def test_text_from_logs_never_becomes_markup(page: Page) -> None:
    """The HTML has the tags of a harmless page with as many lines, and shows each line as it was written."""
    read = read_html(page)
    assert read_html(harmless(page)).tags == read.tags
    shown = "".join(read.text).replace(WORD_JOINER, "").replace("\N{NO-BREAK SPACE}", " ")
    for line in (*page.lines, *page.evidence, *page.done, *page.also, *page.degraded, page.summary, page.origin):
        assert clean(line) in shown


def harmless(page: Page) -> Page:
    """The same page with `x` wherever it says something."""
    texts = {name: "x" if clean(getattr(page, name)) else "" for name in ONE_LINE}
    lists = {name: ("x",) * len(getattr(page, name)) for name in MANY_LINES}
    return replace(page, **texts, **lists, summary="x")


ONE_LINE = ("service", "suffers", "origin", "person", "asked")
MANY_LINES = ("lines", "degraded", "evidence", "done", "also")


def test_only_our_links_are_links() -> None:
    """What a log says is text, and a link that is none is left out."""
    links = (Link("Take it", "https://sre.example.org/a?x=1&y=2"), Link("Evil", "javascript:alert(1)"))
    page = a_page(evidence=("see http://evil.example/x",), links=links)
    hrefs = [dict(attributes)["href"] for tag, attributes in read_html(page).tags if tag == "a"]
    assert ["https://sre.example.org/a?x=1&y=2"] == hrefs
    assert "Take it: https://sre.example.org/a?x=1&y=2" in text_part(page)
    for part in (text_part(page), html_part(page)):
        assert "http://evil" not in part


@given(PAGES)
def test_text_from_logs_never_becomes_a_header(page: Page) -> None:
    """Whatever the page says, the mail on the wire has our headers and no other, and two parts."""
    wire = message(page, settings()).as_bytes()
    mail = message_from_bytes(wire, policy=default)
    plain = a_page(severity=page.severity, thread=page.thread, key=page.key)
    ours = set(message(plain, settings()).keys())
    assert ours == set(mail.keys())
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert len(mail["To"].addresses) == 1


@given(PAGES)
def test_the_text_part_has_one_line_per_fact(page: Page) -> None:
    assert len(text_part(harmless(page)).splitlines()) == len(text_part(page).splitlines())


@given(TEXT)
def test_cleaned_text_is_one_printable_line(text: str) -> None:
    once = clean(text)
    assert once == clean(once)
    assert once.isprintable()
    assert once == once.encode().decode()


def test_long_text_is_cut() -> None:
    assert len(clean("x" * 10_000, 200)) == 200
    assert "100 lines more" in text_part(a_page(lines=("x",) * 600))
