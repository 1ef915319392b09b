"""Secrets as they stand in logs, made from a seed; each is known by two pieces of it that nobody else's text holds."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass

LETTERS, UPPER = string.ascii_letters + string.digits, string.ascii_uppercase + string.digits
WORDS = string.ascii_lowercase  # a secret without a digit is no id to a template
PIECE = 10  # characters of a secret that are as bad as all of it


@dataclass(frozen=True, slots=True)
class Planted:
    """A secret in its text."""

    kind: str
    text: str  # as it stands in a log
    secret: str

    @property
    def pieces(self) -> tuple[str, ...]:
        """What must be read nowhere: its beginning and its end."""
        return tuple({self.secret[:PIECE], self.secret[-PIECE:]})


def _some(rng: random.Random, letters: str, many: int) -> str:
    return "".join(rng.choices(letters, k=many))


def _aws(rng: random.Random) -> tuple[str, str]:
    key = "AKIA" + _some(rng, UPPER, 16)
    return f"signed with {key}", key[4:]


def _github(rng: random.Random) -> tuple[str, str]:
    token = _some(rng, LETTERS, 36)
    return f"cloned with ghp_{token}", token


def _jwt(rng: random.Random) -> tuple[str, str]:
    head = base64.urlsafe_b64encode(b'{"alg":"HS256"}').decode().rstrip("=")
    body = base64.urlsafe_b64encode(json.dumps({"sub": _some(rng, LETTERS, 12)}).encode()).decode().rstrip("=")
    end = _some(rng, LETTERS + "-_", 40) + "x"
    return f"session {head}.{body}.{end}", end


def _url(rng: random.Random) -> tuple[str, str]:
    password = _some(rng, WORDS, 16)
    return f"postgresql://app:{password}@db:5432/orders", password


def _password(rng: random.Random) -> tuple[str, str]:
    password = _some(rng, WORDS, 14)
    return f"login with password={password}", password


def _api_key(rng: random.Random) -> tuple[str, str]:
    key = _some(rng, WORDS, 24)
    return f"api_key={key}", key


def _quoted(rng: random.Random) -> tuple[str, str]:
    password = _some(rng, WORDS, 8) + " " + _some(rng, WORDS, 8)
    return f'{{"password": "{password}"}}', password


def _bearer(rng: random.Random) -> tuple[str, str]:
    token = _some(rng, WORDS, 12) + "-" + _some(rng, LETTERS, 24)
    return f"Authorization: Bearer {token}", token


def _mail(rng: random.Random) -> tuple[str, str]:
    name = _some(rng, WORDS, 12)
    return f"mailed {name}@example.com", name


def _card(rng: random.Random) -> tuple[str, str]:
    digits = "4" + _some(rng, string.digits, 14)
    doubled = [
        sum(map(int, str(2 * int(digit)))) if place % 2 == 0 else int(digit) for place, digit in enumerate(digits)
    ]
    number = digits + str(-sum(doubled) % 10)
    return f"charged {number}", number


def _private_key(rng: random.Random) -> tuple[str, str]:
    lines = "\n".join(_some(rng, LETTERS, 64) for _ in range(6))
    return f"-----BEGIN RSA PRIVATE KEY-----\n{lines}\n-----END RSA PRIVATE KEY-----", lines[70:200].replace("\n", " ")


def _cookie(rng: random.Random) -> tuple[str, str]:
    session = _some(rng, WORDS, 24)
    return f"Cookie: session={session}", session


KINDS: Mapping[str, Callable[[random.Random], tuple[str, str]]] = {
    make.__name__.removeprefix("_"): make
    for make in (_aws, _github, _jwt, _url, _password, _api_key, _quoted, _bearer, _mail, _card, _private_key, _cookie)
}


def planted(many: int, seed: int) -> list[Planted]:
    """So many, of every kind in turn."""
    rng, names = random.Random(seed), list(KINDS)
    made = ((names[place % len(names)], *KINDS[names[place % len(names)]](rng)) for place in range(many))
    return [Planted(*one) for one in made]
