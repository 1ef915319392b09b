"""ID tokens that are for this login, and everything that is not, as a table of attacks."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.openid.id_tokens import LEEWAY, Expected, UnknownKey, claims_of, keys_in
from domain.errors import Refused
from tests.parts.issuer_part import AT, CLIENT, KEY, OTHER_KEY, public, signed, unsigned

ISSUER, NONCE, ACCESS = "https://login.example.com", "n1", "an access token"
EXPECTED = Expected(ISSUER, CLIENT, NONCE, ACCESS)
NOW = int(AT.timestamp())
GOOD: dict[str, Any] = {"iss": ISSUER, "aud": CLIENT, "sub": "s1", "nonce": NONCE, "iat": NOW, "exp": NOW + 300}
KEYS = keys_in({"keys": [public(KEY)]})
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def half_hash(text: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="as it should be"),
        pytest.param({"aud": [CLIENT]}, id="a list of one"),
        pytest.param({"aud": [CLIENT, "others"], "azp": CLIENT}, id="others too, and made for us"),
        pytest.param({"exp": NOW - LEEWAY + 1}, id="just over, by a clock that is a little off"),
        pytest.param({"iat": NOW + LEEWAY}, id="made in a moment, by such a clock"),
        pytest.param({"at_hash": half_hash(ACCESS)}, id="beside this access token"),
    ],
)
def test_a_token_for_this_login_is_read(changes: dict[str, Any]) -> None:
    claims = GOOD | changes
    assert claims == claims_of(signed(claims), KEYS, EXPECTED, now=AT)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"iss": "https://evil.example"}, id="of another issuer"),
        pytest.param({"iss": ISSUER + "/"}, id="of an issuer that is nearly ours"),
        pytest.param({"iss": None}, id="of nobody"),
        pytest.param({"iss": [ISSUER]}, id="of a list of issuers"),
        pytest.param({"aud": "others"}, id="for others"),
        pytest.param({"aud": []}, id="for nobody"),
        pytest.param({"aud": None}, id="for whom it does not say"),
        pytest.param({"aud": [CLIENT, "others"]}, id="for others too, and nobody says for whom it was made"),
        pytest.param({"aud": [CLIENT, "others"], "azp": "others"}, id="made for others"),
        pytest.param({"azp": "others"}, id="for us, made for others"),
        pytest.param({"nonce": "n2"}, id="of another login"),
        pytest.param({"nonce": None}, id="of no login"),
        pytest.param({"nonce": ""}, id="of an empty login"),
        pytest.param({"nonce": [NONCE, "n2"]}, id="of several logins"),
        pytest.param({"exp": NOW - LEEWAY}, id="expired"),
        pytest.param({"exp": None}, id="for ever"),
        pytest.param({"exp": "tomorrow"}, id="until a word"),
        pytest.param({"exp": float("inf")}, id="until infinity"),
        pytest.param({"iat": NOW + LEEWAY + 1}, id="from the future"),
        pytest.param({"iat": None}, id="from no time"),
        pytest.param({"nbf": NOW + LEEWAY + 1}, id="not yet good"),
        pytest.param({"sub": None}, id="about nobody"),
        pytest.param({"sub": 7}, id="about a number"),
        pytest.param({"at_hash": half_hash("another")}, id="beside another access token"),
    ],
)
def test_a_token_for_anything_else_is_refused(changes: dict[str, Any]) -> None:
    claims = {name: value for name, value in (GOOD | changes).items() if value is not None}
    with pytest.raises(Refused, match="is not for this login"):
        claims_of(signed(claims), KEYS, EXPECTED, now=AT)


def _with_public_key(secret: bytes) -> Callable[[], str]:
    """Signed by HS256 with what everybody knows, as if it were a shared secret (CVE-2015-9235)."""

    def make() -> str:
        text = unsigned(GOOD, {"alg": "HS256", "kid": "k1", "typ": "JWT"}).rpartition(".")[0]
        signature = hmac.new(secret, text.encode(), hashlib.sha256).digest()
        return f"{text}.{urlsafe_b64encode(signature).rstrip(b'=').decode()}"

    return make


def _changed() -> str:
    head, _, signature = signed(GOOD).split(".")
    return f"{head}.{signed(GOOD | {'sub': 'root'}).split('.')[1]}.{signature}"


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: unsigned(GOOD, {"alg": "none"}), id="not signed"),
        pytest.param(lambda: unsigned(GOOD, {"alg": "none", "kid": "k1"}), id="not signed, by a key"),
        pytest.param(lambda: unsigned(GOOD, {"alg": "NoNe", "kid": "k1"}), id="not signed, spelled otherwise"),
        pytest.param(lambda: unsigned(GOOD, {"alg": "RS256", "kid": "k1"}), id="an empty signature"),
        pytest.param(lambda: unsigned(GOOD, {"kid": "k1"}), id="no algorithm"),
        pytest.param(_with_public_key(PEM), id="HS256 with the public key in PEM"),
        pytest.param(_with_public_key(PEM.strip()), id="HS256 with the public key, without its last line"),
        pytest.param(lambda: signed(GOOD, OTHER_KEY), id="another key under the same name"),
        pytest.param(_changed, id="claims of another token"),
        pytest.param(lambda: signed(GOOD, algorithm="RS512"), id="an algorithm that the key is not for"),
        pytest.param(lambda: jwt.encode(GOOD, "x" * 32, "HS256", headers={"kid": "k1"}), id="a shared secret"),
        pytest.param(lambda: "", id="nothing"),
        pytest.param(lambda: "a.b.c", id="no token"),
        pytest.param(lambda: signed(GOOD) + ".x.y", id="five parts, as if it were encrypted"),
        pytest.param(lambda: unsigned(["x"], {"alg": "RS256", "kid": "k1"}), id="a list"),  # type: ignore[arg-type]
    ],
)
def test_a_token_that_the_provider_did_not_sign_is_refused(make: Callable[[], str]) -> None:
    with pytest.raises(Refused):
        claims_of(make(), KEYS, EXPECTED, now=AT)


def test_a_key_within_the_token_counts_for_nothing() -> None:
    header = {"kid": "mine", "jwk": public(OTHER_KEY, "mine"), "jku": "https://evil.example/keys"}
    token = jwt.encode(GOOD, OTHER_KEY, "RS256", headers=header)
    with pytest.raises(UnknownKey):
        claims_of(token, KEYS, EXPECTED, now=AT)


def test_a_signature_is_by_the_key_that_it_names() -> None:
    both = keys_in({"keys": [public(KEY), public(OTHER_KEY, "k2")]})
    assert "s1" == claims_of(signed(GOOD, OTHER_KEY, "k2"), both, EXPECTED, now=AT)["sub"]
    with pytest.raises(Refused):
        claims_of(signed(GOOD, KEY, "k2"), both, EXPECTED, now=AT)
    with pytest.raises(UnknownKey):
        claims_of(signed(GOOD, KEY, "k3"), both, EXPECTED, now=AT)


def test_a_token_without_the_name_of_a_key_is_by_the_only_one() -> None:
    token = jwt.encode(GOOD, KEY, "RS256")
    assert "s1" == claims_of(token, KEYS, EXPECTED, now=AT)["sub"]
    with pytest.raises(UnknownKey):
        claims_of(token, keys_in({"keys": [public(KEY), public(OTHER_KEY, "k2")]}), EXPECTED, now=AT)


def test_elliptic_curves_sign_too() -> None:
    key = ec_key(SECP256R1())
    shown = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": "e1"}
    token = jwt.encode(GOOD, key, "ES256", headers={"kid": "e1"})
    assert "s1" == claims_of(token, keys_in({"keys": [shown]}), EXPECTED, now=AT)["sub"]


@pytest.mark.filterwarnings("ignore:Key size should be")
@pytest.mark.parametrize(
    "shown",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"keys": "k1"}, id="a text"),
        pytest.param({"keys": [7, None, "k1", []]}, id="what is no key"),
        pytest.param({"keys": [{"kty": "oct", "k": "eHh4", "kid": "k1"}]}, id="a shared secret"),
        pytest.param({"keys": [public(KEY, use="enc")]}, id="a key for encrypting"),
        pytest.param({"keys": [{"kty": "new", "kid": "k1"}]}, id="a kind that is not known"),
        pytest.param({"keys": [{"kty": "RSA", "kid": "k1"}]}, id="half a key"),
        pytest.param({"keys": [public(generate_private_key(65_537, 1_024))]}, id="a short key"),  # noqa: S505 - refused
    ],
)
def test_what_is_no_key_to_sign_by_is_left_out(shown: dict[str, Any]) -> None:
    assert [] == keys_in(shown).keys
