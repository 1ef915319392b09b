"""Pages as lines of JSON in a file: for the agent's test of itself, and for whoever collects files."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from adapters.channels.calls import must_be_usable
from adapters.channels.webhook.document import incident_document
from adapters.parts_file import home
from domain.canary import CONTACT
from domain.errors import Unavailable
from domain.pages import Page, Receipt
from domain.paging_settings import PagingSettings


class FileChannel:
    """Appends to `paging.files`, and for the test of itself to `canary.jsonl` in the home."""

    name = "file"

    def __init__(self, paging: PagingSettings) -> None:
        self.paging = paging

    def send(self, page: Page, before: Receipt | None = None) -> Receipt:
        """The receipt once the line is on the disk; each line holds the key of its page."""
        must_be_usable(page.to, self.paging)
        path = self._path(page.to.to)
        line = json.dumps(incident_document(page), sort_keys=True).encode() + b"\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line)  # at once, so that lines of two writers do not mix
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise Unavailable(f"{page.to}: {path} cannot be written: {error.strerror} (see paging.files)") from error
        return Receipt(self.name, str(path), page.key, datetime.now(UTC))

    def _path(self, name: str) -> Path:
        given = self.paging.files.get(name)
        return Path(given) if given else home(os.environ) / f"{CONTACT}.jsonl"
