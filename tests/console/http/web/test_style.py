"""Every pair of colours that the style declares can be read: WCAG 2.2's contrast, AA, in light and in dark."""

from __future__ import annotations

import re

import pytest

from console.http.web.render import ASSETS

CSS = re.sub(r"/\*.*?\*/", "", ASSETS["console.css"].decode(), flags=re.DOTALL)
DARK = CSS[CSS.index("@media (prefers-color-scheme: dark)") :]
DARK = DARK[: DARK.index("}\n}") + 2]
LIGHT = CSS[: CSS.index("@media (prefers-color-scheme: dark)")]
TEXT, GRAPHIC = 4.5, 3.0
# On which grounds text stands that has no ground of its own.
GROUNDS = ("page", "card")


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{6})", block))


def luminance(colour: str) -> float:
    """Relative luminance of sRGB, 0 black … 1 white: WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def rules() -> list[tuple[str, dict[str, str]]]:
    """Each rule's selector, and which named colours it gives to what."""
    found = re.findall(r"([^{}]+)\{([^{}]*)\}", CSS)
    named = [(selector.strip(), dict(re.findall(r"([a-z-]+):\s*var\(--([a-z-]+)\)", body))) for selector, body in found]
    return [(selector, given) for selector, given in named if given]


def pairs() -> list[tuple[str, str, str]]:
    """(selector, colour of the text, ground) of every text."""
    found = []
    for selector, given in rules():
        if "color" in given:
            grounds = [given["background"]] if "background" in given else GROUNDS
            found += [(selector, given["color"], ground) for ground in grounds]
    return found


SCHEMES = [pytest.param(colours(LIGHT), id="light"), pytest.param(colours(LIGHT) | colours(DARK), id="dark")]


def test_the_measure_is_that_of_the_standard() -> None:
    assert 21.0 == pytest.approx(contrast("#000000", "#ffffff"))
    assert 4.54 == pytest.approx(contrast("#767676", "#ffffff"), abs=0.005)


@pytest.mark.parametrize("named", SCHEMES)
def test_text_stands_out(named: dict[str, str]) -> None:
    assert len(pairs()) > 30
    weak = {
        (selector, text, ground): round(contrast(named[text], named[ground]), 2)
        for selector, text, ground in pairs()
        if contrast(named[text], named[ground]) < TEXT
    }
    assert {} == weak


@pytest.mark.parametrize("named", SCHEMES)
@pytest.mark.parametrize("part", ["line", "mark", "accent", "soft"])
def test_lines_marks_and_edges_of_fields_stand_out(named: dict[str, str], part: str) -> None:
    for ground in GROUNDS:
        assert contrast(named[part], named[ground]) >= GRAPHIC


@pytest.mark.parametrize("named", SCHEMES)
def test_a_line_is_seen_on_what_is_usual_too(named: dict[str, str]) -> None:
    assert contrast(named["line"], named["usual"]) >= GRAPHIC
    assert contrast(named["mark"], named["usual"]) >= GRAPHIC


def test_both_schemes_name_the_same_colours() -> None:
    assert set(colours(DARK)) == set(colours(LIGHT))


def test_no_colour_stands_outside_the_names() -> None:
    body = CSS[CSS.index("* { box-sizing") :]
    assert [] == re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", body)
