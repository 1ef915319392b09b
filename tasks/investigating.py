"""The investigation of one incident by a model: a bounded loop over tools, of which every turn is stored."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from adapters.store import analyses, llm_calls
from adapters.store.analyses import Task
from adapters.store.database import transaction
from domain.analysis import Because
from domain.analysis_documents import document
from domain.errors import BadInput, Refused, Unavailable, Unreadable
from domain.investigation import Move, Next, Progress, cost, estimated, next_move, reserved
from domain.llm import Message, Model, Question, Reply, Role, ToolCall, Usage
from domain.model_answer import AnswerSaid, read, schema
from domain.prompts import EXPLORE, final, opening
from domain.tools import as_text
from tasks.tools import Bench, offered_tools, run

LEASE_SLACK = timedelta(seconds=60)
MOST_CALLS_A_TURN = 4
NEARLY_ALL = 0.9  # of the time that a call has


class Turn(StrEnum):
    """What a stored turn is."""

    EXPLORED = "explored"  # the model's reply to a call with tools
    TOOL = "tool"  # what a tool answered
    ANSWERED = "answered"  # the model's try of an answer


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

    def __post_init__(self) -> None:
        self.turns = list(self.task.turns)
        for turn in self.turns:
            self.bench.asked |= set(turn.get("asked", []))

    def run(self) -> AnswerSaid | Because:
        """The model's answer, or why there is none. Raises Unavailable, and Refused where the lease was lost."""
        while (move := self._next()).move is not Move.STOP:
            failed = self._ask(move)
            if failed is not None:
                return failed
        answer = self._answer()
        return answer if answer is not None else move.because or Because.UNREADABLE

    def _next(self) -> Next:
        limits = self.bench.means.settings.llm
        with transaction(self.bench.means.engine) as connection:
            now = self.bench.means.clock()
            spent = llm_calls.spent(connection, self.task.incident_id, self.task.episode, now=now)
        tools = self.model.abilities.tools
        return next_move(self._progress(), spent, limits, tools=tools, prompt=self._question(tools=tools).characters)

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
        limits = self.bench.means.settings.llm
        hide = self.bench.disguise.hide
        shown = {name: hide(getattr(one, "text", "")) for name, one in self.bench.dossier.exhibits.items()}
        messages = [*opening(self.bench.dossier, self.plans, self.people, shown), *_replayed(self.turns)]
        again = any(turn["kind"] == Turn.ANSWERED for turn in self.turns)
        if answering:
            messages.append(final(again=again))
        elif not self.turns:
            messages.append(Message(Role.USER, EXPLORE))
        # Whatever was forgotten on the way here is hidden at the door.
        messages = [replace(one, text=hide(one.text)) for one in messages]
        offered = offered_tools() if tools and not answering else ()
        return Question(tuple(messages), offered, schema() if answering else None, limits.max_tokens)

    def _ask(self, move: Next) -> Because | None:
        """One call, reserved before and settled after; why the investigation ends, or None where it goes on."""
        means, answering = self.bench.means, move.move is Move.ANSWER
        question = self._question(tools=self.model.abilities.tools, answering=answering)
        question = replace(question, max_tokens=move.max_tokens, seconds=move.seconds)
        most = reserved(means.settings.llm, question.characters, move)
        with transaction(means.engine) as connection:
            llm_calls.lock(connection)
            lease = means.clock() + timedelta(seconds=move.seconds) + LEASE_SLACK
            analyses.save(connection, self.task, lease)
            call = llm_calls.reserve(connection, self.task.incident_id, self.task.episode, most, now=means.clock())
        begun = time.monotonic()
        try:
            reply = self.model.ask(question)
        except (Unavailable, Refused) as error:
            self._settle(call, _in_vain(error, most, time.monotonic() - begun), str(error)[:200])
            self.went(False)
            return Because.SILENT if isinstance(error, Unavailable) else Because.REFUSED
        self.went(True)
        self._keep(call, reply, self._used(question, reply, time.monotonic() - begun), answering=answering)
        return None

    def _used(self, question: Question, reply: Reply, seconds: float) -> Usage:
        """As the server counts, or as it is estimated where it does not."""
        tokens_in = reply.tokens_in or estimated(question.characters)
        tokens_out = reply.tokens_out or estimated(len(reply.text) + sum(len(one.arguments) for one in reply.calls))
        return Usage(1, tokens_in, tokens_out, cost(self.bench.means.settings.llm, tokens_in, tokens_out), seconds)

    def _settle(self, call: int, used: Usage, outcome: str) -> None:
        with transaction(self.bench.means.engine) as connection:
            llm_calls.settle(connection, call, used, outcome)

    def _keep(self, call: int, reply: Reply, used: Usage, *, answering: bool) -> None:
        """Store what the model said, and what the tools answered to it, with what the call came to."""
        hide = self.bench.disguise.hide
        calls = () if answering else reply.calls[:MOST_CALLS_A_TURN]
        said: dict[str, Any] = {
            "kind": Turn.ANSWERED if answering else Turn.EXPLORED,
            "text": hide(reply.text),
            "calls": [{"id": one.id, "name": one.name, "arguments": hide(one.arguments)} for one in calls],
            "usage": {"in": used.tokens_in, "out": used.tokens_out, "seconds": round(used.seconds, 3)},
            "at": self.bench.means.clock().isoformat(),
        }
        self.turns = [*self.turns, said, *(self._answered_by_tool(one) for one in calls)]
        means = self.bench.means
        with transaction(means.engine) as connection:
            llm_calls.settle(connection, call, used, "answered")
            analyses.save(connection, self.task, means.clock() + LEASE_SLACK, turns=self.turns, dossier=self._dossier())

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


def _replayed(turns: Sequence[Mapping[str, Any]]) -> list[Message]:
    """Stored turns as the conversation that they are."""
    found = []
    for turn in turns:
        if turn["kind"] == Turn.TOOL:
            found.append(Message(Role.TOOL, turn["text"], answers=turn["answers"]))
        else:
            calls = tuple(ToolCall(one["id"], one["name"], one["arguments"]) for one in turn["calls"])
            found.append(Message(Role.ASSISTANT, turn["text"], calls))
    return found
