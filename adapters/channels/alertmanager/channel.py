"""Our incidents as alerts in an Alertmanager (API v2), which then tells whom its own routes name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.channels.alerts import begins, generator, labels, rfc3339, said_of
from adapters.channels.calls import JSON, Call, host_of, must_be_usable, post
from domain.pages import Page, PageKind, Receipt
from domain.paging_settings import PagingSettings

PATH = "/api/v2/alerts"
SEVERITIES = ("low", "medium", "high", "critical")
# Without an end Alertmanager takes an alert for resolved after five minutes of silence; ours is told of once.
LASTS = timedelta(days=7)
SEVERITY, SERVICE = "severity", "service"


class AlertmanagerChannel:
    """Posts to the Alertmanagers that `paging.alertmanagers` names."""

    name = "alertmanager"

    def __init__(self, paging: PagingSettings) -> None:
        self.paging = paging

    def send(self, page: Page, before: Receipt | None = None) -> Receipt:
        """The receipt once Alertmanager has the alert (200)."""
        must_be_usable(page.to, self.paging)
        address = self.paging.alertmanagers[page.to.to]
        first = before.details if before else {}
        page = replace(page, service=first.get(SERVICE) or page.service)
        body = json.dumps(list(alerts(page, first.get(SEVERITY, ""))), sort_keys=True).encode()
        setting = f"paging.alertmanagers.{page.to.to}"
        call = Call(str(page.to), setting, address.rstrip("/") + PATH, body, {"Content-Type": JSON})
        post(call, self.paging.send_seconds)
        # Its service may become another one; what names the alert there must not, or nobody would ever end it.
        known = {SEVERITY: page.severity, SERVICE: page.service}
        return Receipt(self.name, host_of(address), page.key, datetime.now(UTC), known)


def alerts(page: Page, first: str = "") -> Iterator[dict[str, Any]]:
    """The alert, and the end of those that it was while it was less bad; `first`: how bad it was at first."""
    over = page.kind is PageKind.RESOLVE
    yield _alert(page, page.severity, page.created_at if over else page.created_at + LASTS)
    if first in SEVERITIES:
        known = SEVERITIES[SEVERITIES.index(first) :]
        for severity in known[: known.index(page.severity)] if page.severity in known else (first,):
            yield _alert(page, severity, page.created_at)


def _alert(page: Page, severity: str, ends: datetime) -> dict[str, Any]:
    begun = begins(page)
    # One that ends when it begins was never there.
    ends = max(ends, begun + timedelta(milliseconds=1))
    return {
        "labels": labels(page, severity),
        "annotations": said_of(page),
        "startsAt": rfc3339(begun),
        "endsAt": rfc3339(ends),
        "generatorURL": generator(page),
    }
