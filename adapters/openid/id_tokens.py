"""ID tokens: signed by a key of the provider, about these pages, about the login that was begun, and not old.

Method: OpenID Connect Core 1.0, 3.1.3.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import Key, KeySet, import_key
from joserfc.jws import JWSRegistry

from domain.errors import Refused

# Signatures by a private key alone. With HS256 a public key, which everybody has, would sign; `none` signs nothing.
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
KEY_TYPES = frozenset({"RSA", "EC", "OKP"})
LEEWAY = 60  # seconds by which clocks may differ
LONGEST_HEADER = 8_192  # bytes; some providers put their certificates there
FEWEST_BITS = 2_048  # of an RSA key


class UnknownKey(Refused):
    """No key that is known signed it; the provider may have a new one."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the token of one login must say."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str  # which came with it; empty for none


def keys_in(document: Mapping[str, Any]) -> KeySet:
    """The keys by which a provider signs; what we do not understand, and what is for other uses, is left out."""
    listed = document.get("keys")
    found = [key for one in (listed if isinstance(listed, list) else []) if (key := _key(one)) is not None]
    return KeySet(found)


def _key(fields: object) -> Key | None:
    if not isinstance(fields, dict) or fields.get("kty") not in KEY_TYPES or fields.get("use", "sig") != "sig":
        return None
    try:
        key = import_key(fields)
        size = getattr(key.public_key, "key_size", FEWEST_BITS) if key.key_type == "RSA" else FEWEST_BITS
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return key if size >= FEWEST_BITS else None


def claims_of(token: str, keys: KeySet, expected: Expected, *, now: datetime) -> dict[str, Any]:
    """What a token says. Raises UnknownKey, and Refused for one that is not for this login."""
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    registry.max_header_length = LONGEST_HEADER
    try:
        read = jwt.decode(token, keys, registry=registry)
        claims = CodeIDToken(read.claims, read.header, _options(expected), _parameters(expected))
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY)
    except InvalidKeyIdError as error:
        raise UnknownKey("the ID token is signed by a key that the provider does not show") from error
    except (JoseError, ValueError, TypeError, KeyError) as error:
        # The library's words name a claim or a flaw, and no value.
        raise Refused(f"the ID token is not for this login: {_flaw(error)}") from error
    return dict(claims)


def _options(expected: Expected) -> dict[str, Any]:
    return {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
        "sub": {"essential": True},
        "exp": {"essential": True},
        "iat": {"essential": True},
        "nonce": {"essential": True, "value": expected.nonce},
    }


def _parameters(expected: Expected) -> dict[str, Any]:
    return {"nonce": expected.nonce, "client_id": expected.client_id, "access_token": expected.access_token}


def _flaw(error: Exception) -> str:
    code = getattr(error, "error", "") or type(error).__name__
    claim = getattr(error, "claim", "") or ""
    return f"{code} {claim}".strip().replace("_", " ")
