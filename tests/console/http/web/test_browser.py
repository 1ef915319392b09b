"""The pages in a real browser: live, by keyboard, on a telephone, and without a script."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from adapters.store.database import Engine, transaction
from adapters.store.incident_rows import insert_incidents, set_due
from adapters.store.ledger_rows import note
from adapters.store.tables.found import incidents
from console.http.web.live import MOST_OF_ONE
from deployments.ports import unused
from domain.incidents import State
from domain.ledger import LedgerKind
from domain.people import People, Role
from domain.plan_documents import as_document
from tasks.responding import act_on_stored
from tests.parts.answers_part import a_plan
from tests.parts.browser_part import a_chromium, needs_browser, serving
from tests.parts.console_part import PASSWORD, a_desk, add_user, filled, put_minutes
from tests.parts.http_part import noted
from tests.parts.incidents_part import an_incident
from tests.parts.judged_part import NOW

pytestmark = [pytest.mark.slow, needs_browser]
PAGES = (
    "/incidents",
    "/incidents/1",
    "/services",
    "/services/web",
    "/on-call",
    "/logs",
    "/templates",
    "/models",
    "/settings",
)
FOUND = {"cause": "the pool was too small", "helped": "set it to 40", "origin": "db", "verdict": "partly"}
TELEPHONE = (360, 780)
UNLABELLED = """
return [...document.querySelectorAll("input:not([type=hidden]), select, button, a")]
  .filter((one) => !(one.textContent.trim() || one.ariaLabel || (one.labels && one.labels.length)))
  .map((one) => one.outerHTML)
