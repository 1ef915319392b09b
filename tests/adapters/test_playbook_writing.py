"""A playbook that is written is read as the same one."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.parts_file import PROJECT
from adapters.playbook_files import check, load
from adapters.playbook_files.writing import written
from domain.drafting import Draft, draft
from domain.playbooks import Playbook, fit
from domain.templates import template
from tests.parts.drafting_part import CURE, HOSTILE, a_recovery, a_resolved, cases

SHIPPED = load(PROJECT / "playbooks")


def read_back(playbook: Playbook, folder: Path) -> Playbook:
    file = folder / f"{playbook.id}.md"
    file.write_text(written(playbook), encoding="utf-8")
    checked = check(file)
    assert () == checked.faults, (checked.faults, written(playbook))
    return checked.playbooks[0]


@pytest.mark.parametrize("playbook", SHIPPED, ids=lambda one: one.id)
def test_what_is_written_is_read_as_it_was(playbook: Playbook, tmp_path: Path) -> None:
    assert replace(playbook, path="") == replace(read_back(playbook, tmp_path), path="")


def drafted(helped: str, **changes: object) -> Playbook:
    given_cases = cases(helped, helped, helped, **changes)
    found = draft(given_cases[0].incident, given_cases)
    assert isinstance(found, Draft), found
    return found.playbook


@pytest.mark.parametrize(
    "playbook",
    [
        pytest.param(drafted(CURE), id="for people"),
        pytest.param(drafted(CURE, actions=(a_recovery(),)), id="with an action"),
        pytest.param(
            drafted(HOSTILE, template=template(HOSTILE), message=HOSTILE, service=HOSTILE, cause=HOSTILE), id="hostile"
        ),
    ],
)
def test_a_draft_passes_the_check(playbook: Playbook, tmp_path: Path) -> None:
    found = read_back(playbook, tmp_path)
    assert (playbook.actions, playbook.matches, playbook.autonomy) == (found.actions, found.matches, found.autonomy)


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=50))
def test_whatever_is_said_breaks_no_file(said: str, helped: str, service: str) -> None:
    message, cure = f"it broke badly: {said}", f"raised the quota {helped}"
    playbook = drafted(cure, template=template(message), message=message, cause=said, service=f"s{service}")
    with tempfile.TemporaryDirectory() as folder:
        found = read_back(playbook, Path(folder))
    assert () == found.actions
    assert playbook.matches == found.matches
    assert fit(found, a_resolved(template=template(message), service=f"s{service}")) is not None
