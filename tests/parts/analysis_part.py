"""Dossiers, exhibits and answers of a model, for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from domain.claim_check import Proof
from domain.dossier import Dossier, Fact, Ranked
from domain.exhibits import LogExhibit, MetricExhibit
from domain.logs import Level
from domain.model_answer import CiteSaid, ClaimSaid
from domain.telemetry import LogId
from tests.parts.logs_part import NOON, SECOND

POOL = LogExhibit(
    LogId(1, 0, 40), NOON, "payments", Level.ERROR, "could not check out a connection: 10 of 10 in use for orders"
)
SLOW = LogExhibit(LogId(1, 0, 44), NOON + 9 * SECOND, "web", Level.ERROR, "waited 2.5 s for payments, gave up")
IN_USE = MetricExhibit("payments", "pool_in_use", NOON, NOON + timedelta(minutes=5), 10.0, 2.0)
EXHIBITS = {"L1": POOL, "L2": SLOW, "M1": IN_USE}
PROOF = Proof(
    exhibits=EXHIBITS,
    services=frozenset({"payments", "web", "orders"}),
    known=frozenset({"payments", "web", "orders", "inventory"}),
    numbers=(12.0, 2.0),
)
QUOTE = CiteSaid(exhibit="L1", quote="10 of 10 in use")
MEASURED = CiteSaid(exhibit="M1", value=10.0)
HEARD = CiteSaid(exhibit="L2", quote="waited 2.5 s for payments")


def said(text: str = "payments has no free connection: 10 of 10 in use", *cites: CiteSaid, **more: Any) -> ClaimSaid:
    return ClaimSaid(text=text, service=more.pop("service", "payments"), cites=list(cites or (QUOTE,)), **more)


def a_dossier(**changes: Any) -> Dossier:
    """Payments leads, web waits for it."""
    facts = Fact("pool_in_use 10, before 2", "payments", NOON, ("M1",)), Fact("new text", "payments", NOON, ("L1",))
    waiting = Fact("new text: waited", "web", NOON + 9 * SECOND, ("L2",))
    made = Dossier(
        incident_id=7,
        title="payments: could not check out a connection",
        onset=NOON,
        until=NOON + timedelta(minutes=5),
        services=("payments", "web"),
        severity="high",
        logs=12,
        suspects=(Ranked("payments", 6.0, facts), Ranked("web", 2.0, (waiting,))),
        first=(*facts, waiting),
        changes=(),
        calls=(("web", "payments"),),
        similar=(),
        exhibits=EXHIBITS,
    )
    return replace(made, **changes)
