"""Batches in numbers, and what counts as unusual."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.formats.decoding import decode
from domain.batch_facts import Facts, Usual, facts, learned, volume
from tests.parts.logs_part import NOON, SECOND, a_batch, a_log

RANGES = {"cpu_usage": (0.0, 100.0)}


def of(*values: bytes, rejected: int = 0, late: timedelta = timedelta()) -> Facts:
    raw = a_batch(values)
    return facts(raw, decode(raw, max_bytes=10_000), rejected, RANGES, now=NOON + late)


def test_a_batch_is_told_in_numbers() -> None:
    found = of(
        a_log(metrics={"cpu_usage": 101}),
        a_log(timestamp=(NOON - SECOND).isoformat(), message="", service="db"),
        a_log(level="PURPLE"),
        rejected=2,
        late=30 * SECOND,
    )
    assert (3, 3, 2) == (found.messages, found.logs, found.rejected)
    assert (1, 1, 1) == (found.without_message, found.unknown_levels, found.disordered)
    assert ({"web": 2, "db": 1}, {"cpu_usage": 1}, (30.0,)) == (found.services, found.outside, found.late_seconds)


def test_batches_add_up() -> None:
    both = of(a_log(), rejected=1) + of(a_log(), a_log(service="db"))
    assert (3, 3, 1, {"web": 2, "db": 1}) == (both.messages, both.logs, both.rejected, both.services)
    assert (0.0, 0.0) == both.late_seconds


def test_a_batch_of_which_nothing_is_left_still_counts_its_messages() -> None:
    raw = a_batch([b"{"])
    assert Facts(messages=1, rejected=1) == facts(raw, decode(a_batch([]), max_bytes=10), 1, RANGES, now=NOON)


@pytest.mark.parametrize(
    ("sent", "quiet", "loud"),
    [
        pytest.param(100, (), (), id="as usual"),
        pytest.param(9, ("web",), (), id="under a tenth of the usual"),
        pytest.param(0, ("web",), (), id="nothing at all"),
        pytest.param(2_001, (), ("web",), id="over twenty times the usual"),
    ],
)
def test_a_service_is_compared_with_itself(sent: int, quiet: tuple[str, ...], loud: tuple[str, ...]) -> None:
    found = volume(Facts(services={"web": sent} if sent else {}), {"web": Usual(100.0, 10)}, least=0.1, most=20.0)
    assert (quiet, loud, 1) == (found.quiet, found.loud, found.known)


@pytest.mark.parametrize(
    "usual", [Usual(100.0, 5), Usual(19.0, 10)], ids=["seen for too short a time", "too few logs to tell"]
)
def test_what_is_not_known_well_is_not_compared(usual: Usual) -> None:
    found = volume(Facts(services={"web": 1}), {"web": usual}, least=0.1, most=20.0)
    assert ((), (), 0) == (found.quiet, found.loud, found.known)


def test_services_are_new_once_and_never_at_the_start() -> None:
    first = Facts(services={"web": 10})
    assert () == volume(first, {}, least=0.1, most=20.0).new
    usual = learned({}, first)
    assert ("db",) == volume(Facts(services={"web": 10, "db": 1}), usual, least=0.1, most=20.0).new


def test_what_is_usual_follows_what_comes() -> None:
    usual = {"web": Usual(100.0, 50)}
    for _ in range(60):
        usual = learned(usual, Facts(services={"web": 200}))
    assert 199 < usual["web"].mean < 200
    assert learned({"web": Usual(100.0, 50)}, Facts())["web"].mean == pytest.approx(90)
