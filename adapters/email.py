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
from email.message import EmailMessage
from email.utils import parseaddr

from adapters.email_text import message, message_id
from domain.errors import BadSettings, Refused, SreError, Unavailable
from domain.pages import Page, Receipt
from domain.settings import CallSettings, EmailSettings, Security

log = logging.getLogger(__name__)

PERMANENT = 500  # from this reply code on, SMTP means "do not try again"
SILENCES = 3  # connecting, the greeting and the rest may each be silent for this part of the time limit


class EmailChannel:
    """Pages through one SMTP server; one delivery takes `calls.timeout_seconds` at most."""

    name = "email"

    def __init__(self, settings: EmailSettings, calls: CallSettings) -> None:
        if not settings.host or not settings.recipients:
            raise BadSettings("paging.email needs a host and at least one recipient")
        self.settings = settings
        self.timeout = calls.timeout_seconds

    def send(self, page: Page) -> Receipt:
        """The receipt once the server has accepted it.

        Raises Unavailable when it did not answer or asked to try later (it may have accepted), Refused when it said no.
        """
        mail = message(page, self.settings)
        with self._errors(), self._connection() as smtp:
            self._protect(smtp)
            self._deliver(smtp, mail)
        return Receipt(self.name, self.receiver, message_id(page.key), datetime.now(UTC))

    @property
    def receiver(self) -> str:
        """The server, as host:port."""
        return f"{self.settings.host}:{self.settings.port}"

    def _deliver(self, smtp: smtplib.SMTP, mail: EmailMessage) -> None:
        sender = parseaddr(self.settings.sender)[1]
        recipients = [parseaddr(recipient)[1] for recipient in self.settings.recipients]
        for address, (code, text) in smtp.send_message(mail, sender, recipients).items():
            log.warning("email.recipient_refused", extra={"recipient": address, "code": code, "answer": repr(text)})

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


def translate(error: Exception, receiver: str) -> SreError:
    """A foreign error as ours: 4xx and silence are Unavailable, 5xx and what is set up wrong are Refused."""
    text = f"smtp {receiver}: {error or type(error).__name__}"
    match error:
        case smtplib.SMTPRecipientsRefused():
            codes = [code for code, _ in error.recipients.values()]
            return Refused(text) if min(codes) >= PERMANENT else Unavailable(text)
        case smtplib.SMTPResponseException():
            return Refused(text) if error.smtp_code >= PERMANENT else Unavailable(text)
        case smtplib.SMTPNotSupportedError():
            return Refused(f"{text} (see paging.email.security)")
        case ssl.SSLCertVerificationError():
            return Refused(f"{text} (see paging.email.ca_file)")
        case ValueError():  # an address that cannot be put on the wire
            return Refused(text)
    return Unavailable(text)
