"""What moved with an onset: one change of one service in one metric, one text, or one wait."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.amounts import measured, number
from domain.shown_texts import cut, printable
from domain.telemetry import LogId

LONGEST_TEXT = 160
_NAME = re.compile(r"[\w-]+")  # what may be a service's name


def names_in(text: str) -> list[str]:
    """Every word of a text that may be a service's name."""
    return _NAME.findall(text)


class MovementKind(StrEnum):
    """What kind of change it is."""

    METRIC_ROSE = "metric rose"
    METRIC_FELL = "metric fell"
    ERRORS_ROSE = "errors rose"
    TEXT_NEW = "text new"
    TEXT_GONE = "text gone"
    TEXT_MORE = "text more often"
    TEXT_LESS = "text less often"
    WAITS_LONGER = "waits longer"
    NOT_HEARD = "not heard"  # and others say that it fails them: `what` is their text, `before` how many lines are due


CAME = frozenset({MovementKind.TEXT_NEW, MovementKind.TEXT_MORE})  # texts that came up, or came up more often
WENT = frozenset({MovementKind.TEXT_GONE, MovementKind.TEXT_LESS})
ROSE = frozenset({MovementKind.METRIC_ROSE, MovementKind.ERRORS_ROSE})


@dataclass(frozen=True, slots=True)
class Movement:
    """One thing that changed. Sizes compare across kinds: by how many factors of e it passed what is usual."""

    service: str
    kind: MovementKind
    what: str  # a metric's name, a template (untrusted text), or the service that is heard later
    before: float  # in the metric's unit, seconds, or times a minute that so many lines would have said it before
    after: float  # in the same
    size: float  # over 0
    at: datetime  # when it first showed
    example: LogId | None = None
    instance: str = ""
    own_error: bool = False  # a text that says an error, and speaks of nobody else

    @property
    def told(self) -> str:
        """It in words, with units."""
        return SENTENCES[self.kind](self)


def _metric(moved: Movement) -> str:
    of = f" of {printable(moved.instance)}" if moved.instance else ""
    now, before = measured(moved.what, moved.after), measured(moved.what, moved.before)
    return f"{printable(moved.what)}{of} {now}, before {before}"


def _new(moved: Movement) -> str:
    return f"new text, {number(moved.after)} a minute: {_text(moved)}"


def _gone(moved: Movement) -> str:
    return f"no longer said, {number(moved.before)} a minute are usual for so many lines: {_text(moved)}"


def _changed(moved: Movement) -> str:
    return f"{number(moved.after)} a minute, {number(moved.before)} are usual for so many lines: {_text(moved)}"


def _later(moved: Movement) -> str:
    whose = "its own next line" if moved.what == moved.service else f"the next line of {printable(moved.what)}"
    return f"{number(moved.after)} s until {whose}, before {number(moved.before)} s"


def _not_heard(moved: Movement) -> str:
    silent = f"silent, {moved.before:,.0f} lines were to come since" if moved.before else "none of its lines are read"
    return f"{silent}; others say: {_text(moved)}"


def _text(moved: Movement) -> str:
    return cut(printable(moved.what), LONGEST_TEXT)


SENTENCES = {
    MovementKind.METRIC_ROSE: _metric,
    MovementKind.METRIC_FELL: _metric,
    MovementKind.ERRORS_ROSE: _metric,
    MovementKind.TEXT_NEW: _new,
    MovementKind.TEXT_GONE: _gone,
    MovementKind.TEXT_MORE: _changed,
    MovementKind.TEXT_LESS: _changed,
    MovementKind.WAITS_LONGER: _later,
    MovementKind.NOT_HEARD: _not_heard,
}
