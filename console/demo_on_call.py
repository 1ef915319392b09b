"""Who is on call during the demonstration: two people with short timers, and a program that gets every page as well."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deployments.page_sink import serving

FIRST, SECOND = "ann", "bob"
MAILS: Mapping[str, str] = {FIRST: "ann@example.org", SECOND: "bob@example.org"}
HOOK = "webhook default"
# On a real night whoever is paged has minutes.
WAIT_SECONDS = 20
TEXT = f"""\
# Who is on call in the demonstration. Its timers are short, as somebody looks on.
users:
  {FIRST}:
    full_name: Ann Archer
    contacts: [{{email: {MAILS[FIRST]}}}]
  {SECOND}:
    full_name: Bob Baker
    contacts: [{{email: {MAILS[SECOND]}}}]
policies:
  default:
    steps:
      - notify: [{{user: {FIRST}}}, {{webhook: default}}]
        wait: {WAIT_SECONDS}s
      - notify: [{{user: {SECOND}}}]
        wait: 10m
    last_resort: [{{user: {FIRST}}}, {{user: {SECOND}}}]
"""


@dataclass(frozen=True, slots=True)
class PageHook:
    """Where a program gets pages, and what they are signed with."""

    url: str
    secret: str

    def settings(self, home: Path) -> dict[str, str]:
        """The settings by which people and that program are paged; the secret is not among them."""
        return {"SRE_PAGING__ON_CALL": str(on_call_file(home)), "SRE_PAGING__WEBHOOK": self.url}


@contextmanager
def page_hook(home: Path) -> Iterator[PageHook]:
    """The program that gets pages, for as long as the demonstration takes."""
    secret = secrets.token_hex(16)
    with serving(hook_folder(home), secret) as url:
        yield PageHook(url, secret)


def hook_folder(home: Path) -> Path:
    """Where the pages are kept that came by webhook."""
    return home / "webhook"


def on_call_file(home: Path) -> Path:
    """The file that says who is on call."""
    return home / "on_call.yaml"


def write_on_call(home: Path) -> None:
    """Write that file."""
    home.mkdir(parents=True, exist_ok=True)
    on_call_file(home).write_text(TEXT)
