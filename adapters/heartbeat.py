"""A sign of life for a dead man's switch outside: a file that is touched, or a URL that takes a POST."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from adapters.trust import hint, trusted
from domain.errors import Unavailable

POST_SECONDS = 10.0


class Heartbeat(Protocol):
    """One place that is told that all is in order."""

    def beat(self, at: datetime) -> None:
        """Tell it. Raises Unavailable."""
        ...


class FileHeartbeat:
    """The time of the last sign of life in a file, which is replaced whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def beat(self, at: datetime) -> None:
        """Write the time. Raises Unavailable."""
        partial = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps({"at": at.isoformat(timespec="seconds")}) + "\n")
            partial.replace(self.path)
        except OSError as error:
            raise Unavailable(f"heartbeat {self.path}: {error} (see paging.heartbeat)") from error


class UrlHeartbeat:
    """A POST whose URL may hold a secret, so that errors name its host alone."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.host = urlsplit(url).hostname or ""

    def beat(self, at: datetime) -> None:
        """Post the time. Raises Unavailable."""
        try:
            document = {"at": at.isoformat(timespec="seconds")}
            answer = httpx.post(self.url, json=document, timeout=POST_SECONDS, verify=trusted())
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = hint(error) or " (see paging.heartbeat)"
            raise Unavailable(f"heartbeat {self.host}: {type(error).__name__}{why}") from error
        if not answer.is_success:
            raise Unavailable(f"heartbeat {self.host}: answered with {answer.status_code} (see paging.heartbeat)")


def heartbeat(place: str) -> Heartbeat | None:
    """The place that `paging.heartbeat` names, or None."""
    if not place:
        return None
    return UrlHeartbeat(place) if place.startswith(("http://", "https://")) else FileHeartbeat(Path(place))
