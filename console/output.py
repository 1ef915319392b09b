"""Tables for people, JSON for programs; colour only where a terminal wants it.

What a command says for somebody on another machine goes there instead, masked as the pages are.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from console.sent import from_afar, masked
from domain.shown_texts import printable, visible

WIDTH_WITHOUT_TERMINAL = 160

# Bold, dim, italic, underlined, struck out, and colours: nothing that hides, blinks or moves.
SGR = re.compile(r"\x1b\[([0-9;]{1,20})m")
NUMBERS = (0, 1, 2, 3, 4, 9, 22, 23, 24, 29, 39, 49, *range(30, 38), *range(40, 48), *range(90, 98))
STYLES = frozenset(map(str, NUMBERS))
RESET = "\x1b[0m"

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def plain(value: object) -> object:
    """`value` as JSON can carry it: times as ISO 8601, the rest as text."""
    return value.isoformat() if isinstance(value, datetime) else _masked(str(value))


def _masked(text: str) -> str:
    sent = from_afar()
    return sent.sink.mask(text) if sent else text


def _emit(text: str, *, err: bool = False) -> None:
    """The one way out: to the terminal, or to whoever sent the command."""
    if sent := from_afar():
        sent.sink.write(text, err=err)
    else:
        click.echo(text, err=err, nl=False)


def show_json(document: object, *, indent: int | None = 2) -> None:
    """Print one JSON document; without `indent` on one line."""
    sent = from_afar()
    shown = masked(document, sent.sink.mask) if sent else document
    text = json.dumps(shown, default=plain, indent=indent, ensure_ascii=False)
    # JSON itself lets bidirectional marks and the controls above 127 through.
    _emit("".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text) + "\n")


def say(*lines: object, err: bool = False, dim: bool = False) -> None:
    """Print each line; the one way by which text of strangers reaches the terminal outside of tables."""
    sent = from_afar()
    for line in lines:
        text = visible(_masked(str(line)))
        styled = dim and (sent is None or sent.sink.colour)
        _emit((click.style(text, dim=True) if styled else text) + "\n", err=err)


def show_text(text: str, *, err: bool = False) -> None:
    """Print a document as it is, but for what would steer the terminal."""
    for line in _masked(text).splitlines(keepends=True):
        body = line.rstrip("\r\n")
        _emit(visible(body) + line[len(body) :], err=err)


def relay(text: str, *, colour: bool, err: bool = False) -> None:
    """Print what another machine says; it steers this terminal by no more than colours, and only with `colour`."""
    pieces, end = [], 0
    for found in SGR.finditer(text):
        if STYLES.issuperset(found[1].split(";")):
            pieces += [_lines(text[end : found.start()]), found[0] if colour else ""]
            end = found.end()
    reset = RESET if colour and end else ""
    click.echo("".join([*pieces, _lines(text[end:]), reset]), nl=False, err=err, color=colour or None)


def _lines(text: str) -> str:
    """Its lines as `visible` has them; calendars end theirs by CR LF."""
    *whole, last = text.split("\n")
    ended = [visible(line[:-1]) + "\r\n" if line.endswith("\r") else visible(line) + "\n" for line in whole]
    return "".join([*ended, visible(last)])


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
    return escape(_masked(in_words(value)))


def show_table(rows: Sequence[Mapping[str, object]], *, title: str = "", empty: str = "nothing") -> None:
    """Print rows as a table; rich honours NO_COLOR and pipes by itself."""
    if not rows:
        say(*empty.split("\n"))
        return
    table = Table(title=_masked(title) or None)
    for name in rows[0]:
        table.add_column(_masked(name.replace("_", " ")), overflow="fold")
    for row in rows:
        table.add_row(*(cell(value) for value in row.values()))
    if sent := from_afar():
        _emit(_drawn(table, sent.sink.width, colour=sent.sink.colour))
        return
    # A pipe has no width of its own; 80 columns would cut words into pieces.
    wide = None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL
    Console(width=wide).print(table)


def _drawn(table: Table, width: int, *, colour: bool) -> str:
    """The table as a terminal of that width shows it, whatever the terminal of this process is like."""
    file = io.StringIO()
    # Without a height rich asks the environment, and takes 80 columns where that names a dumb terminal.
    Console(
        file=file,
        width=width,
        height=100,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        legacy_windows=False,
    ).print(table)
    return file.getvalue()


def show(rows: Sequence[Mapping[str, object]], *, as_json: bool, title: str = "", empty: str = "nothing") -> None:
    """Print rows as JSON or as a table."""
    if as_json:
        show_json(rows)
    else:
        show_table(rows, title=title, empty=empty)
