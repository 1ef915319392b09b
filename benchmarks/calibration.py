"""Is an alarm about a minute right as often as it says? A made-up fleet with known faults, over days.

JSON out: for each band of confidence how many alarms there were and what share of them was about a fault; the faults
found, and the alarms about nothing a day. With --plot a picture, too.
Example: python -m benchmarks.calibration --days 14 --plot docs/images/calibration.svg
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from benchmarks.fleet_of_minutes import DAY, Alarm, Fault, Fleet, alarms

EDGES = (0.7, 0.8, 0.9, 0.95, 0.99, 1.0001)
KINDS = ("silent", "failing", "slow", "fallback", "vanished")
SERVICES = 50
WIDTH, HEIGHT, MARGIN = 360, 320, 44


def faults(days: int, per_day: float) -> tuple[Fault, ...]:
    """So many faults a day from the second day on, of each kind in turn."""
    many = int((days - 1) * per_day)
    gap = (days - 1) * DAY // max(many, 1)
    return tuple(Fault(at * 7 % SERVICES, DAY + 31 + at * gap, KINDS[at % len(KINDS)]) for at in range(many))


def is_right(alarm: Alarm, known: Sequence[Fault]) -> bool:
    """Whether a fault of that service lasted then, or until a few minutes before."""
    minute, found = alarm
    return any(
        found.service == f"service-{fault.service:03d}" and 0 <= minute - fault.minute <= fault.length + 2
        for fault in known
    )


def bands(told: Sequence[tuple[float, bool]]) -> list[dict[str, float]]:
    """Alarms by how sure they say they are: how many, their mean confidence, and how many were right."""
    rows = []
    for low, high in pairwise(EDGES):
        here = [(sure, right) for sure, right in told if low <= sure < high]
        if here:
            mean, share = (sum(one[at] for one in here) / len(here) for at in (0, 1))
            rows.append({"from": low, "alarms": len(here), "says": round(mean, 3), "right": round(share, 3)})
    return rows


def measure(days: int, per_day: float, seed: int) -> dict[str, object]:
    """One run."""
    known = faults(days, per_day)
    seen = list(alarms(Fleet(SERVICES, seed=seed, faults=known, texts=True), days))
    told = [(found.confidence, is_right((minute, found), known)) for minute, found in seen]
    hit = [fault.kind for fault in known if any(is_right(one, [fault]) for one in seen)]
    wrong = sum(not right for _, right in told)
    return {
        "days": days,
        "services": SERVICES,
        "faults": len(known),
        "faults_found": len(hit),
        "found_by_kind": {kind: f"{hit.count(kind)} of {sum(one.kind == kind for one in known)}" for kind in KINDS},
        "wrong_alarms_a_day": round(wrong / days, 3),
        "bands": bands(told),
    }


def plot(rows: Sequence[dict[str, float]]) -> str:
    """The share that was right over what was said, as a picture; on the line both are the same."""

    def at(says: float, right: float) -> tuple[float, float]:
        return MARGIN + says * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN - right * (HEIGHT - 2 * MARGIN)

    (x0, y0), (x1, y1) = at(0, 0), at(1, 1)
    dots = [(*at(row["says"], row["right"]), row["alarms"]) for row in rows]
    circles = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="#0b6"/><text x="{x - 8:.1f}" y="{y - 8:.1f}" text-anchor="end">'
        f"{count} alarms</text>"
        for x, y, count in dots
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif"'
        f' font-size="11"><rect width="100%" height="100%" fill="#fff"/>'
        f'<rect x="{x0}" y="{y1}" width="{x1 - x0}" height="{y0 - y1}" fill="none" stroke="#999"/>'
        f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" stroke="#999" stroke-dasharray="4"/>{circles}'
        f'<text x="{(x0 + x1) / 2}" y="{HEIGHT - 12}" text-anchor="middle">confidence that was told (0 to 1)</text>'
        f'<text x="14" y="{(y0 + y1) / 2}" text-anchor="middle" transform="rotate(-90 14 {(y0 + y1) / 2})">'
        "share of alarms that were right</text></svg>\n"
    )


def main() -> None:
    """Print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--faults", type=float, default=3.0, help="a day")
    parser.add_argument("--seed", type=int, default=31)
    parser.add_argument("--plot", type=Path, help="write the reliability plot there")
    given = parser.parse_args()
    found = measure(given.days, given.faults, given.seed)
    if given.plot:
        rows = found["bands"]
        given.plot.write_text(plot(rows if isinstance(rows, list) else []), encoding="utf-8")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
