"""N7: `late False`, `['restart payments']` and keys of 40 characters were what people had to read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ledger import LedgerKind
from domain.ledger_sentences import SENTENCES, sentence

KEY = "0123456789abcdef0123456789abcdef01234567"
PROOF = {"value": 0.0, "at_most": 0.05, "samples": 275}


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        (
            LedgerKind.OPENED,
            {"kind": "metric", "template": "pool_in_use high", "detector": "model 1", "route": "playbook"},
            "opened by model 1: pool_in_use high; a playbook fits",
        ),
        (
            LedgerKind.OPENED,
            {"kind": "storm", "template": "", "detector": "rules", "route": "human"},
            "opened by rules: a storm of incidents; no playbook fits",
        ),
        (LedgerKind.OPENED, {"template": "x", "message": "topic x is gone"}, "opened: topic x is gone"),
        (LedgerKind.CONFIRMED, {"logs": 3}, "confirmed by 3 anomalous logs"),
        (LedgerKind.REOPENED, {"after_seconds": 120.0, "episode": 2}, "came back 2 min after it was resolved"),
        (LedgerKind.MERGED, {"open": 20}, "became part of a storm: 20 incidents were open"),
        (
            LedgerKind.RESOLVED,
            {"resolution": "quiet", "quiet_seconds": 900.0},
            "resolved: no anomalous log for 15 min",
        ),
        (
            LedgerKind.RESOLVED,
            {"resolution": "verified", **PROOF},
            "resolved: the action helped; 0 % in 275 fresh logs, at most 5 % allowed",
        ),
        (LedgerKind.RESOLVED, {"resolution": "human", "by": "ada"}, "resolved by hand by ada"),
        (LedgerKind.ACKED, {"by": "ada"}, "acknowledged by ada"),
        (
            LedgerKind.CHAMPION,
            {"version": 8, "before": 7, "how": "promoted", "by": "ada"},
            "version 8 of the model decides instead of version 7: promoted by ada",
        ),
        (LedgerKind.CHAMPION, {"version": 1, "before": 0}, "version 1 of the model decides: chosen"),
        (
            LedgerKind.NOTED,
            {"by": "ada", "cause": "a slow disk", "helped": "swapped it", "origin": "db", "verdict": "right"},
            "ada noted cause: a slow disk; helped: swapped it; origin: db; the analysis was right",
        ),
        (LedgerKind.ESCALATED, {"reason": "ineffective"}, "given to a human: the action did not help"),
        (
            LedgerKind.PAGE_QUEUED,
            {"reason": "uncommon", "late": False, "key": KEY},
            "page queued: uncommon, no playbook fits",
        ),
        (
            LedgerKind.PAGE_QUEUED,
            {"reason": "critical", "late": True, "key": KEY},
            "page queued: critical, marked late: the evidence is old",
        ),
        (LedgerKind.PAGE_QUEUED, {"reason": "failed", "again": True}, "paged again: the action failed"),
        (
            LedgerKind.PAGE_SUPPRESSED,
            {"why": "a page told of it before"},
            "not paged again: a human was told before",
        ),
        (LedgerKind.PAGE_SUPPRESSED, {"error": "acknowledged", "key": KEY}, "page not sent: acknowledged"),
        (LedgerKind.PAGE_JOINED, {"key": KEY, "told_with": "db: disk full"}, "covered by the page about db: disk full"),
        (LedgerKind.PAGE_JOINED, {"key": KEY, "with": "disk <*> full"}, "covered by the page about disk <*> full"),
        (LedgerKind.PAGE_SENT, {"key": KEY, "channel": "email", "attempt": 1}, "page sent by email"),
        (LedgerKind.PAGE_SENT, {"key": KEY, "channel": "email", "attempt": 3}, "page sent by email, at try 3"),
        (LedgerKind.PAGE_FAILED, {"channel": "email", "error": "550 no"}, "page refused by email: 550 no"),
        (
            LedgerKind.PLAN,
            {"source": "playbook:pool", "confidence": 0.9, "why": "metric x is high", "actions": ["restart web"]},
            "plan made: restart web (playbook pool, confidence 0.9: metric x is high)",
        ),
        (
            LedgerKind.PLAN,
            {
                "source": "playbook:overload",
                "confidence": 0.95,
                "actions": [{"kind": "scale", "target": "web", "parameters": {"workers": 4}, "risk": "low"}],
            },
            "plan made: scale web (workers 4) (playbook overload, confidence 0.95)",
        ),
        (
            LedgerKind.OBJECTED,
            {"objections": ["acting is off", "too few logs: logs 1"]},
            "not carried out: acting is off, too few logs: logs 1",
        ),
        (
            LedgerKind.ACTION_STARTED,
            {"kind": "restart", "target": "web", "pids": [17], "source": "playbook:pool"},
            "restart web started (process 17)",
        ),
        (
            LedgerKind.ACTION_DONE,
            {"target": "web", "pids_before": [17], "pids_after": [18, 19]},
            "done on web: process 17 before, processes 18, 19 now",
        ),
        (LedgerKind.ACTION_FAILED, {"error": "supervisord said no"}, "the action failed: supervisord said no"),
        (LedgerKind.ACTION_TAKEN_OVER, {"found": "half"}, "taken over from a run that ended: it was half done"),
        (LedgerKind.UNDONE, {"target": "web"}, "taken back on web"),
        (
            LedgerKind.VERIFIED,
            {"outcome": "recovered", **PROOF},
            "verified: it helped; 0 % in 275 fresh logs, at most 5 % allowed",
        ),
        (
            LedgerKind.VERIFIED,
            {"outcome": "ineffective", "measure": "metric", "value": 912.34, "at_most": 500, "samples": 1},
            "verified: it did not help; 912 in 1 fresh log, at most 500 allowed",
        ),
        (
            LedgerKind.VERIFIED,
            {"outcome": "unknown", "value": None, "at_most": 0.05, "samples": 0},
            "verified: nothing shows whether it helped; no fresh log",
        ),
        (
            LedgerKind.VERIFIED,
            {"outcome": "worse", "measure": "error_rate", "value": 0.9, "at_most": 0.05, "samples": 40},
            "verified: it is worse than before; 90 % in 40 fresh logs, at most 5 % allowed",
        ),
        (
            LedgerKind.PAGE_MUTED,
            {"key": KEY, "channel": "email", "rule": "silence 3 by ann until 14:30 UTC: disk swap"},
            "page held back: silence 3 by ann until 14:30 UTC: disk swap",
        ),
        (LedgerKind.MUTE_EXPIRED, {"rule": "silence 3", "by": "bob"}, "silence 3 ended early by bob"),
        (LedgerKind.PAUSED, {"by": "ada"}, "every action paused by ada"),
        (LedgerKind.CUT, {"seq": 7}, "entries of closed incidents went; the chain begins after link 7"),
        (LedgerKind.RESUMED, {"by": "ada"}, "actions allowed again by ada"),
        (
            LedgerKind.TOPIC_CHANGED,
            {"topic": "logs", "new": KEY, "known": [KEY]},
            "topic logs is another one than before: it was made anew",
        ),
        (
            LedgerKind.ASKED,
            {"objections": ["the risk is too high: risk medium"], "until": "2026-01-05T12:30:00+00:00", "plan": "3f"},
            "a person is asked until 12:30 UTC: the risk is too high: risk medium",
        ),
        (
            LedgerKind.PAGE_UNDELIVERED,
            {"error": "no route"},
            "page not delivered for long, it goes on being tried: no route",
        ),
        (LedgerKind.APPROVED, {"by": "ada", "plan": "3f"}, "plan allowed by ada"),
        (LedgerKind.APPROVED, {"by": "ada", "role": "admin", "plan": "3f"}, "plan allowed by ada, admin"),
        (LedgerKind.REJECTED, {"by": "ada", "plan": "3f"}, "plan refused by ada"),
        (LedgerKind.ACTION_RESERVED, {"kind": "restart", "target": "web"}, "restart web is to be carried out"),
        (
            LedgerKind.ACTION_DROPPED,
            {"kind": "restart", "target": "web", "why": "acting is paused"},
            "restart web not carried out: acting is paused",
        ),
        (LedgerKind.UNDO_STARTED, {"kind": "scale", "target": "web"}, "scale web is being taken back"),
        (
            LedgerKind.UNDO_FAILED,
            {"kind": "scale", "target": "web", "error": "no route"},
            "scale web could not be taken back: no route",
        ),
        (LedgerKind.STEP_FAILED, {"step": "act", "tries": 2, "error": "no route"}, "step act failed, try 2: no route"),
        (
            LedgerKind.RESOLVED,
            {"resolution": "origin repaired", "origin": "incident 4, web: pool"},
            "resolved: a symptom of incident 4, web: pool, silent since that was over",
        ),
        ("something.new", {"key": KEY, "until_seconds": 900, "of": ["ada", "bob"]}, None),
    ],
)
def test_each_decision_is_a_sentence(kind: str, fields: dict[str, object], expected: str | None) -> None:
    found = sentence(kind, fields)
    assert (expected or "something new: until seconds 900, of ada, bob") == found
    assert not any(ugly in found for ugly in ("False", "True", "[", "{", "'", KEY))


def test_every_kind_of_decision_has_a_sentence() -> None:
    assert set(LedgerKind) == set(SENTENCES)


@given(st.sampled_from(sorted(LedgerKind)), st.dictionaries(st.sampled_from(["reason", "by", "target"]), st.text()))
def test_text_of_strangers_stays_on_one_line_and_steers_no_terminal(kind: str, fields: dict[str, object]) -> None:
    """Whatever a field holds, and whichever is missing."""
    assert sentence(kind, fields).isprintable()
