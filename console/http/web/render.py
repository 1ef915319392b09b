"""A page of the console: its frame, its headers, and the few files that belong to it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from starlette.responses import HTMLResponse, Response

from console.http.pages import TEMPLATES
from console.http.service import Service
from console.http.web.tables import to_service
from domain.access import Caller, Way
from domain.people import Role

FOLDER = Path(__file__).parents[1] / "static"
KINDS: Mapping[str, str] = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
# All that is ever sent of the folder; a name that is no key here is no file.
ASSETS: Mapping[str, bytes] = {file.name: file.read_bytes() for file in sorted(FOLDER.iterdir()) if file.is_file()}
DIGESTS: Mapping[str, str] = {name: hashlib.sha256(held).hexdigest()[:12] for name, held in ASSETS.items()}
# Nothing comes from elsewhere, no script or style stands in a page, nobody frames it, forms go to us alone.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# Browsers say where a form comes from only where they may tell ourselves.
HEADERS = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
MENU: tuple[tuple[str, str], ...] = (
    ("incidents", "Incidents"),
    ("services", "Services"),
    ("on-call", "On call"),
    ("logs", "Logs"),
    ("templates", "Templates"),
    ("models", "Models"),
    ("reports", "Reports"),
    ("settings", "Settings"),
)
UNGUARDED = (
    "Nobody needs to log in: no user exists, and only this machine sees these pages. "
    "`sre users add NAME --role responder` adds one."
)


def asset(name: str) -> str:
    """The path of one of our files, another one whenever it changes."""
    return f"/static/{name}?v={DIGESTS[name]}"


def clock_time(at: datetime) -> str:
    """A time as a page says it."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


TEMPLATES.globals |= {"asset": asset, "menu": MENU, "clock_time": clock_time, "to_service": to_service}


def shown(
    service: Service, caller: Caller | None, name: str, /, *, title: str, status: int = 200, **values: object
) -> Response:
    """One page of `templates/console/`; every value is escaped."""
    unguarded = caller is not None and caller.way is Way.UNGUARDED
    text = TEMPLATES.get_template(f"console/{name}").render(
        title=title,
        caller=caller,
        banner=UNGUARDED if unguarded else "",
        now=service.clock(),
        responds=caller is not None and caller.role.includes(Role.RESPONDER),
        **values,
    )
    return HTMLResponse(text, status, HEADERS)
