"""Members of the role `watch`: the runs that share a topic's partitions, each known by its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.errors import BadSettings

WATCH = "watch"  # the role, and the name of its first member
MOST = 16  # on one machine
VARIABLE = "SRE_MEMBER"  # by which a run is told its name


def members(count: int) -> tuple[str, ...]:
    """The names of so many: `watch`, `watch-2`, `watch-3` and so on."""
    return (WATCH, *(f"{WATCH}-{number}" for number in range(2, count + 1)))


def role_of(name: str) -> str:
    """`watch` for `watch` and whatever begins with `watch-`; any other name is a role of its own."""
    return WATCH if name.startswith(f"{WATCH}-") else name


def present_member(environ: Mapping[str, str]) -> str:
    """The member that this process is, the first one where nobody said. Raises BadSettings."""
    name = environ.get(VARIABLE) or WATCH
    if role_of(name) != WATCH:
        raise BadSettings(f"{VARIABLE}={name}: a member's name is {WATCH} or begins with {WATCH}-")
    return name


def reads_in_words(partitions: Iterable[tuple[str, int]]) -> str:
    """Which partitions of which topics a member has: `logs: partitions 0, 1; audit: partitions 0`."""
    of_topic: dict[str, list[int]] = {}
    for topic, number in sorted(partitions):
        of_topic.setdefault(topic, []).append(number)
    return "; ".join(f"{topic}: partitions {', '.join(map(str, numbers))}" for topic, numbers in of_topic.items())


def partitions_in(said: str, topic: str) -> frozenset[int]:
    """The partitions of a topic that a member said it has, see `reads_in_words`; none when it has none of it."""
    for part in said.split("; "):
        about, _, numbers = part.partition(": partitions ")
        if about == topic:
            return frozenset(int(number) for number in numbers.split(", ") if number.isdigit())
    return frozenset()


def shares_in_words(topic: str, shares: Mapping[str, frozenset[int]]) -> str:
    """Who reads what: `TOPIC: partitions 0, 1 (watch), 2, 3 (watch-2)`; without names for one; empty for none."""
    if not shares:
        return ""
    texts = {name: ", ".join(map(str, sorted(numbers))) for name, numbers in sorted(shares.items())}
    told = texts.values() if len(texts) == 1 else (f"{text} ({name})" for name, text in texts.items())
    return f"{topic}: partitions {', '.join(told)}"
