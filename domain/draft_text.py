"""The text of a drafted playbook: what people wrote stands in it as quotes, and as nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from domain.incidents import Incident
from domain.quoted import mask_quoted
from domain.resolution_notes import ResolutionNote
from domain.shown_texts import cut, printable

LONGEST_TITLE, LONGEST_QUOTE, MOST_QUOTES = 80, 400, 10
# What makes Markdown, HTML, a link or a placeholder of a text.
_MARKUP = re.compile(r"[\\`*_{}\[\]<>|#~!&$]|(?<=:)/(?=/)|(?<=www)\.", re.IGNORECASE)
_WORD = re.compile(r"\w(?:[\w./-]*\w)?")
REVIEW = "A draft: nobody has reviewed it."
NOBODY_KNOWS = "Nobody has written this down yet: who suffers, and how badly?"


def title_of(incident: Incident) -> str:
    """What an incident shows, in plain words."""
    shown = printable(mask_quoted(incident.template or f"{incident.metric} {incident.direction}"))
    words = cut(" ".join(_WORD.findall(shown)), LONGEST_TITLE)
    return f"{words[:1].upper()}{words[1:]}" or f"Draft of incident {incident.id}"


def body_of(
    title: str, incidents: Sequence[Incident], notes: Sequence[ResolutionNote], others: Sequence[ResolutionNote]
) -> str:
    """The sections that every playbook has; `others`: notes of incidents that something else helped."""
    sections = {
        "Meaning": [*_meaning(incidents), *_quoted("What caused it, as people wrote:", _causes(notes))],
        "Impact": [NOBODY_KNOWS],
        "Diagnosis": _diagnosis(incidents, notes),
        "Mitigation": _quoted("What helped, as people wrote:", _cures(notes)) or ["What was carried out helped."],
        "If it fails": [*_quoted("What helped at other times:", _cures(others)), "Call the owner."],
    }
    parts = [f"# {title}", *(f"## {heading}\n\n" + "\n\n".join(lines) for heading, lines in sections.items())]
    return "\n\n".join(parts) + "\n"


def _meaning(incidents: Sequence[Incident]) -> list[str]:
    numbers = ", ".join(str(one.id) for one in incidents)
    said = dict.fromkeys(one.template or f"{one.metric} {one.direction}" for one in incidents)
    return [REVIEW, f"Made of the resolved incidents {numbers}.", *_quoted("They showed:", said)]


def _diagnosis(incidents: Sequence[Incident], notes: Sequence[ResolutionNote]) -> list[str]:
    looks = ", ".join(f"`sre incident {one.id}`" for one in incidents[:3])
    origins = dict.fromkeys(note.origin for note in notes if note.origin)
    return [f"Compare it with {looks}.", *_quoted("The service at fault was:", origins)]


def _causes(notes: Iterable[ResolutionNote]) -> Iterator[str]:
    return (note.cause for note in notes if note.cause)


def _cures(notes: Iterable[ResolutionNote]) -> Iterator[str]:
    return (note.helped for note in notes if note.helped)


def _quoted(lead: str, texts: Iterable[str]) -> list[str]:
    """Texts as quotes below a line of ours, each once; nothing where there is none."""
    found = list(dict.fromkeys(map(quote, texts)))[:MOST_QUOTES]
    return [lead, *found] if found else []


def quote(text: str) -> str:
    """A text of somebody as one quoted line without secrets, in which nothing is a heading, a link or a placeholder."""
    plain = cut(mask_quoted(printable(text)), LONGEST_QUOTE)
    return "> " + _MARKUP.sub(r"\\\g<0>", plain)
