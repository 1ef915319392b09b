"""What the demonstration claims of paging, from rows and from what the receivers kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from adapters.on_call_files.reading import load
from console.demo_fourth_act import answers, is_over, told, was_told
from console.demo_mails import mails, press
from console.demo_on_call import FIRST, HOOK, MAILS, SECOND, write_on_call
from console.demo_paging import Answered, Kept, in_words, paging_document, unmet_of_paging
from domain.errors import Unavailable
from domain.settings import Settings
from tests.parts.logs_part import NOON
from tests.parts.logs_part import SECOND as ONE_SECOND

Row = dict[str, Any]
RECEIVERS = {FIRST: ("email", MAILS[FIRST]), SECOND: ("email", MAILS[SECOND]), "": ("webhook", "default")}
PAGES: dict[int, tuple[str, tuple[str, ...]]] = {
    1: ("ineffective", (FIRST, "", SECOND)),
    2: ("acknowledged", (FIRST, "")),
    3: ("resolved", (FIRST, SECOND, "")),
}


def a_delivery(page: int, person: str) -> Row:
    channel, receiver = RECEIVERS[person]
    receipt = {"message_id": f"<{page}@sre-agent>" if channel == "email" else f"key {page}"}
    known = {"page_id": page, "person": person, "channel": channel, "receiver": receiver, "state": "sent"}
    return known | {"receipt": receipt, "sent_at": NOON + page * ONE_SECOND}


def an_incident() -> Row:
    said = {"by": SECOND, "via": "link"}
    return {
        "id": 3,
        "state": "resolved",
        "acked_at": NOON,
        "pages": [{"id": number, "reason": reason, "key": f"key {number}"} for number, (reason, _) in PAGES.items()],
        "deliveries": [a_delivery(number, one) for number, (_, whom) in PAGES.items() for one in whom],
        "ledger": [
            an_entry(1, "escalation.step", step=2, to=[f"{SECOND} by email {MAILS[SECOND]} (the policy names them)"]),
            an_entry(2, "response.taken", verb="acknowledge", **said),
            an_entry(3, "response.taken", verb="resolve", **said),
        ],
    }


def an_entry(number: int, kind: str, **fields: object) -> Row:
    return {"id": number, "kind": kind, "at": NOON + number * ONE_SECOND, "fields": fields}


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """What the receivers have: a mail or a webhook for each delivery."""
    found = Kept(tmp_path / "mails", tmp_path / "webhook")
    found.mails.mkdir()
    found.hook.mkdir()
    for one in an_incident()["deliveries"]:
        put(found, one)
    return found


def put(kept: Kept, one: Row) -> None:
    page = one["page_id"]
    if one["channel"] == "webhook":
        document = {"key": f"key {page}", "genuine": True, "page": {"key": f"key {page}"}}
        (kept.hook / f"{page}.json").write_text(json.dumps(document))
        return
    mail = EmailMessage()
    mail["To"], mail["Message-ID"] = one["receiver"], f"<{page}@sre-agent>"
    mail.set_content(f"Links: Look and answer http://127.0.0.1:8088/i/eyJ.a-b_c.{page}\n\nit failed\n")
    (kept.mails / f"{page}-{one['person']}.eml").write_bytes(mail.as_bytes())


def document(kept: Kept, found: Row | None = None, *, unchanged: bool = True) -> Row:
    return paging_document(Answered(3, "2-bob.eml", unchanged), [found or an_incident()], kept)


def test_all_of_it_is_told_from_rows_and_from_what_the_receivers_have(kept: Kept) -> None:
    told_of = document(kept)
    assert [] == unmet_of_paging(told_of)
    assert {FIRST, SECOND, HOOK} == {one["to"] for one in told_of["messages"]}
    assert [
        "12:00:01 nobody acknowledged: bob by email bob@example.org (the policy names them)",
        "12:00:02 bob answered by the link: acknowledge",
        "12:00:03 bob answered by the link: resolve",
    ] == in_words(told_of)


def without(found: Row, kind: str) -> None:
    found["ledger"] = [entry for entry in found["ledger"] if entry["kind"] != kind]


def not_sent(found: Row, page: int, person: str) -> None:
    found["deliveries"] = [one for one in found["deliveries"] if (one["page_id"], one["person"]) != (page, person)]


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        pytest.param(
            lambda found: without(found, "escalation.step"), ["nobody acknowledged, so bob was told"], id="no step"
        ),
        pytest.param(
            lambda found: without(found, "response.taken"),
            ["bob acknowledged it by the link", "bob resolved it by the link"],
            id="no answer",
        ),
        pytest.param(
            lambda found: not_sent(found, 2, FIRST), ["the others were told who has it"], id="ann does not know"
        ),
        pytest.param(
            lambda found: not_sent(found, 3, ""),
            ["everybody who was paged was told that it is over"],
            id="the program does not know that it is over",
        ),
    ],
)
def test_each_claim_is_checked(kept: Kept, harm: Callable[[Row], None], expected: list[str]) -> None:
    found = an_incident()
    harm(found)
    assert expected == unmet_of_paging(document(kept, found))


def test_a_mail_that_no_server_has_and_a_forged_webhook_are_named(kept: Kept) -> None:
    (kept.mails / f"3-{SECOND}.eml").unlink()
    (kept.hook / "2.json").write_text(json.dumps({"key": "key 2", "genuine": False, "page": {"key": "key 2"}}))
    assert [
        "every webhook was signed",
        "the others were told who has it",
        "everybody who was paged was told that it is over",
    ] == unmet_of_paging(document(kept))


def test_a_link_that_acts_when_it_is_opened_is_named(kept: Kept) -> None:
    assert ["opening the link changed nothing"] == unmet_of_paging(document(kept, unchanged=False))


def test_the_act_knows_how_far_it_is() -> None:
    found = an_incident()
    assert (True, True, True) == (told(found, SECOND), was_told(found, "acknowledged"), is_over(found))
    not_sent(found, 1, SECOND)
    not_sent(found, 2, FIRST)
    not_sent(found, 3, SECOND)
    assert (False, False, False) == (told(found, SECOND), was_told(found, "acknowledged"), is_over(found))


def test_an_answer_is_a_change() -> None:
    before, found = answers(an_incident()), an_incident()
    found["ledger"].append(an_entry(4, "incident.joined"))
    assert before == answers(found)
    found["ledger"].append(an_entry(5, "response.taken", verb="comment"))
    assert before != answers(found)


def test_the_link_of_a_mail_is_found(kept: Kept) -> None:
    (mail,) = [one for one in mails(kept.mails) if one.file.endswith(f"2-{FIRST}.eml")]
    assert (MAILS[FIRST], "http://127.0.0.1:8088/i/eyJ.a-b_c.2") == (mail.to, mail.link)


def test_a_button_that_is_not_there_is_not_pressed() -> None:
    with pytest.raises(Unavailable, match="no button for resolve"):
        press(
            "http://127.0.0.1:1/i/x", '<input name="token" value="x"><input name="verb" value="acknowledge">', "resolve"
        )


def test_the_demonstration_s_file_of_who_is_on_call_can_be_used(tmp_path: Path) -> None:
    write_on_call(tmp_path)
    paging = {"webhook": "http://127.0.0.1:1/pages", "email": {"host": "127.0.0.1"}}
    found = load(tmp_path / "on_call.yaml", Settings.model_validate({"paging": paging}).paging, copies=tmp_path)
    assert {FIRST, SECOND} == set(found.users)
