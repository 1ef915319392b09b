"""The guide to playbooks, followed step by step, with its example and its commands taken from its text."""

from __future__ import annotations

import gzip
import re
import shutil
from collections import Counter
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.playbook_files import check, load
from console.main import cli
from deployments.shop.faults import KINDS
from deployments.shop.layout import SERVICES
from domain.correlation import Fold
from domain.execution import Order
from domain.folded import Known
from domain.incidents import Incident, Route
from domain.inventory import Service
from domain.parameters import Restart
from domain.plans import LEAST_RISK, PARAMETERS, UNDOS, ActionKind
from domain.playbooks import Playbook, best_fit, bind
from domain.settings import Settings
from ml.anomalies import anomalies
from tasks.judging import Knowledge, Stopwatch, judge
from tests.contracts.fakes import RecordingExecutor
from tests.docs.documents_part import PROJECT, blocks, commands, prose
from tests.parts.logs_part import a_batch, an_error
from tests.playbooks.samples_part import known

GUIDE = (PROJECT / "docs" / "playbooks.md").read_text()
EXAMPLE = next(block.text for block in blocks(GUIDE) if block.language == "markdown")
NAME = re.findall(r"my-playbooks/([\w-]+\.md)", GUIDE)[0]
SAID = "POST /charges failed: unhandled ArithmeticError: rounding left a remainder of 0.01"
SEED = PROJECT.parent / "shared" / "data" / "seed_stream"


