"""Every claim of a model is held against what it cites; what does not hold is struck out before a person sees it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.analysis import Claim, Hypothesis, Struck, StruckWhy
from domain.exhibits import Exhibit, LogExhibit, MetricExhibit
from domain.model_answer import CiteSaid, ClaimSaid, HypothesisSaid

TOLERANCE = 0.05  # of a metric's value, and of a number that a claim names
# A cause may be seen a little after what it caused.
SLACK = timedelta(seconds=60)
SHORTEST_QUOTE = 3  # characters
SHORTEST_WORD = 4
FEWEST_WORDS = 0.2  # of a sentence, that what it cites says too: whoever explains says more than what is there
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,:]\d+)*(?![\w])")
_ANY_WORD = re.compile(r"\w+")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]+")
_COMMON = frozenset({"that", "this", "with", "from", "have", "been", "were", "then", "when", "will", "into", "while"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*[A-Za-z0-9]")
# Links, markup, commands: an explanation needs none of them.
_NO_SENTENCE = re.compile(
    r"https?://|www\.|[<>`{}$|\\]|\*\*|\]\(|(?i:\b(?:sudo|curl|wget|chmod|kubectl|systemctl|rm -|drop table|exec)\b)"
)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a claim may rest on."""

    exhibits: Mapping[str, Exhibit | None]  # by name, read again now; None: it could not be
    services: frozenset[str]  # that the incident touches, or that moved with it
    known: frozenset[str]  # every service whose name may stand in a text
    numbers: tuple[float, ...] = ()  # of the incident itself: its logs, its services


@dataclass(frozen=True, slots=True)
class Checked:
    """A claim that holds, or why it does not."""

    claim: Claim | None
    struck: Struck | None = None


def check(said: ClaimSaid, proof: Proof, part: str) -> Checked:
    """The claim, if everything it cites is there and says what it says is said."""
    for why, detail in _flaws(said, proof):
        return Checked(None, Struck(part, why, detail[:80]))
    cited = _cited(said.cites, proof)
    return Checked(Claim(_in_quotes(said.text, cited), said.service, min(one.at for one in cited), tuple(cited)))


def check_all(said: Iterable[ClaimSaid], proof: Proof, part: str) -> tuple[list[Claim], list[Struck]]:
    """Those that hold, in order of time, and what was struck out."""
    checked = [check(one, proof, part) for one in said]
    kept = sorted((one.claim for one in checked if one.claim), key=lambda claim: claim.at)
    return kept, [one.struck for one in checked if one.struck]


def check_hypothesis(said: HypothesisSaid, proof: Proof) -> tuple[Hypothesis | None, Struck | None]:
    """The hypothesis, if what speaks for it and what speaks against it is there."""
    as_claim = ClaimSaid(text=said.text, service=said.service, cites=[*said.cites_for, *said.cites_against])
    found = check(as_claim, proof, "hypothesis")
    if found.claim is None:
        return None, found.struck
    sides = (tuple(_cited(cites, proof)) for cites in (said.cites_for, said.cites_against))
    return Hypothesis(found.claim.text, said.service, *sides), None


def late(cause: Claim, effects: Sequence[Claim], onset: datetime) -> Struck | None:
    """Struck out where a cause is seen only after everything that it would explain."""
    others = [claim.at for claim in effects if claim.service != cause.service]
    first = min([onset, *others])
    if cause.at > first + SLACK and others:
        return Struck("root cause", StruckWhy.ORDER, f"{cause.at:%H:%M:%S} after {first:%H:%M:%S}")
    return None


# --- what can be wrong, in this order -----------------------------------------------------------------

Flaw = tuple[StruckWhy, str]


def _flaws(said: ClaimSaid, proof: Proof) -> Iterator[Flaw]:
    for find in FLAWS:
        yield from find(said, proof)


def _shape(said: ClaimSaid, _proof: Proof) -> Iterator[Flaw]:
    if not said.text.strip():
        yield StruckWhy.EMPTY, ""
    if found := _NO_SENTENCE.search(said.text):
        yield StruckWhy.SHAPE, found[0]


def _cites(said: ClaimSaid, proof: Proof) -> Iterator[Flaw]:
    if not said.cites:
        yield StruckWhy.NO_CITE, ""
    for cite in said.cites:
        if cite.exhibit not in proof.exhibits:
            yield StruckWhy.UNKNOWN, cite.exhibit
        elif proof.exhibits[cite.exhibit] is None:
            yield StruckWhy.GONE, cite.exhibit


def _words_stand_there(said: ClaimSaid, proof: Proof) -> Iterator[Flaw]:
    for cite in said.cites:
        shown = proof.exhibits[cite.exhibit]
        if isinstance(shown, LogExhibit) and not _quotes(cite.quote, shown.text):
            yield StruckWhy.NOT_QUOTED, cite.exhibit
        if isinstance(shown, MetricExhibit) and not _says(cite, shown):
            yield StruckWhy.VALUE, cite.exhibit


