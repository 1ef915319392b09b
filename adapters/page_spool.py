"""Critical pages on their way while the store does not answer: a line of JSON each, on disk before it counts.

`pages` holds what `watch` wants to be told, `marks` what became of it, contact by contact. Nothing is ever changed
in place, so that a crash costs at most the last line, and a page whose mark is lost goes again under its key.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from adapters import parts_file
from adapters.file_stamps import Stamp, stamp_of
from adapters.sealing import in_use, text_key
from domain.contacts import Contact
from domain.errors import SreError, Unavailable
from domain.going_out import GoneOut, SpooledPage
from domain.pages import Receipt
from domain.rotation import Found

log = logging.getLogger(__name__)

KEPT = timedelta(days=1)
Line = TypeVar("Line")
PAGE, MARK = "spooled page", "mark of a spooled page"


class Fate(StrEnum):
    """What became of a page at one contact, or of all of it."""

    CLAIMED = "claimed"  # somebody sends it, until then
    SENT = "sent"
    REFUSED = "not accepted"  # it goes again then
    JOINED = "joined"  # the store has it: from here on it is a page like any other


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of `marks`."""

    key: str
    fate: Fate
    until: datetime | None = None
    person: str = ""
    contact: Contact | None = None
    receipt: Receipt | None = None


PAGES: TypeAdapter[SpooledPage] = TypeAdapter(SpooledPage)
MARKS: TypeAdapter[Mark] = TypeAdapter(Mark)


class PageSpool:
    """The spool of one home; any number of processes may use it at a time."""

    def __init__(self, folder: Path) -> None:
        self.pages_file = folder / "spool" / "pages"
        self.marks_file = folder / "spool" / "marks"
        self._stamp: Stamp | None = None
        self._pages: list[SpooledPage] = []

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.pages_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with parts_file.lock(self.pages_file.with_name("lock")):
                yield
        except OSError as error:
            raise Unavailable(f"{self.pages_file.parent}: {error.strerror}") from error

    def add(self, page: SpooledPage) -> bool:
        """Keep a page for `on-call`; False when it is there. Raises Unavailable when it cannot be written."""
        with self._locked():
            if any(one.key == page.key for one in self.pages()):
                return False
            _append(self.pages_file, PAGES.dump_json(page), PAGE)
            return True

    def pages(self) -> list[SpooledPage]:
        """Every page, the first one first; of a file that did not change what was read before."""
        stamp = stamp_of(self.pages_file)
        if stamp != self._stamp:
            self._pages = [one for line in _lines(self.pages_file, PAGE) if (one := _parsed(PAGES, line))]
            self._stamp = stamp
        return self._pages

    def waiting(self) -> int:
        """How many pages wait for the store, or for somebody to accept them."""
        joined = {one.key for line in _lines(self.marks_file, MARK) if (one := _parsed(MARKS, line)) and _joined(one)}
        return sum(page.key not in joined for page in self.pages())

    def gone_out(self) -> list[GoneOut]:
        """What the store must know again."""
        return [page.gone_out for page in self.pages()]

    def has(self, key: str) -> bool:
        """Whether a page is one of ours."""
        return any(page.key == key for page in self.pages())

    def marks(self, key: str) -> list[Mark]:
        """What became of a page at each contact by now."""
        found = (one for line in _lines(self.marks_file, MARK) if (one := _parsed(MARKS, line)))
        return list({(one.person, one.contact): one for one in found if one.key == key}.values())

    def claim(self, mark: Mark, *, now: datetime) -> bool:
        """Take one contact of a page; False when it has it, somebody is at it, it must wait or the store has it."""
        with self._locked():
            marks = self.marks(mark.key)
            same = (one for one in marks if (one.person, one.contact) == (mark.person, mark.contact))
            if any(one.fate is Fate.JOINED for one in marks) or any(map(_waits(now), same)):
                return False
            self._mark(mark)
            return True

    def note(self, mark: Mark) -> None:
        """Record what became of a claim."""
        with self._locked():
            self._mark(mark)

    def join(self, key: str, *, now: datetime) -> list[Mark] | None:
        """Hand a page over to the store: who has it; None while it is being sent, then ask again."""
        with self._locked():
            marks = self.marks(key)
            if any(one.fate is Fate.CLAIMED and _waits(now)(one) for one in marks):
                return None
            self._mark(Mark(key, Fate.JOINED))
            return [one for one in marks if one.fate is Fate.SENT]

    def forget(self, now: datetime) -> None:
        """Drop what is older than a day, so that the files stay small."""
        if not self.pages() or self.pages()[0].made_at > now - KEPT:
            return
        with self._locked():
            kept = [page for page in self.pages() if page.made_at > now - KEPT]
            keys = {page.key for page in kept}
            found = (one for line in _lines(self.marks_file, MARK) if (one := _parsed(MARKS, line)))
            marks = [MARKS.dump_json(one) for one in found if one.key in keys]
            _replace(self.marks_file, marks, MARK)
            _replace(self.pages_file, [PAGES.dump_json(page) for page in kept], PAGE)

    def keys(self) -> Counter[str]:
        """How many lines there are by the id of the key that sealed them; plain ones under nothing."""
        held = (line for file in (self.pages_file, self.marks_file) for line in _held(file).split(b"\n") if line)
        return Counter(text_key(line.decode(errors="replace")) for line in held)

    def _mark(self, mark: Mark) -> None:
        _append(self.marks_file, MARKS.dump_json(mark), MARK)


