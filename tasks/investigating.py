"""The investigation of one incident by a model: a bounded loop over tools, of which every turn is stored."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from adapters.store import analyses, llm_calls
from adapters.store.analyses import Task
from adapters.store.database import transaction
from domain.analysis import Because
from domain.analysis_documents import document
from domain.disguise import Disguise
from domain.errors import BadInput, Refused, Unavailable, Unreadable
from domain.investigation import Move, Progress, cost, estimated, next_move, reserved
from domain.llm import Message, Model, Question, Reply, Role, ToolCall, Usage
from domain.model_answer import AnswerSaid, read, schema
from domain.prompts import EXPLORE, final, marked, opening, unmarked
from domain.quoted import masked_within
from domain.tools import as_text
from tasks.tools import TOOLS, Bench, offered_tools, run

LEASE_SLACK = timedelta(seconds=60)
MOST_CALLS_A_TURN = 4
NEARLY_ALL = 0.9  # of the time that a call has
LONGEST_SAID = 100_000  # characters of what a model says that are kept
LONGEST_ARGUMENTS = 10_000  # characters of what it asks a tool
LONGEST_OUTCOME = 200  # characters of why it did not answer
UNKNOWN_TOOL = "unknown"  # whatever a model calls a tool that there is not


class Turn(StrEnum):
    """What a stored turn is."""

    EXPLORED = "explored"  # the model's reply to a call with tools
    TOOL = "tool"  # what a tool answered
    ANSWERED = "answered"  # the model's try of an answer


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the model that is about to be made."""

    id: int  # of its row
    question: Question
    most: Usage  # that it may come to
    answering: bool


