"""The settings of logins by OpenID Connect: which provider, and what its groups may do here."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from domain.addresses import private_problem
from domain.people import Role
from domain.settings_branch import Branch


class OpenIdSettings(Branch):
    """Logins to the pages by OpenID Connect; without an issuer people log in by password alone."""

    issuer: str = ""
    """Address of the provider, exactly as it calls itself; https://, or http:// on this machine."""
    client_id: str = ""
    """Id under which the provider knows these pages."""
    client_secret: SecretStr = SecretStr("")
    """Its secret; empty for a public client."""
    scopes: str = "openid email profile"
    """What is asked for, with spaces between; some providers tell groups only where `groups` is among it."""
    name_claim: str = Field("email", min_length=1)
    """Claim by which a new user is called; without it preferred_username, else sub. An address must be verified."""
    groups_claim: str = "groups"
    """Claim with somebody's groups; a path such as realm_access.roles leads into claims within claims."""
    roles: dict[str, Role] = Field(default_factory=dict)
    """Group to role, such as `sre: approver`, in the environment as JSON; of several the highest role counts."""
    default_role: str = Field("", pattern="^(viewer|responder|approver|admin|)$")
    """Role of whoever else the provider knows, whoever that is; empty: who is in none of these groups is not let in."""
    label: str = Field("OpenID Connect", min_length=1, max_length=60)
    """What the button of the login page says after `Log in with`."""

    @field_validator("issuer")
    @classmethod
    def _an_issuer(cls, issuer: str) -> str:
        if not issuer:
            return issuer
        if problem := private_problem(issuer):
            raise ValueError(problem)
        if urlsplit(issuer).query or urlsplit(issuer).fragment:
            raise ValueError("is an address without ? and #")
        return issuer

    @model_validator(mode="after")
    def _whole(self) -> OpenIdSettings:
        """What is half set would refuse everybody at their first login, or be silently without effect."""
        if not self.issuer:
            if self.client_id or self.client_secret.get_secret_value() or self.roles or self.default_role:
                raise ValueError("issuer is missing: without it nobody logs in by OpenID Connect")
            return self
        if not self.client_id:
            raise ValueError("client_id is missing: the id under which the provider knows these pages")
        if "openid" not in self.scopes.split():
            raise ValueError("scopes must hold openid")
        if self.roles and not self.groups_claim:
            raise ValueError("groups_claim is missing: roles are given by groups")
        if not self.roles and not self.default_role:
            raise ValueError("nobody could log in: set roles, from group to role, or default_role for everybody")
        return self
