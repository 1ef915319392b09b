"""Every page, light and dark, on a telephone and at a desk, as axe-core sees it in a real browser: WCAG 2.1, AA."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from tests.parts.axe_part import SCHEMES, serious_findings, shown_as, version
from tests.parts.browser_part import a_chromium, needs_browser
from tests.parts.pages_part import Site, a_full_site, an_empty_site, log_in

pytestmark = [pytest.mark.slow, needs_browser]
TELEPHONE, TABLET, DESK = 360, 700, 1280
EMPTY = ("/incidents", "/services", "/on-call", "/logs", "/templates", "/models", "/settings", "/login")
STRANGER = ("/login", "{link}", "/i/forged")
FULL = (
    "/incidents",
    "/incidents?state=closed",
    "/incidents/{open}",
    "/incidents/{closed}",
    "/incidents/77",  # there is none
    "/services",
    "/services/web",
    "/on-call",
    "/logs?since=2h",
    "/logs?incident={closed}",
    "/templates?since=2h",
    "/models",
    "/models/promote?version=2",
    "/settings",
)
FAULTY = """
<!doctype html><html lang=en><title>t</title><main><h1 style='color:#999;background:#aaa'>weak</h1><input></main></html>
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of the agent; MLflow writes into the folder that it is called in."""
    made = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        patch.setenv("SRE_HOME", str(made))
        patch.setenv("MLFLOW_TRACKING_URI", "")
        yield made


def a_store(template: Path, path: Path) -> str:
    shutil.copy(template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def empty(home: Path, sqlite_template: Path) -> Iterator[Site]:
    with an_empty_site(home, a_store(sqlite_template, home / "empty.db")) as made:
        yield made


@pytest.fixture(scope="module")
def full(home: Path, sqlite_template: Path) -> Iterator[Site]:
    with a_full_site(home, a_store(sqlite_template, home / "full.db")) as made:
        yield made


@pytest.fixture(scope="module")
def stranger(home: Path) -> Iterator[Chrome]:
    """Who never logs in."""
    with a_chromium(home) as made:
        yield made


@pytest.fixture(scope="module")
def ann(home: Path, full: Site) -> Iterator[Chrome]:
    with a_chromium(home / "ann") as made:
        log_in(made, full)
        yield made


def look(browser: Chrome, address: str) -> None:
    """Raises AssertionError for what keeps people from reading it or from answering."""
    for scheme in SCHEMES:
        for width in (TELEPHONE, DESK):
            shown_as(browser, scheme, width)
            browser.get(address)
            assert [] == serious_findings(browser), (scheme, width)
    # What is folded away is open now, and must fit as well.
    for width in (TELEPHONE, TABLET, DESK):
        shown_as(browser, SCHEMES[0], width)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width, width


def test_it_is_axe_core_and_it_sees_faults(stranger: Chrome) -> None:
    stranger.get(f"data:text/html,{FAULTY.strip().replace('#', '%23')}")
    assert version(stranger) >= (4, 7)
    found = serious_findings(stranger)
    assert {"color-contrast", "label"} == {one.split(": ")[1] for one in found}


@pytest.mark.parametrize("path", EMPTY)
def test_a_page_with_nothing_on_it(stranger: Chrome, empty: Site, path: str) -> None:
    look(stranger, empty.address + path)


@pytest.mark.parametrize("path", STRANGER)
def test_a_page_for_whoever_is_not_logged_in(stranger: Chrome, full: Site, path: str) -> None:
    look(stranger, full.address + path.format(link=full.link))


@pytest.mark.parametrize("path", FULL)
def test_a_page_with_something_of_everything(ann: Chrome, full: Site, path: str) -> None:
    look(ann, full.address + path.format(open=full.open, closed=full.closed))
