"""Who answers, and who may be given an incident: the names of the file that says who is on call.

Users come with their names at Slack and PagerDuty; of teams and schedules the names are known alone.

Whether they can be paged as the settings are is nothing that the HTTP service could say: it has no such settings.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import yaml

from adapters.file_stamps import Stamp, stamp_of
from domain.contacts import ContactKind
from domain.roster import Roster, Schedule, User

log = logging.getLogger(__name__)


@dataclass
class AnsweringUsers:
    """The users, read again when the file changes; while it cannot be read those that were known last."""

    path: Path | None
    _known: Roster = field(default_factory=Roster)
    _stamp: Stamp | None = None
    _lock: Lock = field(default_factory=Lock)

    def current(self) -> Roster:
        """The users as the file says them now; no users without a file."""
        # Who asks while the file is read waits: before the first reading everybody might answer.
        with self._lock:
            stamp = stamp_of(self.path)
            if self.path is not None and stamp is not None and stamp != self._stamp:
                self._stamp = stamp
                self._read(self.path)
            return self._known

    def _read(self, path: Path) -> None:
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            log.warning("on-call-file.unreadable", extra={"error": str(error)[:300]})
            return
        users = document.get("users") if isinstance(document, Mapping) else None
        if isinstance(users, Mapping):
            found = (_user(str(name), said) for name, said in users.items() if isinstance(said, Mapping))
            teams, schedules = (_names(document, heading) for heading in ("teams", "schedules"))
            self._known = Roster(
                users={user.name: user for user in found},
                teams=dict.fromkeys(teams, ()),
                schedules={name: Schedule(name, "UTC", ()) for name in schedules},
            )


def _names(document: Mapping[str, Any], heading: str) -> list[str]:
    said = document.get(heading)
    return [str(name) for name in said] if isinstance(said, Mapping) else []


def _user(name: str, said: Mapping[str, Any]) -> User:
    contacts = said.get("contacts")
    pairs = [one for one in contacts if isinstance(one, Mapping)] if isinstance(contacts, list) else []
    mails = [str(one[ContactKind.EMAIL]) for one in pairs if ContactKind.EMAIL in one]
    email = str(said.get("email") or next(iter(mails), ""))
    return User(name, (), full_name=str(said.get("full_name") or ""), slack_id=_slack_id(said), email=email)


def _slack_id(said: Mapping[str, Any]) -> str:
    return str(said.get("slack_id") or "")
