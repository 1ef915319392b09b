"""Presses of Slack's buttons: whether a request is Slack's, what it says, and a word back to whoever pressed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from slack_sdk.errors import SlackClientError
from slack_sdk.signature import Clock, SignatureVerifier
from slack_sdk.webhook import WebhookClient

from domain.errors import BadInput, Unavailable
from domain.responses import Verb

SECONDS = 5
LARGEST = 2**31 - 1
BACK = "hooks.slack.com"
# Verbs that need words of a person, which a button does not carry.
TYPED = frozenset({Verb.REASSIGN, Verb.COMMENT})
AN_HOUR = "3600"


class _At(Clock):
    """The time that we were given."""

    def __init__(self, now: datetime) -> None:
        self.at = now.timestamp()

    def now(self) -> float:
        return self.at


def signed(secret: str, body: bytes, headers: Mapping[str, str], *, now: datetime) -> bool:
    """Whether Slack signed exactly this body within the last five minutes; compared in constant time."""
    stamp, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
    if not secret or not stamp.isascii() or not stamp.isdigit() or not signature.isascii():
        return False
    try:
        return SignatureVerifier(secret, _At(now)).is_valid(body, stamp, signature)
    except UnicodeDecodeError:
        return False


@dataclass(frozen=True, slots=True)
class Press:
    """One button that somebody pressed."""

    verb: Verb
    incident_id: int
    episode: int
    plan: str  # digest of the plan that the button was about
    user: str  # Slack's id
    user_name: str  # as Slack names whoever it was
    nonce: str  # the same when the same press is sent again
    answer_url: str  # takes a text for whoever pressed


def read(body: bytes) -> Press | None:
    """The press that a request tells of; None for what is no press. Raises BadInput when it cannot be read."""
    try:
        payload = orjson.loads(parse_qs(body.decode(), max_num_fields=10).get("payload", [""])[0])
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are ones
        raise BadInput("payload is no JSON in a form") from error
    if not isinstance(payload, Mapping):
        raise BadInput("payload is no object")
    actions = payload.get("actions")
    if payload.get("type") != "block_actions" or not isinstance(actions, list) or not actions:
        return None
    return _press(payload, actions[0])


def _press(payload: Mapping[str, Any], action: Any) -> Press:  # noqa: ANN401 - any JSON
    try:
        value = orjson.loads(action["value"])
        user = payload["user"]
        stamp = str(payload.get("trigger_id") or action["action_ts"])
        return Press(
            verb=Verb(action["action_id"]),
            incident_id=_whole(value["incident"]),
            episode=_whole(value["episode"]),
            plan=str(value.get("plan") or ""),
            user=str(user["id"]),
            user_name=str(user.get("username") or user.get("name") or user["id"]),
            nonce=f"slack {user['id']} {stamp}"[:300],
            answer_url=str(payload.get("response_url") or ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"a button that is not ours: {error!r}"[:200]) from error


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST:
        return value
    raise ValueError("not a number of an incident or an episode")


def tell(url: str, text: str, *, host: str = BACK) -> None:
    """Say something to whoever pressed, and to nobody else. Raises Unavailable; a foreign URL is not called."""
    if urlsplit(url).hostname != host:
        raise Unavailable(f"slack: an answer is wanted elsewhere than at {host}; nothing was sent")
    try:
        told = WebhookClient(url, timeout=SECONDS).send(text=text, response_type="ephemeral", replace_original=False)
    except (SlackClientError, OSError) as error:
        raise Unavailable(f"slack: {type(error).__name__}") from error  # the URL is a password
    if told.status_code >= 300:  # noqa: PLR2004 - HTTP's
        raise Unavailable(f"slack: HTTP {told.status_code}")
