"""An agent with something on every page, and one with nothing, both served to a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By

from adapters.store import experience
from adapters.store.closing import close_by_hand
from adapters.store.database import Engine, connect, transaction
from adapters.store.incident_rows import insert_incidents
from adapters.store.tables.found import incidents
from console.http.desk import Desk
from console.http.service import Service
from domain.autonomy import Autonomy, Word
from domain.incidents import Severity, State
from domain.people import Role
from domain.plan_documents import as_document
from domain.settings import MitigationSettings, PagingSettings, ServerSettings, Settings
from tests.parts.answers_part import a_plan
from tests.parts.browser_part import serving
from tests.parts.console_part import PASSWORD, a_desk, add_user, filled, put_findings, put_minutes
from tests.parts.console_part import a_finding as finding
from tests.parts.http_part import a_token
from tests.parts.incidents_part import an_incident
from tests.parts.judged_part import NOW
from tests.parts.models_part import a_registry, put_two, uri_of

POOL = "connection-pool-exhausted"
ROSTER = """\
users:
  ann: {contacts: [{email: ann@example.com}]}
  bob: {contacts: [{email: bob@example.com}]}
schedules:
  primary:
    zone: UTC
    layers:
      - {name: weekly, users: [ann, bob], begins: 2026-01-05T00:00, every: 1 week}
policies:
  default: {steps: [{notify: [{schedule: primary}], wait: 5m}]}
"""
INVENTORY = "services:\n  web: {executor: supervisord, target: web, owner: team-web}\n"
# Longer than a telephone is wide, and nowhere to be broken.
LONG = "x" * 300


@dataclass(frozen=True)
class Site:
    """Where it is served, and the incidents that it has."""

    address: str
    link: str  # the page behind the link of a page that was sent
    open: int = 0  # with a plan that waits
    closed: int = 0  # with evidence, plots, pages, a note and an analysis


@contextmanager
def an_empty_site(home: Path, url: str) -> Iterator[Site]:
    """Nothing was seen, and nobody needs to log in."""
    engine = connect(url)
    with serving(a_desk(engine, home)) as address:
        yield Site(address, "")
    engine.dispose()


@contextmanager
def a_full_site(home: Path, url: str) -> Iterator[Site]:
    """Something of everything; ann is admin."""
    engine = connect(url)
    open_one, closed = _fill(engine)
    _try_playbooks(engine)
    add_user(engine, "ann", Role.ADMIN)
    put_two(a_registry(home))
    with serving(_service(engine, home)) as address:
        yield Site(address, f"/i/{a_token(home, incident_id=open_one)}", open_one, closed)
    engine.dispose()


def _fill(engine: Engine) -> tuple[int, int]:
    """Numbers of an open incident and of one that is over; there is one of each severity."""
    closed = filled(engine, f"the pool failed {LONG}")
    close_by_hand(engine, closed, by="ann", now=NOW)
    made = [
        an_incident(id=closed + at, service=f"svc{at}", severity=severity, state=State.WAITING)
        for at, severity in enumerate(Severity, 1)
    ]
    with transaction(engine) as connection:
        insert_incidents(connection, made, now=NOW)
        connection.execute(
            incidents.update().where(incidents.c.state == State.WAITING).values(plan=as_document(a_plan()))
        )
    put_minutes(engine, "svc1")
    put_findings(engine, made[0].id, [finding(service="svc1")])
    return made[0].id, closed


def _try_playbooks(engine: Engine) -> None:
    """What was earned, lost and said."""
    with transaction(engine) as connection:
        for incident, levels, why in (
            (1, (Autonomy.ASK, Autonomy.ACT), "3 proved recoveries in a row by 2026-01-05 (the last: incident 1)"),
            (1, (Autonomy.ACT, Autonomy.ASK), "lowered on 2026-01-05: worse (incident 1)"),
        ):
            experience.changed(connection, incident, (POOL, "web"), levels, why, now=NOW)
        said = Word(Autonomy.ACT, "ann", "tried by hand for years", NOW)
        experience.say(connection, POOL, "web", said, before=Autonomy.ASK)


def _service(engine: Engine, home: Path) -> Service:
    (home / "on_call.yaml").write_text(ROSTER)
    (home / "inventory.yaml").write_text(INVENTORY)
    tree = Settings(
        servers=ServerSettings(mlflow_tracking_uri=uri_of(home)),
        mitigation=MitigationSettings(inventory=str(home / "inventory.yaml")),
        paging=PagingSettings(on_call=str(home / "on_call.yaml")),
    )
    return a_desk(engine, home, desk=Desk(tree, {"paging.on_call": "file"}, home))


def log_in(browser: Chrome, site: Site) -> None:
    """As ann."""
    browser.get(f"{site.address}/login")
    browser.find_element(By.NAME, "name").send_keys("ann")
    browser.find_element(By.NAME, "password").send_keys(PASSWORD, Keys.ENTER)
