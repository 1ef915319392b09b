"""What became of an action, in words."""

from __future__ import annotations

import pytest

from domain.actions import ActionRecord, ActionState, UndoState
from tests.parts.answers_part import SCALE, a_record


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (a_record(), "restart web: done, process 100 became 101"),
        (a_record(ActionState.FAILED, after=None, error="no route"), "restart web: failed, no route"),
        (
            a_record(action=SCALE, undo=UndoState.DONE),
            "scale web: done, process 100 became 101, taken back: done",
        ),
        (
            a_record(action=SCALE, undo=UndoState.FAILED, undo_error="web_01 does not stop"),
            "scale web: done, process 100 became 101, could not be taken back: web_01 does not stop",
        ),
    ],
    ids=["done", "failed", "taken-back", "a-rollback-that-failed-says-so"],
)
def test_an_action_says_what_became_of_it(record: ActionRecord, says: str) -> None:
    assert says == record.told
