"""Why something was decided or was not, as a table from what is stored to sentences."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.ledger import LedgerKind
from domain.whys import Compared, Decided, Rules, of_action, of_minute
from tests.parts.whys_part import NOON, RULES, a_finding, an_alert


def an_incident(**changes: Any) -> dict[str, Any]:
    evidence = {"message": "disk failed", "reason": "WORDS", "numbers": {"confidence": 0.9, "word": "failed"}}
    incident = {
        "id": 4,
        "service": "web",
        "template": "disk failed",
        "alerts": [an_alert()],
        "ledger": [{"kind": LedgerKind.CONFIRMED, "at": NOON, "fields": {"logs": 3}, "incident_id": 4}],
        "evidence": [evidence],
        "deliveries": [],
        "plan": None,
    }
    return incident | changes


def an_action(**changes: Any) -> dict[str, Any]:
    planned = {"kind": "restart", "target": "web", "parameters": {}, "risk": "medium"}
    return {"id": 3, "planned": planned, "state": "done", "outcome": "recovered", "reserved_at": NOON} | changes


def an_entry(entry: str, seconds: int = 0, **fields: Any) -> dict[str, Any]:
    return {"kind": entry, "at": NOON + timedelta(seconds=seconds), "fields": fields, "incident_id": 4}


def a_plan(seconds: int = -2, **changes: Any) -> dict[str, Any]:
    fields = {"source": "playbook:restart", "confidence": 0.86, "risk": "medium", "actions": ["restart web"]}
    return an_entry(LedgerKind.PLAN, seconds, **fields | changes)


def test_an_action_says_what_led_to_it_and_what_would_have_stopped_it() -> None:
    done = an_entry(LedgerKind.ACTION_RESERVED, kind="restart", target="web")
    ledger = [an_entry(LedgerKind.OPENED), a_plan(), done]
    words = of_action(an_action(), an_incident(ledger=ledger), Decided(Rules(max_risk="medium")))
    assert words == [
        "Action 3: restart web, for incident 4, web, “disk failed”; it is done, and recovered.",
        "11:59:58 UTC: plan made: restart web (playbook restart, confidence 0.86).",
        "12:00:00 UTC: restart web is to be carried out.",
        "Its risk is medium: with mitigation.max_risk low it would have waited for a person's word.",
        (
            "The plan was 86 % sure, 80 % are needed: with mitigation.common_error_threshold above 0.86 it would not"
            " have been made, and people told."
        ),
    ]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["asks"], "Else: at autonomy act (`sre autonomy`) the playbook would not have asked."),
        (["risk"], "Else: with mitigation.max_risk high its risk would have needed no word; medium was allowed."),
        (["asks", "no_undo"], "No setting spares that word for such a plan."),
        (None, "No setting spares that word for such a plan."),
    ],
)
def test_where_a_person_allowed_it_that_decided_and_no_threshold(asked: list[str] | None, expected: str) -> None:
    """An analysis' plan is allowed without a question of ours."""
    asking = [] if asked is None else [an_entry(LedgerKind.ASKED, -1, met=asked, objections=["…"], until="")]
    allowed = an_entry(LedgerKind.APPROVED, by="ann")
    ledger = [a_plan(risk="high"), *asking, allowed, an_entry(LedgerKind.ACTION_RESERVED, kind="restart", target="web")]
    words = of_action(an_action(), an_incident(ledger=ledger), Decided(RULES))
    assert words[-2:] == ["A person's word decided: without that of ann nothing was done.", expected]


def test_an_action_is_told_without_other_plans_and_other_actions_of_its_plan() -> None:
    ledger = [
        an_entry(LedgerKind.CLASSIFIED, -90, common=True, reasons=["first"]),
        a_plan(-90, actions=["scale web"]),
        an_entry(LedgerKind.REJECTED, -60, by="bob"),
        a_plan(-2),
        an_entry(LedgerKind.ACTION_RESERVED, kind="restart", target="web"),
        an_entry(LedgerKind.ACTION_RESERVED, kind="restart", target="db"),
        an_entry(LedgerKind.ACTION_FAILED, 5, kind="restart", target="db", error="no such target"),
        an_entry(LedgerKind.VERIFIED, 9, outcome="recovered"),
        an_entry(LedgerKind.CLASSIFIED, 60, common=True, reasons=["again"]),
        a_plan(60, actions=["drain web"]),
    ]
    told = "\n".join(of_action(an_action(), an_incident(ledger=ledger), Decided(RULES)))
    assert "plan made: restart web" in told
    assert "verified: it helped" in told
    for other in ("scale web", "bob", "first", "no such target", "again", "drain web"):
        assert other not in told


@pytest.mark.parametrize(("risk", "most"), [("low", "low"), ("high", "medium")])
def test_no_lower_risk_is_named_where_none_would_have_stopped_it(risk: str, most: str) -> None:
    """The lowest risk has none below it; what was too risky all the same was allowed by a person."""
    planned = an_action()["planned"] | {"risk": risk}
    words = of_action(an_action(planned=planned), an_incident(), Decided(Rules(max_risk=most)))
    assert not any("max_risk" in line for line in words)


def test_a_minute_is_told_beside_those_before_it() -> None:
    seen = [Compared("logs a minute", 40, 38, 60), Compared("queue_ms", 40, None, 0)]
    words = of_minute("web", NOON, seen, [a_finding()])
    assert words == [
        "web in the minute from 2026-01-05 12:00:00 UTC:",
        "logs a minute 40, 38 in the middle of 60 before",
        "queue_ms 40 ms",
        (
            "Not as usual: queue 40, normally 5 ± 1: by a fitted tail, by chance once in 10,000,000 such minutes; 0.80"
            " sure."
        ),
    ]
    assert of_minute("web", NOON, [], [])[1].startswith("nothing of it is stored")
    assert of_minute("web", NOON, seen, [])[-1].startswith("Nothing of it was unlikely enough")
