"""What windows are called."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from flows.long_lived import since
from flows.window_page import window_name, window_table
from tasks.tally import Tally
from tests.parts.logs_part import NOON


@pytest.mark.parametrize(
    ("tally", "expected"),
    [
        # N7: "0 incidents" was read as none being open.
        (Tally(logs=1), "12:00 to 12:01: 1 log, 0 anomalous, no new incident"),
        (
            Tally(logs=61_204, anomalous=12, incidents=2, rejected=3),
            "12:00 to 12:01: 61,204 logs, 12 anomalous, 2 new incidents, 3 rejected",
        ),
    ],
)
def test_a_window_is_called_after_what_it_saw(tally: Tally, expected: str) -> None:
    assert expected == window_name(NOON, NOON + timedelta(minutes=1), tally)


def test_a_long_lived_run_is_called_after_its_beginning() -> None:
    """N7: they were called radiant-wrasse."""
    name, _, begun = since("watch")().rpartition(" ")
    assert "watch since" == name
    assert datetime.strptime(begun, "%H:%M")  # noqa: DTZ007 - only its form


def test_what_was_decided_while_the_store_was_down_is_in_the_page() -> None:
    rows = window_table(Tally(logs=1, unstored=42), whole_seconds=1.0, model="rules")
    assert {"what": "decided while the store was down", "value": 42, "share": ""} in rows


def test_what_the_challenger_saw_is_in_the_page_where_there_is_one() -> None:
    rows = window_table(Tally(), whole_seconds=1.0, model="rules", challenger="version 3: would flag 2 of 9 logs")
    told = {"what": "challenger, which decides nothing", "value": "version 3: would flag 2 of 9 logs", "share": ""}
    assert told in rows
    assert told["what"] not in [row["what"] for row in window_table(Tally(), whole_seconds=1.0, model="rules")]
