"""Plots as SVG: every point is inside, gaps stay gaps, and no text is markup."""

from __future__ import annotations

import re
from datetime import timedelta
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from console.http.plots import HEIGHT, WIDTH, Plot, drawing
from tests.parts.logs_part import NOON

MINUTE = timedelta(minutes=1)
values = st.floats(-1e12, 1e12, allow_nan=False)


def a_plot(*held: float, **changes: object) -> Plot:
    points = tuple((NOON + at * MINUTE, value) for at, value in enumerate(held))
    return Plot(**({"service": "web", "what": "latency_ms", "points": points} | changes))  # type: ignore[arg-type]


@given(st.lists(values, min_size=1, max_size=50), st.none() | values, st.floats(0, 1e12))
def test_everything_lies_inside_the_picture(held: list[float], normal: float | None, spread: float) -> None:
    drawn = drawing(a_plot(*held, normal=normal, spread=spread, marks=frozenset({NOON})), "p")
    root = ET.fromstring(drawn)  # noqa: S314 - it is ours
    assert root.tag == "svg"
    for corners in re.findall(r'd="([^"]+)"', drawn):
        for x, y in re.findall(r"(-?[\d.]+(?:e[+-]?\d+)?) (-?[\d.]+(?:e[+-]?\d+)?)", corners):
            assert 0 <= float(x) <= WIDTH
            assert -0.1 <= float(y) <= HEIGHT
    assert drawn.count('class="mark"') == 1


@given(st.text(), st.text())
def test_names_are_text_whatever_they_say(service: str, what: str) -> None:
    drawn = drawing(a_plot(1.0, 2.0, service=service, what=what), "p")
    printable = all(one.isprintable() for one in service + what)
    if printable:
        (title,) = [one.text for one in ET.fromstring(drawn) if one.tag == "title"]  # noqa: S314 - it is ours
        assert f"{service}: {what}" == title


def test_minutes_that_are_not_known_are_a_gap() -> None:
    plot = a_plot(1.0, 2.0, 3.0, 4.0, 5.0)
    gap = Plot("web", "x", (*plot.points[:2], plot.points[3]))
    assert (1, 0) == (drawing(plot, "p").count('class="line"'), drawing(plot, "p").count('class="dot"'))
    assert (1, 1) == (drawing(gap, "p").count('class="line"'), drawing(gap, "p").count('class="dot"'))


def test_what_is_seen_is_said_in_words() -> None:
    told = a_plot(20.0, 250.0, normal=20.0, spread=3.0, marks=frozenset({NOON + MINUTE})).told
    assert "12:00 to 12:01 UTC: between 20 ms and 250 ms; normally 20 ms ± 3 ms; 1 minute not as usual" == told


def test_without_a_point_there_is_no_picture() -> None:
    assert ("", "no minute of that time is kept") == (drawing(a_plot(), "p"), a_plot().told)
