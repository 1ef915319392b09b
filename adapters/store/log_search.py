"""Stored logs by what they say: block by block from the newest on, and no further than the limit needs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters.log_archive import Gone
from adapters.log_blocks import STORED, in_shape, unpack
from adapters.log_masks import masked_tables, masked_texts
from adapters.store.database import Contended, snapshot
from adapters.store.log_reader import Asked, as_table, blocks, of_block, packed, read_again
from adapters.store.log_writer import ROWS_OF_INCIDENT
from adapters.store.many_rows import among
from adapters.store.tables import logs, topics
from domain.errors import BadInput
from domain.logs import Level
from domain.quoted import MASK, Mask
from domain.templates import template

AT_ONCE = 2_000  # rows of the table that are fetched together
# A transaction that began so long ago may still bring logs in.
OVERLAP = timedelta(seconds=60)
SHOWN = tuple(name for name in STORED.names if name not in ("body", "key", "headers", "sent_at"))
PLACE = ("topic", "partition", "offset", "part")
Place = tuple[int, ...]


@dataclass(frozen=True)
class Wanted:
    """Which logs somebody wants to see; what is None or empty does not matter."""

    since: datetime | None = None  # event time, from here on
    until: datetime | None = None  # … to before this
    services: Sequence[str] | None = None
    least: Level = Level.TRACE
    text: str = ""  # that the message holds, large and small letters alike
    expression: bool = False  # the text is a regular expression (RE2)
    template: str = ""  # that the message has, or a message that has it
    incident: int | None = None
    mask: Mask | None = None  # of those who must not see secrets: only what it leaves is searched

    def asked(self, arrived_since: datetime | None = None) -> Asked:
        """What the reader of blocks can choose by."""
        filters = [pc.field("level") >= int(self.least)] if self.least > Level.TRACE else []
        if self.incident is not None:
            filters.append(pc.field("incident_id") == self.incident)
        return Asked(self.since, self.until, arrived_since, services=self.services, filters=tuple(filters))

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """What the database can choose rows by."""
        found = [logs.c.level >= int(self.least)] if self.least > Level.TRACE else []
        return found if self.incident is None else [*found, logs.c.incident_id == self.incident]

    def choose(self, found: pa.Table) -> pa.Table:
        """Those whose message is wanted. Raises BadInput for what is no regular expression."""
        if self.text and len(found):
            found = found.filter(self._holds(found["message"]))
            if self.mask and not self._told_by_mask and len(found):
                found = found.filter(self._matches(masked_texts(found["message"], self.mask)))
        if self.template and len(found):
            kinds = found["message"].combine_chunks().dictionary_encode()
            good = [self._has_template(text) for text in kinds.dictionary.to_pylist()]
            found = found.filter(pa.array(good, pa.bool_()).take(kinds.indices))
        return found

    @property
    def _told_by_mask(self) -> bool:
        """Whether the masked message alone tells what matches.

        An expression such as `password=[^h]` matches what is masked always and what is not by the secret's letters,
        so the message as it is must not count. A text without the mask's letters is in it wherever it is in the
        masked one, and finding those first is faster.
        """
        return self.mask is not None and (self.expression or not set(MASK).isdisjoint(self.text))

    def _holds(self, messages: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
        if self.mask and self._told_by_mask:
            return self._matches(masked_texts(messages, self.mask))
        return self._matches(messages)

    def _matches(self, messages: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
        if not self.expression:
            return pc.match_substring(messages, self.text, ignore_case=True)
        try:
            return pc.match_substring_regex(messages, self.text)
        except pa.ArrowInvalid as error:
            raise BadInput(f"--text: {self.text!r} is no regular expression of RE2: {error}") from error

    def _has_template(self, message: str | None) -> bool:
        """Where a mask applies, by what the template or the message looks like behind it."""
        if message is None or self.mask is None:
            return message is not None and template(message) in self._templates
        return not self._templates.isdisjoint({self.mask(template(message)), template(self.mask(message))})

    @cached_property
    def _templates(self) -> frozenset[str]:
        known = {self.template, template(self.template)}
        return frozenset(known if self.mask is None else known | {self.mask(one) for one in known})


def check(wanted: Wanted) -> None:
    """Raises BadInput for what cannot be asked, before anything is read."""
    wanted.choose(pa.table({"message": pa.array([""])}))


@read_again
def search(engine: sa.Engine, wanted: Wanted, limit: int) -> list[dict[str, Any]]:
    """The newest `limit` of the wanted logs, the newest last. Raises BadInput."""
    check(wanted)
    asked, found = wanted.asked(), _Newest(limit)
    with snapshot(engine) as connection:
        for page in pages(connection, asked, SHOWN, *wanted.conditions()):
            found.add(wanted.choose(page))
            if found.full:
                break
        for block in blocks(connection, asked, newest_first=True):
            if found.full and block.last_at < found.oldest:
                break
            found.add(_of(connection, block, wanted, asked))
        return _told(connection, found.held)


def around(engine: sa.Engine, wanted: Wanted, incident: int, limit: int) -> list[dict[str, Any]]:
    """The logs of an incident, and as far as the limit goes those of its services and time beside them."""
    of_it = Wanted(**{**wanted.__dict__, "incident": incident})
    own = _own_rows(engine, of_it, limit)
    if own is None:
        own = search(engine, of_it, limit)
    beside = search(engine, Wanted(**{**wanted.__dict__, "incident": None}), limit)
    known = {_place(log) for log in own}
    others = [log for log in beside if _place(log) not in known]
    room = limit - len(own)
    return sorted([*own, *(others[-room:] if room else [])], key=lambda log: log["timestamp"])


def _own_rows(engine: sa.Engine, of_it: Wanted, limit: int) -> list[dict[str, Any]] | None:
    """The same as `search` of an incident's logs, from their own rows; None where only blocks hold all of them.

    The first so many logs of each incident are rows of their own, so that no block need be read for most of them.
    """
    asked, found = of_it.asked(), _Newest(limit)
    mine = (*asked.conditions(logs), *of_it.conditions())
    with snapshot(engine) as connection:
        many = connection.scalar(sa.select(sa.func.count()).select_from(logs).where(*mine)) or 0
        if many >= ROWS_OF_INCIDENT:
            return None
        for page in _pages(connection, asked, SHOWN, *of_it.conditions()):
            found.add(of_it.choose(page))
        return _told(connection, found.held)


class _Newest:
    """The newest logs of those that were added, as many as there is room for."""

    def __init__(self, room: int) -> None:
        self._room = room
        self.held = pa.schema([STORED.field(name) for name in SHOWN]).empty_table()

    @property
    def full(self) -> bool:
        return len(self.held) >= self._room

    @property
    def oldest(self) -> datetime:
        found: datetime = self.held["timestamp"][0].as_py()
        return found

    def add(self, found: pa.Table) -> None:
        if not len(found):
            return
        whole = pa.concat_tables([self.held, found])
        order = pc.sort_indices(whole, [(name, "ascending") for name in ("timestamp", *PLACE)])
        self.held = whole.take(order[-self._room :])


def pages(
    connection: sa.Connection,
    asked: Asked,
    names: Sequence[str],
    *more: sa.ColumnElement[bool],
) -> Iterator[pa.Table]:
    """Wanted logs that are rows and in no block, the newest first, so many at a time."""
    return _pages(connection, asked, names, ~logs.c.in_block, *more)


def _pages(
    connection: sa.Connection,
    asked: Asked,
    names: Sequence[str],
    *more: sa.ColumnElement[bool],
) -> Iterator[pa.Table]:
    """The same of all rows, whether a block holds them as well or not."""
    left_out = set() if "body" in names else {"body", "bytes"}
    columns = [sa.null().label(one.name) if one.name in left_out else one for one in logs.columns]
    query = sa.select(*columns).where(*asked.conditions(logs), *more)
    if asked.services is not None:
        query = query.where(among(connection, logs.c.service, asked.services))
    query = query.order_by(logs.c.timestamp.desc())
    with connection.execute(query, execution_options={"yield_per": AT_ONCE}) as rows:
        for page in rows.mappings().partitions():
            yield as_table([dict(row) for row in page], names)


def _of(connection: sa.Connection, block: sa.Row[Any], wanted: Wanted, asked: Asked) -> pa.Table:
    """The wanted logs of a block, of which no long column is read when no log is wanted."""
    if block.path is not None:
        return wanted.choose(of_block(connection, block, asked, SHOWN))
    held = packed(connection, block, "columns")
    short = [name for name in SHOWN if name in {*asked.needs, "level", "incident_id"}]
    if not len(asked.choose(unpack(held, short))):
        return STORED.empty_table().select(SHOWN)
    return wanted.choose(in_shape(asked.choose(unpack(held, SHOWN)), SHOWN))


def read_columns(engine: sa.Engine, wanted: Wanted, names: Sequence[str]) -> Iterator[pa.Table]:
    """These columns of the logs of a time and of services, block by block; masked where a mask applies."""
    found = _read_columns(engine, wanted, names)
    yield from found if wanted.mask is None else masked_tables(found, wanted.mask)


def _read_columns(engine: sa.Engine, wanted: Wanted, names: Sequence[str]) -> Iterator[pa.Table]:
    asked = wanted.asked()
    with snapshot(engine) as connection:
        yield from pages(connection, asked, names)
        for block in blocks(connection, asked):
            yield of_block(connection, block, asked, names)


class Following:
    """New logs as they are committed, each once."""

    def __init__(self, engine: sa.Engine, wanted: Wanted) -> None:
        check(wanted)
        self._engine = engine
        self._wanted = wanted
        self._rows: dict[Place, datetime] = {}
        self._blocks: dict[int, datetime] = {}

    def begin(self, now: datetime) -> None:
        """What is there already is not new."""
        with snapshot(self._engine) as connection:
            asked = Asked(arrived_since=now - OVERLAP)
            for _ in self._new_rows(connection, asked):
                continue
            self._blocks = {block.id: block.last_arrived_at for block in blocks(connection, asked)}

    def new(self, now: datetime) -> list[dict[str, Any]]:
        """What was committed since the last call, oldest first."""
        known = dict(self._rows), dict(self._blocks)
        try:
            return self._committed(now)
        except (Contended, Gone):  # what was listed went before it was read: none of it was shown
            self._rows, self._blocks = known
            return self._committed(now)

    def _committed(self, now: datetime) -> list[dict[str, Any]]:
        since = now - OVERLAP
        asked = self._wanted.asked(arrived_since=since)
        with snapshot(self._engine) as connection:
            found = [self._wanted.choose(page) for page in self._new_rows(connection, asked)]
            for block in blocks(connection, asked):
                if block.id not in self._blocks:
                    self._blocks[block.id] = block.last_arrived_at
                    found.append(_of(connection, block, self._wanted, asked))
            self._forget(since - OVERLAP)
            if not any(map(len, found)):
                return []
            whole = pa.concat_tables(found)
            return _told(connection, whole.take(pc.sort_indices(whole, [("timestamp", "ascending")])))

    def _new_rows(self, connection: sa.Connection, asked: Asked) -> Iterator[pa.Table]:
        for page in pages(connection, asked, SHOWN, *self._wanted.conditions()):
            places = list(zip(*(page[name].to_pylist() for name in PLACE), strict=True))
            new = [place not in self._rows for place in places]
            self._rows.update(zip(places, page["arrived_at"].to_pylist(), strict=True))
            yield page.filter(pa.array(new, pa.bool_()))

    def _forget(self, before: datetime) -> None:
        self._rows = {place: at for place, at in self._rows.items() if at >= before}
        self._blocks = {number: at for number, at in self._blocks.items() if at >= before}


def _place(log: dict[str, Any]) -> Place:
    return tuple(log[name] for name in ("topic_id", "partition", "offset", "part"))


def _told(connection: sa.Connection, found: pa.Table) -> list[dict[str, Any]]:
    names = topic_names(connection)
    return [told(log, names) for log in found.to_pylist()]


def topic_names(connection: sa.Connection) -> dict[int, str]:
    """Our numbers of topics with their names."""
    return {row.id: row.name for row in connection.execute(sa.select(topics.c.id, topics.c.name))}


def told(log: dict[str, Any], topic_names: dict[int, str]) -> dict[str, Any]:
    """A stored log as JSON shows it: names, texts and objects in place of numbers, bytes and lists of pairs."""
    texts: dict[str, Any] = {name: readable(log[name]) for name in ("body", "key") if name in log}
    documents: dict[str, Any] = {
        name: _document(log[name]) if log[name] else {} for name in ("attributes", "headers") if name in log
    }
    named = {"level": Level(log["level"]).name, "topic": topic_names.get(log["topic"]), "topic_id": log["topic"]}
    measured: dict[str, float] = dict(reversed(log["measured"] or []))
    return {**log, **texts, **documents, **named, "measured": measured}


def _document(text: str) -> Any:  # noqa: ANN401 - whatever the producer wrote
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # NaN, or a number beyond a float
        return json.loads(text, parse_int=float)


def readable(value: bytes | None) -> str | None:
    """What is no text is shown as far as it is."""
    return value.decode("utf-8", "replace") or None if value is not None else None
