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

from domain.words import printable, visible

WIDTH_WITHOUT_TERMINAL = 160

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def plain(value: object) -> object:
    """`value` as JSON can carry it: times as ISO 8601, the rest as text."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def show_json(document: object, *, indent: int | None = 2) -> None:
    """Print one JSON document; without `indent` on one line."""
    text = json.dumps(document, default=plain, indent=indent, ensure_ascii=False)
    # JSON itself lets bidirectional marks and the controls above 127 through.
    click.echo("".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text))


def say(*lines: object, err: bool = False, dim: bool = False) -> None:
    """Print each line; the one way by which text of strangers reaches the terminal outside of tables."""
    for line in lines:
        text = visible(line)
        click.echo(click.style(text, dim=True) if dim else text, err=err)


def show_text(text: str) -> None:
    """Print a document as it is, but for what would steer the terminal."""
    for line in text.splitlines(keepends=True):
        body = line.rstrip("\r\n")
        click.echo(visible(body) + line[len(body) :], nl=False)


def in_words(value: object) -> str:
    """`value` in words on one line, free of what would steer a terminal."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(in_words, value))
    return printable(value)


def cell(value: object) -> str:
    """`value` as one table cell, in words, free of markup and of what would steer the terminal."""
    return escape(in_words(value))


def show_table(rows: Sequence[Mapping[str, object]], *, title: str = "", empty: str = "nothing") -> None:
    """Print rows as a table; rich honours NO_COLOR and pipes by itself."""
    if not rows:
        say(*empty.split("\n"))
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
