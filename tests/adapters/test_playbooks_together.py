"""Playbooks beside each other: which one a log chooses, what overlaps, and what stands there twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.playbook_files import check
from domain.settings import MitigationSettings
from domain.settings_acting import CommandSettings
from tests.adapters.playbooks_part import GOOD, faults, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "playbooks"


def other(**changes: str) -> str:
    """A playbook that has nothing in common with the good one but what is changed."""
    text = GOOD.replace("slow-disk", "other").replace("Slow disk", "Other").replace("The disk is slow.", "Otherwise.")
    text = text.replace("disk .{0,20} slow", "moon is full").replace("disk 7 is slow", "the moon is full")
    text = text.replace("disk sda slow", "Moon is full").replace("disk_", "moon_").replace("7 was slow", "was full")
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    return text


def test_playbooks_for_different_things_live_side_by_side(folder: Path) -> None:
    write(folder, GOOD)
    write(folder, other(), "other.md")
    assert [] == faults(folder)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "title: Other\n",
            "title: slow disk\n",
            "slow-disk.md:3: title: 'Slow disk' is also the title of other.md",
            id="one title twice",
        ),
        pytest.param(
            "['moon is full']",
            "['moon is full', 'disk .{0,20} slow']",
            "slow-disk.md:6: matches.templates[0]: /disk .{0,20} slow/ stands also in other.md",
            id="one pattern twice",
        ),
        pytest.param(
            "['moon is full']",
            "['moon is full', 'disk .+ slow']",
            "slow-disk.md:19: samples[0]: fits other as well, and only the ids decide: "
            "let one pattern name more of the text",
            id="a choice that only ids make",
        ),
        pytest.param(
            "['moon is full']",
            "['moon is full', 'disk .{1,9} slow.*']",
            "slow-disk.md:20: samples[1]: chooses other: template matches /disk .{1,9} slow.*/; "
            "it names 21 characters, slow-disk 13",
            id="a sample that another takes",
        ),
        pytest.param(
            'message: "the moon is full", service: web',
            'message: "the moon is full", service: db-2',
            "other.md:23: near_misses[0]: chooses this playbook: template matches /moon is full/",
            id="a near miss that hits",
        ),
        pytest.param(
            'message: "Moon is full',
            'message: "nothing is full',
            "other.md:20: samples[1]: chooses no playbook",
            id="a sample for which there is none",
        ),
    ],
)
def test_what_is_wrong_among_playbooks_has_file_and_line(folder: Path, old: str, new: str, expected: str) -> None:
    write(folder, GOOD)
    text = other(change=(old, new))
    write(folder, text.replace("# Other", "# slow disk") if "title" in old else text, "other.md")
    assert expected in faults(folder)


def test_a_playbook_whose_every_sample_goes_elsewhere_can_never_be_chosen(folder: Path) -> None:
    write(folder, GOOD)
    taking = other(change=("['moon is full']", "['moon is full', '.*disk .{1,9} slow.*']"))
    write(folder, taking.replace('"moon_*"', '"disk_wait"'), "other.md")
    assert "slow-disk.md:4: matches: can never be chosen: every sample is taken by other" in faults(folder)


def test_one_text_under_two_titles_is_told_of(folder: Path) -> None:
    write(folder, GOOD)
    write(folder, other(change=("Otherwise.", "The disk is slow.")), "other.md")
    assert ["slow-disk.md:2: the text is that of other.md"] == faults(folder)


def test_a_team_may_have_a_playbook_of_its_own_for_the_same_text(folder: Path) -> None:
    """The one for fewer services is chosen by rule, so that one pattern in both is no fault."""
    write(folder, GOOD)
    own = GOOD.replace("slow-disk", "own").replace("Slow disk", "Own").replace("The disk is slow.", "Ours is slow.")
    write(folder, own.replace("db-*", "db-own").replace("db-1", "db-own"), "own.md")
    assert [] == faults(folder)


def test_what_the_settings_do_not_list_is_a_note_and_no_fault(folder: Path) -> None:
    line = '  - {kind: run_command, target: "{service}", risk: high, undo: none, parameters: {command: trim}}\n'
    acting = GOOD.replace("risk: medium\n", "risk: high\n")
    write(folder, acting[: acting.index("  - {kind")] + line + acting[acting.index("risk: high\nver") :])
    told = (
        "11: actions[0].parameters.command: mitigation.commands does not list 'trim': here this action would be refused"
    )
    assert ((), (f"{folder}/slow-disk.md:{told}",)) == (
        (checked := check(folder, MitigationSettings())).faults,
        checked.notes,
    )
    listed = MitigationSettings(commands={"trim": CommandSettings(argv=("fstrim",))})
    assert () == check(folder, listed).notes == check(folder).notes