"""


@pytest.fixture
def address(engine: Engine, tmp_path: Path) -> Iterator[str]:
    with serving(a_desk(engine, tmp_path)) as found:
        yield found


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    with a_chromium(tmp_path) as made:
        yield made


def until(browser: Chrome, holds: Any) -> Any:
    # A page that renews itself takes what was found on it along.
    return WebDriverWait(browser, 30, 0.05, [WebDriverException]).until(holds)


def shows(browser: Chrome, text: str) -> Any:
    return until(browser, lambda seen: text in seen.find_element(By.TAG_NAME, "body").text)


def press(browser: Chrome, *keys: str) -> None:
    browser.switch_to.active_element.send_keys(*keys)


def open_waiting(engine: Engine, number: int, service: str = "web") -> None:
    """An incident with a plan that waits for a person."""
    made = an_incident(id=number, service=service, state=State.WAITING)
    with transaction(engine) as connection:
        insert_incidents(connection, [made], now=NOW)
        connection.execute(incidents.update().where(incidents.c.id == number).values(plan=as_document(a_plan())))
        set_due(connection, [made], [], now=NOW)
        note(connection, LedgerKind.OPENED, number, {"template": "it broke", "route": "playbook"}, now=NOW)


def test_a_night_on_call(engine: Engine, address: str, browser: Chrome) -> None:
    """Log in, see an incident appear, read its plot, acknowledge, approve and resolve it, by keyboard alone."""
    add_user(engine, "ann", Role.APPROVER)
    put_minutes(engine)
    browser.get(f"{address}/incidents")
    shows(browser, "Log in")
    browser.find_element(By.NAME, "name").send_keys("ann")
    browser.find_element(By.NAME, "password").send_keys(PASSWORD, Keys.ENTER)
    shows(browser, "no incident")

    until(browser, lambda seen: seen.execute_script("return document.documentElement.dataset.live") == "yes")
    browser.execute_script("window.sameDocument = true")
    open_waiting(engine, 1)
    shows(browser, "mend-it")
    assert browser.execute_script("return window.sameDocument")

    press(browser, "j")
    press(browser, Keys.ENTER)
    shows(browser, "What gave it away")
    plot = browser.find_element(By.CSS_SELECTOR, "svg.plot")
    assert plot.size["width"] > 200
    assert "normally 2" in plot.find_element(By.TAG_NAME, "desc").get_attribute("textContent")

    press(browser, "a")
    press(browser, Keys.ENTER)
    act(engine, browser, "incident 1 acknowledged")
    assert ["ann"] == [one["by"] for one in noted(engine, "incident.acknowledged")]

    open_waiting(engine, 2, "db")
    browser.get(f"{address}/incidents/2")
    browser.find_element(By.CSS_SELECTOR, "[data-verb=approve]").click()
    act(engine, browser, "allowed")
    assert "ann" == noted(engine, "approval.given")[-1]["by"]

    browser.get(f"{address}/incidents/1")
    resolve_with_a_note(browser)
    act(engine, browser, "incident 1 resolved, with a note")
    assert "ann" == noted(engine, "incident.resolved")[-1]["by"]
    assert [FOUND | {"by": "ann"}] == noted(engine, "incident.noted")
    shows(browser, FOUND["cause"])
    taken = {(one["verb"], one["via"]) for one in noted(engine, "response.taken")}
    assert {("acknowledge", "console"), ("approve", "console"), ("resolve", "console")} == taken


def resolve_with_a_note(browser: Chrome) -> None:
    """Unfold what the button takes, say all of it, and press."""
    form = browser.find_element(By.CSS_SELECTOR, "form[action$=resolve]")
    form.find_element(By.TAG_NAME, "summary").click()
    for name, text in (("cause", FOUND["cause"]), ("helped", FOUND["helped"]), ("origin", FOUND["origin"])):
        form.find_element(By.NAME, name).send_keys(text)
    Select(form.find_element(By.NAME, "analysis")).select_by_visible_text(FOUND["verdict"])
    form.find_element(By.CSS_SELECTOR, "[data-verb=resolve]").click()


def act(engine: Engine, browser: Chrome, outcome: str) -> None:
    """`on-call` acts on what was pressed, and the page says what became of it by itself."""
    shows(browser, "on-call will act on it within seconds")
    assert 1 == act_on_stored(engine, People(), now=NOW)
    shows(browser, outcome)


def test_whoever_types_is_not_interrupted(engine: Engine, address: str, browser: Chrome) -> None:
    open_waiting(engine, 1)
    browser.get(f"{address}/incidents/1")
    until(browser, lambda seen: seen.execute_script("return document.documentElement.dataset.live") == "yes")
    field = browser.find_element(By.CSS_SELECTOR, "form[action$=comment] input[name=argument]")
    field.send_keys("the disk is")
    with transaction(engine) as connection:
        note(connection, LedgerKind.COMMENTED, 1, {"by": "bob", "text": "me too"}, now=NOW)
    shows(browser, "This page has changed since")
    assert "the disk is" == field.get_attribute("value")


def test_on_a_telephone_nothing_is_wider_than_the_page_and_everything_has_a_name(
    engine: Engine, address: str, browser: Chrome
) -> None:
    filled(engine, "the pool failed " + "x" * 300)
    size = {"width": TELEPHONE[0], "height": TELEPHONE[1], "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    for page in PAGES:
        browser.get(f"{address}{page}")
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= TELEPHONE[0], page
        browser.execute_script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        unfolded = browser.execute_script("return document.documentElement.scrollWidth")
        assert unfolded <= TELEPHONE[0], page
        assert [] == browser.execute_script(UNLABELLED), page
        assert [] == [one for one in browser.get_log("browser") if one["level"] == "SEVERE"], page


def test_without_a_script_everything_can_be_read_and_answered(engine: Engine, address: str, tmp_path: Path) -> None:
    number = filled(engine)
    with a_chromium(tmp_path, scripts=False) as browser:
        browser.get(f"{address}/incidents")
        assert not browser.find_element(By.TAG_NAME, "html").get_attribute("class")
        browser.find_element(By.CSS_SELECTOR, ".incident a").click()
        for part in ("the pool failed", "What gave it away", "Everything that was decided", "Analysis"):
            shows(browser, part)
        assert browser.find_elements(By.CSS_SELECTOR, "svg.plot")
        resolve_with_a_note(browser)
        act(engine, browser, f"incident {number} resolved, with a note")
        assert FOUND == {name: text for name, text in noted(engine, "incident.noted")[-1].items() if name != "by"}


def hidden(browser: Chrome) -> bool:
    return bool(browser.execute_script("return document.getElementById('not-live').hidden"))


def test_a_page_that_may_not_listen_says_so_and_is_live_when_it_may(
    engine: Engine, address: str, browser: Chrome
) -> None:
    """A list whose stream was refused looked live, and showed nothing new."""
    with ExitStack() as held:
        url = f"{address}/events"
        texts = [held.enter_context(httpx.stream("GET", url, timeout=60)).iter_text() for _ in range(MOST_OF_ONE)]
        assert all("event: ready" in next(one) for one in texts)
        browser.get(f"{address}/incidents")
        shows(browser, "Not live: load the page again")
        browser.execute_script("document.querySelector('footer time').textContent = 'long ago'")
        open_waiting(engine, 1)
    until(browser, hidden)
    shows(browser, "mend-it")
    assert "long ago" not in browser.find_element(By.TAG_NAME, "footer").text


def test_a_service_that_is_away_for_long_is_told_and_one_that_comes_back_is_heard(
    engine: Engine, tmp_path: Path, browser: Chrome
) -> None:
    desk, port = a_desk(engine, tmp_path), unused()
    with serving(desk, port) as address:
        browser.get(f"{address}/incidents")
        until(browser, lambda seen: seen.execute_script("return document.documentElement.dataset.live") == "yes")
        assert hidden(browser)
    shows(browser, "Not live: load the page again")
    with serving(desk, port):
        open_waiting(engine, 1)
        shows(browser, "mend-it")
        until(browser, hidden)
