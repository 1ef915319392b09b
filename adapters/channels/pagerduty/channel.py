"""Pages as events of PagerDuty's Events API v2; an alert there is one episode of one incident here."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from adapters.channels.calls import JSON, Answer, Call, host_of, must_be_usable, post
from adapters.channels.pagerduty.event import LARGEST, event
from domain.errors import Refused, Unavailable
from domain.page_sections import clean
from domain.pages import Page, Receipt
from domain.paging_settings import DEFAULT, PagingSettings

LONGEST_REASON = 300


class PagerDutyChannel:
    """Sends to the services that `paging.pagerduty` has integration keys of."""

    name = "pagerduty"

    def __init__(self, paging: PagingSettings) -> None:
        self.paging = paging

    def send(self, page: Page, before: Receipt | None = None) -> Receipt:
        """The receipt once PagerDuty has taken the event (202)."""
        must_be_usable(page.to, self.paging)
        key, url = self.paging.pagerduty.key(page.to.to), self.paging.pagerduty.url
        body = within_limit(event(page, key))
        call = Call(str(page.to), setting_of(page.to.to), url, body, {"Content-Type": JSON})
        answer = post_event(call, key, self.paging.send_seconds)
        dedup_key = str(answer.fields.get("dedup_key") or json.loads(body)["dedup_key"])
        return Receipt(self.name, host_of(url), dedup_key, datetime.now(UTC), {"dedup_key": dedup_key})


def within_limit(made: dict[str, Any]) -> bytes:
    """The event as JSON; without its details where it would be too large, as the page matters more."""
    body = json.dumps(made, sort_keys=True).encode()
    if len(body) <= LARGEST or "payload" not in made:
        return body
    short = {name: value for name, value in made["payload"].items() if name != "custom_details"}
    return json.dumps(made | {"payload": short}, sort_keys=True).encode()


def setting_of(name: str) -> str:
    """The setting that holds a receiver's integration key."""
    return "paging.pagerduty.routing_key" if name == DEFAULT else f"paging.pagerduty.routing_keys.{name}"


def post_event(call: Call, key: str, seconds: float) -> Answer:
    """As `calls.post`; PagerDuty says what is wrong with an event, and a wrong key is a matter of settings."""
    asked: list[Answer] = []
    try:
        return post(call, seconds, heard=asked.append)
    except Refused as error:
        told = reasons(asked[-1], key) if asked else ""
        text = f"{error}: {told}" if told else str(error)
        if "routing_key" in told or "routing key" in told.lower():
            raise Unavailable(f"{text} (see {call.setting})") from None
        raise Refused(text) from None


def reasons(answer: Answer, key: str) -> str:
    """What PagerDuty says is wrong with the event, without the key."""
    errors = answer.fields.get("errors")
    told = [text for text in errors if isinstance(text, str)] if isinstance(errors, list) else []
    return clean("; ".join(told).replace(key, "***"), LONGEST_REASON)
