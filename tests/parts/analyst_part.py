"""An analyst over the world of an incident, with a scripted model behind real HTTP, or without one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from adapters.llm import with_model
from adapters.store import analyses
from adapters.store.database import transaction
from benchmarks.evals.scripted import Server
from domain.breaker import Breaker
from domain.llm import Model
from domain.llm_settings import LlmSettings
from domain.settings import CallSettings
from tasks.analysing import Analyst, Trace, breaker_of
from tasks.retrieval import Library
from tests.parts.answering_part import World
from tests.parts.judged_part import rows

# What no playbook is for.
UNKNOWN = "ledger drift: failed to add up 17 entries of account-9"


def llm(server: Server | None = None, **changes: Any) -> LlmSettings:
    given: dict[str, Any] = {"call_seconds": 5.0} | ({"base_url": server.url} if server else {}) | changes
    return LlmSettings.model_validate(given)


@dataclass
class Desk:
    """One analyst, and what it looks into."""

    world: World
    settings: LlmSettings = field(default_factory=LlmSettings)
    trace: Trace | None = None

    def __post_init__(self) -> None:
        knowledge = self.world.knowledge
        tree = knowledge.settings.model_copy(update={"llm": self.settings})
        object.__setattr__(knowledge, "settings", tree)
        library = Library(tree, knowledge.playbooks)
        self.model: Model | None = with_model(self.settings, CallSettings(max_retries=1))
        self.analyst = Analyst(self.world.means(library=library), self.model, self.breaker(), self.trace)

    def breaker(self) -> Breaker:
        return breaker_of(self.world.knowledge.settings)

    def incident(self, message: str = UNKNOWN, **changes: Any) -> int:
        """An uncommon incident that a human has."""
        self.world.traffic(30)
        number = self.world.fault(message, **changes)
        self.world.run(number)
        self.world.forward(16)
        return number

    def work(self, most: int = 20) -> int:
        """Whatever is due; how many looks that took."""
        for look in range(most):
            task = self.analyst.claim()
            if task is None:
                return look
            self.analyst.work(task)
        return most

    def stored(self, number: int) -> analyses.Stored:
        with transaction(self.world.engine) as connection:
            found = analyses.of_incident(connection, number)
        assert found is not None
        return found

    def calls(self) -> list[dict[str, Any]]:
        return rows(self.world.engine, "SELECT * FROM llm_calls ORDER BY id")

    def news(self) -> list[list[str]]:
        """The lines of each update that an analysis queued."""
        return [row["lines"] for row in rows(self.world.engine, "SELECT lines FROM pages WHERE reason = 'analysed'")]
