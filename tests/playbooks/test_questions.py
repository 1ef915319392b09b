"""The questions that retrieval is measured by name playbooks that there are, and all of them."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.playbooks.samples_part import known

QUESTIONS = yaml.safe_load((Path(__file__).parent / "questions.yaml").read_text())


def test_there_are_forty_questions_with_an_answer_and_ten_without() -> None:
    assert 40 <= sum(one["playbook"] is not None for one in QUESTIONS)
    assert 10 <= sum(one["playbook"] is None for one in QUESTIONS)
    assert len(QUESTIONS) == len({one["question"] for one in QUESTIONS})


def test_every_playbook_is_asked_for_and_every_answer_exists() -> None:
    assert {book.id for book in known()} == {one["playbook"] for one in QUESTIONS} - {None}
