"""The settings of the HTTP service: what comes in there, and how it is guarded."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from domain.addresses import is_loopback, name_in
from domain.openid_settings import OpenIdSettings
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
    session_idle_hours: float = Field(12, gt=0, le=8_760)
    """A login to the pages that nobody used for so long has ended."""
    session_hours: float = Field(168, gt=0, le=8_760)
    """How long a login to the pages is good at the longest."""
    link_hours: float = Field(24, gt=0, le=8_760)
    """How long the links of a page are good."""
    openid: OpenIdSettings = OpenIdSettings()
    """Logins by OpenID Connect beside those by password."""

    @model_validator(mode="after")
    def _both_or_none(self) -> HttpSettings:
        """One without the other would be silently plain HTTP."""
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key belong together: set both, or none for plain HTTP")
        return self

    @model_validator(mode="after")
    def _where_logins_come_back(self) -> HttpSettings:
        """A provider sends people back to an address that it knows, and a stranger could choose the request's."""
        if self.openid.issuer and not self.public_url and not is_loopback(self.host):
            raise ValueError("openid needs public_url where others reach the service: logins come back to it")
        return self


def scheme(http: HttpSettings) -> str:
    """What the service speaks."""
    return "https" if http.certificate else "http"


def open_to(http: HttpSettings) -> str:
    """Who else than this machine reaches the service, as the settings say it; empty for nobody."""
    if not is_loopback(http.host):
        return http.host
    public = urlsplit(http.public_url).hostname or ""
    return http.public_url if public and not is_loopback(public) else ""


def exposure_problem(http: HttpSettings) -> str:
    """Why the service must not start as the settings are, or an empty text."""
    if http.token.get_secret_value() or not (others := open_to(http)):
        return ""
    return f"http.token is empty, and others than this machine reach the service ({others}): set SRE_HTTP__TOKEN"


def unguarded_problem(http: HttpSettings, address: str, host: str) -> str:
    """Why a caller gets no page while there is no user, or an empty text.

    `address`: of the caller. `host`: as whom the caller addressed us, which a page of elsewhere cannot choose freely.
    """
    if others := open_to(http):
        return f"others than this machine reach the service ({others}), and there is no user who could log in"
    if not (is_loopback(address) and is_loopback(name_in(host))):
        return "without a user only this machine sees the pages, under a loopback address"
    return ""
