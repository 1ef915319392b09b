"""axe-core, which holds a page in a browser against WCAG."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from selenium.webdriver import Chrome

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
SERIOUS = frozenset({"serious", "critical"})
SCHEMES = ("light", "dark")
# What is folded away is looked at as well.
UNFOLD = "document.querySelectorAll('details').forEach((one) => { one.open = true })"
RUN = """
const [tags, done] = arguments;
axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] })
  .then((found) => ({ violations: found.violations, passed: found.passes.length }))
  .then(done, (error) => done({ error: String(error) }));
"""


@cache
def script() -> str:
    """axe-core's own, as its package has it."""
    return (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def version(browser: Chrome) -> tuple[int, ...]:
    """That of axe-core."""
    browser.execute_script(script())
    return tuple(map(int, browser.execute_script("return axe.version").split(".")[:2]))


def shown_as(browser: Chrome, scheme: str, width: int, height: int = 900) -> None:
    """Pages from now on are so wide, in CSS pixels, and light or dark."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)


def serious_findings(browser: Chrome) -> list[str]:
    """What keeps people from using the page: `serious: color-contrast: …: .soft`."""
    browser.execute_script(UNFOLD)
    browser.execute_script(script())
    told = browser.execute_async_script(RUN, list(TAGS))
    assert "error" not in told, told["error"]
    assert told["passed"], "axe-core looked at nothing"
    return [
        f"{one['impact']}: {one['id']}: {one['help']}: {node['html'][:120]}: {node.get('failureSummary', '')}"
        for one in told["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]
