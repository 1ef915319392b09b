"""Each kind of page in each shape, as somebody looked at it; the command of `golden_part.py` writes them on purpose."""

from __future__ import annotations

import pytest

from domain.pages import LONGEST_SUMMARY, PageReason
from tests.adapters.channels.golden_part import FOLDER, golden
from tests.contracts.pages_part import a_page_for

MADE = dict(golden())


@pytest.mark.parametrize("name", sorted(MADE))
def test_a_page_looks_as_it_did_when_somebody_looked_at_it(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == MADE[name]


def test_there_is_a_file_for_every_reason_and_shape_and_no_other() -> None:
    assert sorted(MADE) == sorted(path.name for path in FOLDER.iterdir())


@pytest.mark.parametrize("reason", PageReason)
def test_every_summary_fits_a_locked_screen(reason: PageReason) -> None:
    assert len(a_page_for(reason).summary) <= LONGEST_SUMMARY
