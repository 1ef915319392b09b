"""In which way a server takes a question; each of its refusals may teach a lesser one.

No two servers speak quite the same protocol. A question is first asked with everything, and what a refusal speaks of
is left out from then on, so that each ability is asked for in vain once in a process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from domain.llm import Abilities, Question


@dataclass(frozen=True, slots=True)
class Way:
    """What a question is asked with."""

    tools: bool = True
    schema: bool = True  # `response_format` with a JSON schema
    json: bool = True  # `response_format` with JSON of any shape
    max_tokens: bool = True  # else `max_completion_tokens`
    temperature: bool = True  # else that of the model

    def __and__(self, other: Way) -> Way:
        return Way(
            self.tools and other.tools,
            self.schema and other.schema,
            self.json and other.json,
            self.max_tokens and other.max_tokens,
            self.temperature and other.temperature,
        )

    @property
    def abilities(self) -> Abilities:
        """As much of it as matters to whoever asks."""
        return Abilities(self.tools, self.schema, self.json)

    @property
    def left_out(self) -> tuple[str, ...]:
        """What is not asked for any more."""
        return tuple(one.name for one in fields(self) if not getattr(self, one.name))

    def uses(self, question: Question) -> tuple[str, ...]:
        """What of it this question is asked with, in the order in which it is left out."""
        in_use = {
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "schema": self.schema and question.schema is not None,
            "json": self.json and not self.schema and question.schema is not None,
            "tools": self.tools and bool(question.tools),
        }
        return tuple(name for name, used in in_use.items() if used)

    def without(self, name: str) -> Way:
        """The same without that."""
        return replace(self, **{name: False})


MOST_STEPS = len(Way.__slots__) + 1  # ways that one question is asked in

# Statuses that servers use to say that they cannot do something.
REFUSING = frozenset({400, 404, 422, 500, 501})

# How refusals call what they speak of.
_FORMAT = re.compile(
    r"response.?format|json.?(schema|object|mode)|grammar|structured.?output|guided|mime.?type", re.IGNORECASE
)
_NAMES: Mapping[str, re.Pattern[str]] = {
    "max_tokens": re.compile(r"max_tokens", re.IGNORECASE),
    "temperature": re.compile(r"temperature", re.IGNORECASE),
    "schema": _FORMAT,
    "json": _FORMAT,
    "tools": re.compile(r"\btools?\b|\btool.?(choice|call|use)|\bfunctions?\b", re.IGNORECASE),
}
_CANNOT = re.compile(
    r"support|requires?\b|unrecogni[sz]ed|unknown|unexpected|extra|not (permitted|allowed|implemented|available)"
    r"|invalid|must be|cannot|failed|unable|disabled",
    re.IGNORECASE,
)
# A question that is too long names its parts, none of which is at fault.
_TOO_MUCH = re.compile(r"context.?(length|window|size)|too (long|large|many)|exceed|reduce the length", re.IGNORECASE)


def lesser(way: Way, question: Question, words: str) -> Way | None:
    """The way without what a refusal in these words speaks of; None where it speaks of nothing that was used."""
    if _TOO_MUCH.search(words) or not _CANNOT.search(words):
        return None
    named = (name for name in way.uses(question) if _NAMES[name].search(words))
    found = next(named, None)
    return way.without(found) if found else None
