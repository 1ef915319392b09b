"""Tables for people, JSON for programs; colour only where a terminal wants it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from domain.words import printable

WIDTH_WITHOUT_TERMINAL = 160

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def plain(value: object) -> object:
    """`value` as JSON can carry it: times as ISO 8601, the rest as text."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def show_json(document: object) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(document, default=plain, indent=2, ensure_ascii=False))


def cell(value: object) -> str:
    """`value` as one table cell, in words, free of markup and of what would steer the terminal."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(cell, value))
    return escape(printable(value))


def show_table(rows: Sequence[Mapping[str, object]], *, title: str = "", empty: str = "nothing") -> None:
    """Print rows as a table; rich honours NO_COLOR and pipes by itself."""
    if not rows:
        click.echo(empty)
        return
    table = Table(title=title or None)
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(cell(value) for value in row.values()))
    # A pipe has no width of its own; 80 columns would cut words into pieces.
    wide = None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL
    Console(width=wide).print(table)


def show(rows: Sequence[Mapping[str, object]], *, as_json: bool, title: str = "", empty: str = "nothing") -> None:
    """Print rows as JSON or as a table."""
    if as_json:
        show_json(rows)
    else:
        show_table(rows, title=title, empty=empty)
