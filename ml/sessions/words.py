"""Why a session is abnormal, in words: which template, how usual it is, what came last, how long it took."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from domain.amounts import seconds
from domain.shown_texts import cut
from ml.sessions.core import Core
from ml.sessions.durations import Usual
from ml.sessions.events import service_of, text_of
from ml.sessions.findings import Fault, Reason
from ml.sessions.order import END

Whole = NDArray[np.int64]
MOST_REASONS = 4
LONGEST_TEXT = 120
# Where so few of the sessions with a template end by it, that one ended so is worth saying.
SELDOM_LAST = 0.05


def quoted(name: str, service: str) -> str:
    """A template in quotes, with its service where that is another one than `service`."""
    whose = service_of(name)
    of = f" of {whose}" if whose not in ("", service) else ""
    return f"“{cut(text_of(name), LONGEST_TEXT)}”{of}"


def service(reason: Reason) -> str:
    """Whose template it is about."""
    return service_of(reason.template) or service_of(reason.after)


def reasons(found: Sequence[Reason], learned: Core, session: Sequence[str], whose: str) -> tuple[str, ...]:
    """The heaviest reasons about a session, for readers who know that it is about the service `whose`."""
    told = [_told(reason, learned, whose) for reason in found[:MOST_REASONS]]
    more = len(found) - MOST_REASONS
    if more > 0:
        told.append(f"and {more} more")
    if any(reason.fault is Fault.MISSING for reason in found) and _stopped(learned, session[-1]):
        told.append(f"then stopped after {quoted(session[-1], whose)}")
    return tuple(told)


def _told(reason: Reason, learned: Core, whose: str) -> str:
    name = quoted(reason.template, whose)
    here = f"in {learned.having(reason.template):,} of {learned.total:,}"
    match reason.fault:
        case Fault.MISSING:
            return f"{name} is missing ({here})"
        case Fault.NEW:
            return f"{name} is new"
        case Fault.EXTRA:
            return f"{name} is there ({here})"
        case Fault.TELLS:
            return f"{name} tells of a failure ({here})"
        case Fault.MORE | Fault.FEWER:
            return f"{name} came {times(reason.count)}, usually {times(reason.usual)}"
        case Fault.ORDER:
            return _out_of_order(reason, whose)


def _out_of_order(reason: Reason, whose: str) -> str:
    if not reason.template:
        return f"it ended after {quoted(reason.after, whose)}"
    if not reason.after:
        return f"it began with {quoted(reason.template, whose)}"
    return f"{quoted(reason.template, whose)} came right after {quoted(reason.after, whose)}"


def times(count: int) -> str:
    """`once`, `3 times`."""
    return "once" if count == 1 else f"{count:,} times"


def _stopped(learned: Core, last: str) -> bool:
    having = learned.order.sessions.get(last, 0)
    return learned.order.pairs.get((last, END), 0) <= SELDOM_LAST * having


def took(taken: float, usual: Usual) -> str:
    """`took 41 s, usually 0.3 s`."""
    return f"took {seconds(taken)}, usually {seconds(usual.middle)}"


def longest_wait(at: Whole) -> tuple[int, float]:
    """Before which of its logs a session waited longest, and how many seconds; at least two logs."""
    waits = np.diff(at) / 1e6
    longest = int(np.argmax(waits))
    return longest + 1, float(waits[longest])
