"""The mails of the demonstration, and the link in one of them, used as a person would use it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import httpx

from domain.errors import Unavailable

LINK = re.compile(r"https?://[^\s<>]+/i/[\w.=-]+")
TOKEN = re.compile(r'name="token" value="([^"]+)"')
SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that the sink received."""

    file: str
    to: str
    message_id: str
    text: str

    @property
    def link(self) -> str:
        """The address by which its receiver answers, or an empty text."""
        found = LINK.search(self.text)
        return found[0] if found else ""


def mails(folder: Path) -> list[Mail]:
    """Everything that the sink received, the oldest first."""
    return [_mail(file) for file in sorted(folder.glob("*.eml"))]


def _mail(file: Path) -> Mail:
    message = message_from_bytes(file.read_bytes(), EmailMessage, policy=default)
    body = message.get_body(("plain",))
    text = body.get_content() if body is not None else ""
    return Mail(str(file), str(message["To"]), str(message["Message-ID"]), text)


def open_link(url: str) -> str:
    """What a browser shows. Raises Unavailable where it shows nothing."""
    return _asked("GET", url, {})


def press(url: str, shown: str, verb: str) -> str:
    """Press a button of the page that is shown; what the browser shows then. Raises Unavailable."""
    token = TOKEN.search(shown)
    if token is None or f'value="{verb}"' not in shown:
        raise Unavailable(f"the page behind the link has no button for {verb}")
    return _asked("POST", url, {"token": token[1], "verb": verb})


def _asked(method: str, url: str, form: dict[str, str]) -> str:
    # A link is a password for one incident, so it is in no message.
    try:
        answer = httpx.request(method, url, data=form or None, timeout=SECONDS, trust_env=False)
    except httpx.HTTPError as error:
        raise Unavailable(f"the page behind the link did not come: {type(error).__name__}") from error
    if answer.is_error:
        raise Unavailable(f"the page behind the link answered {answer.status_code}")
    return answer.text
