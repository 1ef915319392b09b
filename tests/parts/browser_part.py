"""A real browser against a real service, both on loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service as Driver

from console.http.service import Service
from console.http.starting import server
from deployments.ports import unused


def _that_runs(name: str) -> str:
    """The program of that name, if it starts; else empty: Ubuntu has one that only says where to get it."""
    path = shutil.which(name)
    if path and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
        return path
    return ""


CHROMIUM, DRIVER = _that_runs("chromium"), _that_runs("chromedriver")
needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no chromium with its chromedriver here: apt-get install chromium-driver"
)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
)
NO_SCRIPT = {"profile.managed_default_content_settings.javascript": 2}


@contextmanager
def a_chromium(home: Path, *, scripts: bool = True, dark: bool = False) -> Iterator[Chrome]:
    """A browser that knows nothing from before and asks nobody on the network for anything."""
    os.environ |= {"SE_OFFLINE": "true", "SE_AVOID_STATS": "true"}
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={home / 'browser'}", *(["--force-dark-mode"] if dark else [])):
        options.add_argument(flag)
    if not scripts:
        options.add_experimental_option("prefs", NO_SCRIPT)
    made = Chrome(options, Driver(DRIVER))
    made.set_page_load_timeout(60)
    try:
        yield made
    finally:
        made.quit()


@contextmanager
def serving(service: Service, port: int = 0) -> Iterator[str]:
    """The service on that port, or one of its own; its address."""
    port = port or unused()
    running = server(service, "127.0.0.1", port)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    try:
        while not running.started:
            assert thread.is_alive()
            thread.join(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.should_exit = True
        thread.join(30)
