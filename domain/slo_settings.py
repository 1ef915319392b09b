"""What service levels we promise of ourselves."""

from __future__ import annotations

from pydantic import Field

from domain.settings_branch import Branch


class SloSettings(Branch):
    """Targets of our own service levels, for `sre slo`."""

    decision_seconds: float = Field(5, gt=0, le=31_536_000)
    """From when the broker had the log that confirms an incident to the decision."""
    page_seconds: float = Field(30, gt=0, le=31_536_000)
    """From a decision to the first delivery; it includes the wait of `paging.settle_seconds`."""
    critical_page_seconds: float = Field(5, gt=0, le=31_536_000)
    """The same of what is critical, which waits for nothing."""
    ack_seconds: float = Field(900, gt=0, le=31_536_000)
    """From the first delivery to an acknowledgement."""
    share: float = Field(0.95, gt=0, le=1)
    """So large a share must be within its target."""
