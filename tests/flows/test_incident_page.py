"""The page that Prefect shows for an incident."""

from __future__ import annotations

from typing import Any

from adapters.redaction import redaction
from domain.analysis_documents import document
from domain.concluding import without_model
from domain.quoted import masked_within
from flows.incident_page import markdown, without_quotes
from tests.parts.analysis_part import a_dossier
from tests.parts.logs_part import NOON

QUOTED = "login password=hunter2 of ann@example.org, cust-17"
NOTHING = ("alerts", "ledger", "plan", "objections", "actions", "pages", "deliveries", "due", "notes", "analyses")
INCIDENT: dict[str, Any] = {
    "id": 17,
    "service": "web",
    "kind": "log",
    "template": QUOTED,
    "state": "open",
    "resolution": None,
    "logs": 1_204,
    "detector": "model 3",
    "evidence": [{"at": NOON, "message": QUOTED, "reason": "WORDS", "numbers": {"word": "password=hunter2"}}],
    **dict.fromkeys(NOTHING, ()),
}


def test_secrets_that_a_log_quotes_are_masked_in_what_prefect_shows() -> None:
    shown = markdown(masked_within(INCIDENT, redaction((r"cust-\d+",))))
    for secret in ("hunter2", "ann", "cust"):
        assert secret not in shown
    assert "1,204 logs" in shown
    assert "12:00:00" in shown


def test_without_quotes_it_says_what_is_ours_and_nothing_that_a_log_said() -> None:
    told = [{"at": NOON, "kind": "incident.opened", "fields": {"template": QUOTED, "detector": "rules"}}]
    alert = {"service": "web", "kind": "log", "playbook": "", "template": QUOTED, "logs": 7, "relation": "first"}
    alerts = [alert | {"related_to": ""}]
    found = INCIDENT | {"playbook": "", "ledger": told, "alerts": alerts, "objections": [QUOTED]}
    assert "hunter2" in markdown(found)
    shown = markdown(without_quotes(found))
    for word in ("hunter2", "login", "cust"):
        assert word not in shown
    assert "1,204 logs" in shown
    assert "sre incident" in shown


def test_what_was_found_out_is_a_section_in_which_log_text_is_only_text() -> None:
    found = without_model(a_dossier(title="<b>web</b>"), ["P1"], "no model is set")
    plan = {"name": "P1", "told": "restart payments", "playbook": "p", "title": "T", "why": "it fits", "digest": "abc"}
    row = {"state": "done", "answer": document(found), "dossier": document(a_dossier()), "options": [plan]}
    shown = markdown(INCIDENT | {"analyses": [row | {"reused_from": 3}]})
    assert "## Analysis" in shown
    for said in ("60 % sure", "It is that of incident 3", "sre approve 17 abc", "10 of 10 in use"):
        assert said in shown
    assert "## Analysis" in markdown(without_quotes(INCIDENT | {"playbook": "", "analyses": [row]}))
    assert "10 of 10 in use" not in markdown(without_quotes(INCIDENT | {"playbook": "", "analyses": [row]}))
