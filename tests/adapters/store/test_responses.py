"""Answers as rows: what was found out comes back with the resolve that it was said with."""

from __future__ import annotations

import json

import pytest

from adapters.store.database import Engine
from adapters.store.responses import insert, take_due
from domain.resolution_notes import NOTHING, Findings, Verdict
from domain.responses import Response, Verb, Via
from tests.parts.judged_part import NOW

FOUND = Findings("the pool was too small", "set it to 40", "db", Verdict.PARTLY)


@pytest.mark.parametrize("findings", [NOTHING, FOUND, Findings(cause='"}'), Findings(verdict=Verdict.WRONG)])
def test_a_resolve_keeps_what_was_found_out(store: Engine, findings: Findings) -> None:
    given = Response(1, 1, Verb.RESOLVE, "ann", Via.CONSOLE, nonce="n1", findings=findings)
    assert insert(store, given, now=NOW)
    (taken,) = take_due(store)
    assert ("", findings) == (taken.argument, taken.findings)


@pytest.mark.parametrize(
    ("verb", "via"), [(Verb.RESOLVE, Via.PAGERDUTY), (Verb.COMMENT, Via.CONSOLE), (Verb.COMMENT, Via.LINK)]
)
def test_no_text_of_elsewhere_is_taken_for_what_was_found_out(store: Engine, verb: Verb, via: Via) -> None:
    text = json.dumps(FOUND.said)
    assert insert(store, Response(1, 1, verb, "ann", via, text, "n1"), now=NOW)
    (taken,) = take_due(store)
    assert (text, NOTHING) == (taken.argument, taken.findings)
