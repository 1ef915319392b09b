"""The demo's receiver of webhooks: what comes is kept, with whether it was signed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from adapters.channels.webhook import WebhookChannel
from deployments.page_sink import received, serving
from domain.contacts import Contact, ContactKind
from domain.errors import SreError
from domain.pages import PageReason
from domain.settings import Settings
from tests.contracts.pages_part import a_page

SECRET = "of the test"
TO = Contact(ContactKind.WEBHOOK, "default")


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path, SECRET) as address:
        yield address


def channel(url: str, secret: str = SECRET) -> WebhookChannel:
    return WebhookChannel(Settings.model_validate({"paging": {"webhook": url, "webhook_secret": secret}}).paging)


def test_a_page_of_the_channel_is_kept_and_known_as_genuine(url: str, tmp_path: Path) -> None:
    channel(url).send(a_page(reason=PageReason.CRITICAL, to=TO))
    (kept,) = received(tmp_path)
    assert (True, kept["key"], "critical") == (kept["genuine"], kept["page"]["key"], kept["page"]["reason"])


def test_what_is_signed_by_somebody_else_is_refused_and_kept_as_such(url: str, tmp_path: Path) -> None:
    with pytest.raises(SreError):
        channel(url, "another").send(a_page(reason=PageReason.CRITICAL, to=TO))
    assert [False] * len(received(tmp_path)) == [kept["genuine"] for kept in received(tmp_path)]
    assert received(tmp_path)


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        pytest.param("", b"no JSON", 400, id="what is no JSON"),
        pytest.param("x", b"{}", 404, id="another path"),
        pytest.param("", b" " * 1_000_001, 413, id="what is too long"),
    ],
)
def test_nothing_else_is_kept(url: str, tmp_path: Path, path: str, body: bytes, expected: int) -> None:
    try:
        status = httpx.post(url + path, content=body, trust_env=False).status_code
    except httpx.WriteError:  # it was cut before the whole body was sent
        status = 413
    assert (expected, []) == (status, received(tmp_path))


def test_it_listens_on_loopback_only(url: str) -> None:
    assert url.startswith("http://127.0.0.1:")
