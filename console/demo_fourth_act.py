"""The last act: nobody takes a page, so the next person is told, who answers by the link of the mail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.store.database import Engine
from adapters.store.look_ups import one_incident
from console.demo_mails import Mail, mails, open_link, press
from console.demo_on_call import FIRST, HOOK, MAILS, SECOND, WAIT_SECONDS
from console.demo_paging import Answered
from console.demo_view import View
from domain.errors import Unavailable
from domain.page_sentences import receiver
from domain.pages import NEWS
from domain.told_fields import listed

# How long each step may take before the demonstration gives up.
ESCALATED_SECONDS = WAIT_SECONDS + 40.0
ANSWERED_SECONDS = 30.0
# What opening a link would have done is done by then: `on-call` looks for answers each second.
LOOK_SECONDS = 2.5
# The services tell the mean of ten seconds, and whoever waited for the dependency waited for six at most.
QUIET = timedelta(seconds=20)
# What an answer changes.
ANSWERS = ("response.taken", "incident.acknowledged", "incident.resolved")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FourthAct:
    """The act, and what it is played on."""

    engine: Engine
    view: View
    folder: Path  # of the mails that the sink received
    number: int  # of the incident that a person was paged for
    over_at: datetime  # when its fault was cleared

    def play(self) -> Answered:
        """All of it, in order; raises Unavailable when a step does not come to its end."""
        self.view.say(
            f"{FIRST} has {WAIT_SECONDS} s to take incident {self.number}, then {SECOND} is told"
            " (a real policy leaves minutes)"
        )
        self.until(lambda found: told(found, SECOND), ESCALATED_SECONDS, f"the page to {SECOND}")
        mail = self.mail()
        before = answers(self.found())
        shown = open_link(mail.link)
        self.view.say(f"{SECOND} opens the link of the mail; as scanners of mail do that too, it only shows")
        self.view.pause(LOOK_SECONDS)
        unchanged = before == answers(self.found())
        self.view.say(f"{SECOND} presses “Acknowledge” there")
        shown = press(mail.link, shown, "acknowledge")
        self.until(lambda found: was_told(found, "acknowledged"), ANSWERED_SECONDS, "the word of who has it")
        self.view.say(f"{listed(receivers(self.found(), 'acknowledged'))} know that {SECOND} has it")
        self.view.say(f"{SECOND} looks whether it stays quiet, then presses “Resolve”")
        self.view.pause((self.over_at + QUIET - datetime.now(UTC)).total_seconds())
        press(mail.link, shown, "resolve")
        self.until(is_over, ANSWERED_SECONDS, "the word that it is over")
        self.view.say(f"{listed(receivers(self.found(), 'resolved'))} know that it is over")
        return Answered(self.number, mail.file, unchanged)

    def mail(self) -> Mail:
        """The newest mail to the second person with a link. Raises Unavailable where there is none."""
        found = [mail for mail in mails(self.folder) if mail.to == MAILS[SECOND] and mail.link]
        if not found:
            raise Unavailable(f"no mail to {SECOND} in {self.folder} has a link to answer by")
        return found[-1]

    def until(self, question: Callable[[Row], bool], seconds: float, what: str) -> None:
        """Go on when it holds of the incident. Raises Unavailable when it takes too long."""
        self.view.until(lambda: question(self.found()), seconds, f"{what} about incident {self.number}")

    def found(self) -> Row:
        """The incident, whole."""
        return one_incident(self.engine, self.number) or {}


def answers(found: Row) -> tuple[object, ...]:
    """What an answer would change."""
    said = [entry["id"] for entry in found["ledger"] if entry["kind"] in ANSWERS]
    return (found["state"], found["acked_at"], *said)


def told(found: Row, person: str) -> bool:
    """Whether somebody has the newest page that asks for a look."""
    asking = [page["id"] for page in found["pages"] if page["reason"] not in NEWS]
    return any(one["person"] == person and one["page_id"] == max(asking) for one in sent(found))


def sent(found: Row) -> Sequence[Row]:
    """What was delivered."""
    return [one for one in found["deliveries"] if one["state"] == "sent"]


def receivers(found: Row, reason: str) -> list[str]:
    """Who was told of this, in words."""
    pages = [page["id"] for page in found["pages"] if page["reason"] == reason]
    return [one["person"] or receiver(one) for one in sent(found) if one["page_id"] in pages]


def was_told(found: Row, reason: str) -> bool:
    """Whether the first person and the program know of it."""
    return {FIRST, HOOK} <= set(receivers(found, reason))


def is_over(found: Row) -> bool:
    """Whether everybody who was paged knows that it is over."""
    return {FIRST, SECOND, HOOK} <= set(receivers(found, "resolved"))
