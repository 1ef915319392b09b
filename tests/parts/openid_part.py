"""A real OpenID provider for one test, and somebody with a browser who logs in there by its form."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from deployments import ports
from domain.errors import Unavailable
from tests.parts.kube_part import poll, program
from tests.parts.openid_build import OPENID

# As tests/openid/main.go knows them.
WITH_SECRET, PUBLIC = "with-secret", "public"
SECRET = "a secret: with/100% of what is escaped"
PASSWORD = "a password of the provider"
_FIELD = re.compile(r'name="id" value="([^"]+)"')


def somebody(name: str, *, groups: list[str] | None = None, verified: bool = True) -> dict[str, Any]:
    """A user of the provider, who is `subject-NAME` there."""
    return {
        "ID": f"subject-{name}",
        "Username": name,
        "Password": PASSWORD,
        "FirstName": name.title(),
        "LastName": "Example",
        "Email": f"{name}@example.com",
        "EmailVerified": verified,
        "Groups": groups,
    }


@dataclass(frozen=True)
class OpenIdProvider:
    """A running one."""

    issuer: str

    def log_in(self, address: str, name: str, password: str = PASSWORD) -> httpx.Response:
        """Open the address that a browser was sent to and fill in the form; the last answer of the provider.

        Where the login was right, that is a redirect to whoever asked.
        """
        with httpx.Client(timeout=10, trust_env=False) as browser:
            shown = browser.get(address, follow_redirects=True)
            found = _FIELD.search(shown.text)
            if found is None:
                return shown
            form = {"id": found[1], "username": name, "password": password}
            answer = browser.post(str(shown.url), data=form)
            while answer.has_redirect_location and answer.headers["location"].startswith(("/", self.issuer)):
                answer = browser.get(urljoin(str(answer.url), answer.headers["location"]))
            return answer


@contextmanager
def openid_provider(redirect: str, *people: dict[str, Any]) -> Iterator[OpenIdProvider]:
    """It ends with the block. Skips where it was not built (`make openid`); in CI that fails."""
    try:
        built = OPENID.prepare() if os.environ.get("CI") else OPENID.path
    except Unavailable as error:
        pytest.fail(str(error))
    if not built.exists():
        pytest.skip("the OpenID provider was not built: make openid")
    with tempfile.TemporaryDirectory(prefix="openid") as name:
        folder, address = Path(name), f"127.0.0.1:{ports.unused()}"
        settings = {"Address": address, "Redirects": [redirect], "People": list(people)}
        (folder / "settings.json").write_text(json.dumps(settings))
        with program(folder, "openid", built, folder / "settings.json") as child:
            poll(lambda: _ready(f"http://{address}", child), "the OpenID provider is ready")
            yield OpenIdProvider(f"http://{address}")


def _ready(url: str, child: subprocess.Popen[bytes]) -> bool:
    assert child.poll() is None, "the OpenID provider ended"
    try:
        return httpx.get(f"{url}/healthz", timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False
