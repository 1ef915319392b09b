"""The branch `quality`: what a stream of logs is expected to be like."""

from __future__ import annotations

from pydantic import Field, field_validator

from domain.settings_branch import Branch


class QualitySettings(Branch):
    """Expectations about batches, and which rows do not go on."""

    enabled: bool = True
    """Off: batches are not summed up and not checked; single logs that cannot be read are still put aside."""
    every_seconds: float = Field(10.0, ge=1, le=3_600)
    """Batches are summed up for so long before they are checked together."""
    most_rejected: float = Field(0.05, ge=0, le=1)
    """Share of messages that may be unreadable."""
    most_without_message: float = Field(0.2, ge=0, le=1)
    """Share of logs that may have an empty message."""
    most_unknown_levels: float = Field(0.1, ge=0, le=1)
    """Share of logs whose level may be missing or of a name that is not known."""
    most_late_seconds: float = Field(300.0, gt=0, le=31_536_000)
    """Half of the logs must be younger than this when they arrive."""
    most_disordered: float = Field(0.5, ge=0, le=1)
    """Share of logs that may be older than the log before them in their partition."""
    least_volume: float = Field(0.1, ge=0, le=1)
    """A service that sends less than this share of what it usually sends counts as quiet."""
    most_volume: float = Field(20.0, ge=1, le=1_000_000)
    """A service that sends more than so many times of what it usually sends counts as loud."""
    most_odd_services: float = Field(0.3, ge=0, le=1)
    """Share of the known services that may be quiet or loud."""
    most_new_services: int = Field(50, ge=0, le=1_000_000)
    """Services that may appear at once; more look like ids in the place of names."""
    ranges: dict[str, tuple[float, float]] = Field(default_factory=dict)
    """Metric -> least and most value that its unit allows, such as cpu_usage: [0, 100]."""
    quarantine: bool = False
    """On: a log with a metric outside its range goes to the dead letters; off: it is told of alone."""

    @field_validator("ranges")
    @classmethod
    def _rising(cls, value: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        if wrong := [name for name, (least, most) in value.items() if least > most]:
            raise ValueError(f"{', '.join(sorted(wrong))}: the first number must not be above the second")
        return value
