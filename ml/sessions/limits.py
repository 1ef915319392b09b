"""Where normal ends, by how sessions of one half of a history look to what was learned from the other half."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ml.sessions import core
from ml.sessions.core import FRAME, USUAL, WHOLE, Core, Keep, Read
from ml.sessions.counting import Session
from ml.sessions.kernel import Floats

# A frame that departs from the usual ones by more, in nats, is odd: fewer than one session in thirty does.
ODD = 3.5
# A history is taken for one with failures in it where so large a share of its sessions is odd. One that lacks nothing
# counts less than one that was cut short or left out a step: what is normal and rare is mostly something more.
FEWEST_ODD, MOST_ODD = 0.006, 0.25
LACKS_NOTHING = 0.3
# Where so many sessions have a frame of their own, being rare says nothing.
MOST_ALONE = 0.03
# Shares of `Core.top` from which on a distance and a pair of neighbours count; at 1 nothing like it was seen.
DISTANCE, PAIR = 0.75, 0.85
# The share of false alarms among the sessions held out at which all counts, and pairs, are still looked at.
QUIET, QUIET_PAIRS = 0.005, 0.0005
# The order of fewer sessions says too little about what never follows what.
FEWEST_ORDERED = 500
# … and of those that a channel raises at most: where sessions differ too much for that, its limit is raised.
LOUDEST = 0.02
# What a session scores for each template that is not known, and for one that is rare and tells of a failure.
ENOUGH = 1 / DISTANCE
VIEWS = (WHOLE, FRAME)


@dataclass(frozen=True, slots=True)
class Channels:
    """Which ways to look at a session are used, and where normal ends in each."""

    polluted: bool  # whether what is rare is a failure, too; otherwise only what is new
    view: str  # in which a session is new
    distance: float  # share of `Core.top`
    pair: float  # share of `Core.top`, infinite where the order of templates says nothing
    template: bool  # whether a template that is not known is enough
    words: bool  # whether a template that is rare and tells of a failure is enough

    def views(self, learned: Core, read: Read) -> dict[str, float]:
        """For each view the distance's share of where normal ends."""
        shares = {self.view: learned.distance(self.view, read) / (self.distance * learned.top)}
        return shares | ({USUAL: learned.distance(USUAL, read) / ODD} if self.polluted else {})

    def score(self, learned: Core, read: Read, surprise: float) -> float:
        """The worst channel's share of where normal ends; `surprise` is that of the session's order, in nats."""
        unknown = ENOUGH * len(read.unknown) if self.template else 0.0
        told = ENOUGH * bool(read.levels[learned.telling].any()) if self.words else 0.0
        return max(*self.views(learned, read).values(), surprise / (self.pair * learned.top), unknown, told)


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The channels chosen, and how sessions of the history score that were held out."""

    channels: Channels
    held: Floats  # ascending; shape (n_held,)


@dataclass(frozen=True, slots=True)
class _Held:
    """A session and what was learned without its half of the history."""

    learned: Core
    read: Read
    surprise: float  # of its order, when it alone is left out, as a share of the top


def learn(sessions: Sequence[Session], learned: Core, keep: Keep) -> Calibrated:
    """Choose the channels for a history of sessions, from which `learned` was learned."""
    held = _hold_out(sessions, learned, keep)
    channels = Channels(is_polluted(learned), WHOLE, DISTANCE, float("inf"), template=True, words=by_words(learned))
    ordinary = [each for each in held if not channels.polluted or _is_ordinary(each)]
    if ordinary:
        view, distance = _view(ordinary)
        template = np.mean([bool(each.read.unknown) for each in ordinary]) <= LOUDEST
        channels = replace(channels, view=view, distance=distance, pair=_pair(ordinary), template=bool(template))
    scores = [channels.score(each.learned, each.read, each.surprise * each.learned.top) for each in held]
    return Calibrated(channels, np.sort(np.array(scores)))


def is_polluted(learned: Core) -> bool:
    """Whether what is rare in the history is a failure."""
    return FEWEST_ODD <= odd_share(learned) <= MOST_ODD and learned.alone <= MOST_ALONE


def by_words(learned: Core) -> bool:
    """Whether words of failure have to do, because sessions differ too much for their rarity to say anything."""
    told = (learned.rows[:, learned.telling] > 0).any(axis=1)
    return learned.alone > MOST_ALONE and bool(FEWEST_ODD <= learned.support[told].sum() / learned.total <= MOST_ODD)


def odd_share(learned: Core) -> float:
    """The share of the history's sessions whose frames depart from the usual ones; less where they lack nothing."""
    odd = 0.0
    for levels, support in zip(learned.rows, learned.support, strict=True):
        costs, row = learned.views[USUAL].costs(levels, learned.scale)
        if costs.sum() > ODD:
            odd += support * (1.0 if (levels < row).any() else LACKS_NOTHING)
    return float(odd / learned.total)


def _is_ordinary(each: _Held) -> bool:
    return each.learned.distance(USUAL, each.read) <= ODD


def _view(held: Sequence[_Held]) -> tuple[str, float]:
    """All counts where they are rarely new, else the frame; and the share of the top from which on that counts."""
    new = {
        view: np.array([each.learned.distance(view, each.read) / each.learned.top for each in held]) for view in VIEWS
    }
    view = WHOLE if (new[WHOLE] > DISTANCE).mean() <= QUIET else FRAME
    return view, max(DISTANCE, float(np.quantile(new[view], 1 - LOUDEST)))


def _pair(held: Sequence[_Held]) -> float:
    """The least share of the top from which on pairs are rarely as surprising; infinite where there is none."""
    shares = np.sort([each.surprise for each in held])
    edge = float(shares[len(shares) - 1 - int(QUIET_PAIRS * len(shares))])
    return max(PAIR, edge + 1e-9) if edge < 1 and len(shares) >= FEWEST_ORDERED else float("inf")


def _hold_out(sessions: Sequence[Session], whole: Core, keep: Keep) -> list[_Held]:
    """Evenly chosen sessions, each with what was learned from the half of the history that it is not in."""
    side = [_side(at) for at in range(len(sessions))]
    halves = [[session for session, of in zip(sessions, side, strict=True) if of == out] for out in (1, 0)]
    if not all(halves):
        return []
    cores = [core.learn(half, keep) for half in halves]
    chosen = range(0, len(sessions), max(1, len(sessions) // keep.held))
    seen = [(cores[side[at]], sessions[at]) for at in chosen]
    return [
        _Held(learned, learned.read(session), whole.order.surprise(session, counted=True)[0] / whole.top)
        for learned, session in seen
    ]


def _side(at: int) -> int:
    """Which half a session is in, 0 or 1, by nothing that a history may repeat by."""
    return (at * 0x9E3779B1 >> 16) & 1
