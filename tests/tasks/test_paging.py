"""Deliveries over a real SMTP server: no page is lost but by a person, and what is over is told of."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.store import outbox
from adapters.store.closing import reread
from adapters.store.database import Engine, connect, transaction
from adapters.store.deliveries import Delivery
from adapters.store.standing import undelivered
from adapters.store.switches import degraded
from adapters.store.tables.found import incidents
from adapters.store.tables.paging import deliveries, pages
from domain.incidents import Evidence, Incident, Resolution, State
from domain.inventory import Inventory, Service
from domain.logs import Level
from domain.paging_settings import Security
from domain.settings import Settings
from tasks.delivering import Pool, Sending, claim, deliver, pause_after, run, send_page
from tasks.expanding import expand_due
from tasks.paging import Pager
from tests.contracts.smtp_part import Inbox, certificate, smtp_server
from tests.parts.desk_part import store_incident
from tests.parts.judged_part import count, rows
from tests.parts.logs_part import NOON

SEEN: dict[str, Any] = {
    "detector": "rules, no model is registered",
    "evidence": [Evidence(NOON, int(Level.ERROR), "r1", "connection refused", "WORDS", {"word": "refused"})],
}
ONE, TWO = "one@example.org", "two@example.org"
MINUTE = timedelta(minutes=1)


@dataclass
class Desk:
    """One store, one mailbox, and a pager between them."""

    engine: Engine
    inbox: Inbox
    changes: dict[str, Any] = field(default_factory=dict)
    inventory: Inventory = field(default_factory=Inventory)
    recipients: tuple[str, ...] = (ONE,)

    @property
    def pager(self) -> Pager:
        mail = {"host": "127.0.0.1", "port": self.inbox.port, "security": Security.NONE, "recipients": self.recipients}
        email = {**mail, **self.changes}
        tree = Settings.model_validate({"paging": {"email": email, "send_seconds": 10}})
        return Pager(tree, self.engine, self.inventory)

    def incident(self, service: str = "web", message: str = "connection refused", **changes: object) -> Incident:
        """A confirmed incident with a queued page."""
        number = store_incident(self.engine, now=NOON, service=service, template=message, **SEEN)
        self.change(number, **changes)
        with transaction(self.engine) as connection:
            made = {name: value for name, value in changes.items() if name == "severity"}
            connection.execute(pages.update().values(created_at=datetime.now(UTC), **made))
        return self.read(number)

    def read(self, number: int) -> Incident:
        found = reread(self.engine, number)
        assert found is not None
        return found

    def change(self, number: int, **values: object) -> None:
        if values:
            with transaction(self.engine) as connection:
                connection.execute(incidents.update().where(incidents.c.id == number).values(**values))

    def close(self, number: int, resolution: Resolution, *lines: str) -> bool:
        """What the answer's last step does in one transaction; whether it is told of."""
        now = datetime.now(UTC)
        with transaction(self.engine) as connection:
            values = {"state": State.RESOLVED, "resolution": resolution, "resolved_at": now}
            connection.execute(incidents.update().where(incidents.c.id == number).values(values))
            return outbox.queue_resolved(connection, self.read_in(connection, number), lines, now)

    def read_in(self, connection: sa.Connection, number: int) -> Incident:
        row = connection.execute(sa.select(incidents).where(incidents.c.id == number)).one()
        return outbox.as_incident(row)

    def deliver(self) -> list[str]:
        """Deliver all that waits, whenever it is due."""
        self.age()
        return [outcome for _, outcome in run(self.pager, "t")]

    def claim(self) -> list[Delivery]:
        """Expand what waits, and claim what comes of it."""
        expand_due(self.pager, "t")
        return claim(self.pager, "email", "t", 20)

    def age(self, **ago: float) -> None:
        """What waits is due, and was made so long ago."""
        now = datetime.now(UTC)
        made = {"created_at": now - timedelta(**ago)} if ago else {}
        with transaction(self.engine) as connection:
            for table in (pages, deliveries):
                connection.execute(table.update().values(lease_until=None, due_at=now - MINUTE, **made))

    def states(self) -> list[str]:
        return [row["state"] for row in rows(self.engine, "SELECT state FROM pages ORDER BY id")]

    def delivered(self) -> list[tuple[str, str]]:
        """Each receiver, and what became of what goes there."""
        query = "SELECT receiver, state FROM deliveries ORDER BY id"
        return [(row["receiver"], row["state"]) for row in rows(self.engine, query)]

    def kinds(self) -> list[str]:
        query = "SELECT kind FROM ledger WHERE kind LIKE 'page.%' ORDER BY id"
        return [row["kind"] for row in rows(self.engine, query)]

    def down(self) -> list[str]:
        return degraded(self.engine, now=datetime.now(UTC))


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    engine = connect(sqlite_url)
    with smtp_server() as inbox:
        yield Desk(engine, inbox)
    engine.dispose()


