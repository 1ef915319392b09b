"""The pages for people: escaped by default, without a script, and useful in a narrow window."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

FOLDER = Path(__file__).with_name("templates")
STYLE = (FOLDER / "style.css").read_text()
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
# Nothing is loaded from anywhere, nothing runs, nobody frames it, and forms go to us alone.
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
TEMPLATES = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)

TEMPLATES.filters["zip"] = zip


def page(name: str, status: int = 200, **values: object) -> HTMLResponse:
    """One page; every value is escaped."""
    return HTMLResponse(TEMPLATES.get_template(name).render(style=STYLE, **values), status)
