from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.logs import Level
from domain.movements import MovementKind
from domain.suspects import Suspect, movements, suspects
from domain.telemetry import Follow, Phrase, Series, Telemetry
from tests.parts.logs_part import NOON
from tests.parts.telemetry_part import BAD_MINUTES, MINUTE, QUIET_MINUTES, a_phrase, a_series, a_telemetry, a_wait

# A shop of three: `web` calls `cart`, `cart` calls `db`; each line that all of them always say.
USUAL = [a_phrase(service, "request done", 800, 200) for service in ("web", "cart", "db")]
SLOW_EVERYWHERE = {(service, "latency_ms"): (20.0, 400.0) for service in ("web", "cart", "db")}
BUSY = {(service, "cpu_usage"): (10.0, 10.0) for service in ("web", "cart", "db")}
SITUATIONS = [
    pytest.param(
        a_telemetry(BUSY | SLOW_EVERYWHERE | {("db", "cpu_usage"): (12.0, 96.0)}),
        (),
        "db",
        id="cpu-runs-out-beside-the-latency-of-its-callers",
    ),
    pytest.param(
        a_telemetry(
            BUSY | {("web", "client_latency_ms"): (20.0, 900.0), ("cart", "client_latency_ms"): (5.0, 5.0)},
            calls=[("web", "cart"), ("cart", "db")],
        ),
        (),
        "cart",
        id="a-delay-that-only-the-caller-sees",
    ),
    pytest.param(
        a_telemetry(phrases=USUAL),
        (
            a_wait("web", "cart", 0.01, 1.0),
            a_wait("cart", "web", 0.01, 1.0),
            a_wait("cart", "db", 0.01, 1.0),
            a_wait("db", "cart", 0.01, 0.02),
        ),
        "cart",
        id="a-delay-between-the-lines-of-traces",
    ),
    pytest.param(
        a_telemetry(phrases=USUAL),
        (a_wait("web", "cart", 0.01, 0.5), a_wait("cart", "web", 0.01, 1.0)),
        "cart",
        id="of-two-that-wait-for-each-other-the-one-that-answers-late",
    ),
    pytest.param(
        a_telemetry(phrases=[*USUAL, a_phrase("cart", "price found", 400, 0), a_phrase("db", "row read", 400, 101)]),
        (),
        "cart",
        id="a-text-that-vanishes",
    ),
    pytest.param(
        a_telemetry(
            phrases=[
                *USUAL,
                a_phrase("db", "disk is full", 0, 40, Level.ERROR),
                a_phrase("cart", "db timed out", 0, 60, Level.ERROR),
                a_phrase("web", "cart timed out", 0, 60, Level.ERROR),
            ]
        ),
        (),
        "db",
        id="an-error-and-callers-that-wait",
    ),
    pytest.param(
        a_telemetry(phrases=[*USUAL, a_phrase("mail", "cannot write the spool", 4, 900, Level.ERROR)]),
        (),
        "mail",
        id="a-service-that-says-nothing-but-errors",
    ),
    pytest.param(
        a_telemetry(phrases=[*USUAL, a_phrase("mail", "letter sent", 300, 0)]),
        (),
        "mail",
        id="a-service-that-is-silent",
    ),
    pytest.param(
        a_telemetry(
            BUSY,
            phrases=[*USUAL, a_phrase("cart", "price found", 400, 0), a_phrase("cart", "no price", 2, 98, Level.ERROR)],
        ),
        (),
        "cart",
        id="texts-where-metrics-are-flat",
    ),
    pytest.param(
        a_telemetry(BUSY | {("db", "error_rate"): (0.0, 0.4), ("web", "error_rate"): (0.0, 0.0)}),
        (),
        "db",
        id="errors-counted-by-a-metric",
    ),
    pytest.param(
        a_telemetry(BUSY | {("web", "request_rate"): (100.0, 900.0), ("cart", "cpu_usage"): (10.0, 60.0)}),
        (),
        "cart",
        id="load-is-no-fault-of-who-is-asked",
    ),
    pytest.param(
        a_telemetry(
            BUSY | {("web", "node_cpu_usage"): (10.0, 95.0), ("db", "memory_usage"): (40.0, 80.0)},
        ),
        (),
        "db",
        id="the-machine-is-shared",
    ),
]


@pytest.mark.parametrize(("telemetry", "waits", "expected"), SITUATIONS)
def test_the_service_at_fault_comes_first(telemetry: Telemetry, waits: tuple[Follow, ...], expected: str) -> None:
    first, second, *_ = suspects(replace(telemetry, follows=waits))
    assert expected == first.service
    assert first.score > second.score


def test_what_is_normal_gives_nothing_to_suspect() -> None:
    found = suspects(a_telemetry(BUSY, USUAL))
    assert [("cart", 0.0), ("db", 0.0), ("web", 0.0)] == [(one.service, one.score) for one in found]
    assert all(one.movements == () for one in found)


