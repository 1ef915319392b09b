"""What a random schedule plays on: a store, services that call each other, an executor, a receiver of pages."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from adapters.store.database import Engine
from domain.errors import Unavailable
from domain.inventory import Inventory
from domain.pages import Page, Receipt
from domain.plans import Risk
from tasks.held import Held
from tasks.paging import Pager
from tests.parts.answering_part import World, acting, calling, inventory, risky
from tests.parts.judged_part import NOW
from tests.soak.killing_part import Fate, MortalExecutor

# Each calls the next one.
CHAIN = ("shop", "web", "api", "db")
# The inventory knows nothing of these.
STRANGERS = ("mail", "blog")
SERVICES = (*CHAIN, *STRANGERS)
PROCESSES = {"shop": 1, "web": 3, "api": 3, "db": 1}


def shop() -> Inventory:
    """Services in a chain."""
    known = inventory(*CHAIN)
    for caller, called in pairwise(CHAIN):
        known = calling(known, caller, called)
    return known


@dataclass
class Receiver:
    """Takes pages; it is sometimes not to be reached, and whoever sends may die before or after its word."""

    stage: Stage

    def send(self, page: Page, before: Receipt | None = None) -> Receipt:
        fate = self.stage.fate
        fate.strike()
        if fate.armed and self.stage.chance.random() < 0.2:
            raise Unavailable("busy")
        self.stage.accepted.append(page.key)
        fate.strike()
        return Receipt("email", "memory", page.key, self.stage.world.now)


@dataclass
class Stage:
    """One schedule's world, with what people and the receiver know of it."""

    engine: Engine
    seed: int
    fate: Fate
    accepted: list[str] = field(default_factory=list)  # keys of pages that the receiver took
    hands: list[Held] = field(default_factory=list)  # what workers hold between two steps
    shown: list[tuple[str, str]] = field(default_factory=list)  # services and what they said
    read: list[tuple[int, str]] = field(default_factory=list)  # incidents and digests of plans that people have seen
    rules: int = 0  # silences and maintenance windows that were added, or were about to be
    flaws: list[str] = field(default_factory=list)  # seen at the moment that they happened

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        # Deaths that come rarely reach the late steps, frequent ones try the early ones.
        self.fate.chance, self.fate.share = self.chance, self.chance.choice([0.03, 0.06, 0.15])
        books = risky(self.chance.choice([Risk.LOW, Risk.MEDIUM, Risk.MEDIUM]), "overload")
        knowledge = acting(playbooks=books, services=shop(), step_tries=4)
        self.executor = MortalExecutor(self.fate, self.chance, PROCESSES)
        self.world = World(self.engine, knowledge=knowledge, executor=self.executor, now=NOW)
        self.receiver = Receiver(self)

    @property
    def pager(self) -> Pager:
        """A sender that knows nothing but the store."""
        knowledge = self.world.knowledge
        return Pager(knowledge.settings, self.engine, knowledge.inventory, lambda: self.world.now, self.receiver)


Deed = Callable[[Stage], object]
