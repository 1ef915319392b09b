"""What the exports of other tools have in common: entries by id, parts of a week, and a file of ours that grows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

import yaml

from domain.roster import Turn, Window
from domain.roster_words import turn_text, window_text

Entry = Mapping[str, Any]
DAY = timedelta(days=1)
MIDNIGHT = time(0)
_TURNS = ((Turn.WEEKS, timedelta(weeks=1)), (Turn.DAYS, DAY), (Turn.HOURS, timedelta(hours=1)))
HEAD = """\
# Imported from {source}. Check it by `sre on-call check FILE`, and name it in paging.on_call.
# Say by paging.escalation_policy which of the policies holds for what no route fits.
"""


@dataclass
class Draft:
    """The file as far as it is written, and what is told of it."""

    source: str
    users: dict[str, Any] = field(default_factory=dict)
    teams: dict[str, Any] = field(default_factory=dict)
    schedules: dict[str, Any] = field(default_factory=dict)
    policies: dict[str, Any] = field(default_factory=dict)
    carried: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # id there -> name here

    def name(self, entry: Entry, wanted: str, among: Mapping[str, Any]) -> str:
        """A name for an entry that nothing else of its kind has; references find it by its id."""
        base = " ".join(wanted.split()) or str(entry.get("id", "unnamed"))
        number, name = 1, base
        while name in among:
            number += 1
            name = f"{base} {number}"
        self.names[str(entry.get("id", name))] = name
        return name

    def known(self, ids: Iterable[object], what: str) -> list[str]:
        """The names of those that the export has; the others are told of."""
        found = []
        for one in ids:
            if name := self.names.get(str(one)):
                found.append(name)
            else:
                self.lost.append(f"{what}: {one} is not in the export")
        return found

    def text(self) -> str:
        """The file."""
        parts = {"users": self.users, "teams": self.teams, "schedules": self.schedules, "policies": self.policies}
        kept = {heading: entries for heading, entries in parts.items() if entries}
        return HEAD.format(source=self.source) + yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=120)


def entries(document: Mapping[str, Any], heading: str) -> list[Entry]:
    """The entries of one kind: a list, or a page of the API that holds one."""
    found = document.get(heading, [])
    if isinstance(found, Mapping):
        found = found.get("results", found.get(heading, []))
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def turn_of(length: timedelta) -> tuple[Turn, int] | None:
    """A turn of so long in weeks, days or hours; None where it is no whole number of hours."""
    found = ((turn, length // unit) for turn, unit in _TURNS if length and not length % unit)
    return next(found, None)


def layer(name: str, users: list[str], begins: datetime, turn: tuple[Turn, int] = (Turn.WEEKS, 1)) -> dict[str, Any]:
    """A rotation as the file has it."""
    return {"name": name, "users": users, "begins": f"{begins:%Y-%m-%dT%H:%M}", "every": turn_text(*turn)}


def parts_of_week(days: Iterable[int], begins: time, length: timedelta) -> list[str]:
    """Spans that begin on some days of the week, as the file has them; those over a day become several."""
    at = list(dict.fromkeys(days))
    found: list[Window] = []
    start = timedelta(hours=begins.hour, minutes=begins.minute)
    if length <= DAY:
        return [window_text(Window(frozenset(at), begins, _clock(start + length)))]
    for day in at:
        left, since = start + length - DAY, begins
        number = day
        found.append(Window(frozenset({number % 7}), since, MIDNIGHT))
        while left > timedelta():
            number += 1
            found.append(Window(frozenset({number % 7}), MIDNIGHT, _clock(min(left, DAY))))
            left -= DAY
    return [window_text(window) for window in dict.fromkeys(found)]


def _clock(since_midnight: timedelta) -> time:
    minutes = since_midnight // timedelta(minutes=1)
    return time(minutes // 60 % 24, minutes % 60)
