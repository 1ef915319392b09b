"""The ways to reach a human: a new one is a file and a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adapters.email import EmailChannel
from domain.pages import Channel
from domain.paging_settings import PagingSettings
from domain.settings import CallSettings


def email(paging: PagingSettings, calls: CallSettings) -> Channel:
    """E-mail, as `paging.email` says."""
    return EmailChannel(paging.email, calls)


CHANNELS: Mapping[str, Callable[[PagingSettings, CallSettings], Channel]] = {EmailChannel.name: email}
