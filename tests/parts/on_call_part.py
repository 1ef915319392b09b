"""A roster to test with: its file as text, and settings with which all of its contacts can be used."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from adapters.on_call_files.reading import Surroundings, load, read
from domain.paging_settings import EmailSettings, PagerDutySettings, PagingSettings, SlackSettings
from domain.roster import Roster

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
EXAMPLE = Path(__file__).resolve().parents[2] / "deployments" / "on_call.example.yaml"
PAGING = PagingSettings(
    email=EmailSettings(host="smtp.example.com"),
    slack=SlackSettings(token=SecretStr("xoxb-1")),
    pagerduty=PagerDutySettings(routing_key=SecretStr("0123456789abcdef0123456789abcdef")),
    apprise={name: SecretStr("json://localhost") for name in ("sms-ann", "sms-bob", "sms-gus")},
)
SMALL = """\
users:
  ann: {contacts: [{email: ann@example.com}, {slack: U1}]}
  bob: {contacts: [{email: bob@example.com}]}
teams:
  ops: [ann, bob]
schedules:
  primary:
    zone: Europe/Berlin
    layers:
      - users: [ann, bob]
        begins: 2026-01-05T09:00
policies:
  default:
    steps:
      - notify: [{schedule: primary}]
        wait: 5m
    last_resort: [{team: ops}]
"""


def a_roster(text: str = SMALL, paging: PagingSettings = PAGING, folder: Path = Path()) -> Roster:
    return read(text, "on_call.yaml", Surroundings(paging, folder, folder / "calendars", NOW))


def example() -> Roster:
    return load(EXAMPLE, PAGING, copies=Path("nowhere"), now=NOW)