def text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


CRITICAL = {"severity": 4}


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param({"RCPT": "550 nobody"}, id="550"),
        pytest.param({"RCPT": "554 relay access denied"}, id="554-relay"),
        pytest.param({"DATA": "552 too large"}, id="552"),
        pytest.param({"DATA": "554 spam"}, id="554"),
        pytest.param({"DATA": "451 later"}, id="451"),
    ],
)
def test_a_critical_page_that_a_server_refuses_waits_and_goes_out_in_the_end(
    desk: Desk, answers: dict[str, str]
) -> None:
    """P1: lost at the first try."""
    incident = desk.incident(**CRITICAL)
    desk.inbox.answers |= answers
    (said,) = desk.deliver()
    assert said.startswith("not accepted, again in ")
    assert ["sending"] == desk.states()
    (told,) = desk.down()
    assert told.startswith("email ")
    assert "1 page waits" in told
    desk.age(days=30)
    desk.deliver()
    assert ["sending"] == desk.states()
    desk.inbox.answers.clear()
    desk.deliver()
    assert ["sent"] == desk.states()
    (mail,) = desk.inbox.mails
    assert f"incident {incident.id}" in mail["Subject"]
    assert "Down right now" not in text(mail)
    assert [] == desk.down()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"host": "no-such-host.invalid"}, "paging.email.host", id="no-such-host"),
        pytest.param({"host": ""}, "paging.email.host", id="no-host"),
        pytest.param({"security": Security.STARTTLS}, "paging.email.security", id="no-starttls"),
        pytest.param({"username": "u", "password": "p"}, "not accepted", id="no-login"),
    ],
)
def test_what_is_set_up_wrong_loses_no_page(desk: Desk, changes: dict[str, Any], says: str) -> None:
    """P1: no host and no recipients lost a critical page at the first try."""
    desk.incident(**CRITICAL)
    desk.changes = changes
    (said,) = desk.deliver()
    assert says in said
    assert desk.states() in (["queued"], ["sending"])
    desk.changes = {}
    desk.deliver()
    assert ["sent"] == desk.states()


def test_a_certificate_that_ran_out_loses_no_page(desk: Desk, tmp_path: Path) -> None:
    """P1."""
    context, _ = certificate(tmp_path)
    desk.incident(**CRITICAL)
    with smtp_server(tls=context) as inbox:
        desk.changes = {"security": Security.TLS, "port": inbox.port}
        desk.deliver()
    assert ["sending"] == desk.states()
    assert "paging.email.ca_file" in desk.down()[0]


def test_a_critical_page_that_nobody_accepts_for_long_is_in_the_ledger_once(desk: Desk) -> None:
    """P1: and it is tried for ever."""
    desk.incident(**CRITICAL)
    desk.inbox.answers["RCPT"] = "550 nobody"
    desk.deliver()
    assert "page.undelivered" not in desk.kinds()
    for _ in range(3):
        desk.age(minutes=16)
        desk.deliver()
    assert 1 == desk.kinds().count("page.undelivered")
    waiting = undelivered(desk.engine, made_before=datetime.now(UTC) - 15 * MINUTE, now=datetime.now(UTC))
    assert (1, 1) == (waiting.pages, waiting.critical)
    assert str(waiting).startswith("1 page waits, 1 of them critical, the oldest since")


