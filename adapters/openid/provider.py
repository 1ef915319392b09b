"""One provider as its own document describes it: where a login goes, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import BoundedSemaphore, Lock
from typing import Any

from authlib.oauth2 import OAuth2Client
from authlib.oidc.discovery import get_well_known_url
from joserfc.jwk import KeySet

from adapters.channels.calls import host_of
from adapters.openid import calls
from adapters.openid.id_tokens import Expected, UnknownKey, claims_of, keys_in
from domain.addresses import private_problem
from domain.errors import Refused, Unavailable, Unreadable
from domain.openid import SUBJECT, Begun, Claims, tells_too_little
from domain.openid_settings import OpenIdSettings
from domain.shown_texts import printable

KEPT = timedelta(hours=1)  # a key that the provider took back is taken for so long
# A key that we do not know may be a new one; whoever makes up keys has us ask no more often.
ASK_AGAIN = timedelta(minutes=1)
AT_ONCE = 4  # logins that wait for the provider, so that pages have threads left while it hangs
TURN_SECONDS = 2.0
LONGEST_NAME = 200  # characters of what a provider calls itself that an error repeats


@dataclass(frozen=True, slots=True)
class Document:
    """What a provider says of itself."""

    authorization: str
    token: str
    keys: str
    claims: str  # where more claims are told; empty for nowhere
    method: str  # how we say who we are where tokens are
    names_itself: bool  # whether each answer says whose it is (RFC 9207)


class Provider:
    """The provider of the settings; what it says of itself and its keys are kept for an hour."""

    def __init__(self, settings: OpenIdSettings) -> None:
        self.settings = settings
        self.where = f"OpenID provider {host_of(settings.issuer)}"
        self._turns = BoundedSemaphore(AT_ONCE)
        self._lock = Lock()
        self._document: tuple[datetime, Document] | None = None
        self._keys: tuple[datetime, KeySet] | None = None

    def address(self, begun: Begun, *, now: datetime) -> str:
        """Where a browser goes to log in. Raises Unavailable and Unreadable."""
        with self._turn():
            document = self._described(now)
        client = OAuth2Client(None, self.settings.client_id, code_challenge_method="S256")
        scope = " ".join(self.settings.scopes.split())
        address, _ = client.create_authorization_url(
            document.authorization,
            state=begun.state,
            code_verifier=begun.verifier,
            nonce=begun.nonce,
            redirect_uri=begun.redirect,
            scope=scope,
        )
        return str(address)

    def claims(self, begun: Begun, code: str, issuer: str, *, now: datetime) -> Claims:
        """What the provider says of whoever logged in; `issuer`: whose answer it says it is, or empty.

        Raises Refused for what is not the end of this login, Unavailable and Unreadable.
        """
        with self._turn():
            document = self._described(now)
            if issuer != self.settings.issuer and (issuer or document.names_itself):
                raise Refused("the answer is not of the provider that was asked")
            found = calls.tokens(self.where, self.settings, document.token, document.method, begun, code)
            token, access = found.get("id_token"), found.get("access_token")
            if not isinstance(token, str):
                raise Refused("the provider sent no ID token: http.openid.scopes must hold openid")
            access = access if isinstance(access, str) else ""
            expected = Expected(self.settings.issuer, self.settings.client_id, begun.nonce, access)
            said = self._checked(token, expected, document, now)
            if access and document.claims and tells_too_little(said, self.settings):
                return self._more(access, document, said) | dict(said)
            return said

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=TURN_SECONDS):
            raise Unavailable(f"{self.where}: many log in at this moment, try again in a few seconds")
        try:
            yield
        finally:
            self._turns.release()

    def _described(self, now: datetime) -> Document:
        with self._lock:
            if self._document is None or not _is_fresh(self._document[0], now, KEPT):
                url = get_well_known_url(self.settings.issuer, external=True)
                self._document = now, self._read(calls.document(self.where, url))
            return self._document[1]

    def _read(self, said: Mapping[str, Any]) -> Document:
        """Raises Unreadable where it is not the document of that issuer, or names no address that we may use."""
        if said.get("issuer") != self.settings.issuer:
            itself = printable(said.get("issuer"))[:LONGEST_NAME]
            raise Unreadable(f"{self.where}: it calls itself {itself}; set http.openid.issuer to exactly that")
        return Document(
            authorization=self._address(said, "authorization_endpoint"),
            token=self._address(said, "token_endpoint"),
            keys=self._address(said, "jwks_uri"),
            claims=self._address(said, "userinfo_endpoint") if said.get("userinfo_endpoint") else "",
            method=self._method(said),
            names_itself=said.get("authorization_response_iss_parameter_supported") is True,
        )

    def _address(self, said: Mapping[str, Any], name: str) -> str:
        address = said.get(name)
        problem = private_problem(address) if isinstance(address, str) else "is not there"
        if problem:
            raise Unreadable(f"{self.where}: its {name} {problem}")
        return str(address)

    def _method(self, said: Mapping[str, Any]) -> str:
        """How we say who we are: as the provider has it, in the header if it lets us choose."""
        if not self.settings.client_secret.get_secret_value():
            return calls.NONE
        taken = said.get("token_endpoint_auth_methods_supported")
        in_body = isinstance(taken, list) and calls.BASIC not in taken and calls.IN_BODY in taken
        return calls.IN_BODY if in_body else calls.BASIC

    def _checked(self, token: str, expected: Expected, document: Document, now: datetime) -> Claims:
        """What an ID token says, by a key that is asked for again where it is unknown. Raises Refused."""
        with self._lock:
            if self._keys is None or not _is_fresh(self._keys[0], now, KEPT):
                self._keys = now, self._read_keys(document)
            read_at, keys = self._keys
        try:
            return claims_of(token, keys, expected, now=now)
        except UnknownKey:
            if _is_fresh(read_at, now, ASK_AGAIN):
                raise
        with self._lock:
            if self._keys[0] == read_at:
                self._keys = now, self._read_keys(document)
            keys = self._keys[1]
        return claims_of(token, keys, expected, now=now)

    def _read_keys(self, document: Document) -> KeySet:
        found = keys_in(calls.document(self.where, document.keys))
        if not found.keys:
            raise Unreadable(f"{self.where}: it shows no key by which it signs")
        return found

    def _more(self, access: str, document: Document, said: Claims) -> dict[str, Any]:
        """The claims that the provider tells beside the token. Raises Refused where they are of somebody else."""
        found = calls.document(self.where, document.claims, {"Authorization": f"Bearer {access}"})
        if found.get(SUBJECT) != said[SUBJECT]:
            raise Refused("the provider tells claims of somebody else than the ID token")
        return found


def _is_fresh(at: datetime, now: datetime, kept: timedelta) -> bool:
    return timedelta(0) <= now - at < kept