def _entity(said: ClaimSaid, proof: Proof) -> Iterator[Flaw]:
    about = {said.service} if said.service else set()
    if foreign := about - proof.services:
        yield StruckWhy.ENTITY, min(foreign)
    cited = {one.service for one in _cited(said.cites, proof)}
    named = {name for name in _names(said.text) if name in proof.known}
    # What one service's log says of another one is a claim about both.
    told = {name for one in _cited(said.cites, proof) for name in _names(_text_of(one))}
    for name in sorted((named | about) - cited - told):
        yield StruckWhy.FOREIGN, name


def _numbers(said: ClaimSaid, proof: Proof) -> Iterator[Flaw]:
    cited = _cited(said.cites, proof)
    text = said.text
    for name in sorted({*proof.known, *(one.service for one in cited)}, key=len, reverse=True):
        text = text.replace(name, " ")
    there = [*proof.numbers, *(value for one in cited for value in _values(one))]
    clocks = {f"{moment:{form}}" for one in cited for moment in _moments(one) for form in ("%H:%M", "%H:%M:%S")}
    for found in _NUMBER.findall(text):
        if found not in clocks and not _is_there(found, there):
            yield StruckWhy.NUMBER, found


def _about_it(said: ClaimSaid, proof: Proof) -> Iterator[Flaw]:
    """Some of the words of the sentence stand in what it cites, or name it."""
    cited = _cited(said.cites, proof)
    there = {word for one in cited for word in _words(f"{_text_of(one)} {one.service}")}
    told = _words(said.text) or {_stem(word) for word in _WORD.findall(said.text)}
    stands = sum(any(word.startswith(one) or one.startswith(word) for one in there) for word in told)
    if not stands or stands < FEWEST_WORDS * len(told):
        yield StruckWhy.WORDS, ""


# The first that finds something is the reason.
FLAWS: tuple[Callable[[ClaimSaid, Proof], Iterator[Flaw]], ...] = (
    _shape,
    _cites,
    _words_stand_there,
    _entity,
    _numbers,
    _about_it,
)


def _in_quotes(text: str, cited: Iterable[Exhibit]) -> str:
    """What only repeats a log, as what that log says: a stranger's words must not look like ours."""
    bare = _bare(text)
    whose = (one.service for one in cited if isinstance(one, LogExhibit) and bare.strip() and bare in _bare(one.text))
    service = next(whose, "")
    return f"{service} says: “{' '.join(text.split())}”" if service else text


def _bare(text: str) -> str:
    """Its words alone: signs, and what steers a terminal, do not make a repeated log a sentence of ours."""
    return f" {' '.join(_ANY_WORD.findall(text))} "


def _cited(cites: Iterable[CiteSaid], proof: Proof) -> list[Exhibit]:
    found = (proof.exhibits.get(cite.exhibit) for cite in cites)
    return [one for one in found if one is not None]


def _quotes(quote: str, text: str) -> bool:
    """Whether the words stand there as they are quoted; spaces and quotation marks around them do not matter."""
    wanted, there = (" ".join(part.split()) for part in (quote.strip().strip("\"'“”…").rstrip("."), text))
    return len(wanted) >= min(SHORTEST_QUOTE, len(there)) and wanted in there


def _says(cite: CiteSaid, shown: MetricExhibit) -> bool:
    return cite.value is not None and any(
        _near(cite.value, value) for value in (shown.value, shown.before) if value is not None
    )


def _near(one: float, other: float) -> bool:
    both = math.isfinite(one) and math.isfinite(other)  # everything is near to what is endless
    return both and abs(one - other) <= max(TOLERANCE * max(abs(one), abs(other)), 1e-9)


def _values(exhibit: Exhibit) -> Iterator[float]:
    """Numbers that stand in what is cited, and by how much a metric moved."""
    if isinstance(exhibit, LogExhibit):
        yield from (_as_number(found) for found in _NUMBER.findall(exhibit.text))
        return
    yield exhibit.value
    yield 100 * exhibit.value  # a share, told in percent
    if exhibit.before is not None:
        yield exhibit.before
        yield 100 * exhibit.before
        yield abs(exhibit.value - exhibit.before)
        if exhibit.before:
            yield exhibit.value / exhibit.before


def _moments(exhibit: Exhibit) -> tuple[datetime, ...]:
    return (exhibit.at,) if isinstance(exhibit, LogExhibit) else (exhibit.since, exhibit.until)


def _is_there(found: str, there: Iterable[float]) -> bool:
    value = _as_number(found)
    return any(_near(value, one) or found == f"{one:.0f}" for one in there)


def _as_number(text: str) -> float:
    try:
        return float(text.replace(",", "").replace(":", ""))
    except ValueError:
        return float(text.replace(",", "").replace(":", "").replace(".", "", text.count(".") - 1))


def _text_of(exhibit: Exhibit) -> str:
    return exhibit.text if isinstance(exhibit, LogExhibit) else exhibit.metric.replace("_", " ") + " " + exhibit.metric


def _names(text: str) -> set[str]:
    return set(_NAME.findall(text))


def _words(text: str) -> set[str]:
    """The stems of its words, without those that stand in every text."""
    return {_stem(word) for word in _WORD.findall(text) if len(word) >= SHORTEST_WORD and word.lower() not in _COMMON}


def _stem(word: str) -> str:
    """A word without what it ends with: enough to meet its like."""
    return word.lower()[: max(SHORTEST_WORD, len(word) - 3)]
