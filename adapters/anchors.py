"""Where heads of the ledger's chain are kept outside the database: a file, a topic, or whoever takes a POST."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from datetime import datetime
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from adapters.kafka.producer import LogProducer, Outgoing
from adapters.trust import hint, trusted
from domain.addresses import TOPIC
from domain.errors import Unavailable
from domain.ledger import Anchor, AnchorPlace
from domain.settings import Settings

FILE = "ledger.anchor"  # in the home; always written
COLUMNS = 3
POST_SECONDS = 5.0


def _document(anchor: Anchor, at: datetime) -> bytes:
    return json.dumps({"seq": anchor.seq, "hash": anchor.hash, "at": at.isoformat()}).encode()


class FileAnchors:
    """One line a head: its number, its hash, and when it was written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)

    def write(self, anchor: Anchor, at: datetime) -> None:
        """Append one head, on the disk when this returns. Raises Unavailable."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a") as out:
                out.write(f"{anchor.seq} {anchor.hash} {at.isoformat()}\n")
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            raise Unavailable(f"the ledger's anchor {self.path} cannot be written: {error.strerror}") from error

    def read(self) -> list[Anchor]:
        """The heads in the file; none when it is missing. Raises Unavailable when it cannot be read."""
        try:
            lines = self.path.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unavailable(f"the ledger's anchor {self.path} cannot be read: {error.strerror}") from error
        found = [line.split() for line in lines]
        # A crash may leave half a last line.
        return [Anchor(int(line[0]), line[1]) for line in found if len(line) == COLUMNS and line[0].isdecimal()]


class TopicAnchors:
    """Heads as JSON messages in a topic of Kafka, which whoever owns it compares."""

    def __init__(self, topic: str, settings: Settings) -> None:
        self.topic = topic
        self.name = f"{TOPIC}{topic}"
        self.settings = settings
        self.producer: LogProducer | None = None

    def write(self, anchor: Anchor, at: datetime) -> None:
        """Send one head; the broker has it when this returns. Raises Unavailable or Refused."""
        self.producer = self.producer or LogProducer(self.settings.kafka)
        self.producer.send(self.topic, [Outgoing(_document(anchor, at), key=b"ledger")])
        self.producer.flush()

    def read(self) -> None:
        """Not from here."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST becomes a GET, which keeps nothing."""

    def redirect_request(self, *_: object) -> None:
        """Whoever redirects has not taken it."""


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_NoRedirect(), urllib.request.HTTPSHandler(context=trusted()))


class WebhookAnchors:
    """Heads as JSON, by POST to a URL whose path may be a password."""

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self.name = f"{parts.scheme}://{parts.hostname}"

    def write(self, anchor: Anchor, at: datetime) -> None:
        """Post one head; it was answered with 2xx when this returns. Raises Unavailable."""
        order = urllib.request.Request(  # noqa: S310 - settings allow http and https only
            self.url, _document(anchor, at), {"Content-Type": "application/json"}, method="POST"
        )
        try:
            with _opener().open(order, timeout=POST_SECONDS):
                return
        except urllib.error.HTTPError as error:
            raise Unavailable(f"the ledger's anchor at {self.name} was answered with {error.code}") from error
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            why = hint(reason) if isinstance(reason, BaseException) else ""
            raise Unavailable(f"the ledger's anchor at {self.name} cannot be written: {reason}{why}") from error

    def read(self) -> None:
        """Not from here."""


def anchor_places(settings: Settings, home: Path) -> tuple[AnchorPlace, ...]:
    """The file in the home, and what `ledger.anchor` names beside it."""
    given = settings.ledger.anchor.get_secret_value()
    first = FileAnchors(home / FILE)
    return (first, _place(given, settings)) if given else (first,)


def _place(given: str, settings: Settings) -> AnchorPlace:
    if given.startswith(TOPIC):
        return TopicAnchors(given.removeprefix(TOPIC), settings)
    if given.startswith(("http://", "https://")):
        return WebhookAnchors(given)
    return FileAnchors(Path(given))
