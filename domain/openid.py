"""Who somebody is by the word of an OpenID provider, and what that makes of them here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from domain.access import NAME
from domain.errors import Refused
from domain.openid_settings import OpenIdSettings
from domain.people import Role
from domain.shown_texts import printable

Claims = Mapping[str, object]
EMAIL, VERIFIED, SUBJECT = "email", "email_verified", "sub"
# By which claims somebody is called, where the one of the settings is not there.
OTHER_NAMES = ("preferred_username", SUBJECT)
LONGEST_SUBJECT = 255  # characters, as OpenID Connect Core 1.0 has it
SHOWN = 80  # characters of a name that are repeated in an error


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody whom the provider knows."""

    issuer: str
    subject: str  # who they are there for ever; names and addresses may go to somebody else
    name: str
    role: Role


def tells_too_little(claims: Claims, settings: OpenIdSettings) -> bool:
    """Whether the provider must be asked for more claims: the name or the groups are not among these."""
    wanted = {settings.name_claim} | ({VERIFIED} if settings.name_claim == EMAIL else set())
    groups = bool(settings.roles) and _at(claims, settings.groups_claim) is None
    return groups or not wanted <= claims.keys()


def identity(claims: Claims, settings: OpenIdSettings) -> Identity:
    """Who it is, with name and role. Raises Refused, with a sentence for whoever wanted to log in."""
    subject = claims.get(SUBJECT)
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise Refused("the provider does not say who it is: the claim sub is no text of 1 to 255 characters")
    name = _name(claims, settings)
    role = role_of(groups_in(claims, settings.groups_claim), settings)
    if role is None:
        raise Refused(f"{name} is in no group that has a role here; an admin gives one by http.openid.roles")
    return Identity(settings.issuer, subject, name, role)


def _name(claims: Claims, settings: OpenIdSettings) -> str:
    """Raises Refused for an address that is not theirs for sure, and for what is no name here."""
    wanted = (settings.name_claim, *OTHER_NAMES)
    claim = next((one for one in wanted if isinstance(claims.get(one), str) and claims[one]), SUBJECT)
    name = str(claims[claim])
    if claim == EMAIL and not _is_verified(claims):
        raise Refused(
            f"the provider does not say that the address {printable(name)[:SHOWN]} was verified; "
            "verify it there, or an admin chooses another claim by http.openid.name_claim"
        )
    if not re.fullmatch(NAME, name):
        raise Refused(
            f"{printable(name)[:SHOWN]!r} (claim {claim}) is no name here: up to 64 letters, digits and . _ @ + - are; "
            "an admin chooses another claim by http.openid.name_claim"
        )
    return name


def _is_verified(claims: Claims) -> bool:
    """Whether an address is theirs for sure; of others some providers say nothing, and some say it as text."""
    said = claims.get(VERIFIED)
    return said is True or (isinstance(said, str) and said.lower() == "true")


def groups_in(claims: Claims, path: str) -> frozenset[str]:
    """Somebody's groups: a list of texts, one text, or the keys of a table; nothing for anything else."""
    found = _at(claims, path)
    if isinstance(found, str):
        return frozenset({found})
    if not isinstance(found, list | Mapping):
        return frozenset()
    return frozenset(one for one in found if isinstance(one, str))


def _at(claims: Claims, path: str) -> object:
    """The claim of that name, else the one that the path leads to; None where there is none."""
    if path in claims:
        return claims[path]
    found: object = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def role_of(groups: frozenset[str], settings: OpenIdSettings) -> Role | None:
    """The highest role of the groups, else the default; None where there is none."""
    given = [role for group, role in settings.roles.items() if group in groups]
    if given:
        return max(given, key=list(Role).index)
    return Role(settings.default_role) if settings.default_role else None


# What a provider says when a login ended there, by its code (RFC 6749, 4.1.2.1; OpenID Connect Core 1.0, 3.1.2.6).
ENDED: Mapping[str, str] = {
    "access_denied": "you or the provider did not allow it",
    "login_required": "the provider wants you to log in there first",
    "interaction_required": "the provider wants to ask you something first",
    "consent_required": "the provider wants you to allow it first",
    "account_selection_required": "the provider wants you to choose an account first",
    "temporarily_unavailable": "the provider is busy, try again in a minute",
    "server_error": "the provider failed, try again in a minute",
    "unauthorized_client": "the provider does not let these pages ask (http.openid.client_id)",
    "invalid_scope": "the provider does not know what is asked for (http.openid.scopes)",
    "invalid_request": "the provider did not understand these pages",
}


def ended(code: str) -> str:
    """Why a login ended at the provider, in words and with its code."""
    told = printable(code)[:SHOWN]
    return f"{ENDED.get(code, 'the provider did not take the login')} ({told})"


@dataclass(frozen=True, slots=True)
class Begun:
    """A login that was begun: what the provider's answer must fit, and where it leads to."""

    state: str  # names the login in the answer
    nonce: str  # … and in the ID token
    verifier: str  # proves that whoever brings the code is who began
    redirect: str  # address of ours to which the provider sends the browser back
    following: str  # path of the page that was asked for