@dataclass
class Investigation:
    """One investigation; whoever takes it over goes on from the stored turns."""

    task: Task
    bench: Bench
    model: Model
    plans: Mapping[str, str]  # that may be chosen, in words
    people: Sequence[str]
    turns: list[dict[str, Any]] = field(default_factory=list)
    went: Callable[[bool], None] = lambda _well: None  # told of each call
    _opening: tuple[Message, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.turns = list(self.task.turns)
        self._opening = opening(self.bench.dossier, self.plans, self.people, self.bench.disguise.hide)
        for turn in self.turns:
            self.bench.asked |= set(turn.get("asked", []))

    def run(self) -> AnswerSaid | Because:
        """The model's answer, or why there is none. Raises Unavailable, and Refused where the lease was lost."""
        while isinstance(call := self._reserve(), Call):
            failed = self._ask(call)
            if failed is not None:
                return failed
        answer = self._answer()
        return answer if answer is not None else call or Because.UNREADABLE

    def _reserve(self) -> Call | Because | None:
        """The next call, put down before it is made; None or why where there is none."""
        means, tools = self.bench.means, self.model.abilities.tools
        exploring, answering = self._question(tools=tools), self._question(tools=tools, answering=True)
        longest = max(exploring.size, answering.size)
        with transaction(means.engine) as connection:
            # Whoever reserves sees what all others reserved: none of them may take the last that a cap leaves.
            llm_calls.lock(connection)
            now = means.clock()
            analyses.save(connection, self.task, now + timedelta(seconds=means.settings.llm.call_seconds) + LEASE_SLACK)
            spent = llm_calls.spent(connection, self.task.incident_id, self.task.episode, now=now)
            move = next_move(self._progress(), spent, means.settings.llm, tools=tools, prompt=longest)
            if move.move is Move.STOP:
                return move.because
            asked = answering if move.move is Move.ANSWER else exploring
            asked = replace(asked, max_tokens=move.max_tokens, seconds=move.seconds)
            most = reserved(means.settings.llm, asked.size, move)
            number = llm_calls.reserve(connection, self.task.incident_id, self.task.episode, most, now=now)
        return Call(number, asked, most, answering=move.move is Move.ANSWER)

    def _progress(self) -> Progress:
        explored = [turn for turn in self.turns if turn["kind"] == Turn.EXPLORED]
        answers = [turn for turn in self.turns if turn["kind"] == Turn.ANSWERED]
        ready = bool(explored) and not explored[-1]["calls"]
        return Progress(len(explored), len(answers), ready, self._answer() is not None)

    def _answer(self) -> AnswerSaid | None:
        for turn in reversed(self.turns):
            if turn["kind"] in (Turn.ANSWERED, Turn.EXPLORED) and not turn["calls"]:
                try:
                    return read(turn["text"])
                except BadInput:
                    continue
        return None

    def _question(self, *, tools: bool, answering: bool = False) -> Question:
        """The conversation so far, and what is asked now."""
        messages = [*self._opening, *_replayed(self.turns)]
        again = any(turn["kind"] == Turn.ANSWERED for turn in self.turns)
        if answering:
            messages.append(final(again=again))
        elif not self.turns:
            messages.append(Message(Role.USER, EXPLORE))
        offered = offered_tools() if tools and not answering else ()
        most = self.bench.means.settings.llm.max_tokens
        return Question(tuple(messages), offered, schema() if answering else None, most)

    def _ask(self, call: Call) -> Because | None:
        """One call, settled after it was made; why the investigation ends, or None where it goes on."""
        begun = time.monotonic()
        try:
            reply = self.model.ask(call.question)
        except (Unavailable, Refused) as error:
            told = self.bench.disguise.mask(str(error))[:LONGEST_OUTCOME]
            self._settle(call.id, _in_vain(error, call.most, time.monotonic() - begun), told)
            self.went(False)
            return Because.SILENT if isinstance(error, Unavailable) else Because.REFUSED
        self._keep(call, reply, self._used(call.question, reply, time.monotonic() - begun))
        self.went(True)
        return None

    def _used(self, question: Question, reply: Reply, seconds: float) -> Usage:
        """As the server counts, within what can be; or as it is estimated where it does not count."""
        said = len(reply.text.encode()) + sum(len(one.arguments.encode()) for one in reply.calls)
        tokens_in = min(reply.tokens_in, question.size) or estimated(question.size)
        tokens_out = min(reply.tokens_out, max(question.max_tokens, said)) or estimated(said)
        return Usage(1, tokens_in, tokens_out, cost(self.bench.means.settings.llm, tokens_in, tokens_out), seconds)

    def _settle(self, call: int, used: Usage, outcome: str) -> None:
        with transaction(self.bench.means.engine) as connection:
            llm_calls.settle(connection, call, used, outcome)

    def _keep(self, call: Call, reply: Reply, used: Usage) -> None:
        """Store what the model said, and what the tools answered to it, with what the call came to."""
        means, hide = self.bench.means, self.bench.disguise.hide
        calls = [] if call.answering else [self._heard(one, place) for place, one in enumerate(reply.calls)]
        calls = calls[:MOST_CALLS_A_TURN]
        said: dict[str, Any] = {
            "kind": Turn.ANSWERED if call.answering else Turn.EXPLORED,
            "text": hide(reply.text).replace("\0", "")[:LONGEST_SAID],
            "calls": [asdict(one) for one in calls],
            "usage": {"in": used.tokens_in, "out": used.tokens_out, "seconds": round(used.seconds, 3)},
            "at": means.clock().isoformat(),
        }
        self.turns = [*self.turns, said, *(self._answered_by_tool(one) for one in calls)]
        with transaction(means.engine) as connection:
            llm_calls.settle(connection, call.id, used, "answered")
            analyses.save(connection, self.task, means.clock() + LEASE_SLACK, turns=self.turns, dossier=self._dossier())

    def _heard(self, call: ToolCall, place: int) -> ToolCall:
        """A call as it may be stored, sent and shown: what it hides is hidden, and its id is of our own."""
        name = call.name if call.name in TOOLS else UNKNOWN_TOOL
        return ToolCall(f"call_{len(self.turns)}_{place}", name, hidden_arguments(call.arguments, self.bench.disguise))

    def _answered_by_tool(self, call: ToolCall) -> dict[str, Any]:
        before = set(self.bench.asked)
        found = run(self.bench, call)
        text = as_text(found, self.bench.means.settings.llm.tool_characters)
        new = sorted(self.bench.asked - before)
        at = self.bench.means.clock().isoformat()
        named = {"kind": Turn.TOOL, "answers": call.id, "name": call.name, "at": at}
        return named | {"text": text, "asked": new, "calls": []}

    def _dossier(self) -> dict[str, Any]:
        """The dossier with every exhibit that was shown since: what is cited must be found again."""
        return document(replace(self.bench.dossier, exhibits=self.bench.exhibits.as_mapping))


def _in_vain(error: Exception, most: Usage, seconds: float) -> Usage:
    """What a call without an answer came to: all that was reserved where the model may have worked on it."""
    worked = isinstance(error, Unreadable) or seconds >= NEARLY_ALL * most.seconds
    return replace(most, seconds=seconds) if worked else Usage(1, 0, 0, 0.0, seconds)


def hidden_arguments(arguments: str, disguise: Disguise) -> str:
    """What a model asks a tool, as JSON still, without what must not be repeated; `null` for what is no object."""
    try:
        found = json.loads(arguments.strip() or "{}") if len(arguments) <= LONGEST_ARGUMENTS else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return "null"
    hide = disguise.hide
    return json.dumps({hide(name): masked_within(one, hide) for name, one in found.items()}).replace("\\u0000", "")


def _replayed(turns: Sequence[Mapping[str, Any]]) -> list[Message]:
    """Stored turns as the conversation that they are."""
    found = []
    for turn in turns:
        if turn["kind"] == Turn.TOOL:
            found.append(Message(Role.TOOL, marked(turn["text"]), answers=turn["answers"]))
        else:
            calls = tuple(ToolCall(one["id"], one["name"], one["arguments"]) for one in turn["calls"])
            found.append(Message(Role.ASSISTANT, unmarked(turn["text"]), calls))
    return found
