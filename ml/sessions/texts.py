"""The texts of messages without what varies, as sessions need them: the same message has the same text at any time.

What templates are called elsewhere depends on what came before, and that on who read it; so sessions have names of
their own. `texts` looks at one message alone; `Wording` compares those of a history, and is fixed from then on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from domain.grouping import codes_of
from domain.templates import MASK, template
from ml.sessions.events import event, service_of, text_of
from ml.templates import TemplateMiner
from ml.templates.masks import VALUE, masked, shapes

# So many texts that a history does not have are compared with it in a minute; further ones are new.
MOST_NEW = 1_000
# … and so many of the history with each other.
MOST_TEXTS = 2_000


def texts(messages: pa.ChunkedArray) -> pa.Array:
    """Each message with what shows by its form that it varies as `<*>`; shape (n,)."""
    codes, distinct = codes_of(shapes(messages))
    plain = [template(text.replace(VALUE, MASK)) for text in masked(distinct).to_pylist()]
    return pa.array(plain, pa.string()).take(pa.array(codes))


def _as_messages(plain: Iterable[str]) -> pa.Array:
    return pa.array([text.replace(MASK, VALUE) for text in plain], pa.large_string())


@dataclass(frozen=True)
class Wording:
    """What the texts of a history are called when they are compared with each other: `user <*> came`."""

    names: Mapping[str, str]  # text -> name
    miner: pa.Table = field(repr=False)  # state of the miner that told
    of_id: Mapping[int, str] = field(repr=False)  # its template -> name

    @classmethod
    def of(cls, events: Iterable[str]) -> Wording:
        """The wording of a history's events, each as often as it occurs; rarer texts than the most keep their own."""
        often = Counter(map(text_of, events))
        plain = sorted(sorted(often, key=lambda text: (-often[text], text))[:MOST_TEXTS])
        miner = TemplateMiner()
        ids = miner.current(miner.assign(_as_messages(plain))).tolist()
        alike = Counter(ids)
        of_id = {
            one: text if alike[one] == 1 else (miner.text_of(one) or text)
            for one, text in dict(zip(ids, plain, strict=True)).items()
        }
        return cls({text: of_id[one] for one, text in zip(ids, plain, strict=True)}, miner.to_table(), of_id)

    def told(self, events: Iterable[str]) -> dict[str, str]:
        """Each event as it is called; texts that are like none of the history keep their own."""
        wanted = list(events)
        new = sorted({text_of(one) for one in wanted} - self.names.keys())
        names = dict(self.names) | self._compared(new[:MOST_NEW]) if new else self.names
        return {one: event(service_of(one), name) for one in wanted if (name := names.get(text_of(one), text_of(one)))}

    def _compared(self, new: list[str]) -> dict[str, str]:
        """Names of texts that turn out to be of a known template; what is learned on the way is forgotten again."""
        miner = TemplateMiner.from_table(self.miner)
        ids = miner.current(miner.assign(_as_messages(new))).tolist()
        known = np.array(list(self.of_id), np.int64)
        now = dict(zip(miner.current(known).tolist(), self.of_id.values(), strict=True))
        return {text: now[one] for one, text in zip(ids, new, strict=True) if one in now}
