"""The ways to reach people: a new one is a folder and a row."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from domain.contacts import ContactKind
from domain.pages import Channel, ChannelMaker
from domain.paging_settings import PagingSettings

# Kind -> the class in the folder of that name.
CLASSES: Mapping[ContactKind, str] = {
    ContactKind.EMAIL: "EmailChannel",
    ContactKind.WEBHOOK: "WebhookChannel",
    ContactKind.PAGERDUTY: "PagerDutyChannel",
    ContactKind.SLACK: "SlackChannel",
    ContactKind.TEAMS: "TeamsChannel",
    ContactKind.ALERTMANAGER: "AlertmanagerChannel",
    ContactKind.APPRISE: "AppriseChannel",
    ContactKind.FILE: "FileChannel",
}


def maker(kind: ContactKind) -> ChannelMaker:
    """Makes a channel of that kind; its libraries are imported by its first use, as apprise alone takes a second."""

    def make(paging: PagingSettings) -> Channel:
        channel: Channel = getattr(import_module(f"{__name__}.{kind.value}"), CLASSES[kind])(paging)
        return channel

    return make


# Each is made with the settings of paging.
CHANNELS: Mapping[ContactKind, ChannelMaker] = {kind: maker(kind) for kind in CLASSES}
