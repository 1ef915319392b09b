"""Takes the pictures of the guides off the pages of a running agent, for people to look at.

`KEEP=1 make demo`, then `python -m tests.parts.screenshots http://127.0.0.1:8088 docs/images`. An incident that is
pictured is the newest one with plots.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from selenium.webdriver import Chrome

from tests.parts.browser_part import a_chromium

DESK, TELEPHONE = (1280, 900), (360, 780)


@dataclass(frozen=True)
class Shot:
    """One picture."""

    name: str
    path: Callable[[str], str]  # address of the service -> path of the page
    size: tuple[int, int]
    dark: bool = False


def fixed(path: str) -> Callable[[str], str]:
    """The same page wherever it is."""
    return lambda _: path


def plotted(address: str) -> str:
    """The newest incident with plots. Raises SystemExit where there is none."""
    listed = {int(number) for number in re.findall(r'href="/incidents/(\d+)"', httpx.get(f"{address}/incidents").text)}
    for number in sorted(listed, reverse=True):
        if "<svg" in httpx.get(f"{address}/incidents/{number}").text:
            return f"/incidents/{number}"
    raise SystemExit(f"{address} shows no incident with plots: run `KEEP=1 make demo` first")


SHOTS = (
    Shot("console-incidents", fixed("/incidents"), TELEPHONE, dark=True),
    Shot("console-incidents-desk", fixed("/incidents"), DESK),
    Shot("console-incident", plotted, DESK),
    Shot("console-incident-telephone", plotted, TELEPHONE, dark=True),
    Shot("console-models", fixed("/models"), DESK),
)


def take(browser: Chrome, address: str, shot: Shot, folder: Path) -> Path:
    """Open the page, and keep what is seen of it first."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": shot.size[0], "height": shot.size[1], "deviceScaleFactor": 1, "mobile": shot.size == TELEPHONE},
    )
    browser.get(address + shot.path(address))
    kept = folder / f"{shot.name}.png"
    browser.save_screenshot(str(kept))
    return kept


def main(address: str, out: str) -> None:
    """Take all of them."""
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for dark in (False, True):
        with tempfile.TemporaryDirectory() as home, a_chromium(Path(home), dark=dark) as browser:
            for shot in SHOTS:
                if shot.dark == dark:
                    sys.stdout.write(f"{take(browser, address, shot, folder)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
