"""Each order in a log, in each scenario, before a model that obeys it and before an honest one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parts.attacks_part import ATTACKS
from tests.soak.conftest import SOAK
from tests.tasks.test_analysis_attacks import MINDS, SCENARIOS, Stage, check

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1_800),
    pytest.mark.skipif(not SOAK, reason="some minutes: `make soak` runs it"),
]


@pytest.fixture(scope="module")
def stage(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(sqlite_template, tmp_path_factory.mktemp("attacks"), {})


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("mind", MINDS)
@pytest.mark.parametrize("name", ATTACKS)
def test_no_order_changes_anything_in_any_scenario(stage: Stage, scenario: str, mind: str, name: str) -> None:
    played = stage.play(scenario, [ATTACKS[name]], "ERROR", mind)
    check(played, stage.harmless(scenario, 1, "ERROR", mind))
