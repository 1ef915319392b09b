"""Slack's own client over our HTTP: it makes the requests and reads the answers, ours keeps the deadline.

The client alone would follow redirects, token included, and wait for as long as bytes drip in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.request import Request

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from adapters.channels.calls import Call, Passing, exchange, judged, retry_after
from domain.errors import Later, Refused, Unavailable
from domain.paging_settings import SlackSettings

CODE = re.compile(r"[a-z0-9_]{1,60}")
TOKEN, CHANNEL = "paging.slack.token", "paging.slack.channel"
# What Slack says -> the setting, or the contact, that somebody has to mend.
MENDABLE: Mapping[str, str] = {
    "not_authed": f"see {TOKEN}",
    "invalid_auth": f"see {TOKEN}",
    "account_inactive": f"see {TOKEN}",
    "token_revoked": f"see {TOKEN}",
    "token_expired": f"see {TOKEN}",
    "missing_scope": f"the app of {TOKEN} needs chat:write",
    "not_allowed_token_type": f"{TOKEN} must be a bot's (xoxb-…)",
    "no_permission": f"see {TOKEN}",
    "ekm_access_denied": f"see {TOKEN}",
    "team_access_not_granted": f"see {TOKEN}",
    "access_denied": f"see {TOKEN}",
    "channel_not_found": f"see {CHANNEL}, or the contact",
    "not_in_channel": f"invite the app to it; see {CHANNEL}, or the contact",
    "is_archived": f"see {CHANNEL}, or the contact",
    "restricted_action": f"who may post there is restricted; see {CHANNEL}, or the contact",
    "restricted_action_read_only_channel": f"nobody may post there; see {CHANNEL}, or the contact",
}
# What no setting and no wait will mend: the message itself is at fault.
FINAL = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_too_long", "invalid_attachments", "msg_blocks_too_long"}
)
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
PASSING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
SLOW_DOWN = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
PAUSE = 30.0  # seconds, where Slack says to slow down and not for how long


class Gone(Refused):
    """The message to change is not there any more, or may not be changed."""


class Client(WebClient):
    """Slack's client, carried by our HTTP."""

    def __init__(self, settings: SlackSettings, receiver: str, until: float) -> None:
        token = settings.token.get_secret_value()
        super().__init__(token=token, base_url=settings.url, retry_handlers=[])
        self._receiver = receiver
        self._until = until

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        """One request; raises what our HTTP raises."""
        body = req.data if isinstance(req.data, bytes) else b""
        call = Call(self._receiver, "paging.slack.url", url, body, dict(req.header_items()))
        answer = exchange(call, self._until)
        if not answer.fields:  # no answer of Slack's: of something on the way, or broken
            judged(call, answer)
            raise Passing(f"{self._receiver}: HTTP status {answer.status}, and no JSON")
        return {"status": answer.status, "headers": dict(answer.headers), "body": answer.body.decode(errors="replace")}


def translate(error: SlackApiError, receiver: str) -> NoReturn:
    """Raise ours for what Slack said; its text is only shown where it is one of its codes."""
    headers = {str(name).lower(): str(value) for name, value in dict(error.response.headers).items()}
    given = str(error.response.get("error", ""))
    code = given if CODE.fullmatch(given) else "an answer that is none"
    status = error.response.status_code
    if code in SLOW_DOWN or status == 429:  # noqa: PLR2004 - Too Many Requests
        seconds = retry_after(headers, now=datetime.now(UTC))
        seconds = PAUSE if seconds is None else seconds
        raise Later(f"{receiver}: {code}, again in {seconds:.0f} s", seconds) from None
    if code in GONE:
        raise Gone(f"{receiver}: {code}") from None
    if code in FINAL:
        raise Refused(f"{receiver}: {code}") from None
    if code in PASSING or status >= 500:  # noqa: PLR2004 - Internal Server Error
        raise Passing(f"{receiver}: {code}") from None
    hint = f" ({MENDABLE[code]})" if code in MENDABLE else ""
    raise Unavailable(f"{receiver}: {code}{hint}") from None
