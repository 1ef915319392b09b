"""The text of a playbook: the same headings in every file, so that people find their way at night."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

HEADINGS = ("Meaning", "Impact", "Diagnosis", "Mitigation", "If it fails")

_CODE = ("```", "~~~")


@dataclass(slots=True)
class _Section:
    """A heading of the first or second level and whether text follows it."""

    heading: str  # with its #; empty for what stands before the first heading
    line: int  # from 0
    filled: bool = False


def body_faults(body: str, title: str) -> list[tuple[int, str]]:
    """What is wrong, with the line from 0; the title of the text is not compared where `title` is empty."""
    before, *sections = _sections(body)
    found = [(before.line, "text before the first heading")] if before.filled else []
    found += _title_faults(sections, title)
    wanted = [f"## {name}" for name in HEADINGS]
    seconds = [section for section in sections if section.heading.startswith("## ")]
    names = [section.heading for section in seconds]
    found += [(len(body.split("\n")) - 1, f"heading {name!r} is missing") for name in wanted if name not in names]
    found += [(section.line, text) for section in seconds if (text := _fault(section, wanted))]
    found += [
        (seconds[at].line, f"{name!r} stands here a second time") for at, name in enumerate(names) if name in names[:at]
    ]
    in_order = sorted((name for name in names if name in wanted), key=wanted.index)
    for section, name in zip((section for section in seconds if section.heading in wanted), in_order, strict=True):
        if section.heading != name:
            return [*found, (section.line, f"{section.heading!r} stands where {name!r} belongs")]
    return found


def _fault(section: _Section, wanted: list[str]) -> str:
    if section.heading not in wanted:
        return f"unknown heading {section.heading!r}; the headings are {', '.join(HEADINGS)}"
    return "" if section.filled else f"nothing stands below {section.heading!r}"


def _title_faults(sections: list[_Section], title: str) -> Iterator[tuple[int, str]]:
    firsts = [section for section in sections if section.heading.startswith("# ")]
    if not sections or sections[0] not in firsts:
        yield 0, f"must begin with the heading '# {title or 'title'}'"
    elif title and firsts[0].heading != f"# {title}":
        yield firsts[0].line, f"heading {firsts[0].heading!r} is not the title, {title!r}"
    for section in firsts[1:]:
        yield section.line, f"{section.heading!r}: a playbook has one title"


def _sections(body: str) -> list[_Section]:
    """What stands before the first heading, then every heading of the first two levels."""
    sections = [_Section("", 0)]
    code = ""
    for number, line in enumerate(body.split("\n")):
        text = line.strip()
        if not code and text.startswith(("# ", "## ")):
            sections.append(_Section(text, number))
            continue
        if text.startswith(_CODE) and (not code or text.startswith(code)):
            code = "" if code else text[:3]
        sections[-1].filled |= bool(text)
    return sections
