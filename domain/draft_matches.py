"""What a drafted playbook is for, made of what its incidents said: patterns, samples and near misses.

Texts of logs are strangers': they become patterns letter by letter, and match nothing but their own kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from domain.incidents import Incident, Kind
from domain.logs import Level
from domain.patterns import matched, pattern_flaw
from domain.playbook_flaws import FEWEST_SAMPLES
from domain.playbooks import LogSample, Matches, MetricMatch
from domain.quoted import MASK, mask_quoted
from domain.shown_texts import printable, visible
from domain.templates import MASK as VARIES
from domain.templates import template

FEWEST_LETTERS = 8  # a text with fewer is no kind of incident
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")
_GLOB = re.compile(r"[*?\[]")
_GAP = re.compile(rf"{re.escape(VARIES)}|{re.escape(MASK)}")
_OTHER = {"high": "low", "low": "high"}
# Logs that nothing is wrong with.
_HARMLESS = ("health check passed", "worker 3 started", "request answered in 12 ms")


def pattern_of(text: str) -> str:
    """An RE2 pattern for a template as a whole: what varies, is masked or cannot be printed is left open."""
    parts = ("".join(map(_letter, part)) for part in _GAP.split(mask_quoted(text)))
    return f"^{'.+'.join(parts)}$"


def _letter(letter: str) -> str:
    if not letter.isprintable():
        return "."
    return _SPECIAL.sub(r"\\\g<0>", letter)


def glob_of(name: str) -> str:
    """A glob for that name; what cannot be printed is left open."""
    return "".join(_GLOB.sub(r"[\g<0>]", letter) if letter.isprintable() else "?" for letter in name)


def too_little(incident: Incident) -> str:
    """Why nothing can be matched by what an incident shows, in words; empty where it can."""
    if incident.kind is Kind.METRIC:
        return ""
    if incident.kind is not Kind.LOG:
        return f"incident {incident.id} is no text and no metric of logs, and a playbook matches nothing else"
    letters = sum(letter.isalnum() for letter in _GAP.sub("", mask_quoted(incident.template)))
    flaw = pattern_flaw(pattern_of(incident.template))
    if letters < FEWEST_LETTERS or flaw:
        return f"what incident {incident.id} says is too short to tell it from others: {printable(incident.template)}"
    return ""


def matches_of(incidents: Sequence[Incident]) -> Matches:
    """What matches incidents of one kind."""
    services = tuple(sorted({glob_of(one.service) for one in incidents}))
    if incidents[0].kind is Kind.METRIC:
        metrics = {(glob_of(one.metric), one.direction) for one in incidents}
        return Matches((), tuple(MetricMatch(*one) for one in sorted(metrics)), services)
    return Matches(tuple(sorted({pattern_of(one.template) for one in incidents})), (), services)


def samples_of(incidents: Iterable[Incident]) -> tuple[LogSample, ...]:
    """A log of each incident."""
    return tuple(map(_sample, incidents))


def _sample(incident: Incident) -> LogSample:
    level = Level.ERROR if incident.level >= Level.ERROR else Level.WARN
    message = "" if incident.kind is Kind.METRIC else _message(incident)
    return LogSample(message, level, visible(incident.metric), incident.direction, visible(incident.service))


def _message(incident: Incident) -> str:
    """What one of its logs said, masked; its template where none that is kept has it whole."""
    pattern = pattern_of(incident.template)
    own = (kept.message for kept in incident.evidence if kept.service in ("", incident.service))
    said = (printable(mask_quoted(message)) for message in own)
    return next((text for text in said if matched(pattern, template(text)) is not None), _shown(incident.template))


def _shown(text: str) -> str:
    return printable(mask_quoted(text))


def near_misses_of(incident: Incident) -> tuple[LogSample, ...]:
    """Logs that are almost of this kind, and some that nothing is wrong with."""
    return tuple(islice(_near(incident), FEWEST_SAMPLES + 1))


def _near(incident: Incident) -> Iterator[LogSample]:
    service = visible(incident.service)
    if incident.kind is Kind.METRIC:
        other = _OTHER.get(incident.direction, "low")
        yield LogSample(metric=visible(incident.metric), direction=other, service=service)
    else:
        words = _shown(incident.template).split()
        yield LogSample(_shown(incident.template), Level.INFO, service=service)
        if half := " ".join(words[: len(words) // 2]):
            yield LogSample(half, service=service)
    yield from (LogSample(text, Level.INFO, service=service) for text in _HARMLESS)
