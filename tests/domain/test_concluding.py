"""What people are told: only what holds, with why and at what cost; without a model what the dossier shows."""

from __future__ import annotations

from dataclasses import replace

from domain.analysis import DETERMINISTIC, Because, StruckWhy
from domain.analysis_documents import as_analysis, as_dossier, document
from domain.analysis_words import headline, page_lines
from domain.concluding import Choices, concluded, proof_of, unusable, with_dossier, without_model
from domain.llm import Usage
from domain.model_answer import AnswerSaid, CheckSaid, CiteSaid, EscalationSaid, read
from tests.parts.analysis_part import HEARD, PROOF, QUOTE, a_dossier, said

CHOICES = Choices(frozenset({"P1", "P2"}), frozenset({"team payments"}), frozenset({"payments", "web"}))
GOOD = AnswerSaid(
    confidence=0.9,
    root_cause=said(),
    chain=[said(), said("web waited 2.5 s for payments", HEARD, service="web")],
    impact=[said("web waited 2.5 s", HEARD, service="web")],
    plans=["P2", "P1"],
    checks=[CheckSaid(tool="logs", service="web")],
    tell=["team payments"],
    escalation=EscalationSaid(when="not better", minutes=20),
)
LIE = said("payments ran out of memory", CiteSaid(exhibit="L1", quote="out of memory"))


def test_an_answer_that_holds_is_told_whole() -> None:
    found = concluded(GOOD, PROOF, a_dossier(), CHOICES, source="llm:m", usage=Usage(3, 900, 100, 0.5, 4.0))
    assert found.struck == ()
    assert found.confidence == 0.9
    lines = page_lines(found, a_dossier(), {"P2": "restart payments", "P1": "scale payments"})
    assert "Analysis by m, 90 % sure: payments has no free connection: 10 of 10 in use" == lines[0]
    assert "May help: restart payments" in lines
    assert lines.index("May help: restart payments") < lines.index("May help: scale payments")
    assert "Escalation: tell others if it is not better in 20 minutes" in lines
    assert "Look next: sre logs --service web --since 2026-01-05T12:00" in lines
    assert "It took 3 calls, 1,000 tokens, 4.0 s, cost 0.5" in lines


def test_a_cause_that_does_not_hold_leaves_it_inconclusive() -> None:
    found = concluded(GOOD.model_copy(update={"root_cause": LIE}), PROOF, a_dossier(), CHOICES, source="llm:m")
    assert found.root_cause is None
    assert found.confidence == 0.0
    assert [StruckWhy.NOT_QUOTED] == [one.why for one in found.struck]
    told = "\n".join(page_lines(found, None, {}))
    assert "memory" not in told
    assert "Struck out: 1 claim of the model (root cause: the quoted words do not stand there)" in told


def test_where_its_cause_does_not_hold_the_dossier_speaks_for_the_rest_of_an_answer_too() -> None:
    found = concluded(GOOD.model_copy(update={"root_cause": LIE}), PROOF, a_dossier(), CHOICES, source="llm:m")
    assert found.chain
    assert Because.CAUSE == unusable(found)
    told = with_dossier(found, without_model(a_dossier(), [], ""), Because.CAUSE)
    assert told.root_cause is not None
    assert (told.source, told.root_cause.service, len(told.struck)) == (DETERMINISTIC, "payments", 1)


def test_every_claim_that_does_not_hold_lowers_the_confidence() -> None:
    one_lie = concluded(GOOD.model_copy(update={"chain": [LIE]}), PROOF, a_dossier(), CHOICES, source="llm:m")
    assert 0 < one_lie.confidence < GOOD.confidence


def test_what_was_not_offered_cannot_be_chosen() -> None:
    wild = GOOD.model_copy(
        update={
            "plans": ["P9", "rm -rf /", "P1"],
            "tell": ["the press"],
            "checks": [CheckSaid(tool="shell", service="web"), CheckSaid(tool="logs", service="; reboot")],
        }
    )
    found = concluded(wild, PROOF, a_dossier(), CHOICES, source="llm:m")
    assert (found.plans, found.tell, found.checks) == (("P1",), (), ())
    assert ["plan", "plan", "tell", "check", "check"] == [one.part for one in found.struck]
    assert "rm -rf" not in str(found)
    assert "the press" not in str(found)


