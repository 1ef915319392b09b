"""What was learned from a history at one time: what sessions contain, in which order, how long they take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.amounts import seconds
from ml.sessions import words
from ml.sessions.durations import Durations, Usual
from ml.sessions.events import service_of
from ml.sessions.findings import SessionFinding
from ml.sessions.history import History
from ml.sessions.model import SessionModel
from ml.sessions.opened import Whole
from ml.sessions.texts import Wording

# What fitting is bounded by, so that it takes less than a second whatever the sessions are.
MODEL = {"most_templates": 300, "most_rows": 500, "most_pairs": 20_000, "most_held": 600}
# Sequences whose judgement is remembered; it saves work and changes nothing.
REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Look:
    """What the logs of a session say, without their times."""

    session: tuple[str, ...]  # events as they are called
    found: SessionFinding
    usual: Usual
    services: Mapping[str, int]  # service -> its logs


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is said of one session."""

    service: str  # of its heaviest reason
    score: float  # over 1 it is abnormal
    p_value: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Fitted:
    """A model, and the history that it is a function of; neither changes."""

    minute: int  # since 1970, in which it was learned
    history: History
    model: SessionModel = field(repr=False)
    wording: Wording = field(repr=False)
    durations: Durations
    looks: dict[tuple[str, ...], Look] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, history: History, minute: int) -> Fitted:
        """Learn from at least one session."""
        wording = Wording.of(event for one in history.sessions for event in one.events)
        called = wording.told({event for one in history.sessions for event in one.events})
        sessions = [tuple(called[event] for event in one.events) for one in history.sessions]
        taken = [one.seconds for one in history.sessions]
        durations = Durations.of(zip(map(frozenset, sessions), taken, strict=True))
        return cls(minute, history, SessionModel(**MODEL).fit(sessions), wording, durations)

    def look(self, session: tuple[str, ...], called: Mapping[str, str]) -> Look:
        """Judge what a session contains; `called`: its events as `wording` calls them."""
        named = tuple(called[event] for event in session)
        known = self.looks.get(named)
        if known is None:
            if len(self.looks) >= REMEMBERED:
                self.looks.clear()
            services = Counter(service_of(event) for event in named)
            known = Look(named, self.model.find(named), self.durations.usual(frozenset(named)), services)
            self.looks[named] = known
        return known

    def judgement(self, look: Look, at: Whole, *, cut: bool) -> Judgement:
        """What is said of an abnormal session; `at`: microseconds of its logs; `cut`: it went on after them."""
        taken = float(at[-1] - at[0]) / 1e6
        slow = look.usual.score(taken)
        by_logs = look.found.anomaly and look.found.reasons
        wait = words.longest_wait(at) if len(at) > 1 else None
        slowest = service_of(look.session[wait[0] if wait else 0])
        whose = words.service(look.found.reasons[0]) if by_logs else slowest
        told: Sequence[str] = ()
        if by_logs:
            told = words.reasons(look.found.reasons, self.model.core_, look.session, whose)
        if slow > 1 and wait is not None:
            before = f", {seconds(wait[1])} of it before {words.quoted(look.session[wait[0]], whose)}"
            told = (*told, words.took(taken, look.usual) + before)
        if cut:
            told = (*told, "and it was not over")
        rare = 1 / (look.usual.sessions + 1) if slow > 1 else 1.0
        return Judgement(whose, max(look.found.score, slow), min(look.found.p_value, rare), tuple(told))
