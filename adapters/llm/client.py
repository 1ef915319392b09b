"""A model that is asked through OpenAI's chat completions, which many servers speak, each a little otherwise."""

from __future__ import annotations

import logging
import random
import re
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import stamina

from adapters.channels.calls import Passing
from adapters.deadline import within
from adapters.llm.bodies import body_of
from adapters.llm.endpoint import endpoint_of, exchange
from adapters.llm.replies import reply_of
from adapters.llm.verdicts import Asked, judged, unwrapped, words_of
from adapters.llm.ways import MOST_STEPS, REFUSING, Way, lesser
from domain.errors import Later, Unavailable
from domain.llm import Abilities, Question, Reply
from domain.llm_settings import LlmSettings
from domain.settings import CallSettings

Result = TypeVar("Result")

FIRST_PAUSE, LONGEST_PAUSE, JITTER = 0.2, 8.0, 0.5  # seconds

log = logging.getLogger(__name__)


class OpenAiModel:
    """The model of the settings; one for a process, which may ask it from several threads."""

    def __init__(self, settings: LlmSettings, calls: CallSettings) -> None:
        self._settings = settings
        self._tries = calls.max_retries + 1
        self._endpoint = endpoint_of(settings, calls)
        self._way = Way()
        self._learning = threading.Lock()

    @property
    def name(self) -> str:
        """As the settings have it."""
        return self._settings.model

    @property
    def abilities(self) -> Abilities:
        """What is known of it so far."""
        return self._way.abilities

    def ask(self, question: Question) -> Reply:
        """Its answer, within the question's seconds. Raises Unavailable (Later where it says when) and Refused."""
        until = time.monotonic() + question.seconds
        where = self._endpoint.where
        return within(question.seconds, lambda: self._answer(question, until), where, "llm.call_seconds")

    def _answer(self, question: Question, until: float) -> Reply:
        """The reply in the first way that the server takes; each refusal leaves a lesser way, so there are few."""
        for _ in range(MOST_STEPS):
            way = self._way
            found = self._found(question, way, until)
            if isinstance(found, Reply):
                if _schema_ignored(found, question, way):
                    self._learn(way.without("schema"))  # whoever asks again gets it in the prompt
                return found
            self._learn(found)
        raise Unavailable(f"{self._endpoint.where}: it takes this question in no way")

    def _found(self, question: Question, way: Way, until: float) -> Reply | Way:
        """What comes of a few tries."""

        def once() -> Reply | Way:
            return self._once(question, way, until)

        return again(once, until, self._tries)

    def _once(self, question: Question, way: Way, until: float) -> Reply | Way:
        """One call: the reply, or the way that the refusal leaves."""
        asked = Asked(self._endpoint.where, question, self._endpoint.secrets)
        answer = unwrapped(exchange(self._endpoint, body_of(question, way, self._settings), until))
        if answer.status in REFUSING:
            words = re.sub(rf"(?<!\w){re.escape(self.name)}(?!\w)", "", words_of(answer))
            if left := lesser(way, question, words):
                return left
        return reply_of(judged(answer, asked), question, asked.where)

    def _learn(self, way: Way) -> None:
        with self._learning:
            self._way &= way
        log.info("llm.asked_with_less", extra={"model": self.name, "without": ", ".join(self._way.left_out)})


def _schema_ignored(reply: Reply, question: Question, way: Way) -> bool:
    """Whether the server passed over the schema, which some do without a word: no JSON is even begun."""
    if "schema" not in way.uses(question) or reply.calls or reply.cut:
        return False
    return "{" not in reply.text


def again(once: Callable[[], Result], until: float, tries: int) -> Result:
    """What `once` returns, tried again while what it raises passes and there is time; pauses are the server's."""

    def pause(error: Exception) -> bool | float:
        if not isinstance(error, Later):
            return isinstance(error, Passing)
        seconds = max(error.seconds, FIRST_PAUSE) + random.uniform(0, JITTER)  # noqa: S311 - so that not all come at once
        return seconds if time.monotonic() + seconds < until else False

    retrying = stamina.RetryingCaller(
        attempts=tries,
        timeout=max(0.0, until - time.monotonic()),
        wait_initial=FIRST_PAUSE,
        wait_max=LONGEST_PAUSE,
        wait_jitter=JITTER,
    )
    return retrying(pause, once)
