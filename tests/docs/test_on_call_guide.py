"""The file that the guide of on-call explains can be used as it stands there."""

from __future__ import annotations

from pathlib import Path

from tests.docs.documents_part import PROJECT, blocks
from tests.parts.on_call_part import PAGING, a_roster

GUIDE = (PROJECT / "docs" / "guides" / "on-call.md").read_text()
NO_EVENTS = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\nEND:VCALENDAR\r\n"


def test_the_file_of_the_guide_loads_and_its_one_warning_is_the_gap_that_it_has(tmp_path: Path) -> None:
    (text,) = [block.text for block in blocks(GUIDE) if block.language == "yaml"]
    (tmp_path / "ops.ics").write_bytes(NO_EVENTS)
    roster = a_roster(text, PAGING, tmp_path)
    (warning,) = roster.warnings
    assert "schedules.platform: nobody is on call from" in warning
    assert ("default", "office", "quiet") == (
        roster.routes[0].policy,
        roster.routes[0].hours,
        roster.routes[0].otherwise,
    )
