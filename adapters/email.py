"""Pages by e-mail: text and HTML, one thread per incident, the same page under the same Message-ID."""

from __future__ import annotations

import contextlib
import logging
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parseaddr

from adapters.email_text import brief, clean, message, message_id
from domain.errors import BadSettings, Refused, SreError, Unavailable
from domain.pages import Page, Receipt
from domain.paging_settings import EmailSettings, Security
from domain.settings import CallSettings

log = logging.getLogger(__name__)

PERMANENT = 500  # from this reply code on, SMTP means "do not try again"
TOO_LARGE = 552
LONGEST_REPLY = 300
SILENCES = 3  # connecting, the greeting and the rest may each be silent for this part of the time limit


class EmailChannel:
    """Pages through one SMTP server; one delivery takes `calls.timeout_seconds` at most."""

    name = "email"

    def __init__(self, settings: EmailSettings, calls: CallSettings) -> None:
        if not settings.host or not settings.recipients:
            raise BadSettings("paging.email needs a host and at least one recipient: nobody can be paged")
        self.settings = settings
        self.timeout = calls.timeout_seconds

    def send(self, page: Page) -> Receipt:
        """The receipt once the server has accepted the page for at least one receiver.

        Raises Refused when the server takes this page from nobody, not even without its evidence, and
        Unavailable for everything else; the server may have accepted it then.
        """
        with self._errors(), self._connection() as smtp:
            self._protect(smtp)
            refused = self._deliver(smtp, page)
        return Receipt(self.name, self.receiver, message_id(page.key), datetime.now(UTC), refused)

    @property
    def receiver(self) -> str:
        """The server, as host:port."""
        return f"{self.settings.host}:{self.settings.port}"

    def _deliver(self, smtp: smtplib.SMTP, page: Page) -> dict[str, str]:
        """Receivers that were refused, with the answers; a page that is refused goes once more without evidence."""
        try:
            return self._mail(smtp, page)
        except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as error:
            if not is_about_content(error):
                raise
            log.warning("email.content_refused", extra={"key": page.key, "code": error.smtp_code})
            return self._mail(smtp, brief(page))

    def _mail(self, smtp: smtplib.SMTP, page: Page) -> dict[str, str]:
        sender = parseaddr(self.settings.sender)[1]
        given = {parseaddr(each)[1]: each for each in ([page.to] if page.to else self.settings.recipients)}
        answers = smtp.send_message(message(page, self.settings), sender, list(given))
        return {given[address]: reply(*answer) for address, answer in answers.items()}

    def _protect(self, smtp: smtplib.SMTP) -> None:
        if self.settings.security is Security.STARTTLS:
            smtp.starttls(context=self._context())
        if self.settings.username:
            smtp.login(self.settings.username, self.settings.password.get_secret_value())

    def _context(self) -> ssl.SSLContext:
        """Verifies the server's certificate and name."""
        return ssl.create_default_context(cafile=self.settings.ca_file or None)

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        """A greeted connection that is cut at the time limit."""
        cut_at = time.monotonic() + self.timeout
        host, port, patience = self.settings.host, self.settings.port, self.timeout / SILENCES
        if self.settings.security is Security.TLS:
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=patience, context=self._context())
        else:
            smtp = smtplib.SMTP(host, port, timeout=patience)
        try:
            with cut_off(smtp, cut_at - time.monotonic()):
                yield smtp
                # What was accepted stays accepted, however the goodbye goes.
                with contextlib.suppress(smtplib.SMTPException, OSError):
                    smtp.quit()
        finally:
            smtp.close()

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