def _joined(mark: Mark) -> bool:
    return mark.fate is Fate.JOINED


class _waits:  # noqa: N801 - reads as a function
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self, mark: Mark) -> bool:
        return mark.fate is Fate.SENT or (mark.until is not None and mark.until > self.now)


def _sealed(line: bytes, what: str) -> bytes:
    return in_use().seal_text(line.decode(errors="surrogatepass"), what).encode(errors="surrogatepass")


def _append(path: Path, line: bytes, what: str) -> None:
    """Add a line and wait until it is on disk; what a crash left half written before it is ended."""
    with path.open("a+b") as file:
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(end - 1)
        ended = not end or file.read(1) == b"\n"
        file.write((b"" if ended else b"\n") + _sealed(line, what) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _replace(path: Path, lines: Sequence[bytes], what: str) -> None:
    fresh = path.with_name(f".{path.name}")
    with fresh.open("wb") as file:
        file.writelines(_sealed(line, what) + b"\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _held(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from error


def _lines(path: Path, what: str) -> Iterator[str]:
    """The lines that open; what is damaged is left out and told of in our log."""
    for number, line in enumerate(_held(path).split(b"\n"), start=1):
        if not line:
            continue
        try:
            yield in_use().open_text(line.decode(errors="surrogatepass"), what)
        except (SreError, UnicodeDecodeError) as error:
            log.warning("spool.line-damaged", extra={"file": str(path), "line": number, "error": str(error)[:200]})


def _parsed(adapter: TypeAdapter[Line], line: str) -> Line | None:
    try:
        return adapter.validate_json(line)
    except ValidationError as error:
        log.warning("spool.line-damaged", extra={"error": f"{error.error_count()} faults in {line[:80]!r}"})
        return None


class SpooledLines:
    """The lines of a spool, as far as a rotation is concerned: nothing is changed in place while it may be read."""

    name = "spool"
    until = "they go a day after they were written"

    def __init__(self, spool: PageSpool) -> None:
        self._spool = spool

    def found(self) -> list[Found]:
        """How many lines there are by key."""
        keys = self._spool.keys()
        return [Found(self.name, keys.total(), keys.pop("", 0), keys)] if keys else []

    def left(self) -> int:
        """Lines that are not as they would be written now."""
        keys = self._spool.keys()
        return keys.total() - keys[in_use().sealing_id]
