"""Signed links: `on-call` signs with a private key, the HTTP service verifies with the public half alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from adapters.parts_file import write_private
from domain.answer_links import AnswerLink, Flaw, NotTaken, claims, from_claims
from domain.errors import BadInput, BadSettings, Unavailable

ALGORITHM = "EdDSA"
AUDIENCE = "sre-agent answers"
LONGEST_TOKEN = 4_096
# Expiry is decided below, by the clock that is given.
CHECKS = {"require": ["exp", "jti", "sub", "aud"], "verify_exp": False, "verify_iat": False}


@dataclass(frozen=True, slots=True)
class LinkSigner:
    """Signs links; only `on-call` holds one."""

    key: Ed25519PrivateKey

    def sign(self, link: AnswerLink) -> str:
        """The link as a token that fits into a URL."""
        return jwt.encode(claims(link) | {"aud": AUDIENCE}, self.key, ALGORITHM)


@dataclass(frozen=True, slots=True)
class LinkVerifier:
    """Tells our tokens from others; can make none."""

    key: Ed25519PublicKey

    def verify(self, token: str, *, now: datetime) -> AnswerLink:
        """What the token says. Raises NotTaken: FORGED or EXPIRED."""
        link = self.read(token)
        if now >= link.expires_at:
            raise NotTaken(Flaw.EXPIRED)
        return link

    def read(self, token: str) -> AnswerLink:
        """What the token says, also when it has expired. Raises NotTaken: FORGED."""
        if len(token) > LONGEST_TOKEN:
            raise NotTaken(Flaw.FORGED)
        try:
            said = jwt.decode(token, self.key, [ALGORITHM], options=CHECKS, audience=AUDIENCE)  # type: ignore[arg-type]
            return from_claims(said)
        except (jwt.PyJWTError, BadInput, ValueError) as error:
            raise NotTaken(Flaw.FORGED) from error


def private_file(home: Path) -> Path:
    """Where the private key is kept, readable by its owner alone."""
    return home / "keys" / "links.key"


def public_file(home: Path) -> Path:
    """Where its public half is."""
    return home / "keys" / "links.pub"


def signer(home: Path) -> LinkSigner:
    """The key of this home, made at first use; its public half is written beside it.

    Raises BadSettings when the file holds no such key, Unavailable when it cannot be read or written.
    """
    path = private_file(home)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        key = load_pem_private_key(path.read_bytes(), None)
        if not isinstance(key, Ed25519PrivateKey):
            raise BadSettings(f"{path} holds no Ed25519 key: {AGAIN}")
        _keep_public(public_file(home), key.public_key())
    except OSError as error:
        raise Unavailable(f"{error.filename or path}: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadSettings(f"{path} holds no key: {AGAIN}") from error
    return LinkSigner(key)


AGAIN = "remove it, and a new one is made; links that were sent before are void then"


def verifier(home: Path) -> LinkVerifier:
    """The public half of this home's key. Raises BadSettings when it holds none, Unavailable before one was made."""
    path = public_file(home)
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}; `sre up` makes it") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadSettings(f"{path} holds no key: {AGAIN}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BadSettings(f"{path} holds no Ed25519 key: {AGAIN}")
    return LinkVerifier(key)


def _make(path: Path) -> None:
    """A new key; where two processes make one at once, the first one counts for both."""
    text = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    mine = path.with_name(f"{path.name}.{os.getpid()}")
    write_private(mine, text.decode())
    try:
        os.link(mine, path)
    except FileExistsError:
        return
    finally:
        mine.unlink()


def _keep_public(path: Path, key: Ed25519PublicKey) -> None:
    text = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if not path.exists() or path.read_bytes() != text:
        write_private(path, text.decode())
