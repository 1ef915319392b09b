"""The Slack channel, against a server that keeps messages as Slack documents it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.channels.slack import SlackChannel
from adapters.channels.slack.blocks import head_message, news_message, plain_text, thread_message
from domain.contacts import Contact, ContactKind
from domain.errors import Later, Refused, Unavailable
from domain.page_sections import clean
from domain.pages import Page, PageKind, PageReason, Receipt
from domain.paging_settings import PagingSettings, SlackSettings
from domain.responses import Verb
from tests.contracts.pages_part import FULL, a_page, a_page_for
from tests.parts.receivers_part import Reply, Slack, as_json, receiving

OPS = Contact(ContactKind.SLACK, "#ops")
TOKEN = "xoxb-test"
EVIL = "<!channel> <@U1> <!here|x> *bold* `code` ~s~ _i_ http://evil.example/x <http://e.org|click> &lt;!channel&gt;"


@pytest.fixture
def slack() -> Iterator[Slack]:
    with receiving(Slack(TOKEN)) as found:
        yield found


def channel(slack: Slack, **settings: Any) -> SlackChannel:
    fields = {"token": TOKEN, "url": f"{slack.url}/api/", "webhook": f"{slack.url}/services/T/B/x", **settings}
    return SlackChannel(PagingSettings(slack=SlackSettings.model_validate(fields)))


def for_ops(page: Page, **changes: Any) -> Page:
    return a_page(**{name: getattr(page, name) for name in page.__slots__} | {"to": OPS} | changes)


def methods(slack: Slack) -> list[str]:
    return [seen.path.rpartition("/")[2] for seen in slack.seen]


def colour(message: dict[str, Any]) -> str:
    return str(message["attachments"][0]["color"])


def test_the_first_page_is_a_message_with_its_details_in_the_thread(slack: Slack) -> None:
    receipt = channel(slack).send(for_ops(FULL))
    head, details = slack.messages.values()
    assert "C0123/1767614400.000001" == receipt.message_id
    assert details["thread_ts"] == "1767614400.000001"
    assert FULL.lines[0] in json.dumps(details)
    assert FULL.evidence[0] in json.dumps(head)
    assert head["unfurl_links"] is False


def test_later_pages_change_the_message_in_place_and_answer_in_its_thread(slack: Slack) -> None:
    first = channel(slack).send(for_ops(FULL))
    before = colour(slack.messages["1767614400.000001"])
    for kind in (PageKind.ACKNOWLEDGE, PageKind.RESOLVE):
        page = for_ops(FULL, kind=kind, key=kind.value, summary=f"{kind.value} payments")
        channel(slack).send(page, first)
        head = slack.messages["1767614400.000001"]
        assert f"{kind.value} payments" in json.dumps(head)
        assert colour(head) != before
    assert ["chat.postMessage"] * 2 + ["chat.update", "chat.postMessage"] * 2 == methods(slack)
    assert {"1767614400.000001"} == {message["thread_ts"] for message in list(slack.messages.values())[1:]}


def test_who_is_asked_again_sees_it_outside_the_thread_and_news_stay_inside(slack: Slack) -> None:
    first = channel(slack).send(for_ops(FULL))
    for kind in (PageKind.TRIGGER, PageKind.UPDATE):
        channel(slack).send(for_ops(FULL, kind=kind), first)
    *_, again, news = slack.messages.values()
    assert again.get("reply_broadcast") is True
    assert "reply_broadcast" not in news


def test_a_comment_leaves_the_message_as_it_is(slack: Slack) -> None:
    first = channel(slack).send(for_ops(FULL))
    channel(slack).send(for_ops(a_page_for(PageReason.COMMENTED)), first)
    assert "chat.update" not in methods(slack)


def test_a_message_that_somebody_deleted_is_posted_anew(slack: Slack) -> None:
    first = Receipt("slack", "slack.com", "C0123/17.5", a_page().created_at)
    receipt = channel(slack).send(for_ops(FULL), first)
    assert "C0123/1767614400.000001" == receipt.message_id


def test_a_receipt_of_another_kind_begins_a_thread(slack: Slack) -> None:
    channel(slack).send(for_ops(FULL), Receipt("slack", "hooks.slack.com", "incident 17 page 1", a_page().created_at))
    assert "chat.update" not in methods(slack)


def test_details_that_did_not_go_out_fail_no_page(slack: Slack) -> None:
    """Who has the message has the page: sending it all again would post it twice."""

    class HalfDeaf(Slack):
        def _post(self, message: dict[str, Any]) -> Reply:
            return self.no("fatal_error") if "thread_ts" in message else super()._post(message)

    with receiving(HalfDeaf(TOKEN)) as half:
        assert channel(half).send(for_ops(FULL))
        assert 1 == len(half.messages)


def buttons(message: dict[str, Any]) -> dict[str, dict[str, Any]]:
    blocks = message["attachments"][0]["blocks"]
    found = [element for block in blocks if block["type"] == "actions" for element in block["elements"]]
    return {button["action_id"]: json.loads(button["value"]) for button in found}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, [Verb.ACKNOWLEDGE, Verb.RESOLVE, Verb.ESCALATE], id="a-first-page"),
        pytest.param(
            {"plan_digest": "3f9a"},
            [Verb.APPROVE, Verb.REJECT, Verb.ACKNOWLEDGE, Verb.RESOLVE, Verb.ESCALATE],
            id="a-plan-waits",
        ),
        pytest.param({"kind": PageKind.ACKNOWLEDGE}, [Verb.RESOLVE, Verb.ESCALATE], id="somebody-has-it"),
        pytest.param({"kind": PageKind.RESOLVE}, [], id="over"),
        pytest.param({"incident_id": 0}, [], id="about-no-incident"),
    ],
)
def test_buttons_are_what_somebody_may_do_now(changes: dict[str, Any], expected: list[Verb]) -> None:
    assert expected == list(buttons(head_message(a_page(**changes), buttons=True)))


def test_a_button_is_bound_to_the_incident_its_episode_and_the_plan() -> None:
    """A stale press cannot approve a changed plan."""
    page = a_page(episode=3, plan_digest="3f9a")
    values = buttons(head_message(page, buttons=True)).values()
    assert all({"incident": 17, "episode": 3, "plan": "3f9a"} == value for value in values)


def test_without_a_signing_secret_there_are_no_buttons(slack: Slack) -> None:
    """Nobody could tell a press from a forgery."""
    channel(slack).send(for_ops(FULL))
    assert {} == buttons(slack.messages["1767614400.000001"])
    channel(slack, signing_secret="s").send(for_ops(FULL))
    assert {} != buttons(slack.messages["1767614400.000003"])


PARSED = frozenset({"mrkdwn"})
TEXTS = st.text(max_size=60) | st.sampled_from([EVIL, *EVIL.split(), "@here", "#general", "a & b < c > d"])


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for entry in value.values():
            yield from objects(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from objects(entry)


@given(TEXTS, st.sampled_from(PageReason), st.booleans())
def test_no_log_text_becomes_a_mention_a_link_or_markup(text: str, reason: PageReason, with_buttons: bool) -> None:  # noqa: FBT001
    page = a_page(
        reason=reason,
        summary=text,
        suffers=text,
        origin=text,
        evidence=(text,),
        done=(text,),
        lines=(text,),
        also=(text,),
    )
    messages = [head_message(page, buttons=with_buttons), thread_message(page) or {}, news_message(page)]
    for found in objects(messages):
        assert "text" not in found or found.get("type") not in PARSED
        assert found.get("type") not in {"user", "usergroup", "broadcast", "channel", "emoji", "link", "section"}
        if "fallback" in found:
            assert not set("<>") & set(found["fallback"])
        if found.get("type") == "plain_text":
            assert found["emoji"] is False
            assert not set("<>") & set(found["text"])


@given(TEXTS)
def test_a_text_only_message_has_no_mention_and_no_link_either(text: str) -> None:
    written = plain_text(a_page(summary=text, evidence=(text,), lines=(text,)))
    assert not set("<>") & set(written)
    assert "://" not in written
    assert written.count("&") == sum(written.count(entity) for entity in ("&amp;", "&lt;", "&gt;"))


def test_what_a_log_says_is_shown_as_it_was_written() -> None:
    message = head_message(a_page(evidence=(EVIL,)), buttons=False)
    assert clean(EVIL) in [found.get("text") for found in objects(message)]


def test_the_incoming_webhook_takes_text_only(slack: Slack) -> None:
    page = a_page(to=Contact(ContactKind.SLACK, "webhook"), evidence=(EVIL,))
    receipt = channel(slack, token="").send(page)
    (seen,) = slack.seen
    assert {"text", "mrkdwn", "link_names"} == set(seen.fields)
    assert (False, False) == (seen.fields["mrkdwn"], seen.fields["link_names"])
    assert page.key == receipt.message_id


@pytest.mark.parametrize(
    ("code", "error", "says"),
    [
        pytest.param("invalid_auth", Unavailable, r"paging\.slack\.token", id="a-wrong-token"),
        pytest.param("missing_scope", Unavailable, r"paging\.slack\.token", id="a-token-that-may-not"),
        pytest.param("channel_not_found", Unavailable, r"paging\.slack\.channel", id="no-such-channel"),
        pytest.param("not_in_channel", Unavailable, r"invite the app.*paging\.slack\.channel", id="not-invited"),
        pytest.param("is_archived", Unavailable, r"paging\.slack\.channel", id="archived"),
        pytest.param("invalid_blocks", Refused, "invalid_blocks", id="the-message-itself"),
        pytest.param("ratelimited", Later, "30 s", id="too-many"),
        pytest.param("never_heard_of", Unavailable, "never_heard_of", id="unknown-to-us"),
    ],
)
def test_what_slack_says_is_told_with_the_setting_that_helps(
    slack: Slack, code: str, error: type[Exception], says: str
) -> None:
    slack.always = as_json(200, {"ok": False, "error": code})
    with pytest.raises(error, match=says):
        channel(slack).send(for_ops(FULL))


@pytest.mark.parametrize("body", [b"", b"<html>oops</html>", b"[]", b"\xff", b'{"ok": false}'])
def test_malformed_answers_are_unavailable(slack: Slack, body: bytes) -> None:
    slack.always = Reply(200, body)
    with pytest.raises(Unavailable):
        channel(slack).send(for_ops(FULL))


def test_what_slack_took_without_saying_where_is_sent(slack: Slack) -> None:
    """To send it again would post it twice."""
    slack.always = as_json(200, {"ok": True})
    assert a_page().key == channel(slack).send(for_ops(FULL)).message_id
    assert 1 == len(slack.seen)


def test_long_pages_fit_a_message(slack: Slack) -> None:
    long = tuple(f"{number} " + "x" * 3_000 for number in range(500))
    channel(slack).send(for_ops(FULL, lines=long, evidence=long[:3]))
    for message in slack.messages.values():
        blocks = message["attachments"][0]["blocks"]
        blocks = json.loads(blocks) if isinstance(blocks, str) else blocks
        assert len(blocks) <= 50
        assert len(json.dumps(blocks)) < 40_000
