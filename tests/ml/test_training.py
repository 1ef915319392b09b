"""A candidate is fitted on the earlier normal logs and judged on the later ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from domain.alarm_verdicts import Said
from domain.logs import Level
from ml.detectors.service_deviation import SERVICE
from ml.training import LEAST_ROWS, TIME, train
from ml.training_lines import LEVEL, MESSAGE, SAID
from tests.parts.logs_part import NOON, SECOND

ROWS = 400
SAYINGS = [("it failed", Said.REAL), ("it was refused", Said.FALSE), ("it broke", Said.NOTHING)]


def normal(rows: int = ROWS, **columns: object) -> pd.DataFrame:
    """Made-up traffic of two services; each further column replaces or adds a metric."""
    rng = np.random.default_rng(1)
    fields: dict[str, object] = {
        TIME: [NOON + number * SECOND for number in range(rows)],
        SERVICE: ["web", "db"] * (rows // 2),
        "cpu": rng.normal(40, 3, rows),
        "latency": rng.lognormal(3, 0.3, rows),
    }
    return pd.DataFrame(fields | columns)


def test_a_candidate_is_fitted_on_what_came_before_one_moment() -> None:
    found = train(normal())
    assert () == found.unsteady
    assert (280, 120) == (found.rows_fitted, found.rows_judged)
    assert NOON + 280 * SECOND == found.split_at
    assert found.flagged_ratio < 0.01
    assert found.candidate is not None
    assert (["db", "web"], ["cpu", "latency"]) == (found.candidate.services_, found.candidate.metrics_)
    assert {(one, metric) for one in ("web", "db") for metric in ("cpu", "latency")} == set(found.seen)


def test_nothing_is_learned_from_what_comes_later() -> None:
    """A leak would let a candidate look better than it is."""
    late = np.where(np.arange(ROWS) >= 280, 5_000.0, normal()["cpu"])
    one, other = train(normal()), train(normal(cpu=late))
    assert one.candidate is not None
    assert other.candidate is not None
    np.testing.assert_array_equal(one.candidate.center_, other.candidate.center_)
    np.testing.assert_array_equal(one.candidate.deviation_.reach_, other.candidate.deviation_.reach_)
    assert other.flagged_ratio == 1.0


def test_the_order_of_the_rows_does_not_matter() -> None:
    shuffled = normal().sample(frac=1, random_state=3)
    one, other = train(normal()), train(shuffled)
    assert one.candidate is not None
    assert other.candidate is not None
    np.testing.assert_allclose(one.candidate.center_, other.candidate.center_)


def test_a_metric_that_only_rises_is_named_and_not_looked_at() -> None:
    """An uptime or a counter leaves its range by itself."""
    found = train(normal(uptime=np.exp(np.arange(ROWS) / 20)))
    assert {"web uptime", "db uptime"} == set(found.unsteady)
    assert found.candidate is not None
    assert np.isnan(found.candidate.center_[:, found.candidate.metrics_.index("uptime")]).all()


def test_what_has_too_few_values_is_not_looked_at() -> None:
    few = np.where(np.arange(ROWS) < LEAST_ROWS, 5.0, np.nan)
    found = train(normal(pool=few))
    assert 2 == found.thin
    assert found.candidate is not None
    assert np.isnan(found.candidate.center_[:, found.candidate.metrics_.index("pool")]).all()


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(normal(0), id="no-logs"),
        pytest.param(normal(2 * LEAST_ROWS - 2), id="too-few-of-each-service"),
        pytest.param(normal()[[TIME, SERVICE]], id="no-metrics"),
    ],
)
def test_too_little_is_no_candidate(frame: pd.DataFrame) -> None:
    found = train(frame)
    assert (None, 0) == (found.candidate, found.rows_fitted)


def test_a_service_of_few_logs_is_left_out() -> None:
    few = normal(20).assign(**{SERVICE: "rare"})
    found = train(pd.concat([normal(), few]))
    assert found.candidate is not None
    assert ["db", "web"] == found.candidate.services_


def test_lines_are_learned_from_before_that_moment_but_for_what_people_called_false() -> None:
    late = NOON + 390 * SECOND
    rows = [(NOON + number * SECOND, "web", int(Level.INFO), "served", int(Said.NOTHING)) for number in range(ROWS)]
    rows += [(late, "web", int(Level.ERROR), text, int(said)) for text, said in SAYINGS]
    lines = pd.DataFrame(rows, columns=[TIME, SERVICE, LEVEL, MESSAGE, SAID])
    found = train(normal(), lines)
    assert (281, (1, 0)) == (found.lines, found.told)
    assert found.candidate is not None
    judged = {text: found.candidate.habits_.judge(0, Level.ERROR, text).usual for text, _ in SAYINGS}
    assert {"it failed": False, "it was refused": True, "it broke": False} == judged


def test_services_whose_metrics_do_not_keep_going_together_are_named() -> None:
    rng = np.random.default_rng(2)
    cpu = rng.normal(40, 3, 4_000)
    # From the middle on, which is within the part that is fitted on, heat falls where it rose.
    heat = np.where(np.arange(4_000) < 2_000, cpu, 80 - cpu) + rng.normal(0, 0.1, 4_000)
    found = train(normal(4_000, cpu=cpu, heat=heat).drop(columns="latency"))
    assert ("db", "web") == found.apart
    assert found.candidate is not None
    assert (-1 == found.candidate.joint_.sets_).all()
    assert () == train(normal(4_000, cpu=cpu, heat=cpu)).apart


def test_a_metric_that_one_service_does_not_have_is_unknown_for_it() -> None:
    pool = np.where(np.arange(ROWS) % 2, 5.0, np.nan)
    found = train(normal(pool=pool))
    assert found.candidate is not None
    column = found.candidate.metrics_.index("pool")
    known = dict(zip(found.candidate.services_, ~np.isnan(found.candidate.center_[:, column]), strict=True))
    assert {"db": True, "web": False} == known
