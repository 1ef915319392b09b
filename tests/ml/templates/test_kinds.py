"""Whatever the value of a kind, the template is the same."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pyarrow as pa
import pytest

from ml.templates import TemplateMiner

WORDS = ("api", "web", "cart", "user", "order", "mail", "core", "edge")
FRAMES = ("the job for {} has run now", "run x={}, y=1 of job", "state ({}) has begun", "[{}] has begun", "ran with {}")


def hexadecimal(chance: Random, length: int) -> str:
    return "".join(chance.choices("0123456789abcdef", k=length))


def joined(mark: str, *parts: str) -> str:
    return mark.join(parts)


KINDS: dict[str, Callable[[Random], str]] = {
    "number": lambda chance: str(chance.randint(-99, 10 ** chance.randint(1, 12))),
    "decimal": lambda chance: f"{chance.uniform(-9, 9):.{chance.randint(1, 9)}f}",
    "exponent": lambda chance: f"{chance.uniform(1, 9):e}",
    "thousands": lambda chance: f"{chance.randint(0, 10**8):,}",
    "share": lambda chance: f"{chance.uniform(0, 100):.1f}%",
    "size": lambda chance: f"{chance.uniform(0, 9):.1f} {chance.choice(('B', 'KB', 'MiB', 'GB'))}",
    "duration": lambda chance: chance.choice(("7ms", "1m30s", "2h0m1s", "0.25s", "12 seconds", "3 minutes")),
    "hexadecimal": lambda chance: f"0x{hexadecimal(chance, chance.randint(1, 16))}",
    "digest": lambda chance: hexadecimal(chance, 40),
    "short digest": lambda chance: hexadecimal(chance, 7),
    "UUID": lambda chance: joined("-", *(hexadecimal(chance, length) for length in (8, 4, 4, 4, 12))),
    "hardware address": lambda chance: joined(":", *(hexadecimal(chance, 2) for _ in range(6))),
    "IPv6": lambda chance: joined(":", *(hexadecimal(chance, 4) for _ in range(8))),
    "IPv4 and port": lambda chance: f"10.{chance.randint(0, 255)}.7.1:{chance.randint(1, 65535)}",
    "bytes": lambda chance: joined(" ", *(hexadecimal(chance, 2) for _ in range(8))),
    "path": lambda chance: "/" + joined("/", *chance.choices(WORDS, k=chance.randint(1, 5))),
    "page": lambda chance: f"https://{chance.choice(WORDS)}.example.com/{chance.choice(WORDS)}?a=1&b=x",
    "person": lambda chance: f"{chance.choice(WORDS)}.{chance.choice(WORDS)}@{chance.choice(WORDS)}.example.org",
    "host": lambda chance: f"{chance.choice(WORDS)}-{chance.randint(1, 99)}.{chance.choice(WORDS)}.example.com",
    "class": lambda chance: f"com.{chance.choice(WORDS)}.{chance.choice(WORDS).title()}@{hexadecimal(chance, 7)}",
    "time": lambda chance: f"2024-0{chance.randint(1, 9)}-1{chance.randint(0, 9)}T10:{chance.randint(10, 59)}:07.123Z",
    "date": lambda chance: f"{chance.choice(('Mon', 'Tue'))} {chance.choice(('Jan', 'Sep'))} {chance.randint(1, 28):2}",
    "pod": lambda chance: (
        f"{chance.choice(WORDS)}-{joined('', *chance.choices('bcdf2456789', k=9))}-x2{chance.choice('bcd')}"
    ),
    "task": lambda chance: f"task_{chance.randint(0, 10**9)}_{chance.choice('mr')}_{chance.randint(0, 9)}",
    "list": lambda chance: joined(", ", *(str(chance.randint(0, 99)) for _ in range(chance.randint(1, 6)))),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frame", FRAMES)
def test_values_of_a_kind_make_one_template(frame: str, kind: str) -> None:
    chance = Random(kind)
    messages = [frame.format(KINDS[kind](chance)) for _ in range(200)]
    assert len(set(TemplateMiner().assign(pa.array(messages)).tolist())) == 1
