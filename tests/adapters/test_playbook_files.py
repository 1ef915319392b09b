"""Playbooks from files: what is read, and that nothing which cannot apply is accepted (faults 5 and 17)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from adapters.parts_file import PROJECT
from adapters.playbook_files import check, load
from domain.errors import BadPlaybook
from domain.parameters import (
    CallWebhook,
    Configure,
    Monitor,
    Parameters,
    Restart,
    RollbackDeploy,
    RunCommand,
    Scale,
)
from domain.plans import PARAMETERS, UNDOS, ActionKind, Measure, Preconditions, Risk, Undo, Verification
from domain.playbooks import ActionTemplate, Matches, MetricMatch
from tests.adapters.playbooks_part import GOOD, faults, write

FEWER = "  - {metric: disk_wait, direction: high, service: db-1}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "playbooks"


def test_a_playbook_is_read_whole(folder: Path) -> None:
    write(folder, GOOD)
    (playbook,) = load(folder)
    assert (playbook.id, playbook.title, playbook.risk, playbook.owner) == (
        "slow-disk",
        "Slow disk",
        Risk.MEDIUM,
        "storage",
    )
    assert playbook.matches == Matches(("disk .{0,20} slow",), (MetricMatch("disk_*", "high"),), ("db-*",))
    assert playbook.preconditions == Preconditions(min_logs=5, max_age_seconds=60, min_confidence=0.5)
    assert playbook.actions == (
        ActionTemplate(ActionKind.RESTART, "{service}", Risk.LOW, Undo.NONE, Restart()),
        ActionTemplate(ActionKind.SCALE, "db:reader", Risk.MEDIUM, Undo.RESTORE, Scale(2)),
    )
    assert playbook.verification == Verification(Measure.METRIC, 5, timedelta(seconds=90), "disk_wait", 7)
    assert (playbook.cool_down, playbook.links) == (timedelta(minutes=10), ("https://example.org/disks",))
    assert playbook.body.startswith("# Slow disk\n\n## Meaning")
    assert playbook.path == str(folder / "slow-disk.md")


def test_the_playbooks_of_this_project_can_be_followed() -> None:
    checked = check(PROJECT / "playbooks")
    assert checked.faults == ()
    assert len(checked.playbooks) >= 3


def test_a_minimal_playbook_has_the_default_preconditions(folder: Path) -> None:
    write(folder, GOOD.replace("preconditions: {min_logs: 5, max_age_seconds: 60, min_confidence: 0.5}\n", ""))
    assert load(folder)[0].preconditions == Preconditions()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param("id: slow-disk", "id: other", "2: id: other must be the file's name, slow-disk", id="id-not-file"),
        pytest.param("title: Slow disk\n", "", "2: title: is missing", id="no-title"),
        pytest.param("owner: storage", "owner: ''", "16: owner: is empty", id="no-owner"),
        pytest.param("owner:", "ownr: x\nowner:", "16: ownr: unknown key; the nearest is owner", id="unknown-key"),
        pytest.param(
            "min_logs: 5",
            "min_lgs: 5",
            "9: preconditions.min_lgs: unknown key; the nearest is preconditions.min_logs",
            id="unknown-precondition",
        ),
        pytest.param(
            "undo: none}",
            "undo: none, rollback: x}",
            "11: actions.rollback: unknown key; the nearest is actions.",
            id="unknown-key-of-action",
        ),
        pytest.param("owner: storage", "owner: a\nowner: b", "17: owner: stands here a second time", id="key-twice"),
        pytest.param(
            "kind: restart",
            "kind: flushall",
            "11: actions.kind: Input should be 'restart', 'scale', 'configure', ",
            id="fault-17-unknown-kind",
        ),
        pytest.param(
            "undo: none}",
            "undo: restore}",
            "11: actions[0].undo: restart cannot be undone by restore; it can by: none",
            id="fault-17-impossible-undo",
        ),
        pytest.param(
            "undo: restore,",
            "undo: none,",
            "12: actions[1].undo: scale cannot be undone by none; it can by: restore",
            id="scale-without-undo",
        ),
        pytest.param(
            "undo: none}",
            "undo: none, parameters: {force: 1}}",
            "11: actions[0].parameters.force: no such parameter; it takes: none",
            id="fault-5-undeclared-parameter",
        ),
        pytest.param(
            ", parameters: {workers: 2}",
            "",
            "12: actions[1].parameters.workers: is missing",
            id="parameter-missing",
        ),
        pytest.param(
            "workers: 2", "workers: 0", "12: actions[1].parameters.workers: must be at least 1, got 0", id="no-worker"
        ),
        pytest.param(
            "workers: 2",
            "workers: yes",
            "12: actions[1].parameters.workers: must be a whole number, got True",
            id="parameter-of-another-type",
        ),
        pytest.param(
            '"{service}"',
            '"{message}"',
            "11: actions[0].target: '{message}' is neither {service} nor a plain name",
            id="target-from-a-log",
        ),
        pytest.param(
            '"{service}"',
            '"x; reboot"',
            "11: actions[0].target: 'x; reboot' is neither {service} nor a plain name",
            id="target-with-more",
        ),
        pytest.param("risk: medium\n", "risk: low\n", "13: risk: low is below medium", id="risk-too-low"),
        pytest.param(
            "risk: medium\n", "risk: 2\n", "13: risk: must be one of low, medium, high, got 2", id="risk-number"
        ),
        pytest.param("disk .{0,20} slow", "disk (slow", "6: matches.templates[0]: /disk (slow/ is not", id="no-regex"),
        pytest.param("disk .{0,20} slow", ".*", "6: matches.templates[0]: /.*/ can match the empty", id="matches-all"),
        pytest.param("disk .{0,20} slow", "(?<!no )disk", "6: matches.templates[0]: /(?<!no )disk/ is no", id="look"),
        pytest.param(FEWER, "", "18: samples: has 2: at least 3", id="two-samples"),
        pytest.param(", level: CRITICAL", ", level: 5", "20: samples.level: must be one of TRACE, DEBUG", id="level"),
        pytest.param('message: "disk 7 is slow", ', "", "19: samples[0]: has neither a message nor", id="empty-sample"),
        pytest.param("disk_wait, direction: low", "disk_wait", "25: near_misses[2].direction: is missing", id="which"),
        pytest.param(
            "owner:", "autonomy: free\nowner:", "16: autonomy: must be one of observe, suggest", id="autonomy"
        ),
        pytest.param(
            "owner:", "for_people: x\nowner:", "16: for_people: stands beside actions", id="acts-and-does-not"
        ),
        pytest.param('["db-*"]', "[]", "5: matches.services: names no service", id="fault-5-no-service"),
        pytest.param('["db-*"]', "db", "5: matches.services: Input should be a valid list", id="service-as-text"),
        pytest.param(
            "direction: high", "direction: up", "8: matches.metrics.direction: must be high or low", id="direction"
        ),
        pytest.param("metric: disk_wait, ", "", "14: verification.metric: is missing", id="no-metric"),
        pytest.param(
            "measure: metric",
            "measure: error_rate",
            "14: verification.metric: would be ignored: measure is error_rate",
            id="metric-ignored",
        ),
        pytest.param(
            "within_seconds: 90", "within_seconds: 0", "14: verification.within_seconds: must be", id="no-time"
        ),
        pytest.param("min_samples: 7", "min_samples: 0", "14: verification.min_samples: must be", id="no-samples"),
        pytest.param(
            "cool_down_seconds: 600", "cool_down_seconds: 0", "15: cool_down_seconds: must be above 0", id="hot"
        ),
        pytest.param(
            "cool_down_seconds: 600", "cool_down_seconds: 60", "15: cool_down_seconds: is shorter", id="short"
        ),
        pytest.param(
            "min_confidence: 0.5", "min_confidence: 5", "9: preconditions.min_confidence: must be", id="above-1"
        ),
        pytest.param(
            '"https://example.org/disks"', "wiki", "17: links[0]: 'wiki' is not an http(s) address", id="link"
        ),
        pytest.param("  - {kind", "  - [kind", "11: not YAML:", id="not-yaml"),
        pytest.param("---\nid", "id", "1: must begin with --- and front matter", id="no-front-matter"),
        pytest.param("---\n# Slow disk", "# Slow disk", "1: the front matter has no end", id="no-end"),
        pytest.param("## Impact\n", "", "50: heading '## Impact' is missing", id="heading-missing"),
        pytest.param("Everybody waits.\n", "", "33: nothing stands below '## Impact'", id="section-empty"),
        pytest.param("## Impact", "## Implications", "33: unknown heading '## Implications'", id="heading-unknown"),
        pytest.param(
            "# Slow disk", "# Fast disk", "27: heading '# Fast disk' is not the title, 'Slow disk'", id="title"
        ),
        pytest.param("# Slow disk\n", "", "27: must begin with the heading '# Slow disk'", id="no-heading"),
        pytest.param("# Slow disk\n", "First.\n# Slow disk\n", "27: text before the first heading", id="text-before"),
        pytest.param(
            "## If it fails", "## Mitigation", "48: '## Mitigation' stands here a second time", id="heading-twice"
        ),
    ],
)
def test_what_cannot_apply_is_refused_with_its_line(folder: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    write(folder, GOOD.replace(old, new, 1))
    found = faults(folder)
    assert any(fault.startswith(f"slow-disk.md:{expected}") for fault in found), found


def test_headings_stand_in_order(folder: Path) -> None:
    swapped = GOOD.replace("## Impact", "## X").replace("## Meaning", "## Impact").replace("## X", "## Meaning")
    write(folder, swapped)
    assert faults(folder) == ["slow-disk.md:29: '## Impact' stands where '## Meaning' belongs"]


PEOPLE = GOOD[: GOOD.index("preconditions")] + "actions: []\n" + GOOD[GOOD.index("owner") :]


def test_without_actions_a_playbook_says_why(folder: Path) -> None:
    write(folder, PEOPLE)
    expected = "actions: is empty: name an action, or say in for_people why nothing is done automatically"
    assert faults(folder) == [f"slow-disk.md:9: {expected}"]


def test_a_playbook_for_people_needs_no_proof_and_no_cool_down(folder: Path) -> None:
    write(folder, PEOPLE.replace("actions: []", "actions: []\nfor_people: A disk is not mended by a restart."))
    (playbook,) = load(folder)
    assert ((), "A disk is not mended by a restart.") == (playbook.actions, playbook.for_people)


@pytest.mark.parametrize("key", ["risk: low", "cool_down_seconds: 60", "autonomy: ask", "preconditions: {min_logs: 9}"])
def test_what_only_actions_need_is_refused_beside_none(folder: Path, key: str) -> None:
    """Fault 5: nothing that is accepted is silently ignored."""
    write(folder, PEOPLE.replace("actions: []", f"actions: []\nfor_people: People do it.\n{key}"))
    (fault,) = faults(folder)
    assert fault.startswith(f"slow-disk.md:11: {key.split(':', maxsplit=1)[0]}: would be ignored")


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        pytest.param("kind: restart", Restart(), id="restart"),
        pytest.param("kind: scale, parameters: {workers: 2}", Scale(2), id="scale"),
        pytest.param(
            "kind: configure, parameters: {key: env/POOL, value: '20'}", Configure("env/POOL", "20"), id="set"
        ),
        pytest.param("kind: rollback_deploy", RollbackDeploy(), id="roll back"),
        pytest.param("kind: monitor, parameters: {minutes: 30}", Monitor(30), id="monitor"),
        pytest.param(
            "kind: run_command, parameters: {command: trim, arguments: {volume: data}}",
            RunCommand("trim", {"volume": "data"}),
            id="command",
        ),
        pytest.param("kind: call_webhook, parameters: {webhook: waf}", CallWebhook("waf"), id="webhook"),
    ],
)
def test_every_kind_of_action_can_be_written(folder: Path, action: str, parameters: Parameters) -> None:
    kind = next(kind for kind, type_ in PARAMETERS.items() if isinstance(parameters, type_))
    undo = "restore" if Undo.RESTORE in UNDOS[kind] else "none"
    line = f'  - {{{action}, target: "{{service}}", risk: high, undo: {undo}}}\n'
    acting = GOOD.replace("risk: medium\n", "risk: high\n")
    write(folder, acting[: acting.index("  - {kind")] + line + acting[acting.index("risk: high\nver") :])
    assert [(kind, parameters)] == [(one.kind, one.parameters) for one in load(folder)[0].actions]


def test_a_fault_of_a_parameter_names_the_line_of_the_parameter(folder: Path) -> None:
    block = """\
  - kind: configure
    target: "{service}"
    risk: medium
    undo: restore
    parameters:
      key: "no name; reboot"
      value: "20"
