"""The demonstration's last act: something outside is slow, everybody suffers, and more workers do not help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.store.database import Engine
from adapters.store.look_ups import list_incidents, one_incident
from console.demo_cascade import Cascade
from console.demo_summary import why_not
from console.demo_view import View
from deployments.shop import control, running
from deployments.shop.control import CASCADE
from domain.errors import Unavailable

# How long each step may take before the demonstration gives up.
ASKED_SECONDS = 90.0
DONE_SECONDS = 60.0
GIVEN_UP_SECONDS = 150.0

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ThirdAct:
    """The act, and what it is played on."""

    home: Path
    engine: Engine
    view: View
    sre: Callable[..., None]  # one `sre` command, as a user would type it

    def play(self) -> Cascade:
        """All of it, in order; raises Unavailable when a step does not come to its end."""
        at, before = datetime.now(UTC), self.workers()
        control.inject(self.home, CASCADE)
        self.view.say(
            f"fault injected: {CASCADE.fault} in {CASCADE.service}: every charge waits {CASCADE.amount:g} s for"
            " something outside, so all of its workers are busy, and whoever calls it suffers"
        )
        number = self.asked(at)
        self.allow(self.found(number))
        self.until(number, is_carried_out, DONE_SECONDS, "the action that was allowed")
        with_it = self.workers()
        self.view.say(f"{CASCADE.service} runs with {with_it} processes; the dependency stays slow")
        self.until(number, is_given_up, GIVEN_UP_SECONDS, "the page that it did not help")
        after = self.workers()
        self.view.say(f"{CASCADE.service} runs with {after} process{'es' * (after != 1)} again, and a person was paged")
        control.clear(self.home, CASCADE.fault, CASCADE.service)
        self.view.say("the dependency is fast again")
        return Cascade(CASCADE, at, datetime.now(UTC), number, (before, with_it, after))

    def workers(self) -> int:
        """Processes of the faulty service that really run."""
        return running.workers(control.existing(self.home), CASCADE.service)

    def asked(self, at: datetime) -> int:
        """The incident about which a page asks a person, as soon as there is one."""
        try:
            self.view.until(lambda: any(map(is_asked, self.incidents(at))), ASKED_SECONDS, "a page that asks a person")
        except Unavailable as error:
            raise Unavailable(f"{error}\n{why_not(CASCADE.service, self.incidents(at))}") from error
        numbers: list[int] = [found["id"] for found in self.incidents(at) if is_asked(found)]
        return min(numbers)

    def allow(self, asked: Row) -> None:
        """Show the page that asks, and answer it."""
        page = [page for page in asked["pages"] if page["reason"] == "approval"][-1]
        plan = [entry["fields"]["plan"] for entry in asked["ledger"] if entry["kind"] == "approval.asked"][-1]
        self.view.say(f"the page about incident {asked['id']} asks a person:")
        self.view.quote(page["lines"])
        self.view.say(f"a person allows it: sre approve {asked['id']} {plan}")
        self.sre("approve", str(asked["id"]), plan)

    def until(self, number: int, question: Callable[[Row], bool], seconds: float, what: str) -> None:
        """Go on when it holds of the incident. Raises Unavailable when it takes too long."""
        try:
            self.view.until(lambda: question(self.found(number)), seconds, what)
        except Unavailable as error:
            raise Unavailable(f"{error}\n{why_not(CASCADE.service, [self.found(number)])}") from error

    def incidents(self, at: datetime) -> list[Row]:
        """Every incident of the faulty service that had a log since the fault, whole."""
        found = list_incidents(self.engine, only_open=False, limit=200)
        return [self.found(row["id"]) for row in found if row["service"] == CASCADE.service and row["last_at"] >= at]

    def found(self, number: int) -> Row:
        """An incident, whole."""
        return one_incident(self.engine, number) or {}


def is_asked(found: Row) -> bool:
    """Whether it waits for a person, who was told."""
    told = any(page["reason"] == "approval" and page["state"] == "sent" for page in found["pages"])
    return told and found["state"] == "waiting for approval"


def is_carried_out(found: Row) -> bool:
    """Whether the present episode's action came to its end."""
    return any(row["state"] == "done" for row in _actions(found))


def is_given_up(found: Row) -> bool:
    """Whether a person has it and was told, after an action that was judged."""
    judged = [row for row in _actions(found) if row["outcome"] is not None]
    told = [page for page in found["pages"] if page["reason"] != "approval" and page["state"] == "sent"]
    return bool(judged and told) and found["state"] == "escalated"


def _actions(found: Row) -> list[Row]:
    return [row for row in found["actions"] if row["episode"] == found["episode"]]
