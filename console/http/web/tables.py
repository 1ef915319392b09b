"""Rows as the commands show them, on a page: the same columns, the same words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from console.output import in_words

Mask = Callable[[str], str]
LONGEST_WHOLE = 12  # letters; a table of such words fits wherever it is shown as one


@dataclass(frozen=True, slots=True)
class Cell:
    """One text of a table."""

    text: str
    at: datetime | None = None  # where it is a time
    link: str = ""  # a path of ours

    @property
    def breaks(self) -> bool:
        """Whether a word of it is so long that it must be broken for the table to fit."""
        return any(len(word) > LONGEST_WHOLE for word in self.text.split())


@dataclass(frozen=True, slots=True)
class Table:
    """What a page shows in rows; a narrow window shows each row as a list, unless columns are compared."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str  # what is said where there is no row
    beside: bool = False  # its columns are compared, so they stay side by side in a narrow window, too


def cell(value: object, mask: Mask, link: str = "") -> Cell:
    """A value as the commands say it."""
    if isinstance(value, datetime):
        return Cell(f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}", value, link)
    return Cell(mask(in_words(value)), None, link)


def table(
    title: str,
    rows: Sequence[Mapping[str, object]],
    mask: Mask,
    *,
    empty: str = "none",
    links: Mapping[str, Callable[[object], str]] | None = None,
) -> Table:
    """Rows as a table; columns in which no row says anything are left out.

    `links`: column -> the path that its value leads to.
    """
    names = [name for name in (rows[0] if rows else ()) if any(row[name] not in (None, "", []) for row in rows)]
    paths = links or {}
    made = (
        tuple(cell(row[name], mask, paths[name](row[name]) if name in paths else "") for name in names) for row in rows
    )
    return Table(title, tuple(name.replace("_", " ") for name in names), tuple(made), empty)


def to_incident(number: object) -> str:
    """The path of that incident's page; nowhere for none."""
    return f"/incidents/{number}" if number else ""


def to_service(name: object) -> str:
    """The path of that service's page; browsers take a segment of dots for a way up, so such a name is asked for."""
    text = str(name)
    return f"/services?name={text}" if text in (".", "..") else f"/services/{quote(text, safe='')}"


def lines(found: Iterable[str], mask: Mask) -> tuple[str, ...]:
    """Lines as the commands say them."""
    return tuple(mask(in_words(one)) for one in found)
