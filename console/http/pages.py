"""The pages for people: escaped by default, without a script, and useful in a narrow window."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from domain.shown_texts import brief

FOLDER = Path(__file__).with_name("templates")
LONGEST, LONGEST_TITLE = 2_000, 200  # characters that a page shows of one text, and of what it is headed by
STYLE = (FOLDER / "style.css").read_text()
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
# Nothing is loaded from anywhere, nothing runs, nobody frames it, and forms go to us alone.
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


def _shown(value: object) -> object:
    """Of a stranger's text as much as a page has room for; `sre logs --json` has the whole. Markup is our own."""
    return brief(value, LONGEST) if isinstance(value, str) and not isinstance(value, Markup) else value


def _whole(value: object) -> Markup:
    """What leads somewhere, which would lead nowhere if it were cut."""
    return escape(value)


TEMPLATES = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=_shown,
)
TEMPLATES.filters |= {"whole": _whole, "heading": lambda text: brief(text, LONGEST_TITLE), "zip": zip}


def page(name: str, status: int = 200, **values: object) -> HTMLResponse:
    """One page; every value is escaped."""
    return HTMLResponse(TEMPLATES.get_template(name).render(style=STYLE, **values), status)
