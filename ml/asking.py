"""Asks a champion about a batch, and goes without it where it fails, takes too long or says nothing usable."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

# A batch waits so long for its model, in seconds.
PATIENCE = 2.0
# A model that failed is asked again after so long, in seconds, doubled each time that it fails again.
AGAIN, AGAIN_AT_MOST = 5.0, 300.0


class Failed(Exception):
    """The model gave no answer, for the reason in words."""


class Question(threading.Thread, Generic[Answer]):
    """One question on its way; whoever ends the process does not wait for its answer."""

    def __init__(self, asked: Callable[[], Answer]) -> None:
        super().__init__(daemon=True, name="model")
        self.asked = asked
        self.answers: list[Answer] = []
        self.error: Exception | None = None

    def run(self) -> None:
        """Ask; a model is foreign code, and whatever it raises ends here."""
        try:
            self.answers.append(self.asked())
        except Exception as error:  # noqa: BLE001 - see above
            self.error = error


class Asking:
    """How one loaded model did lately; the questions of one batch after the other go through it.

    Parameters
    ----------
    patience
        Seconds that an answer may take.
    clock
        Seconds of a clock that only goes forward.
    """

    def __init__(self, patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic) -> None:
        self.patience = patience
        self.clock = clock
        self.trouble = ""  # why it is not asked at the moment
        self.not_before = 0.0
        self.failures = 0
        self.left: threading.Thread | None = None  # a question whose answer nobody waits for any more

    def answer(self, question: Callable[[], Answer]) -> Answer:
        """The model's answer. Raises Failed, also while it is left alone after it failed."""
        if self.trouble and (self.clock() < self.not_before or (self.left is not None and self.left.is_alive())):
            raise Failed(self.trouble)
        found = self._asked(question)
        if self.failures:
            log.warning("model.back", extra={"after": self.trouble})
        self.trouble, self.failures, self.left = "", 0, None
        return found

    def _asked(self, asked: Callable[[], Answer]) -> Answer:
        question = Question(asked)
        question.start()
        question.join(self.patience)
        if question.is_alive():
            self.left = question
            raise self._failed(f"it took longer than {self.patience:g} s", "")
        if question.error is not None:
            # What it says may quote logs, so only our own log has it.
            own = isinstance(question.error, Failed)
            why = str(question.error) if own else f"it raised {type(question.error).__name__}"
            raise self._failed(why, str(question.error)) from question.error
        return question.answers[0]

    def _failed(self, why: str, said: str) -> Failed:
        self.failures += 1
        pause = min(AGAIN * 2 ** (self.failures - 1), AGAIN_AT_MOST)
        self.trouble, self.not_before = why, self.clock() + pause
        log.warning("model.failed", extra={"why": why, "said": said[:300], "asked_again_in": pause})
        return Failed(why)
