"""Two small pictures of a judgement, as SVG: nothing has to be imported or rendered for them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, MARGIN = 640, 200, 30
MICROSECONDS_PER_MINUTE = 60_000_000
MOST_BARS = 120
USUAL, OF_INCIDENT = "#4878a8", "#c04838"


def histogram(counts: NDArray[np.int64], threshold: float) -> str:
    """How sure the model is that logs are abnormal.

    `counts`: shape (2, n_bins), logs of usual times and of incidents by confidence from 0 to 1; drawn as
    logarithms, since nearly all of them are normal.
    """
    heights = np.log10(1 + counts.astype(float))
    bars = [*_bars(heights[0], heights.max(), USUAL), *_bars(heights[1], heights.max(), OF_INCIDENT, half=True)]
    at = MARGIN + threshold * (WIDTH - 2 * MARGIN)
    line = (
        f'<line x1="{at:.1f}" y1="{MARGIN}" x2="{at:.1f}" y2="{HEIGHT - MARGIN}" stroke="#000" stroke-dasharray="4"/>'
    )
    title = f"Confidence of logs, 0 to 1; the line is the threshold {threshold:g}. Blue: usual times, red: incidents."
    return _picture([*bars, line], title)


def timeline(usual: Sequence[int], of_incidents: Sequence[int]) -> str:
    """When logs were flagged. Both: times in microseconds since 1970, of usual times and of incidents."""
    everything = [*usual, *of_incidents]
    if not everything:
        return _picture([], "No log was flagged.")
    begin, end = min(everything), max(everything)
    bins = int(min(MOST_BARS, max(1, (end - begin) // MICROSECONDS_PER_MINUTE + 1)))
    heights = [
        np.histogram(times, bins=bins, range=(begin, end + 1))[0].astype(float) for times in (usual, of_incidents)
    ]
    most = max(one.max() for one in heights)
    bars = [*_bars(heights[0], most, USUAL), *_bars(heights[1], most, OF_INCIDENT, half=True)]
    minutes = (end - begin) / MICROSECONDS_PER_MINUTE
    return _picture(
        bars, f"Flagged logs over {minutes:.0f} minutes, {most:.0f} at most. Blue: usual times, red: incidents."
    )


def _bars(heights: NDArray[np.float64], most: float, colour: str, *, half: bool = False) -> list[str]:
    step = (WIDTH - 2 * MARGIN) / len(heights)
    wide = step / 2
    room = HEIGHT - 2 * MARGIN
    return [
        f'<rect x="{MARGIN + at * step + half * wide:.1f}" y="{HEIGHT - MARGIN - room * height / most:.1f}" '
        f'width="{wide:.1f}" height="{room * height / most:.1f}" fill="{colour}"/>'
        for at, height in enumerate(heights.tolist())
        if height
    ]


def _picture(parts: Sequence[str], title: str) -> str:
    body = "".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>{body}'
        f'<line x1="{MARGIN}" y1="{HEIGHT - MARGIN}" x2="{WIDTH - MARGIN}" y2="{HEIGHT - MARGIN}" stroke="#000"/>'
        f'<text x="{MARGIN}" y="{MARGIN - 12}" font-size="11">{escape(title)}</text></svg>\n'
    )
