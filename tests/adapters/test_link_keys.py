"""Signed links: made with the private key, told from forgeries with the public half alone."""

from __future__ import annotations

import stat
from pathlib import Path

import jwt
import pytest

from adapters import link_keys
from domain.answer_links import Flaw, NotTaken, claims
from domain.errors import BadSettings, Unavailable
from tests.parts.http_part import HOUR, a_link, a_token
from tests.parts.logs_part import NOON


def test_a_link_is_verified_with_the_public_half_alone(tmp_path: Path) -> None:
    """The service never has the private key: this home holds none."""
    signing, reading = tmp_path / "signing", tmp_path / "reading"
    token = a_token(signing)
    link_keys.public_file(reading).parent.mkdir(parents=True)
    link_keys.public_file(reading).write_bytes(link_keys.public_file(signing).read_bytes())
    assert a_link() == link_keys.verifier(reading).verify(token, now=NOON)
    assert not link_keys.private_file(reading).exists()


def test_the_private_key_is_its_owners_alone(tmp_path: Path) -> None:
    link_keys.signer(tmp_path)
    assert 0o600 == stat.S_IMODE(link_keys.private_file(tmp_path).stat().st_mode)


def test_the_key_stays_over_restarts(tmp_path: Path) -> None:
    token = a_token(tmp_path)
    link_keys.signer(tmp_path)
    assert a_link() == link_keys.verifier(tmp_path).verify(token, now=NOON)


def test_a_link_ends_at_its_time(tmp_path: Path) -> None:
    verifier = a_token(tmp_path) and link_keys.verifier(tmp_path)
    with pytest.raises(NotTaken) as found:
        link_keys.LinkVerifier(verifier.key).verify(a_token(tmp_path), now=NOON + HOUR)
    assert Flaw.EXPIRED is found.value.flaw


def other_key(tmp_path: Path) -> str:
    return a_token(tmp_path / "other")


def no_signature(_: Path) -> str:
    return jwt.encode(claims(a_link()) | {"aud": link_keys.AUDIENCE}, None, "none")


def signed_with_the_public_key(tmp_path: Path) -> str:
    """What a public key signs as if it were a password."""
    import base64  # noqa: PLC0415 - for this one forgery
    import hashlib  # noqa: PLC0415
    import hmac  # noqa: PLC0415
    import json  # noqa: PLC0415

    parts = ({"alg": "HS256", "typ": "JWT"}, claims(a_link()) | {"aud": link_keys.AUDIENCE})
    text = b".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in parts)
    mark = hmac.new(link_keys.public_file(tmp_path).read_bytes(), text, hashlib.sha256).digest()
    return (text + b"." + base64.urlsafe_b64encode(mark).rstrip(b"=")).decode()


def another_audience(tmp_path: Path) -> str:
    return jwt.encode(claims(a_link()) | {"aud": "else"}, link_keys.signer(tmp_path).key, link_keys.ALGORITHM)


def another_person(tmp_path: Path) -> str:
    """Ann's signature under what bob says."""
    head, _, mark = a_token(tmp_path).split(".")
    said = a_token(tmp_path / "other", person="bob").split(".")[1]
    return f"{head}.{said}.{mark}"


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(other_key, id="signed by another key"),
        pytest.param(no_signature, id="not signed"),
        pytest.param(signed_with_the_public_key, id="signed with the public key"),
        pytest.param(another_audience, id="meant for something else"),
        pytest.param(another_person, id="with another person in it"),
        pytest.param(lambda _: "x" * 5_000, id="too long to look at"),
        pytest.param(lambda _: "é.é.é", id="no token at all"),
        pytest.param(lambda _: "", id="empty"),
    ],
)
def test_a_forgery_is_refused(tmp_path: Path, forge: object) -> None:
    link_keys.signer(tmp_path)
    with pytest.raises(NotTaken) as found:
        link_keys.verifier(tmp_path).verify(forge(tmp_path), now=NOON)  # type: ignore[operator]
    assert Flaw.FORGED is found.value.flaw


def test_before_a_key_was_made_it_is_said_who_makes_one(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="`sre up` makes it"):
        link_keys.verifier(tmp_path)


@pytest.mark.parametrize("read", [link_keys.signer, link_keys.verifier])
def test_a_file_that_holds_no_key_is_named(tmp_path: Path, read: object) -> None:
    (tmp_path / "keys").mkdir()
    for path in (link_keys.private_file(tmp_path), link_keys.public_file(tmp_path)):
        path.write_text("not a key")
    with pytest.raises(BadSettings, match="holds no key: remove it"):
        read(tmp_path)  # type: ignore[operator]