"""
    write(folder, GOOD[: GOOD.index("  - {kind")] + block + GOOD[GOOD.index("risk: medium\nver") :])
    assert [
        "slow-disk.md:16: actions[0].parameters.key: 'no name; reboot' is not a name of letters, digits, _ . / and -"
    ] == (faults(folder))


def test_every_fault_of_every_file_is_shown(folder: Path) -> None:
    write(folder, GOOD.replace("owner: storage", "owner: ''").replace("risk: medium\n", "risk: low\n"))
    write(folder, "nothing", "another.md")
    assert [fault.split(": ")[0] for fault in faults(folder)] == ["another.md:1", "slow-disk.md:13", "slow-disk.md:16"]
    with pytest.raises(BadPlaybook, match=r"another\.md:1: (.|\n)*slow-disk\.md:13: (.|\n)*slow-disk\.md:16: "):
        load(folder)


def test_one_bad_playbook_leaves_the_others_known(folder: Path) -> None:
    write(folder, GOOD)
    write(folder, "nothing", "another.md")
    assert [playbook.id for playbook in check(folder).playbooks] == ["slow-disk"]


def test_an_id_occurs_once(folder: Path) -> None:
    write(folder, GOOD)
    write(folder, GOOD, "night/slow-disk.md")
    (fault,) = faults(folder)
    assert fault.startswith("slow-disk.md:2: id: slow-disk is taken by ")


@pytest.mark.parametrize("name", ["slow-disk.markdown", "slow-disk.yaml", "slow-disk.MD", "notes.txt"])
def test_no_file_is_ignored_silently(folder: Path, name: str) -> None:
    write(folder, GOOD, name)
    assert faults(folder) == [f"{name}: would be ignored: playbooks are *.md files"]


def test_readme_and_hidden_files_are_no_playbooks(folder: Path) -> None:
    write(folder, "About these.", "README.md")
    write(folder, "x", ".slow-disk.md.swp")
    assert check(folder) == check(folder).__class__((), ())


def test_unreadable_text_and_missing_folder_are_explained(folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    (folder / "slow-disk.md").write_bytes(b"---\n\xff\n---\n")
    assert faults(folder) == ["slow-disk.md: not UTF-8 at byte 4"]
    assert check(tmp_path / "nowhere").faults == (f"{tmp_path / 'nowhere'}: no such folder",)


def test_windows_line_ends_are_read(folder: Path) -> None:
    folder.mkdir()
    (folder / "slow-disk.md").write_bytes(GOOD.replace("\n", "\r\n").encode())
    assert faults(folder) == []
