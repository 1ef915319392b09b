"""The settings of paging: who is told, and by which channel."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from domain.addresses import mail_problem
from domain.patterns import unusable
from domain.settings_branch import Branch

DEFAULT = "default"  # the receiver that the settings name without a name


class Security(StrEnum):
    """How the connection to an SMTP server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class EmailSettings(Branch):
    """The SMTP server that carries pages."""

    host: str = ""
    """Empty means the demo's sink, where one runs; else the channel is off."""
    port: int = Field(587, gt=0, lt=65536)
    """Port of the SMTP server."""
    security: Security = Security.STARTTLS
    """How the connection is protected."""
    ca_file: str = ""
    """Certificates to trust instead of the system's; empty means the system's."""
    username: str = ""
    """Empty means no login."""
    password: SecretStr = SecretStr("")
    """Password of the login."""
    sender: str = "sre-agent@localhost"
    """From address of pages."""
    recipients: tuple[str, ...] = ("on-call@localhost",)
    """Who is paged; in the environment separated by commas."""

    @field_validator("recipients", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        """One text is a comma-separated list, alone or among others: each address is an item of its own."""
        given = [value] if isinstance(value, str) else value
        if not isinstance(given, list | tuple) or not all(isinstance(item, str) for item in given):
            return value
        return tuple(part.strip() for item in given for part in item.split(",") if part.strip())

    @field_validator("recipients", "sender")
    @classmethod
    def _can_be_put_on_a_mail(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for address in (value,) if isinstance(value, str) else value:
            if problem := mail_problem(address):
                raise ValueError(f"{address!r} {problem}")
        return value


class PagerDutySettings(Branch):
    """PagerDuty's Events API v2."""

    routing_key: SecretStr = SecretStr("")
    """Integration key of the receiver `default`, 32 characters; without one that receiver is off."""
    routing_keys: dict[str, SecretStr] = Field(default_factory=dict)
    """Name to integration key, where several services of PagerDuty are paged."""
    url: str = Field("https://events.pagerduty.com/v2/enqueue", pattern="^https?://.+$")
    """Where events are sent; the EU has https://events.eu.pagerduty.com/v2/enqueue."""
    webhook_secret: SecretStr = SecretStr("")
    """Signs what PagerDuty tells our HTTP service; without it nothing from there is taken."""

    def key(self, name: str) -> str:
        """The integration key of a receiver, or an empty text."""
        found = self.routing_keys.get(name) or (self.routing_key if name == DEFAULT else SecretStr(""))
        return found.get_secret_value()


class SlackSettings(Branch):
    """Slack: an app with a token, or an incoming webhook for text alone."""

    token: SecretStr = SecretStr("")
    """Bot token (xoxb-…) with chat:write: messages are updated in place, with threads and buttons."""
    channel: str = ""
    """Channel that is paged where no file says who is on call; with the token."""
    webhook: SecretStr = SecretStr("")
    """Incoming webhook, the receiver `webhook`: text only, nothing is updated."""
    signing_secret: SecretStr = SecretStr("")
    """Signs the presses of buttons; without it messages have none."""
    url: str = Field("https://slack.com/api/", pattern="^https?://.+/$")
    """Where Slack's API is."""


class HookSettings(Branch):
    """One receiver of webhooks."""

    url: SecretStr = SecretStr("")
    """Where each page is sent by POST; its path may be a password, so it is never shown whole."""
    secret: SecretStr = SecretStr("")
    """Signs the body (HMAC-SHA256); empty: unsigned."""
    shape: Literal["incident", "alertmanager"] = "incident"
    """What the body looks like: our document of the incident, or Alertmanager's webhook v4."""


class PagingSettings(Branch):
    """Who is told, and how."""

    enabled: bool = True
    """Off: pages are recorded as suppressed, not sent."""
    on_call: str = ""
    """YAML file that says who is on call, relative to the project; empty: everybody named here is paged at once."""
    escalation_policy: str = "default"
    """Policy of that file for whatever no route fits."""
    group_seconds: float = Field(60, ge=0, le=31_536_000)
    """So many pages within this time are a flood, so many services one cause; no page waits longer for more to join."""
    settle_seconds: float = Field(10, ge=0, le=31_536_000)
    """A page that is not critical waits until nothing joined its incident for so long, `group_seconds` at most."""
    late_seconds: float = Field(120, gt=0, le=31_536_000)
    """Evidence older than this pages at most once per service, marked late."""
    group_interval_seconds: float = Field(300, ge=0, le=31_536_000)
    """News about an incident that ask nothing of anybody go out once in so long; critical ones do not wait."""
    repeat_seconds: float = Field(14_400, ge=0, le=31_536_000)
    """What nobody acknowledged is told of again so long after everybody was told; 0: never."""
    ack_remind_seconds: float = Field(1_800, gt=0, le=31_536_000)
    """So long after the reminder an acknowledgement that nobody renewed is void."""
    shift_budget: int = Field(30, gt=0, le=1_000_000)
    """Pages for one person within `shift_hours`; further ones that are not critical come merged."""
    shift_hours: float = Field(12, gt=0, le=8_760)
    """How long a shift is, for that budget."""
    merged_minutes: float = Field(60, gt=0, le=525_600)
    """Over the budget, what waits for a person is sent as one message so often."""
    receiver_per_minute: int = Field(10, gt=0, le=1_000_000)
    """Messages to one contact point in a minute; further ones that are not critical are merged."""
    digest_at: str = Field("08:00", pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$|^$")
    """When the daily digest of what did not deserve a page is sent, UTC; empty: never."""
    watch_silent_seconds: float = Field(90, ge=0, le=31_536_000)
    """Without a sign of `watch`, or of Kafka, or of progress for so long, an incident of ours pages; 0: never."""
    send_seconds: float = Field(10, gt=0, le=86_400)
    """Longest that one delivery may take, whatever the channel."""
    pool: int = Field(4, gt=0, le=1_000_000)
    """Deliveries of one channel at a time; each channel has so many of its own."""
    heartbeat: SecretStr = SecretStr("")
    """For a dead man's switch: /a/file, or a URL that takes a POST, told each minute while all is in order."""
    mask: tuple[str, ...] = ()
    """Patterns (RE2) whose matches are masked in pages, beside keys, tokens, passwords, mail addresses and cards."""
    email: EmailSettings = EmailSettings()
    webhook: SecretStr = SecretStr("")
    """URL of the webhook receiver `default`; the name that the reference project gave it."""
    webhook_secret: SecretStr = SecretStr("")
    """Signs what is sent there."""
    webhooks: dict[str, HookSettings] = Field(default_factory=dict)
    """Name to a further receiver of webhooks."""
    pagerduty: PagerDutySettings = PagerDutySettings()
    slack: SlackSettings = SlackSettings()
    teams: dict[str, SecretStr] = Field(default_factory=dict)
    """Name to the URL of a workflow of Microsoft Teams that posts to a channel."""
    alertmanagers: dict[str, str] = Field(default_factory=dict)
    """Name to the address of an Alertmanager that gets our alerts (API v2), such as http://host:9093."""
    apprise: dict[str, SecretStr] = Field(default_factory=dict)
    """Name to a URL of apprise: SMS, phone, Telegram, Opsgenie, ntfy and more."""

    files: dict[str, str] = Field(default_factory=dict)
    """Name to a file that gets pages as lines of JSON."""

    @field_validator("mask")
    @classmethod
    def _can_be_matched(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in value:
            if problem := unusable(pattern):
                raise ValueError(f"{pattern!r} {problem}")
        return value

    def hook(self, name: str) -> HookSettings:
        """A receiver of webhooks; one without a URL where there is none of that name."""
        if name == DEFAULT and name not in self.webhooks:
            return HookSettings(url=self.webhook, secret=self.webhook_secret)
        return self.webhooks.get(name, HookSettings())

    @model_validator(mode="after")
    def _reaches_somebody(self) -> PagingSettings:
        if self.enabled and self.email.host and not self.email.recipients:
            raise ValueError("paging.email.host is set and paging.email.recipients is empty: nobody would be paged")
        return self


def without_credentials(paging: PagingSettings) -> PagingSettings:
    """The same settings for those who send nothing: when and in which order, but no way to anybody."""
    email = paging.email.model_copy(update={"username": "", "password": SecretStr("")})
    nothing = {"webhook": SecretStr(""), "webhook_secret": SecretStr(""), "heartbeat": SecretStr("")}
    none: dict[str, object] = {"webhooks": {}, "teams": {}, "apprise": {}}
    away = {"email": email, "pagerduty": PagerDutySettings(), "slack": SlackSettings()}
    return paging.model_copy(update=nothing | none | away)
