"""What `sre status` says of pages that could not be stored."""

from __future__ import annotations

from pathlib import Path

from adapters.page_spool import PageSpool
from deployments.layout import Home
from deployments.report import Health, spooled
from tests.parts.spooled_part import spool_a_page


def test_critical_pages_that_the_store_does_not_have_are_counted(tmp_path: Path) -> None:
    """Fault 18: what is down is said."""
    assert [] == spooled(Home(tmp_path, tmp_path))
    spool_a_page(PageSpool(tmp_path), "payment failed")
    (line,) = spooled(Home(tmp_path, tmp_path))
    assert (Health.DOWN, "spool") == (line.health, line.part)
    assert line.text.startswith("1 critical page spooled while the database was down")
