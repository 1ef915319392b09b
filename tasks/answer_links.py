"""The link of a page by which its receiver answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from adapters.link_keys import LinkSigner
from domain.answer_links import link_of
from domain.http_settings import HttpSettings
from domain.pages import Link, Page, PageKind

LABEL = "Look and answer"


def with_link(page: Page, signer: LinkSigner, http: HttpSettings, *, now: datetime) -> Page:
    """The page with its link first; as it is where nothing is to be answered or no service runs."""
    if not http.enabled or not http.public_url or not page.incident_id or page.kind is PageKind.RESOLVE:
        return page
    token = signer.sign(link_of(page, now=now, hours=http.link_hours))
    link = Link(LABEL, f"{http.public_url.rstrip('/')}/i/{token}")
    return replace(page, links=(link, *page.links))
