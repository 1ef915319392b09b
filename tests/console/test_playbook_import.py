"""`sre playbooks import`: what carries over becomes files, and every rest is said with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from adapters.playbook_files import load
from console.playbook_import import import_playbooks
from domain.errors import BadInput
from domain.parameters import Restart, Scale
from domain.plans import Risk

FOREIGN = """\
{
  "stuck_queue": {
    "description": "Workers of the queue are stuck",
    "actions": [
      {
        "action_type": "restart_service",
        "description": "Restart the workers",
        "commands": ["service workers restart"],
        "expected_duration": 40,
        "risk_level": "low",
        "prerequisites": ["Look at the depth of the queue"],
        "rollback_commands": ["service workers start"]
      },
      {
        "action_type": "scale_up",
        "description": "Start more workers",
        "commands": ["kubectl scale deployment workers --replicas=4"],
        "risk_level": "low"
      }
    ],
    "success_rate": 0.9
  },
  "stale_cache": {
    "description": "The cache holds old values",
    "actions": [
      {
        "action_type": "clear_cache",
        "description": "Empty the cache",
        "commands": ["redis-cli flushall"],
        "risk_level": "low",
        "colour": "red"
      },
      {"action_type": "restart_service", "description": "Restart", "risk_level": "low"}
    ]
  }
}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "foreign.json"
    path.write_text(FOREIGN)
    return path


def call(file: Path, *more: str) -> Result:
    return CliRunner().invoke(import_playbooks, [str(file), "--into", str(file.parent / "into"), *more])


def imported(file: Path) -> dict[str, Any]:
    found = call(file, "--json")
    assert 0 == found.exit_code, found.output
    answer: dict[str, Any] = json.loads(found.stdout)
    return answer


def test_each_becomes_a_file_of_its_own(file: Path) -> None:
    into = file.parent / "into"
    assert [str(into / "stuck-queue.md"), str(into / "stale-cache.md")] == imported(file)["written"]


def test_what_does_not_carry_over_is_said_with_its_place(file: Path) -> None:
    """Fault 5: nothing is dropped silently."""
    text = "\n".join(imported(file)["notes"])
    for line, key in (
        (21, "stuck_queue.success_rate is not carried over"),
        (8, "stuck_queue.actions[0].commands became text"),
        (9, "stuck_queue.actions[0].expected_duration is not carried over"),
        (12, "stuck_queue.actions[0].rollback_commands became text"),
        (17, "stuck_queue.actions[1].commands became text"),
        (27, "stale_cache.actions[0].action_type became text: no kind of action is 'clear_cache'"),
        (29, "stale_cache.actions[0].commands became text"),
        (31, "stale_cache.actions[0].colour is not carried over: unknown key"),
        (33, "stale_cache.actions[1].action_type became text: not every step of the playbook is a kind of action"),
    ):
        assert f"foreign.json:{line}: {key}" in text


def test_what_is_left_for_a_person_is_what_the_check_says(file: Path) -> None:
    found = call(file)
    assert "left for a person: " in found.output
    for name in ("stuck-queue", "stale-cache"):
        for key in ("matches: has neither templates nor metrics", "owner: is empty", "samples: has 0"):
            assert any(f"{name}.md" in line and key in line for line in found.output.splitlines())


def filled(path: Path, said: str) -> None:
    """What a person does with an imported file."""
    _, front, body = path.read_text().split("---\n", 2)
    keys = yaml.safe_load(front)
    samples = [{"message": f"{said} {number} failed"} for number in range(3)]
    misses = [{"message": f"nothing {number} failed"} for number in range(3)]
    keys |= {"owner": "platform", "samples": samples, "near_misses": misses}
    keys["matches"]["templates"] = [said]
    for heading in ("Meaning", "Impact", "Diagnosis", "If it fails"):
        body = body.replace(f"## {heading}\n", f"## {heading}\n\nAbout {said}.\n")
    path.write_text(f"---\n{yaml.safe_dump(keys)}---\n{body}")


def test_filled_in_it_passes_the_check_and_acts_where_every_step_is_a_kind_of_action(file: Path) -> None:
    into = file.parent / "into"
    imported(file)
    filled(into / "stuck-queue.md", "queue stuck")
    filled(into / "stale-cache.md", "cache stale")
    stale, stuck = load(into)
    assert [(Restart(), Risk.LOW), (Scale(4), Risk.LOW)] == [(one.parameters, one.risk) for one in stuck.actions]
    assert ((), True) == (stale.actions, bool(stale.for_people))
    assert "redis-cli flushall" in stale.body
    assert "- Look at the depth of the queue" in stuck.body


def test_nothing_is_overwritten_unless_it_is_meant_so(file: Path) -> None:
    imported(file)
    mine = file.parent / "into" / "stale-cache.md"
    mine.write_text("mine")
    (file.parent / "into" / "stuck-queue.md").unlink()
    refused = call(file)
    assert isinstance(refused.exception, BadInput)
    assert "stale-cache.md is there already" in str(refused.exception)
    assert ("mine", False) == (mine.read_text(), (file.parent / "into" / "stuck-queue.md").exists())
    assert 0 == call(file, "--force").exit_code
    assert "mine" != mine.read_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{", "1: not JSON", id="no JSON"),
        pytest.param("[]", "1: must be an object", id="no object"),
        pytest.param("{}", "1: must be an object", id="nothing in it"),
        pytest.param('{\n"a": {"description": "x"}}', "2: a.actions: Field required", id="no actions"),
        pytest.param(
            '{"a": {"description": "x",\n"actions": [\n{"action_type": 3}]}}', "3: a.actions[0].action_type", id="type"
        ),
        pytest.param('{"!": {"description": "x", "actions": []}}', "1: '!' holds no letter", id="no name"),
        pytest.param(
            '{"a b": {"description": "x", "actions": []}, "a_b": {"description": "x", "actions": []}}',
            "1: several playbooks would be called a-b.md",
            id="one name for two",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "foreign.json"
    path.write_text(text)
    found = call(path)
    assert isinstance(found.exception, BadInput)
    assert str(found.exception).startswith(f"{path}:{expected}")
    assert not (tmp_path / "into").exists()


def test_text_of_the_file_becomes_neither_a_heading_nor_a_key(tmp_path: Path) -> None:
    path = tmp_path / "foreign.json"
    step = {"action_type": "x", "description": "# No\n## Impact\n---", "commands": ["a\n```\n## Meaning\n---\nid: x"]}
    path.write_text(json.dumps({"a": {"description": "---\nid: b", "actions": [step]}}))
    imported(path)
    _, front, body = (tmp_path / "into" / "a.md").read_text().split("---\n", 2)
    assert ("a", []) == (yaml.safe_load(front)["id"], yaml.safe_load(front)["actions"])
    headings = [line for line in body.splitlines() if line.startswith("#")]
    assert 6 == len(headings)