def test_only_a_page_that_is_refused_itself_and_is_not_critical_is_given_up(desk: Desk) -> None:
    desk.incident(severity=3)
    desk.inbox.answers["DATA"] = "554 spam"
    desk.deliver()
    assert ["sending"] == desk.states()
    desk.age(hours=2)
    assert desk.deliver()[0].startswith("given up")
    assert ["failed"] == desk.states()
    assert "page.failed" in desk.kinds()
    assert "given up" in desk.down()[0]


def test_who_refused_a_page_gets_it_later_and_the_others_have_it_at_once(desk: Desk) -> None:
    """P4: one of two refused counted as sent to both."""
    desk.recipients = (ONE, TWO)
    desk.incident()
    desk.inbox.answers[TWO] = "450 busy"
    desk.deliver()
    assert [(ONE, "sent"), (TWO, "queued")] == desk.delivered()
    assert any("450 busy" in told for told in desk.down())
    desk.inbox.answers.clear()
    desk.deliver()
    assert [(ONE, "sent"), (TWO, "sent")] == desk.delivered()
    first, second = desk.inbox.mails
    assert (ONE, TWO) == (first["To"], second["To"])
    assert first["Message-ID"] == second["Message-ID"]
    assert [] == desk.down()


def test_a_receiver_who_never_takes_it_is_given_up_when_the_others_have_it(desk: Desk) -> None:
    desk.recipients = (ONE, TWO)
    desk.incident(**CRITICAL)
    desk.inbox.answers[TWO] = "550 nobody"
    desk.deliver()
    desk.age(hours=2)
    desk.deliver()
    assert [(ONE, "sent"), (TWO, "failed")] == desk.delivered()
    assert 1 == len(desk.inbox.mails)


@pytest.mark.parametrize(("attempts", "least"), [(0, 1), (1, 2), (5, 32), (6, 60), (100_000, 60)])
def test_pauses_grow_to_a_minute_with_jitter(attempts: int, least: int) -> None:
    assert timedelta(seconds=least) <= pause_after(attempts) <= timedelta(seconds=min(least + 1, 60))


def test_a_service_that_fell_silent_does_not_take_its_page_with_it(desk: Desk) -> None:
    """P2: the incident closed as quiet, and nobody was told."""
    incident = desk.incident(**CRITICAL)
    assert not desk.close(incident.id, Resolution.QUIET, "it went quiet")
    (said,) = desk.deliver()
    assert said.startswith("sent")
    (mail,) = desk.inbox.mails
    assert "over meanwhile" in mail["Subject"]
    assert "It is over meanwhile: nothing was seen of it after" in text(mail)


@pytest.mark.parametrize(
    "changes",
    [
        {"acked_at": datetime(2026, 1, 5, tzinfo=UTC)},
        {"state": State.RESOLVED, "resolution": Resolution.HUMAN},
        {"state": State.RESOLVED, "resolution": Resolution.VERIFIED},
    ],
)
def test_a_person_or_a_verified_repair_stops_a_page(desk: Desk, changes: dict[str, object]) -> None:
    desk.incident(**changes)
    assert desk.deliver()[0].startswith("suppressed")
    assert [] == desk.inbox.mails


def test_a_page_on_which_another_incident_relies_goes_out(desk: Desk) -> None:
    first = desk.incident()
    second = desk.incident("api", "disk error")
    desk.change(second.id, page_key=first.page_key)
    desk.change(first.id, acked_at=datetime.now(UTC))
    with transaction(desk.engine) as connection:
        connection.execute(pages.delete().where(pages.c.incident_id == second.id))
    assert desk.deliver()[0].startswith("sent")
    (mail,) = desk.inbox.mails
    assert "2 services: web, api" in text(mail)
    assert "and 1 more" in mail["Subject"]


def test_what_was_told_of_and_is_over_is_told_in_the_same_thread(desk: Desk) -> None:
    """N6: no mail said that it was repaired."""
    incident = desk.incident()
    desk.deliver()
    assert desk.close(incident.id, Resolution.VERIFIED, "restarted web; error rate 0.1 %, 14 % before")
    desk.deliver()
    first, second = desk.inbox.mails
    assert second["Subject"].startswith("RESOLVED")
    assert first["Message-ID"] == second["In-Reply-To"] == second["References"]
    assert "restarted web; error rate 0.1 %, 14 % before" in text(second)
    assert ["sent", "sent"] == desk.states()


