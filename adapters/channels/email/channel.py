"""Pages by e-mail: text and HTML, one thread per incident, the same page under the same Message-ID."""

from __future__ import annotations

import contextlib
import logging
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parseaddr

from adapters.channels.calls import SETTING
from adapters.channels.email.mail import brief, message, message_id
from adapters.deadline import within
from domain.errors import BadSettings, Refused, SreError, Unavailable
from domain.page_sections import clean
from domain.pages import Page, Receipt
from domain.paging_settings import EmailSettings, PagingSettings, Security

log = logging.getLogger(__name__)

GREETING = 220
PERMANENT = 500  # from this reply code on, SMTP means "do not try again"
TOO_LARGE = 552
LONGEST_REPLY = 300
SILENCES = 3  # connecting, the greeting and the rest may each be silent for this part of the time limit


class EmailChannel:
    """Pages through one SMTP server; one delivery takes `paging.send_seconds` at most."""

    name = "email"

    def __init__(self, paging: PagingSettings) -> None:
        if not paging.email.host:
            raise BadSettings("paging.email needs a host: nobody can be paged by mail")
        self.settings: EmailSettings = paging.email
        self.timeout = paging.send_seconds

    def send(self, page: Page, before: Receipt | None = None) -> Receipt:
        """The receipt once the server has accepted the page.

        Raises Refused when the server takes this page from nobody, not even without its evidence, and
        Unavailable for everything else; the server may have accepted it then.
        """
        within(self.timeout, lambda: self._hand_over(page), f"smtp {self.receiver}", SETTING)
        return Receipt(self.name, self.receiver, message_id(page.key), datetime.now(UTC))

    @property
    def receiver(self) -> str:
        """The server, as host:port."""
        return f"{self.settings.host}:{self.settings.port}"

    def _hand_over(self, page: Page) -> None:
        with self._errors(), self._connection() as smtp:
            self._protect(smtp)
            self._deliver(smtp, page)

    def _deliver(self, smtp: smtplib.SMTP, page: Page) -> None:
        """A page that is refused goes once more without evidence."""
        try:
            self._mail(smtp, page)
        except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as error:
            if not is_about_content(error):
                raise
            log.warning("email.content_refused", extra={"key": page.key, "code": error.smtp_code})
            self._mail(smtp, brief(page))

    def _mail(self, smtp: smtplib.SMTP, page: Page) -> None:
        sender = parseaddr(self.settings.sender)[1]
        smtp.send_message(message(page, self.settings), sender, [parseaddr(page.to.to)[1]])

    def _protect(self, smtp: smtplib.SMTP) -> None:
        if self.settings.security is Security.STARTTLS:
            smtp.starttls(context=self._context())
        if self.settings.username:
            self._log_in(smtp)

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        try:
            smtp.login(self.settings.username, self.settings.password.get_secret_value())
        except UnicodeError:  # it names a letter of the password
            told = "only ASCII can be sent as a login (see paging.email.username and password)"
            raise Unavailable(f"smtp {self.receiver}: {told}") from None

    def _context(self) -> ssl.SSLContext:
        """Verifies the server's certificate and name."""
        return ssl.create_default_context(cafile=self.settings.ca_file or None)

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        """A greeted connection that is cut at the time limit."""
        patience = self.timeout / SILENCES
        if self.settings.security is Security.TLS:
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(timeout=patience, context=self._context())
        else:
            smtp = smtplib.SMTP(timeout=patience)
        # Whom a certificate must name; only a constructor that connects at once keeps it, and that none could cut.
        smtp._host = self.settings.host  # type: ignore[attr-defined]  # noqa: SLF001
        try:
            with cut_off(smtp, self.timeout):
                self._greet(smtp)
                yield smtp
                # What was accepted stays accepted, however the goodbye goes.
                with contextlib.suppress(smtplib.SMTPException, OSError):
                    smtp.quit()
        finally:
            smtp.close()

    def _greet(self, smtp: smtplib.SMTP) -> None:
        code, text = smtp.connect(self.settings.host, self.settings.port)
        if code != GREETING:
            raise smtplib.SMTPConnectError(code, text)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise translate(error, self.receiver) from error


@contextmanager
def cut_off(smtp: smtplib.SMTP, seconds: float) -> Iterator[None]:
    """End the connection after `seconds`, as smtplib's own limit starts anew with every byte."""

    def cut() -> None:
        # Read when it is due: STARTTLS puts another socket in place.
        if smtp.sock is not None:
            with contextlib.suppress(OSError):  # closed in this very moment
                smtp.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def is_about_content(error: smtplib.SMTPResponseException) -> bool:
    """Whether a server refuses this very mail: what it says, or, told beforehand, how long it is."""
    return error.smtp_code == TOO_LARGE or (isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= PERMANENT)


def reply(code: int, text: bytes) -> str:
    """A server's answer as one line."""
    return clean(f"{code} {text.decode(errors='replace')}", LONGEST_REPLY)


def translate(error: Exception, receiver: str) -> SreError:
    """A foreign error as ours: only what is wrong with this very mail is Refused, as nothing else lasts for ever."""
    text = f"smtp {receiver}: {error or type(error).__name__}"
    match error:
        case smtplib.SMTPRecipientsRefused():
            told = "; ".join(f"{address}: {reply(*answer)}" for address, answer in error.recipients.items())
            return Unavailable(f"smtp {receiver}: no receiver was accepted: {told} (see paging.email.recipients)")
        case smtplib.SMTPResponseException():
            answer = f"smtp {receiver}: {reply(error.smtp_code, as_bytes(error.smtp_error))}"
            return Refused(answer) if is_about_content(error) else Unavailable(f"{answer}{_hint(error)}")
        case ssl.SSLCertVerificationError():
            return Unavailable(f"{text} (see paging.email.ca_file)")
        case ValueError():  # something of this mail cannot be put on the wire
            return Refused(text)
    return Unavailable(f"{text}{_hint(error)}")


def as_bytes(text: bytes | str) -> bytes:
    """An answer as smtplib keeps it, which is as either."""
    return text if isinstance(text, bytes) else text.encode()


def _hint(error: Exception) -> str:
    """Which setting may be wrong."""
    hints = {
        smtplib.SMTPAuthenticationError: "paging.email.username and password",
        smtplib.SMTPSenderRefused: "paging.email.sender",
        smtplib.SMTPNotSupportedError: "paging.email.security",
        socket.gaierror: "paging.email.host",
    }
    return f" (see {hints[type(error)]})" if type(error) in hints else ""
