"""Pages as signed JSON for any receiver; the same page has the same key at every try."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.channels.alerts import webhook_document
from adapters.channels.calls import JSON, Call, ascii_header, host_of, must_be_usable, post
from adapters.channels.webhook.document import incident_document
from domain.pages import Page, Receipt
from domain.paging_settings import DEFAULT, HookSettings, PagingSettings

SIGNATURE, TIMESTAMP, KEY = "X-SRE-Signature", "X-SRE-Timestamp", "Idempotency-Key"
SHAPES: Mapping[str, Callable[[Page], dict[str, Any]]] = {
    "incident": incident_document,
    "alertmanager": webhook_document,
}


class WebhookChannel:
    """Posts to `paging.webhook` and `paging.webhooks`."""

    name = "webhook"

    def __init__(self, paging: PagingSettings) -> None:
        self.paging = paging

    def send(self, page: Page, before: Receipt | None = None) -> Receipt:
        """The receipt once the receiver has answered 2xx."""
        must_be_usable(page.to, self.paging)
        hook, now = self.paging.hook(page.to.to), datetime.now(UTC)
        body = json.dumps(SHAPES[hook.shape](page), sort_keys=True).encode()
        call = Call(
            receiver=str(page.to),
            setting=setting_of(page.to.to),
            url=hook.url.get_secret_value(),
            body=body,
            headers={"Content-Type": JSON, KEY: ascii_header(page.key), **signed(hook, body, now)},
        )
        post(call, self.paging.send_seconds)
        return Receipt(self.name, host_of(call.url), page.key, datetime.now(UTC))


def setting_of(name: str) -> str:
    """The setting that holds a receiver's address."""
    return "paging.webhook" if name == DEFAULT else f"paging.webhooks.{name}"


def signed(hook: HookSettings, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of the signature; without a secret only the time."""
    timestamp = str(int(now.timestamp()))
    secret = hook.secret.get_secret_value()
    if not secret:
        return {TIMESTAMP: timestamp}
    return {TIMESTAMP: timestamp, SIGNATURE: f"v1={signature(secret, timestamp, body)}"}


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over `{timestamp}.{body}`, in hexadecimal digits."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
