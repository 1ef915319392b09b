"""Which logs somebody wants to see, and what of that each reader can choose by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters.log_masks import masked_texts
from adapters.store.log_reader import Asked
from adapters.store.tables.stored_logs import logs
from domain.errors import BadInput
from domain.logs import Level
from domain.quoted import MASK, Mask
from domain.templates import template


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
