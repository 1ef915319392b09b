"""What a page says: one line for a locked screen, and the few facts that somebody needs first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cascade import Part
from domain.contacts import Contact, ContactKind
from domain.evidence_words import compared
from domain.incidents import Evidence, Incident, Resolution, Severity, State
from domain.page_text import Around, Made, asked, compose, headline, page_lines
from domain.pages import LONGEST_SUMMARY, PageKind, PageReason
from domain.shown_texts import cut
from domain.told import Told
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON, SECOND

ANN = Contact(ContactKind.EMAIL, "ann@example.org")
LATENCY = {"metric": "request_latency_ms", "value": 3_021.7, "normal": 251.8, "confidence": 0.8}
ERRORS = {"metric": "error_rate", "value": 0.34, "normal": 0.002, "confidence": 0.9}


def said(message: str, *, level: int = 4, at: int = 0, service: str = "", **numbers: Any) -> Evidence:
    return Evidence(NOON + at * SECOND, level, None, message, "DEVIATION", numbers or {"confidence": 0.5}, service)


def made(reason: PageReason = PageReason.UNCOMMON, kind: PageKind = PageKind.TRIGGER, *lines: str) -> Made:
    return Made("key", kind, reason, "thread", lines, late=False, created_at=NOON)


def composed(incident: Incident, of: Made | None = None, around: Around | None = None, **more: Any) -> Any:
    return compose(incident, of or made(), around or Around(), (), ANN, **more)


def a_told(**changes: Any) -> Told:
    fields: dict[str, Any] = {
        "id": 1,
        "service": "web",
        "kind": an_incident().kind,
        "severity": Severity.HIGH,
        "playbook": "",
        "template": "it broke",
        "metric": "",
        "state": State.OPEN,
        "resolution": None,
        "acked": False,
        "opened_at": NOON,
        "last_at": NOON,
    }
    return Told(**(fields | changes))


@pytest.mark.parametrize(
    ("incident", "reason", "kind", "expected"),
    [
        pytest.param(
            an_incident(
                service="payments",
                playbook="connection-pool-exhausted",
                severity=Severity.CRITICAL,
                evidence=[said("it broke", **ERRORS)],
            ),
            PageReason.CRITICAL,
            PageKind.TRIGGER,
            "CRITICAL payments: connection pool exhausted; error rate 34 %, normally 0.2 %",
            id="how-bad-where-what-and-how-much",
        ),
        pytest.param(
            an_incident(playbook="", template="no space left", evidence=[said("no space left", **LATENCY)]),
            PageReason.UNCOMMON,
            PageKind.TRIGGER,
            "HIGH web: no space left; request latency 3,022 ms, normally 252 ms; no playbook fits",
            id="a-metric-with-its-unit-and-why-it-is-told",
        ),
        pytest.param(
            an_incident(evidence=[said("it broke", **ERRORS)]),
            PageReason.RESOLVED,
            PageKind.RESOLVE,
            "RESOLVED web: mend it",
            id="over-and-no-more-how-bad-it-was",
        ),
        pytest.param(
            an_incident(),
            PageReason.ACKNOWLEDGED,
            PageKind.ACKNOWLEDGE,
            "TAKEN web: mend it",
            id="somebody-has-it",
        ),
    ],
)
def test_a_summary_says_how_bad_where_and_what_first(
    incident: Incident, reason: PageReason, kind: PageKind, expected: str
) -> None:
    assert expected == headline(incident, reason, Around(), kind)


@given(st.text(max_size=400), st.sampled_from(PageReason), st.sampled_from(PageKind))
def test_a_summary_fits_a_locked_screen_whatever_a_log_says(text: str, reason: PageReason, kind: PageKind) -> None:
    incident = an_incident(playbook="", template=text, service=text[:200] or "web")
    assert len(composed(incident, made(reason, kind)).summary) <= LONGEST_SUMMARY


@pytest.mark.parametrize(
    ("text", "longest", "expected"),
    [
        pytest.param("short", 10, "short", id="short"),
        pytest.param("one two three", 10, "one two…", id="behind-a-word"),
        pytest.param("x" * 20, 10, "x" * 9 + "…", id="one-word"),
        pytest.param("ab " + "x" * 20, 10, "ab xxxxxx…", id="a-word-too-long-to-leave-out"),
    ],
)
def test_text_is_cut_behind_a_word(text: str, longest: int, expected: str) -> None:
    assert expected == cut(text, longest)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        pytest.param(ERRORS, "error rate 34 %, normally 0.2 %", id="a-share"),
        pytest.param({"metric": "cpu_usage", "value": 97.0}, "cpu usage 97 %", id="without-a-normal-value"),
        pytest.param(
            {"metric": "heap_mb", "value": 1500.0, "normal": 400.0}, "heap 1,500 MB, normally 400 MB", id="a-unit"
        ),
        pytest.param({"word": "failed"}, "", id="no-metric"),
        pytest.param({"metric": "cpu_usage"}, "", id="no-value"),
    ],
)
def test_what_was_compared_is_words_and_units(numbers: dict[str, object], expected: str) -> None:
    assert expected == compared(numbers)


def test_the_most_telling_lines_are_the_worst_the_surest_and_not_the_same_thrice() -> None:
    kept = [
        said("slow request 17", level=3, confidence=0.99),
        said("pool exhausted 1 of 40", level=4, confidence=0.7),
        said("pool exhausted 2 of 40", level=4, at=1, confidence=0.9),
        said("pool exhausted 3 of 40", level=4, at=2, confidence=0.8),
        said("disk is full", level=5, at=3, confidence=0.1),
        said("nothing much", level=1, at=4, confidence=0.1),
    ]
    page = composed(an_incident(evidence=kept))
    seen = [line.split(" ", 1)[1].split(" (")[0] for line in page.evidence]
    assert ["disk is full", "pool exhausted 2 of 40", "slow request 17"] == seen


def test_the_same_words_of_another_service_are_another_line() -> None:
    page = composed(an_incident(evidence=[said("it broke"), said("it broke", service="db")]))
    assert ["12:00:00 it broke", "12:00:00 db: it broke"] == [line.split(" (")[0] for line in page.evidence]


def test_no_fact_of_a_page_is_lost_and_none_is_told_twice() -> None:
    incident = an_incident(evidence=[said(f"message {word}", at=n) for n, word in enumerate("abcde")])
    found = ("Done: restart web: done", "Verification: ineffective, 31 %", "Objection: paused")
    around = Around([a_told()], origin="Likely origin: incident 3 (db: full), on which web depends")
    page = composed(incident, made(PageReason.INEFFECTIVE, PageKind.TRIGGER, *found), around)
    told = [*page.evidence, *page.lines, *page.done, page.origin, page.asked]
    for line in page_lines(incident, PageReason.INEFFECTIVE, found, around):
        bare = line.removeprefix("Done: ").removeprefix("Likely origin: ").removeprefix("Take it: ")
        times = sum(bare in one for one in told)
        assert times == 1 or line == f"Service: {page.service}"
    assert ("restart web: done", "Verification: ineffective, 31 %") == page.done


def test_who_suffers_is_every_service_and_how_much_of_what_it_logs() -> None:
    around = Around([a_told(others=("api", "web"))])
    page = composed(an_incident(error_ratio=0.34), around=around)
    assert "2 services: web, api; 34 % of their logs are errors" == page.suffers
    assert "1 service: web" == composed(an_incident()).suffers


def test_the_origin_of_a_fault_of_several_services_is_named() -> None:
    parts = [
        Part("db", "disk full", "first", "", NOON, origin=True),
        Part("web", "it waits", "dependency", "db", NOON + timedelta(seconds=3)),
    ]
    page = composed(an_incident(service="db", playbook="", template="disk full"), around=Around(parts=parts))
    assert "db: disk full" == page.origin
    assert page.summary.startswith("HIGH 2 services, likely origin db: disk full")
    assert "" == composed(an_incident()).origin


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (PageReason.CRITICAL, "Look at it, and take it: sre ack 1"),
        (PageReason.APPROVAL, "Approve or reject the plan: sre approve 1 3f9a, or sre reject 1 3f9a"),
        (PageReason.RESOLVED, "Nothing: this is to let you know"),
        (PageReason.ACKNOWLEDGED, "Nothing: this is to let you know"),
        (PageReason.DIGEST, "Nothing: this is to let you know"),
        (PageReason.REMINDER, "Say that you still have it: sre ack 1; else others are told of it again"),
    ],
)
def test_what_is_asked_of_the_reader(reason: PageReason, expected: str) -> None:
    assert expected == asked(an_incident(), reason, "3f9a" if reason is PageReason.APPROVAL else "")


def test_every_reason_asks_for_something_or_says_that_it_does_not() -> None:
    assert all(asked(an_incident(), reason) for reason in PageReason)


def test_secrets_that_a_log_quotes_are_masked_wherever_a_page_quotes_it() -> None:
    secret = "login with password=hunter2 for ann@example.org"
    incident = an_incident(playbook="", template=secret, evidence=[said(secret, level=5)])
    around = Around([a_told(template=secret, state=State.OPEN)], origin=f"Likely origin: {secret}")
    page = composed(incident, made(PageReason.UNCOMMON, PageKind.TRIGGER, f"Done: {secret}", secret), around)
    assert "hunter2" not in repr(page)
    assert "login with password=***" in page.summary
    assert "ann@example.org" not in repr(page).replace(repr(ANN), "")


def test_what_the_settings_mask_is_masked_in_a_page() -> None:
    page = composed(
        an_incident(playbook="", template="order of cust-17"), mask=lambda text: text.replace("cust-17", "***")
    )
    assert "cust-17" not in repr(page)


def test_what_is_over_shows_no_evidence_any_more() -> None:
    page = composed(an_incident(resolution=Resolution.QUIET), made(PageReason.RESOLVED, PageKind.RESOLVE, "repaired"))
    assert () == page.evidence
    assert "repaired" in page.lines


def test_a_digest_says_what_was_queued_and_names_no_incident_to_take() -> None:
    lines = ("DIGEST of 2026-01-04: 2 incidents deserved no page", "2 incidents: it was over by itself")
    page = composed(an_incident(id=0), made(PageReason.DIGEST, PageKind.TRIGGER, *lines), mask=str.upper)
    assert (lines[0].upper(), (lines[1].upper(),)) == (page.summary, page.lines)
    assert ("", (), "Nothing: this is to let you know") == (page.service, page.evidence, page.asked)
