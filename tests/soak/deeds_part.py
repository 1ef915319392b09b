"""What happens by itself in a random schedule: faults and cascades, workers, senders, time."""

from __future__ import annotations

from adapters.store.closing import close_quiet
from adapters.store.deliveries import Delivery
from domain.contacts import ContactKind
from domain.errors import Refused
from tasks.answer import NOTHING_TO_DO, due_step, let_go, run_steps, take
from tasks.delivering import claim
from tasks.delivering import deliver as deliver_one
from tasks.expanding import expand_due
from tasks.held import Held
from tasks.timers import fire_due
from tests.parts.answering_part import BUSY, POOL
from tests.parts.judged_part import rows
from tests.soak.muting_part import held_by_rules
from tests.soak.stage_part import CHAIN, SERVICES, STRANGERS, Deed, Stage

BROKEN = "disk error: lost"
PLAIN = "unexpected answer"
WAITS = ("upstream request timed out", "no response from backend")
TEXTS = (POOL, BUSY, BROKEN, PLAIN, *WAITS)

# --- faults -----------------------------------------------------------------------------------------


def show(stage: Stage, service: str, text: str) -> None:
    stage.shown.append((service, text))
    stage.world._send(stage.chance.randint(2, 5), service=service, message=text)


def fault(stage: Stage) -> None:
    show(stage, stage.chance.choice(SERVICES), stage.chance.choice(TEXTS))


def again(stage: Stage) -> None:
    """What was seen before is seen again: it goes on, or it comes back."""
    show(stage, *stage.chance.choice(stage.shown or [("web", POOL)]))


def heal(stage: Stage) -> None:
    """What was acted on works from now on."""
    for row in rows(stage.engine, "SELECT DISTINCT service FROM incidents WHERE state = 'verifying'"):
        for _ in range(4):
            stage.world.traffic(25, service=row["service"])
            stage.world.forward(12)
            work(stage)


def overload(stage: Stage) -> None:
    """What a person may have to allow the plan for."""
    show(stage, stage.chance.choice(["web", "api"]), BUSY)


def cascade(stage: Stage) -> None:
    """One breaks and those that call it wait for it; which of them is seen first is open."""
    chain = stage.chance.choice([CHAIN, CHAIN[1:], CHAIN[:2], CHAIN[::2], STRANGERS])
    *above, below = chain
    shown = [
        (below, stage.chance.choice([POOL, BUSY, BROKEN, BROKEN])),
        *((one, stage.chance.choice(WAITS)) for one in above),
    ]
    if stage.chance.random() < 0.5:
        stage.chance.shuffle(shown)
    for service, text in shown:
        show(stage, service, text)
        stage.chance.choice([soon, step_on, work, deliver])(stage)


def same_words(stage: Stage) -> None:
    """Several services say the same."""
    text = stage.chance.choice([PLAIN, PLAIN, *WAITS])
    for service in stage.chance.sample(SERVICES, stage.chance.randint(2, len(SERVICES))):
        show(stage, service, text)


def widespread(stage: Stage) -> None:
    """One playbook's fault in several services at once."""
    text = stage.chance.choice([POOL, BUSY])
    for service in stage.chance.sample(CHAIN, stage.chance.randint(3, 4)):
        show(stage, service, text)
        stage.chance.choice([soon, soon, step_on])(stage)


def traffic(stage: Stage) -> None:
    stage.world.traffic(stage.chance.randint(1, 30), service=stage.chance.choice(CHAIN))


def quiet(stage: Stage) -> None:
    settings = stage.world.knowledge.rules
    close_quiet(stage.engine, quiet=settings.quiet, now=stage.world.now)


# --- time -------------------------------------------------------------------------------------------


def soon(stage: Stage) -> None:
    stage.world.forward(stage.chance.choice([0.5, 3, 6, 12]))


def forward(stage: Stage) -> None:
    stage.world.forward(stage.chance.choice([31, 61, 130, 700]))


def jump(stage: Stage) -> None:
    stage.world.forward(stage.chance.choice([-86_400, -3_600, -90, 3_600, 86_400]))


# --- workers ----------------------------------------------------------------------------------------


def work(stage: Stage) -> None:
    """A worker claims what is due and takes its steps, unless it dies."""
    with stage.fate.watched():
        held = stage.world.claim()
        if held is not None:
            run_steps(held)


def step_on(stage: Stage) -> None:
    """A worker takes one step and goes on later, perhaps after its lease ran out and another took over."""
    with stage.fate.watched():
        if len(stage.hands) < 3 and (claimed := stage.world.claim()) is not None:
            stage.hands.append(claimed)
    if not stage.hands:
        return
    held = stage.chance.choice(stage.hands)
    stage.hands.remove(held)
    with stage.fate.watched():
        if one_step(held):
            stage.hands.append(held)


def meanwhile(stage: Stage) -> None:
    """The worker in hand is held up for longer than its lease, and another one takes over."""
    stage.world.forward(61)
    if (held := stage.world.claim()) is not None:
        run_steps(held)


def one_step(held: Held) -> bool:
    """Whether it goes on; one that has nothing to do, or that lost its lease, does not."""
    try:
        step = due_step(held)
        if step.kind in NOTHING_TO_DO:
            let_go(held, step)
            return False
        return take(held, step)
    except Refused:
        return False


# --- senders ----------------------------------------------------------------------------------------


def deliver(stage: Stage) -> None:
    """What is due is sent; the sender may die before or after the receiver's word."""
    with stage.fate.watched():
        send_due(stage)


def send_due(stage: Stage) -> None:
    pager = stage.pager
    expand_due(pager, f"{stage.chance.random()}")
    for one in claim(pager, ContactKind.EMAIL, f"{stage.chance.random()}", 20):
        send(stage, one)


def next_ones(stage: Stage) -> None:
    """Where nobody acknowledged, the next ones are told; whoever does so may die."""
    with stage.fate.watched():
        fire_due(stage.pager, f"{stage.chance.random()}")


def send(stage: Stage, one: Delivery) -> None:
    """A rule that holds a page back all the while, holds it back, until somebody has it."""
    before, page = len(stage.accepted), one.page
    held = held_by_rules(stage, page) if page.state == "sending" else []
    try:
        deliver_one(stage.pager, one)
    finally:
        if held and not page.is_news and len(stage.accepted) > before:
            still = held_by_rules(stage, page)
            stage.flaws += [f"page {page.id} was sent, held back by rules {held}, then {still}"] if still else []


BY_ITSELF: tuple[tuple[Deed, int], ...] = (
    (work, 4),
    (step_on, 8),
    (soon, 4),
    (deliver, 4),
    (next_ones, 2),
    (fault, 2),
    (again, 2),
    (heal, 2),
    (cascade, 1),
    (same_words, 1),
    (widespread, 1),
    (traffic, 2),
    (forward, 2),
    (quiet, 2),
    (jump, 1),
)
