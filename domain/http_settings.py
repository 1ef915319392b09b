"""The settings of the HTTP service: what comes in there, and how it is guarded."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from domain.settings_branch import Branch


class HttpSettings(Branch):
    """The service that takes answers to pages, alerts of others, and logs; it holds no key that can sign."""

    enabled: bool = True
    """On: `sre up` starts it."""
    host: str = "127.0.0.1"
    """Address that it listens at; anything but loopback opens it to others."""
    port: int = Field(0, ge=0, lt=65536)
    """Port; 0: a free one, which `sre status` shows."""
    certificate: str = ""
    """File of the service's PEM certificate, with its chain; set with `http.key` it speaks HTTPS."""
    key: str = ""
    """File of the certificate's PEM key, without a password."""
    public_url: str = Field("", pattern="^(https?://.+)?$")
    """How people reach it, for the links in pages; empty: its own address."""
    token: SecretStr = SecretStr("")
    """Bearer token of those who send alerts and logs; empty: none is asked for, so only loopback may send them."""
    most_bytes: int = Field(1_000_000, gt=0, le=1_000_000_000)
    """A longer body is refused."""
    per_minute: int = Field(600, gt=0, le=1_000_000)
    """Requests of one address in a minute; further ones are answered by 429."""
    link_hours: float = Field(24, gt=0, le=8_760)
    """How long the links of a page are good."""

    @model_validator(mode="after")
    def _both_or_none(self) -> HttpSettings:
        """One without the other would be silently plain HTTP."""
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key belong together: set both, or none for plain HTTP")
        return self


def scheme(http: HttpSettings) -> str:
    """What the service speaks."""
    return "https" if http.certificate else "http"


def is_loopback(host: str) -> bool:
    """Whether an address or a name means this machine alone."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def exposure_problem(http: HttpSettings) -> str:
    """Why the service must not start as the settings are, or an empty text."""
    if http.token.get_secret_value():
        return ""
    open_to = http.host if not is_loopback(http.host) else ""
    public = urlsplit(http.public_url).hostname or ""
    if not open_to and public and not is_loopback(public):
        open_to = http.public_url
    if not open_to:
        return ""
    return f"http.token is empty, and others than this machine reach the service ({open_to}): set SRE_HTTP__TOKEN"
