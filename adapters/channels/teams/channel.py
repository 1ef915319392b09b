"""Pages in a channel of Microsoft Teams, by a workflow that waits for webhooks."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from adapters.channels.calls import JSON, Call, host_of, must_be_usable, post
from adapters.channels.teams.card import message
from domain.pages import Page, Receipt
from domain.paging_settings import PagingSettings


class TeamsChannel:
    """Posts to the workflows that `paging.teams` names."""

    name = "teams"

    def __init__(self, paging: PagingSettings) -> None:
        self.paging = paging

    def send(self, page: Page, before: Receipt | None = None) -> Receipt:
        """The receipt once the workflow was started (202); nobody tells whether it did its work."""
        must_be_usable(page.to, self.paging)
        url, body = self.paging.teams[page.to.to].get_secret_value(), json.dumps(message(page)).encode()
        setting = f"paging.teams.{page.to.to}"
        post(Call(str(page.to), setting, url, body, {"Content-Type": JSON}), self.paging.send_seconds)
        return Receipt(self.name, host_of(url), page.key, datetime.now(UTC))
