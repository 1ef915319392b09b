"""The settings of paging: who is told, and by which channel."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, SecretStr, field_validator, model_validator

from domain.addresses import mail_problem
from domain.settings_branch import Branch


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
    """Integration key; the channel is off without one; without effect yet."""


class PagingSettings(Branch):
    """Who is told, and how."""

    enabled: bool = True
    """Off: pages are recorded as suppressed, not sent."""
    webhook: SecretStr = SecretStr("")
    """The reference project's `paging_webhook`; without effect yet."""
    escalation_policy: str = "default"
    """Name of the escalation policy; without effect yet."""
    group_seconds: float = Field(60, ge=0)
    """So many pages within this time are a flood, so many services one cause; no page waits longer for more to join."""
    settle_seconds: float = Field(10, ge=0)
    """A page that is not critical waits until nothing joined its incident for so long, `group_seconds` at most."""
    late_seconds: float = Field(120, gt=0)
    """Evidence older than this pages at most once per service, marked late."""
    email: EmailSettings = EmailSettings()
    pagerduty: PagerDutySettings = PagerDutySettings()

    @model_validator(mode="after")
    def _reaches_somebody(self) -> PagingSettings:
        if self.enabled and self.email.host and not self.email.recipients:
            raise ValueError("paging.email.host is set and paging.email.recipients is empty: nobody would be paged")
        return self