def table(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, its head left out."""
    below = prose(GUIDE).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in below.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """The folder as it is after "Write one"."""
    folder = tmp_path / "my-playbooks"
    shutil.copytree(PROJECT / "playbooks", folder)
    (folder / NAME).write_text(EXAMPLE)
    return folder


def example(folder: Path) -> Playbook:
    return next(book for book in load(folder) if book.id == Path(NAME).stem)


def test_the_example_passes_the_check_that_the_guide_names(mine: Path) -> None:
    (call,) = [line for line in commands(GUIDE, "sre") if "--check" in line]
    words = [str(mine) if word == "my-playbooks" else word for word in call.split()[1:]]
    done = CliRunner().invoke(cli, words)
    assert 0 == done.exit_code, done.output
    assert all("(a note, no fault)" in line for line in done.stderr.splitlines())


def test_a_fault_in_the_example_is_told_with_its_line(mine: Path) -> None:
    (mine / NAME).write_text(EXAMPLE.replace("undo: none", "undo: restore"))
    (fault,) = check(mine).faults
    assert f"{NAME}:9: actions[0].undo" in fault


def incident(knowledge: Knowledge) -> Incident:
    """What the shop's error burst in `payments` opens."""
    logs = a_batch([an_error(number, message=SAID, service="payments") for number in range(3)])
    judged = judge(logs, knowledge, Stopwatch())
    fold = Fold(Known(), rules=judged.rules, classify=knowledge.classify, now=None)
    (found,) = fold.run(anomalies(judged.batch, judged.verdicts)).touched.values()
    return found


def test_what_the_shop_says_is_common_and_chooses_the_example(mine: Path) -> None:
    found = incident(Knowledge(Settings(), load(mine), None))
    assert ("rounding-error", "payments", Route.PLAYBOOK) == (found.playbook, found.service, found.route)


def test_its_plan_is_shown_without_being_done_and_then_done(mine: Path) -> None:
    knowledge = Knowledge(Settings(), load(mine), None)
    found = best_fit(knowledge.playbooks, incident(knowledge))
    assert found is not None
    plan = bind(example(mine), incident(knowledge), found, Service("payments", "supervisord", "payments"))
    (action,) = plan.actions
    executor, order = RecordingExecutor({"payments": 4}), Order(action, "action-1")
    before = executor.snapshot("payments")
    assert ("would restart payments:payments_00", []) == (executor.preview(order), executor.calls)
    executor.carry_out(order)
    assert before.pids != executor.snapshot("payments").pids
    assert (Restart(), timedelta(minutes=1)) == (action.parameters, plan.verification.within)


def test_the_commands_for_the_shop_name_faults_and_services_that_it_has() -> None:
    calls = [call for call in commands(GUIDE, "python") if "fault inject" in call]
    assert calls
    for call in calls:
        assert call.split()[5] in KINDS
        assert call.partition("--service ")[2] in SERVICES
    (dry,) = [call for call in commands(GUIDE, "sre") if call.startswith("sre act")]
    assert f"sre act {Path(NAME).stem}@payments --dry-run" == dry


def test_the_settings_that_it_exports_exist() -> None:
    exported = re.findall(r"^export SRE_(\w+?)__(\w+)=", GUIDE, re.MULTILINE)
    assert 4 <= len(exported)
    for branch, key in exported:
        assert key.lower() in type(getattr(Settings(), branch.lower())).model_fields


def test_its_table_of_actions_is_the_catalogue() -> None:
    rows = {row[0].strip("`"): row[1:] for row in table("Write one")[-len(ActionKind) :]}
    assert {kind.value for kind in ActionKind} == set(rows)
    for kind in ActionKind:
        parameters, risk, undo = rows[kind.value]
        assert set(re.findall(r"`(\w+)`", parameters)) == set(PARAMETERS[kind].__dataclass_fields__)
        assert LEAST_RISK[kind].name.lower() in risk or kind is ActionKind.CALL_WEBHOOK
        assert {one.value for one in UNDOS[kind]} == set(re.findall(r"`(\w+)`", undo))


def test_its_table_of_playbooks_is_the_folder() -> None:
    rows = [(re.findall(r"\[([\w-]+)\]", row[0])[0], row[2], row[3]) for row in table("The playbooks")]
    expected = [
        (
            book.id,
            ", ".join(f"`{action.kind}`" for action in book.actions) or "people only",
            book.risk.name.lower() if book.actions else "–",
        )
        for book in known()
    ]
    assert expected == rows
    acting = sum(bool(book.actions) for book in known())
    assert f"{len(known())} come with the agent; {acting} act" in GUIDE


@cache
def chosen() -> dict[str, Counter[str]]:
    """Of each scenario, how many logs belong to an incident of which playbook."""
    labels = [line.split(",") for line in (SEED / "labels.csv").read_text().splitlines()[1:]]
    scenario = {label[0]: label[3] for label in labels}
    with gzip.open(SEED / "logs.jsonl.gz", "rb") as lines:
        logs = [line.rstrip() for line in lines]
    knowledge = Knowledge(Settings(), known(), None)
    judged = judge(a_batch(logs), knowledge, Stopwatch())
    fold = Fold(Known(), rules=judged.rules, classify=knowledge.classify, now=None)
    ids = judged.batch.frame["request_id"].to_pylist()
    found: dict[str, Counter[str]] = {}
    for row, incident in fold.run(anomalies(judged.batch, judged.verdicts)).of_row.items():
        found.setdefault(scenario[ids[row]], Counter())[incident.playbook] += 1
    return found


@pytest.mark.skipif(not SEED.exists(), reason="the seed stream is not at hand")
@pytest.mark.parametrize("row", table("A reader's list for the seed stream"), ids=lambda row: row[0])
def test_most_logs_of_a_scenario_belong_to_an_incident_of_the_playbook_that_the_list_names(row: list[str]) -> None:
    name, playbook, _ = row
    counts = chosen()[name]
    assert (playbook.strip("`"), True) == ((most := counts.most_common(1)[0])[0], most[1] > counts.total() / 2)


@pytest.mark.skipif(not SEED.exists(), reason="the seed stream is not at hand")
def test_the_list_names_every_scenario() -> None:
    labels = (SEED / "labels.csv").read_text().splitlines()[1:]
    scenarios = {line.split(",")[3] for line in labels} - {""}
    assert scenarios == {row[0] for row in table("A reader's list for the seed stream")}
    assert 18 == len(scenarios)
