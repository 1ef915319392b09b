"""`sre config`: the effective settings and where each came from."""

from __future__ import annotations

import click

from console.given import read
from console.output import json_option, say, show_json, show_text
from console.settings_reference import markdown
from domain.masking import shown
from domain.settings_keys import values
from domain.told_fields import listed


@click.command(epilog="Example: SRE_KAFKA__TOPIC=logs sre config")
@json_option
@click.option("--reference", is_flag=True, help="Print every setting with default and meaning, as Markdown.")
@click.pass_context
def config(ctx: click.Context, *, as_json: bool, reference: bool) -> None:
    """Print the effective settings, secrets masked, and where each came from."""
    if reference:
        show_text(markdown())
        return
    loaded = read(ctx)
    rows = [
        {"setting": key, "value": shown(key, value), "origin": loaded.origins[key]}
        for key, value in values(loaded.settings).items()
    ]
    if as_json:
        show_json({"settings": rows, "warnings": loaded.warnings})
        return
    for row in rows:
        say(_line(**row), dim=row["origin"] == "default")  # what nobody set stands back
    for warning in loaded.warnings:
        say(f"warning: {warning}", err=True)


def _line(setting: object, value: object, origin: object) -> str:
    """One setting a line, so that it can be searched."""
    return f"{setting:<34} {told_value(value):<32} {origin}".rstrip()


def told_value(value: object) -> str:
    """A setting's value in words."""
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value in (None, "") else listed(value)
