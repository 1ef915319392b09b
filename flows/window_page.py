"""What the pages of windows and incidents show."""

from __future__ import annotations

from datetime import datetime

from domain.amounts import counted
from tasks.input_quality import Checked
from tasks.tally import Tally


def window_name(begun: datetime, ended: datetime, tally: Tally) -> str:
    """A window's name says what it saw."""
    told = [counted(tally.logs, "log"), f"{tally.anomalous:,} anomalous", counted(tally.incidents, "new incident")]
    if tally.rejected:
        told.append(f"{tally.rejected:,} rejected")
    return f"{begun:%H:%M} to {ended:%H:%M}: {', '.join(told)}"


def window_table(tally: Tally, *, whole_seconds: float, model: str, challenger: str = "") -> list[dict[str, object]]:
    """Counts and time per step, as rows; what the challenger saw where there is one."""
    counts = {
        "logs": tally.logs,
        "rejected": tally.rejected,
        "decided while the store was down": tally.unstored,
        "anomalous": tally.anomalous,
        "incidents": tally.incidents,
        "pages": tally.pages,
        "batches": tally.batches,
        "empty polls": tally.empty,
        "batches dropped": tally.dropped,
        "detector": model,
        **({"challenger, which decides nothing": challenger} if challenger else {}),
    }
    rows: list[dict[str, object]] = [{"what": name, "value": value, "share": ""} for name, value in counts.items()]
    rows += [
        {"what": f"{step} seconds", "value": round(seconds, 3), "share": f"{seconds / whole_seconds:.1%}"}
        for step, seconds in sorted(tally.seconds.items(), key=lambda found: -found[1])
    ]
    return rows


def quality_table(checked: Checked) -> list[dict[str, object]]:
    """What of a stretch of the input is not as expected, a row each."""
    return [{"at": f"{checked.at:%Y-%m-%d %H:%M:%S} UTC", "not as expected": told} for told in checked.failures]
