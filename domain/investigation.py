"""What comes next in the investigation of one incident by a model, within its caps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.analysis import Because
from domain.llm import Usage
from domain.llm_settings import CapSettings, LlmSettings

BYTES_PER_TOKEN = 3  # few enough that no estimate is too low for words, JSON and numbers
FEWEST_TOKENS = 256  # of an answer; less is no answer
FEWEST_SECONDS = 1.0
MOST_ANSWERS = 2  # tries to get an answer that can be read
MILLION = 1_000_000


class Move(StrEnum):
    """What comes next."""

    EXPLORE = "explore"  # ask the model, with tools
    ANSWER = "answer"  # ask for the answer, without tools
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it has come; follows from the stored turns."""

    explored: int = 0  # calls with tools
    answers: int = 0  # tries of an answer
    ready: bool = False  # the model asked no tool any more
    readable: bool = False  # an answer was read


@dataclass(frozen=True, slots=True)
class Spent:
    """What was used so far, reservations of calls whose end nobody knows included."""

    incident: Usage
    day: Usage


@dataclass(frozen=True, slots=True)
class Next:
    """The move, and where it is a call the most that it may take."""

    move: Move
    because: Because | None = None  # of a STOP without an answer
    max_tokens: int = 0
    seconds: float = 0.0


def next_move(progress: Progress, spent: Spent, limits: LlmSettings, *, tools: bool, prompt: int) -> Next:
    """What comes next.

    `tools`: whether the model is able to call tools; `prompt`: bytes of what would be sent.
    """
    if progress.readable:
        return Next(Move.STOP)
    if progress.answers >= MOST_ANSWERS:
        return Next(Move.STOP, Because.UNREADABLE)
    room = _room(spent, limits, prompt)
    if isinstance(room, Because):
        return Next(Move.STOP, room)
    explores = tools and limits.tools and not progress.ready and progress.answers == 0
    # The last two calls are for the answer, and for one that cannot be read; half of everything is enough to explore.
    if explores and progress.explored < limits.incident.calls - MOST_ANSWERS and _half_is_left(spent, limits, room):
        return Next(Move.EXPLORE, None, *room)
    return Next(Move.ANSWER, None, *room)


def reserved(limits: LlmSettings, prompt: int, given: Next) -> Usage:
    """The most that a call may come to."""
    tokens_in = estimated(prompt)
    return Usage(1, tokens_in, given.max_tokens, cost(limits, tokens_in, given.max_tokens), given.seconds)


def estimated(prompt: int) -> int:
    """Tokens of so many bytes, rather too many than too few."""
    return -(-prompt // BYTES_PER_TOKEN)


def cost(limits: LlmSettings, tokens_in: int, tokens_out: int) -> float:
    """What these tokens cost, in the currency of the prices."""
    return (tokens_in * limits.input_price + tokens_out * limits.output_price) / MILLION


Room = tuple[int, float]  # most tokens of the answer, most seconds


def _room(spent: Spent, limits: LlmSettings, prompt: int) -> Room | Because:
    """What the next call may take at most, or which cap leaves no call."""
    tokens, seconds = limits.max_tokens, limits.call_seconds
    both = ((spent.day, limits.day, Because.DAY_CAP), (spent.incident, limits.incident, Because.INCIDENT_CAP))
    for used, cap, because in both:
        left = _left(used, cap, limits, prompt)
        if used.calls >= cap.calls or left[0] < min(FEWEST_TOKENS, limits.max_tokens) or left[1] < FEWEST_SECONDS:
            return because
        tokens, seconds = min(tokens, left[0]), min(seconds, left[1])
    return tokens, seconds


def _left(used: Usage, cap: CapSettings, limits: LlmSettings, prompt: int) -> Room:
    tokens = cap.tokens - used.tokens - estimated(prompt)
    money = cap.cost - used.cost - cost(limits, estimated(prompt), 0)
    if limits.output_price:
        tokens = min(tokens, int(money * MILLION / limits.output_price))
    elif money < 0:
        tokens = 0
    return tokens, cap.seconds - used.seconds


def _half_is_left(spent: Spent, limits: LlmSettings, room: Room) -> bool:
    """Whether exploring leaves enough for an answer that is as long as the conversation by then."""
    used, cap = spent.incident, limits.incident
    within = (used.tokens <= cap.tokens / 2, used.cost <= cap.cost / 2, used.seconds <= cap.seconds / 2)
    return all(within) and room[0] >= min(limits.max_tokens, FEWEST_TOKENS)