def test_what_moves_alike_everywhere_leaves_no_glaring_suspect() -> None:
    alike = a_telemetry(SLOW_EVERYWHERE | {(service, "cpu_usage"): (10.0, 80.0) for service in ("web", "cart", "db")})
    scores = [one.score for one in suspects(alike)]
    assert max(scores) < 1.1 * min(scores)


def test_twice_the_load_alike_moves_no_text() -> None:
    assert () == movements(a_telemetry(phrases=[replace(phrase, during=2 * phrase.during) for phrase in USUAL]))


def test_nothing_known_names_nobody() -> None:
    assert () == suspects(a_telemetry())


def test_every_service_that_appears_is_ranked() -> None:
    telemetry = a_telemetry({("db", "cpu_usage"): (10.0, 90.0)}, [a_phrase("web", "request done", 9, 2)])
    assert ["db", "mail", "web"] == sorted(
        one.service for one in suspects(replace(telemetry, follows=(a_wait("mail", "db", 0.1, 2),)))
    )


def test_one_high_minute_is_chance() -> None:
    spike = a_series("db", "cpu_usage", 10.0, 10.0)
    spike = replace(spike, values=(*spike.values[:-1], 99.0))
    steady = a_telemetry({("web", "cpu_usage"): (10.0, 10.0)})
    assert () == movements(replace(steady, series=(*steady.series, spike)))


def test_fewer_errors_are_no_fault() -> None:
    fewer = a_telemetry(phrases=[*USUAL, a_phrase("db", "disk is full", 400, 1, Level.ERROR)])
    assert "disk is full" not in {one.what for one in movements(fewer)}


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        pytest.param(QUIET_MINUTES - 1, [], id="long before the onset"),
        pytest.param(0.1, [MovementKind.TEXT_GONE], id="until the onset"),
    ],
)
def test_what_ended_before_the_onset_did_not_vanish_with_it(minutes: float, expected: list[MovementKind]) -> None:
    """A job that was done a quarter of an hour ago is no suspect."""
    ended = replace(a_phrase("batch", "invoice <*> written", 300, 0), last_at=NOON - minutes * MINUTE)
    found = movements(a_telemetry(phrases=[ended, a_phrase("web", "served <*>", 400, 100)]))
    assert expected == [one.kind for one in found if one.service == "batch"]


def test_a_longer_list_is_no_new_text() -> None:
    shorter, longer = a_phrase("db", "rows: [row a]", 300, 0), a_phrase("db", "rows: [row a, row a]", 0, 75)
    assert () == movements(a_telemetry(phrases=[*USUAL, shorter, longer]))


def test_metrics_without_enough_quiet_time_still_tell_a_glaring_rise() -> None:
    late = [
        replace(one, at=one.at[-BAD_MINUTES - 2 :], values=one.values[-BAD_MINUTES - 2 :])
        for one in a_telemetry(BUSY | {("db", "cpu_usage"): (10.0, 95.0)}).series
    ]
    assert "db" == suspects(replace(a_telemetry(), series=tuple(late)))[0].service


def test_what_is_no_number_is_left_out() -> None:
    series = a_series("db", "cpu_usage", 10.0, 10.0)
    assert () == movements(replace(a_telemetry(), series=(replace(series, values=(*series.values[:-1], math.nan)),)))


@pytest.mark.parametrize(
    ("telemetry", "waits", "kind", "told"),
    [
        pytest.param(
            a_telemetry(BUSY | {("db", "cpu_usage"): (10.0, 80.0)}),
            (),
            MovementKind.METRIC_ROSE,
            "cpu_usage 80.8 %, before 10.1 %",
            id="rose",
        ),
        pytest.param(
            a_telemetry(BUSY | {("db", "cpu_usage"): (10.0, 1.0)}),
            (),
            MovementKind.METRIC_FELL,
            "cpu_usage 1 %, before 10.1 %",
            id="fell",
        ),
        pytest.param(
            a_telemetry({("db", "errors_per_second"): (1.0, 9.0)}),
            (),
            MovementKind.ERRORS_ROSE,
            "errors_per_second 9.09 a second, before 1 a second",
            id="errors",
        ),
        pytest.param(
            a_telemetry(phrases=[*USUAL, a_phrase("db", "disk is full", 0, 40, Level.ERROR)]),
            (),
            MovementKind.TEXT_NEW,
            "new text, 10 a minute: disk is full",
            id="new",
        ),
        pytest.param(
            a_telemetry(phrases=[*USUAL, a_phrase("db", "row read", 200, 0)]),
            (),
            MovementKind.TEXT_GONE,
            "no longer said, 10 a minute are usual for so many lines: row read",
            id="gone",
        ),
        pytest.param(
            a_telemetry(phrases=[*USUAL, a_phrase("db", "slow \x1b[31mread", 200, 200, Level.ERROR)]),
            (),
            MovementKind.TEXT_MORE,
            "50 a minute, 20 are usual for so many lines: slow \N{REPLACEMENT CHARACTER}[31mread",
            id="more",
        ),
        pytest.param(
            a_telemetry(phrases=[*USUAL, a_phrase("db", "row read", 1_600, 40)]),
            (),
            MovementKind.TEXT_LESS,
            "10 a minute, 40 are usual for so many lines: row read",
            id="less",
        ),
        pytest.param(
            a_telemetry(phrases=USUAL),
            (a_wait("db", "cart", 0.01, 1.0),),
            MovementKind.WAITS_LONGER,
            "1 s until the next line of cart, before 0.01 s",
            id="waits",
        ),
        pytest.param(
            a_telemetry(phrases=USUAL),
            (a_wait("db", "db", 0.01, 1.0),),
            MovementKind.WAITS_LONGER,
            "1 s until its own next line, before 0.01 s",
            id="waits-for-itself",
        ),
    ],
)
def test_a_movement_is_told_in_words_and_units(
    telemetry: Telemetry, waits: tuple[Follow, ...], kind: MovementKind, told: str
) -> None:
    moved = next(one for one in movements(replace(telemetry, follows=waits)) if one.service == "db")
    assert (kind, told) == (moved.kind, moved.told)


