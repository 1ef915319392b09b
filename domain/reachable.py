"""Which contact points can be used as the settings are, and which of them there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from domain.addresses import mail_problem
from domain.canary import CONTACT
from domain.contacts import Contact, ContactKind
from domain.paging_settings import DEFAULT, PagingSettings

PAGERDUTY_REST = "api.pagerduty.com"
SLACK_WEBHOOK = "webhook"  # the receiver of Slack that is an incoming webhook


def contact_problem(contact: Contact, paging: PagingSettings) -> str:
    """Why this contact cannot be reached, with the setting that would help, or an empty text."""
    return PROBLEMS[contact.kind](contact.to, paging)


def configured(paging: PagingSettings) -> tuple[Contact, ...]:
    """Every contact point that the settings name themselves, each once."""
    named = [Contact(ContactKind.EMAIL, address) for address in paging.email.recipients]
    named += [Contact(ContactKind.WEBHOOK, name) for name in dict.fromkeys((DEFAULT, *paging.webhooks))]
    named += [Contact(ContactKind.PAGERDUTY, name) for name in dict.fromkeys((DEFAULT, *paging.pagerduty.routing_keys))]
    named += [Contact(ContactKind.SLACK, name) for name in (paging.slack.channel, SLACK_WEBHOOK) if name]
    named += [Contact(ContactKind.TEAMS, name) for name in paging.teams]
    named += [Contact(ContactKind.ALERTMANAGER, name) for name in paging.alertmanagers]
    named += [Contact(ContactKind.APPRISE, name) for name in paging.apprise]
    named += [Contact(ContactKind.FILE, name) for name in paging.files]
    return tuple(contact for contact in named if not contact_problem(contact, paging))


def _email(to: str, paging: PagingSettings) -> str:
    if problem := mail_problem(to):
        return f"{to!r} {problem}"
    return "" if paging.email.host else "no mail server is set: paging.email.host"


def _webhook(to: str, paging: PagingSettings) -> str:
    setting = "paging.webhook" if to == DEFAULT else f"paging.webhooks.{to}.url"
    url = paging.hook(to).url.get_secret_value()
    if urlsplit(url).hostname == PAGERDUTY_REST:
        return f"{setting} is PagerDuty's REST API, which takes no pages: set paging.pagerduty.routing_key instead"
    return "" if url else f"it has no URL: {setting}"


def _pagerduty(to: str, paging: PagingSettings) -> str:
    setting = "paging.pagerduty.routing_key" if to == DEFAULT else f"paging.pagerduty.routing_keys.{to}"
    return "" if paging.pagerduty.key(to) else f"it has no integration key: {setting}"


def _slack(to: str, paging: PagingSettings) -> str:
    if to == SLACK_WEBHOOK:
        return "" if paging.slack.webhook.get_secret_value() else "it has no URL: paging.slack.webhook"
    return "" if paging.slack.token.get_secret_value() else "Slack has no token: paging.slack.token"


def _teams(to: str, paging: PagingSettings) -> str:
    return "" if to in paging.teams else f"it has no URL: paging.teams.{to}"


def _alertmanager(to: str, paging: PagingSettings) -> str:
    return "" if to in paging.alertmanagers else f"it has no address: paging.alertmanagers.{to}"


def _apprise(to: str, paging: PagingSettings) -> str:
    return "" if to in paging.apprise else f"it has no URL: paging.apprise.{to}"


def _file(to: str, paging: PagingSettings) -> str:
    return "" if to in paging.files or to == CONTACT else f"it has no path: paging.files.{to}"


PROBLEMS: Mapping[ContactKind, Callable[[str, PagingSettings], str]] = {
    ContactKind.EMAIL: _email,
    ContactKind.WEBHOOK: _webhook,
    ContactKind.PAGERDUTY: _pagerduty,
    ContactKind.SLACK: _slack,
    ContactKind.TEAMS: _teams,
    ContactKind.ALERTMANAGER: _alertmanager,
    ContactKind.APPRISE: _apprise,
    ContactKind.FILE: _file,
}
