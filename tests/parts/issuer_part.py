"""An OpenID provider of the test's own on loopback: it signs what it is told to, and checks what real ones check."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from domain.openid_settings import OpenIdSettings
from tests.parts.judged_part import NOW
from tests.parts.receivers_part import Receiver, Reply, Seen, as_json

CLIENT, SECRET = "the pages", "a secret"
SUBJECT = "subject-1"
KEY = generate_private_key(65_537, 2_048)
OTHER_KEY = generate_private_key(65_537, 2_048)
AT = NOW + timedelta(minutes=2)  # the time of the service's clock in these tests


def public(key: RSAPrivateKey, kid: str = "k1", **changes: Any) -> dict[str, Any]:
    """The public half as a provider shows it."""
    fields: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {name: fields[name] for name in ("kty", "n", "e")} | {"kid": kid, "use": "sig", "alg": "RS256"} | changes


def signed(claims: dict[str, Any], key: RSAPrivateKey = KEY, kid: str = "k1", algorithm: str = "RS256") -> str:
    """Whatever the claims are; PyJWT itself would refuse to sign some of them."""
    return jwt.PyJWS().encode(json.dumps(claims).encode(), key, algorithm, headers={"kid": kid, "typ": "JWT"})


@dataclass(frozen=True)
class Asked:
    """What a browser that was sent here asks for."""

    fields: dict[str, str]

    @property
    def callback(self) -> str:
        return urlsplit(self.fields["redirect_uri"]).path


class Issuer(Receiver):
    """Logs in whoever is sent to it; `claims` is what it says of them, and `token` what it makes of that."""

    def __init__(self) -> None:
        super().__init__()
        self.claims: dict[str, Any] = {"email": "ann@example.com", "email_verified": True, "groups": ["sre"]}
        self.more: dict[str, Any] | None = None
        self.document: dict[str, Any] = {}
        self.keys: list[Any] = [public(KEY)]
        self.token: Callable[[dict[str, Any]], str] = signed
        self.codes: dict[str, Asked] = {}
        self.secret = SECRET

    def settings(self, **changes: Any) -> OpenIdSettings:
        fields = {"issuer": self.url, "client_id": CLIENT, "client_secret": self.secret, "roles": {"sre": "approver"}}
        return OpenIdSettings.model_validate(fields | changes)

    def asked(self, path: str) -> list[Seen]:
        """The requests for a path."""
        return [one for one in self.seen if one.path == path]

    def authorize(self, address: str) -> tuple[Asked, str]:
        """What the browser asks for at the address, and the code that it takes back."""
        parts = urlsplit(address)
        assert address.startswith(f"{self.url}/authorize?")
        asked = Asked({name: values[0] for name, values in parse_qs(parts.query).items()})
        code = f"code{len(self.codes)}"
        self.codes[code] = asked
        return asked, code

    def take(self, seen: Seen) -> Reply:
        ways: dict[str, Callable[[Seen], Reply]] = {
            "/.well-known/openid-configuration": lambda _: as_json(200, self._described()),
            "/keys": lambda _: as_json(200, {"keys": self.keys}),
            "/token": self._exchange,
            "/more": self._told,
        }
        return ways.get(seen.path, lambda _: as_json(404, {}))(seen)

    def _described(self) -> dict[str, Any]:
        found = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }
        more = {"userinfo_endpoint": f"{self.url}/more"} if self.more is not None else {}
        return {name: value for name, value in (found | more | self.document).items() if value is not None}

    def _exchange(self, seen: Seen) -> Reply:
        form = seen.fields
        if not self._is_ours(seen, form):
            return as_json(401, {"error": "invalid_client"})
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or asked.fields["redirect_uri"] != form["redirect_uri"] or not _proves(form, asked):
            return as_json(400, {"error": "invalid_grant", "error_description": "<script>alert(1)</script>"})
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": SUBJECT,
            "nonce": asked.fields["nonce"],
            "iat": int(AT.timestamp()),
            "exp": int((AT + timedelta(minutes=5)).timestamp()),
            **self.claims,
        }
        return as_json(200, {"access_token": "an access token", "token_type": "Bearer", "id_token": self.token(claims)})

    def _is_ours(self, seen: Seen, form: dict[str, str]) -> bool:
        """In the header both are encoded as in a form, and then put together."""
        kind, _, held = seen.headers.get("authorization", "").partition(" ")
        if kind == "Basic":
            return [CLIENT, self.secret] == [unquote(one) for one in base64.b64decode(held).decode().split(":")]
        return (CLIENT, self.secret) == (form.get("client_id"), form.get("client_secret"))

    def _told(self, seen: Seen) -> Reply:
        if seen.headers.get("authorization") != "Bearer an access token":
            return as_json(401, {})
        return as_json(200, {"sub": SUBJECT, **(self.more or {})})


def _proves(form: dict[str, str], asked: Asked) -> bool:
    """Whether whoever brings the code is who began (RFC 7636)."""
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    return asked.fields["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def unsigned(claims: dict[str, Any], header: dict[str, Any], signature: bytes = b"") -> str:
    """A token put together by hand."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
