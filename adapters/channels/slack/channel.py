"""Pages in Slack: one message an incident, changed in place, with a thread; or text by an incoming webhook."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from adapters.channels.calls import JSON, SETTING, Call, again, host_of, must_be_usable, post
from adapters.channels.slack.blocks import head_message, news_message, plain_text, thread_message
from adapters.channels.slack.client import Client, Gone, translate
from adapters.deadline import within
from domain.errors import SreError
from domain.pages import Page, PageKind, PageReason, Receipt
from domain.paging_settings import PagingSettings
from domain.reachable import SLACK_WEBHOOK

log = logging.getLogger(__name__)

Place = tuple[str, str]  # channel and time stamp: what Slack knows a message by; empty where it did not say
# News that leave the incident's message as it is.
BESIDE = frozenset({PageReason.COMMENTED, PageReason.ANALYSED})


class SlackChannel:
    """Posts as the app of `paging.slack.token`, or to `paging.slack.webhook`."""

    name = "slack"

    def __init__(self, paging: PagingSettings) -> None:
        self.paging = paging
        self.settings = paging.slack

    def send(self, page: Page, before: Receipt | None = None) -> Receipt:
        """The receipt once Slack has the message: the first of a thread is posted, and changed by later ones."""
        must_be_usable(page.to, self.paging)
        if page.to.to == SLACK_WEBHOOK:
            return self._by_webhook(page)
        until, first = time.monotonic() + self.paging.send_seconds, place_of(before)
        thread = _Thread(Client(self.settings, str(page.to), until), page, until)
        buttons = bool(self.settings.signing_secret.get_secret_value())

        def deliver() -> Place:
            return thread.go_on(first, buttons=buttons) if first else thread.begin(buttons=buttons)

        channel, stamp = within(self.paging.send_seconds, deliver, str(page.to), SETTING)
        known = f"{channel}/{stamp}" if channel and stamp else page.key
        return Receipt(self.name, host_of(self.settings.url), known, datetime.now(UTC))

    def _by_webhook(self, page: Page) -> Receipt:
        url = self.settings.webhook.get_secret_value()
        body = json.dumps({"text": plain_text(page), "mrkdwn": False, "link_names": False}).encode()
        call = Call(str(page.to), "paging.slack.webhook", url, body, {"Content-Type": JSON})
        post(call, self.paging.send_seconds)
        return Receipt(self.name, host_of(url), page.key, datetime.now(UTC))


class _Thread:
    """The messages about one incident in one channel."""

    def __init__(self, client: Client, page: Page, until: float) -> None:
        self.client = client
        self.page = page
        self.until = until

    def begin(self, *, buttons: bool) -> Place:
        """Post the incident's message, and its details below it."""
        first = self._post(self.page.to.to, head_message(self.page, buttons=buttons))
        details = thread_message(self.page) if all(first) else None
        if details:
            try:
                self._post(first[0], details, thread_ts=first[1])
            except SreError as error:  # who has the message has the page
                log.warning("slack.details_missing", extra={"key": self.page.key, "error": str(error)})
        return first

    def go_on(self, first: Place, *, buttons: bool) -> Place:
        """Change the incident's message, then tell the news in its thread: a second try changes nothing twice."""
        channel, stamp = first
        try:
            if self.page.reason not in BESIDE:
                self._change(channel, stamp, head_message(self.page, buttons=buttons))
            # Who is asked for something should not have to follow a thread.
            loud = {"reply_broadcast": True} if self.page.kind is PageKind.TRIGGER else {}
            return self._post(channel, news_message(self.page), thread_ts=stamp, **loud)
        except Gone:
            return self.begin(buttons=buttons)

    def _post(self, channel: str, message: dict[str, Any], **where: Any) -> Place:  # noqa: ANN401 - Slack's names
        options: dict[str, Any] = {"channel": channel, "unfurl_links": False, "unfurl_media": False}
        answer = self._call(lambda: self.client.chat_postMessage(**options, **message, **where))
        return str(answer.get("channel", "")), str(answer.get("ts", ""))

    def _change(self, channel: str, stamp: str, message: dict[str, Any]) -> None:
        self._call(lambda: self.client.chat_update(channel=channel, ts=stamp, **message))

    def _call(self, once: Callable[[], SlackResponse]) -> SlackResponse:
        def translated() -> SlackResponse:
            try:
                return once()
            except SlackApiError as error:
                translate(error, str(self.page.to))

        return again(translated, self.until)


def place_of(receipt: Receipt | None) -> Place | None:
    """The message that a receipt is of; None where it was no message of an app."""
    if receipt is None:
        return None
    channel, slash, stamp = receipt.message_id.rpartition("/")
    return (channel, stamp) if channel and slash and stamp else None