def test_a_movement_says_when_it_first_showed() -> None:
    late = a_series("db", "cpu_usage", 10.0, 90.0)
    late = replace(late, values=(*late.values[:-3], *(90.0,) * 3))
    late = replace(late, values=tuple(10.0 if at == NOON else v for at, v in zip(late.at, late.values, strict=True)))
    steady = a_telemetry({("web", "cpu_usage"): (10.0, 10.0)})
    (moved,) = movements(replace(steady, series=(*steady.series, late)))
    assert NOON + MINUTE == moved.at


# --- what holds for all ------------------------------------------------------------------------------

SERVICES = st.sampled_from(["web", "cart", "db", "mail"])
NUMBERS = st.floats(0, 1e6, allow_subnormal=False)
METRICS = st.dictionaries(
    st.tuples(SERVICES, st.sampled_from(["cpu_usage", "latency_ms", "heap", "errors", "odd"])),
    st.tuples(NUMBERS, NUMBERS),
    max_size=12,
)
PHRASES = st.lists(
    st.builds(
        a_phrase,
        SERVICES,
        st.sampled_from(["request done", "row read", "disk is full", "db timed out"]),
        st.integers(0, 500),
        st.integers(0, 500),
        st.sampled_from([Level.INFO, Level.ERROR]),
    ),
    max_size=12,
    unique_by=lambda one: (one.service, one.template),
)
WAITS = st.lists(st.builds(a_wait, SERVICES, SERVICES, NUMBERS, NUMBERS, st.integers(0, 9)), max_size=8)
CALLS = st.lists(st.tuples(SERVICES, SERVICES), max_size=4)


def order(found: tuple[Suspect, ...]) -> list[str]:
    """The services, the first first."""
    return [one.service for one in found]


@given(METRICS, PHRASES, WAITS, CALLS)
def test_scores_are_finite_and_fall(
    metrics: dict[tuple[str, str], tuple[float, float]],
    phrases: list[Phrase],
    waits: list[Follow],
    calls: list[tuple[str, str]],
) -> None:
    scores = [one.score for one in suspects(replace(a_telemetry(metrics, phrases, calls), follows=tuple(waits)))]
    assert all(math.isfinite(score) and score >= 0 for score in scores)
    assert scores == sorted(scores, reverse=True)


@given(METRICS, PHRASES, WAITS, st.randoms(use_true_random=False))
def test_the_order_of_what_is_known_does_not_matter(
    metrics: dict[tuple[str, str], tuple[float, float]],
    phrases: list[Phrase],
    waits: list[Follow],
    dice: random.Random,
) -> None:
    known = a_telemetry(metrics, phrases)
    series: list[Series] = list(known.series)
    mixed = [*waits]
    for each in (series, phrases, mixed):
        dice.shuffle(each)
    other = suspects(replace(known, series=tuple(series), phrases=tuple(phrases), follows=tuple(mixed)))
    first = suspects(replace(known, follows=tuple(waits)))
    assert order(first) == order(other) or [one.score for one in first] == pytest.approx([one.score for one in other])


@given(METRICS, PHRASES, st.sampled_from([0.001, 8, 1024]))
def test_the_unit_of_a_metric_does_not_matter(
    metrics: dict[tuple[str, str], tuple[float, float]], phrases: list[Phrase], factor: float
) -> None:
    scaled = {name: (levels[0] * factor, levels[1] * factor) for name, levels in metrics.items()}
    first = {one.service: one.score for one in suspects(a_telemetry(metrics, phrases))}
    assert first == pytest.approx({one.service: one.score for one in suspects(a_telemetry(scaled, phrases))}, abs=1e-6)


@pytest.mark.parametrize(("before", "during"), [(1.7e308, 1.0), (1.0, 1.7e308), (1.7e308, 1.7e308), (1e299, 1.0)])
def test_values_beyond_all_measure_are_no_error(before: float, during: float) -> None:
    for one in suspects(a_telemetry({("web", "cpu"): (before, during), ("db", "cpu"): (1.0, 1.0)})):
        assert math.isfinite(one.score)
        assert all(math.isfinite(moved.size) and moved.told for moved in one.movements)