def test_where_nothing_holds_the_dossier_speaks() -> None:
    lies = AnswerSaid(root_cause=LIE, chain=[LIE], confidence=1.0)
    found = concluded(lies, PROOF, a_dossier(), CHOICES, source="llm:m", usage=Usage(1, 10, 10))
    assert Because.UNSUPPORTED == unusable(found)
    plain = with_dossier(found, without_model(a_dossier(), ["P1"], ""), Because.UNSUPPORTED)
    assert (plain.source, plain.because) == (DETERMINISTIC, Because.UNSUPPORTED)
    assert len(plain.struck) == 2
    assert plain.usage.calls == 1
    assert plain.root_cause is not None


def test_a_model_may_say_that_nothing_shows_the_cause() -> None:
    found = concluded(AnswerSaid(inconclusive=True), PROOF, a_dossier(), CHOICES, source="llm:m")
    assert unusable(found) is None
    assert "Analysis by m: inconclusive, nothing shows the cause" == headline(found)


def test_without_a_model_who_leads_clearly_is_named_with_what_shows_it() -> None:
    found = without_model(a_dossier(), ["P1"], Because.NO_MODEL)
    assert found.root_cause is not None
    assert found.root_cause.service == "payments"
    assert "payments moved most: pool_in_use 10, before 2; new text" == found.root_cause.text
    assert 0 < found.confidence < 0.8
    told = page_lines(found, a_dossier(), {"P1": "restart payments"})
    assert told[0].startswith("Analysis without a model, ")
    assert "No model: no model is set (llm.api_key or llm.base_url)" in told
    assert "sre logs --service payments --since 2026-01-05T12:00 --level warn" in "\n".join(told)


def test_without_a_model_two_that_moved_alike_are_possible_only() -> None:
    first, second = a_dossier().suspects
    even = a_dossier(suspects=(first, replace(second, score=5.5)))
    found = without_model(even, [], "")
    assert found.root_cause is None
    assert ["payments", "web"] == [one.service for one in found.hypotheses]


def test_less_of_a_lead_is_enough_where_the_incident_itself_began_there() -> None:
    first, second = a_dossier().suspects
    near = (first, replace(second, score=first.score / 1.3))
    assert without_model(a_dossier(suspects=near), [], "").root_cause is not None
    assert without_model(a_dossier(suspects=near, services=("web", "payments")), [], "").root_cause is None


def test_what_hardly_moved_leads_nobody() -> None:
    (first, _) = a_dossier().suspects
    assert without_model(a_dossier(suspects=(replace(first, score=0.9),)), [], "").root_cause is None


def test_where_nothing_moved_nothing_is_claimed() -> None:
    found = without_model(a_dossier(suspects=(), first=()), [], "")
    assert (found.root_cause, found.hypotheses, found.chain, found.confidence) == (None, (), (), 0.0)


def test_hostile_names_of_services_cannot_leave_the_command_that_is_told() -> None:
    found = without_model(a_dossier(services=("a; reboot",), suspects=()), [], "")
    assert ("sre logs --service 'a; reboot' --since 2026-01-05T12:00 --level warn",) == found.checks


def test_both_are_stored_and_read_again_as_they_were() -> None:
    dossier = a_dossier()
    found = concluded(GOOD, PROOF, dossier, CHOICES, source="llm:m", usage=Usage(3, 900, 100, 0.5, 4.0))
    assert as_analysis(document(found)) == found
    assert as_dossier(document(dossier)) == dossier


def test_all_that_an_answer_cites_is_read_again() -> None:
    assert ["L1", "L2"] == proof_of(GOOD)
    assert [] == proof_of(read('{"inconclusive": true, "confidence": 0}'))
    assert QUOTE.exhibit in proof_of(GOOD)
