"""What every channel makes of a page for each reason; run as a module (`python -m`), it writes the files anew."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from adapters.channels.alertmanager.channel import alerts
from adapters.channels.alerts import webhook_document
from adapters.channels.apprise.text import body, title
from adapters.channels.email.mail import html_part, subject, text_part
from adapters.channels.pagerduty.event import event
from adapters.channels.slack.blocks import head_message, news_message, plain_text, thread_message
from adapters.channels.teams.card import message
from adapters.channels.webhook.document import incident_document
from domain.pages import Page, PageReason
from tests.contracts.pages_part import a_page_for

FOLDER = Path(__file__).parent / "golden"


def as_json(made: object) -> str:
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def slack_messages(page: Page) -> dict[str, object]:
    return {"head": head_message(page, buttons=True), "thread": thread_message(page), "news": news_message(page)}


# Ending of the file's name -> what it holds.
SHAPES: Mapping[str, Callable[[Page], str]] = {
    "email.txt": lambda page: f"Subject: {subject(page)}\n\n{text_part(page)}",
    "email.html": html_part,
    "webhook.json": lambda page: as_json(incident_document(page)),
    "webhook-alertmanager.json": lambda page: as_json(webhook_document(page)),
    "pagerduty.json": lambda page: as_json(event(page, "0" * 32)),
    "slack.json": lambda page: as_json(slack_messages(page)),
    "slack-webhook.txt": lambda page: plain_text(page) + "\n",
    "teams.json": lambda page: as_json(message(page)),
    "alertmanager.json": lambda page: as_json(list(alerts(page))),
    "apprise.txt": lambda page: f"{title(page)}\n\n{body(page)}\n",
}


def golden() -> Iterator[tuple[str, str]]:
    """Name and content of each file."""
    for reason in PageReason:
        page = a_page_for(reason)
        for ending, shape in SHAPES.items():
            yield f"{reason.value.replace(' ', '-')}.{ending}", shape(page)


def main() -> int:
    """Write every file, and remove those that nothing makes any more."""
    FOLDER.mkdir(exist_ok=True)
    made = dict(golden())
    for path in FOLDER.iterdir():
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
