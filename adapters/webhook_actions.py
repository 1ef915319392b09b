"""Webhooks that the settings list: a signed POST that says what is asked, with one key over every try."""

from __future__ import annotations

import hashlib
import hmac
import json
from http import HTTPStatus

import httpx

from adapters.executing import Given, must_know
from adapters.store import effects
from adapters.store.database import Engine
from adapters.trust import hint, trusted
from domain.errors import Refused, Unavailable
from domain.execution import BEGUN, ENDED, Order, Snapshot
from domain.nearest import nearest
from domain.parameters import CallWebhook
from domain.plans import ActionKind
from domain.settings_acting import WebhookSettings

SIGNATURE = "X-SRE-Signature"
KEY = "Idempotency-Key"
# Answers after which another try may help.
LATER = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT})
# Where nothing was done for sure, so that the gate is asked again before the next try.
NOT_TAKEN = frozenset({HTTPStatus.TOO_MANY_REQUESTS})
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL)


class WebhookExecutor:
    """Calls webhooks of `mitigation.webhooks`; a receiver knows a call that comes again by its key."""

    name = "webhook"
    kinds = frozenset({ActionKind.CALL_WEBHOOK})

    def __init__(self, given: Given) -> None:
        self.given = given
        self.webhooks = given.settings.mitigation.webhooks
        self.seconds = given.settings.mitigation.effect_seconds.call_webhook

    @property
    def engine(self) -> Engine:
        """Our store. Raises Refused where there is none."""
        return self.given.store("a webhook is only called where it can be written down, in a database")

    def snapshot(self, target: str) -> Snapshot:
        """What a webhook does cannot be seen from here."""
        return Snapshot(target)

    def observe(self, order: Order) -> Snapshot:
        """Whether the receiver took it. One that was begun and has no end is called again, under the same key."""
        must_know(self, order)
        found = effects.read(self.engine, order.key) if order.key and self.given.engine else None
        if found is None:
            return Snapshot(order.target)
        if found.going_on:
            return Snapshot(order.target, mark=BEGUN, settled=False)
        return Snapshot(order.target, mark=found.end)

    def preview(self, order: Order) -> str:
        """What would be called, in words, without the address: it may hold a password."""
        name, _ = self._webhook(order)
        return f"call the webhook {name} about {order.service or order.target}"

    def carry_out(self, order: Order) -> None:
        """Call it, and return when the receiver took it. Raises Refused when it does not want it."""
        name, webhook = self._webhook(order)
        effects.forget(self.engine, order.key)
        effects.begin(self.engine, order.key, f"webhook {name}", now=self.given.clock())
        told, status = f"webhook {name}: HTTP status", self._post(name, webhook, order)
        if status in NOT_TAKEN:
            effects.forget(self.engine, order.key)
        if status in LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unavailable(f"{told} {status}")
        taken = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        effects.end(self.engine, order.key, ENDED if taken else f"HTTP status {status}", now=self.given.clock())
        if not taken:
            raise Refused(f"{told} {status}")

    def finish(self, order: Order, before: Snapshot) -> None:
        """Call it again: the receiver knows the key."""
        self.carry_out(order)

    def undo(self, order: Order, before: Snapshot) -> None:
        """Nothing: what a receiver did is for the receiver to take back."""

    def _webhook(self, order: Order) -> tuple[str, WebhookSettings]:
        must_know(self, order)
        assert isinstance(order.action.parameters, CallWebhook)  # noqa: S101 - an action has its kind's parameters
        name = order.action.parameters.webhook
        if name not in self.webhooks:
            raise Refused(f"mitigation.webhooks has no {name!r}; {nearest(name, self.webhooks)}")
        return name, self.webhooks[name]

    def _post(self, name: str, webhook: WebhookSettings, order: Order) -> int:
        """The status of the answer; its text stays unread, as it may repeat the address, and that be a password."""
        body = document(name, order)
        headers = {"Content-Type": "application/json", KEY: order.key}
        if secret := webhook.secret.get_secret_value():
            headers[SIGNATURE] = signature(secret, body)
        url = webhook.url.get_secret_value()
        try:
            with httpx.stream(
                "POST", url, content=body, headers=headers, timeout=self.seconds, verify=trusted()
            ) as answer:
                return answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if isinstance(error, NEVER_SENT):
                effects.forget(self.engine, order.key)
            # The text of such an error may hold the address too.
            raise Unavailable(f"webhook {name}: {type(error).__name__}{hint(error)}") from error


def document(name: str, order: Order) -> bytes:
    """What the receiver gets."""
    fields = {"webhook": name, "service": order.service, "target": order.target, "key": order.key}
    return json.dumps(fields, sort_keys=True).encode()


def signature(secret: str, body: bytes) -> str:
    """HMAC-SHA256 over the body as it is sent, in hexadecimal digits."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
