"""Ways to reach people: a kind of channel, and where on it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ContactKind(StrEnum):
    """The channels; each is a folder of its own in `adapters/channels`."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    PAGERDUTY = "pagerduty"
    SLACK = "slack"
    TEAMS = "teams"
    ALERTMANAGER = "alertmanager"
    APPRISE = "apprise"
    FILE = "file"


# They keep an alert of each incident, which opens and ends by its own key and may wake people: nothing comes with
# another one there, and nothing that is about no incident.
OWN_ALERTS = frozenset({ContactKind.PAGERDUTY, ContactKind.ALERTMANAGER})


@dataclass(frozen=True, slots=True, order=True)
class Contact:
    """One contact point; it holds no secret, as URLs and keys are the settings'."""

    kind: ContactKind
    to: str  # a mail address, a Slack channel, or the name that `paging.<kind>` gives to a receiver

    def __str__(self) -> str:
        return f"{self.kind} {self.to}"