def test_over_is_told_once(desk: Desk) -> None:
    incident = desk.incident()
    desk.deliver()
    assert desk.close(incident.id, Resolution.QUIET)
    assert not desk.close(incident.id, Resolution.QUIET)
    desk.deliver()
    assert 2 == len(desk.inbox.mails)


def test_where_nobody_was_told_nobody_is_told_that_it_is_over(desk: Desk) -> None:
    incident = desk.incident()
    assert not desk.close(incident.id, Resolution.VERIFIED)
    desk.deliver()
    assert ["suppressed"] == desk.states()
    assert [] == desk.inbox.mails


def test_a_page_that_is_being_sent_when_its_incident_ends_is_followed_by_its_end(desk: Desk) -> None:
    incident = desk.incident()
    (claimed,) = desk.claim()
    assert desk.close(incident.id, Resolution.QUIET, "it went quiet")
    assert ["the page before it waits"] == [outcome for _, outcome in expand_due(desk.pager, "other")]
    deliver(desk.pager, claimed)
    desk.deliver()
    assert [False, True] == [mail["Subject"].startswith("RESOLVED") for mail in desk.inbox.mails]


def test_what_shares_a_page_is_over_when_the_last_of_it_is(desk: Desk) -> None:
    """N6: one mail for all, not one for each."""
    first, second = desk.incident(), desk.incident("api", "disk error")
    desk.change(second.id, page_key=first.page_key)
    with transaction(desk.engine) as connection:
        connection.execute(pages.delete().where(pages.c.incident_id == second.id))
    desk.deliver()
    assert not desk.close(first.id, Resolution.VERIFIED)
    assert desk.close(second.id, Resolution.QUIET, "api went quiet")
    desk.deliver()
    over = desk.inbox.mails[-1]
    assert over["Subject"].startswith("RESOLVED")
    assert over["References"] == desk.inbox.mails[0]["Message-ID"]
    assert "2 services: api, web" in text(over)


def test_what_came_back_before_its_end_was_told_is_not_over(desk: Desk) -> None:
    incident = desk.incident()
    desk.deliver()
    assert desk.close(incident.id, Resolution.VERIFIED)
    desk.change(incident.id, state=State.REOPENED, resolution=None)
    assert "suppressed: it is not over: an incident came back" in desk.deliver()
    assert 1 == len(desk.inbox.mails)


def test_a_mail_names_where_it_may_come_from(desk: Desk) -> None:
    """N6: three symptom mails, none naming the origin. A critical one is not held back by what is not critical."""
    desk.inventory = Inventory(
        {
            "web": Service("web", "supervisord", "web", dependencies=("database",)),
            "database": Service("database", "supervisord", "database"),
        }
    )
    now = datetime.now(UTC)
    origin = desk.incident("database", last_at=now)
    desk.incident("web", message="upstream error: no response", **CRITICAL)
    desk.deliver()
    about_database, about_web = map(text, desk.inbox.mails)
    assert f"Likely origin: incident {origin.id} (database: " in about_web
    assert "on which web depends" in about_web
    assert "Likely origin" not in about_database


def test_a_mail_is_words_and_units(desk: Desk) -> None:
    """N7: keys, reprs and dicts went into mails."""
    desk.incident()
    desk.deliver()
    said = text(desk.inbox.mails[0])
    assert "the word “refused” in its message (rules, no model is registered)" in said
    assert not any(sign in said for sign in ("{", "confidence", "threshold", "False", "None"))


def test_the_task_delivers_one_page(desk: Desk) -> None:
    desk.incident()
    (claimed,) = desk.claim()
    with ThreadPoolExecutor(1) as threads:
        sending = Sending(desk.pager, claimed, Pool(threads))
        assert f"page by email {ONE}: incident 1, uncommon" == str(sending)
        assert asyncio.run(send_page.fn(sending)).startswith("sent")
    assert 1 == count(desk.engine, "pages")
