"""Questions in the words of people on call find the playbook that answers, or none.

`tests/playbooks/questions.yaml` is a list of `{question, playbook}`; the playbook is null where none answers.
"""

from __future__ import annotations

import pytest
import yaml

from adapters.parts_file import PROJECT
from adapters.playbook_files import load
from domain.settings import Settings
from ml.retrieval import Answer
from tasks.retrieval import Library

QUESTIONS = yaml.safe_load((PROJECT / "tests" / "playbooks" / "questions.yaml").read_text())


@pytest.fixture(scope="module")
def answers() -> list[tuple[str | None, Answer]]:
    """For each question the playbook that is wanted and what is found."""
    library = Library(Settings(), load(PROJECT / "playbooks"))
    return [(each["playbook"], library.playbooks.search(each["question"], 3)) for each in QUESTIONS]


def test_every_playbook_that_is_asked_for_exists() -> None:
    known = {playbook.id for playbook in load(PROJECT / "playbooks")}
    assert set() == {each["playbook"] for each in QUESTIONS if each["playbook"]} - known


def test_questions_find_their_playbook(answers: list[tuple[str | None, Answer]]) -> None:
    ranks = [[hit.document.id for hit in found.hits] for wanted, found in answers if wanted]
    wanted = [wanted for wanted, _ in answers if wanted]
    first = sum(each[:1] == [one] for each, one in zip(ranks, wanted, strict=True)) / len(wanted)
    third = sum(one in each for each, one in zip(ranks, wanted, strict=True)) / len(wanted)
    assert first >= 0.8
    assert third >= 0.95


def test_most_questions_without_an_answer_get_none(answers: list[tuple[str | None, Answer]]) -> None:
    """A wrong playbook is worse than none."""
    sure = [any(hit.answers for hit in found.hits) for wanted, found in answers if wanted is None]
    assert sum(sure) <= 0.2 * len(sure)
